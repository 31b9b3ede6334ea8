// Package xml is FHIR's XML format (xml.html), in both directions: Decode makes the JSON document that everything else works on,
// Encode writes one as XML. Nothing is lost on the way: number text, ids and extensions of primitives, contained resources and
// XHTML stay; comments, processing instructions and white space between elements go. Members come out in the order of the
// definitions, since XML has no other.
//
// It refuses what has no place in the format: unknown elements and attributes, a wrong order, text outside the narrative. Whether
// values, cardinalities and narratives are right is fhir/validation's business.
package xml

// The namespaces of FHIR's elements and of the narrative's.
const (
	Namespace      = "http://hl7.org/fhir"
	XHTMLNamespace = "http://www.w3.org/1999/xhtml"
)
