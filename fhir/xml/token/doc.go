// Package token reads XML as FHIR exchanges it (xml.html): UTF-8, one root element, no document type and so no entities but
// XML's own five. It reads with encoding/xml and adds what that leaves out: matching tags, namespaces, attributes that occur
// once and are normalised (XML 1.0, chapter 3.3.3), and the place of every token.
//
// It knows nothing of FHIR's elements: fhir/xml does, and resources/patch, which reads XML Patch with it.
package token
