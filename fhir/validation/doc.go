// Package validation says whether a resource is what R4 says it is. Structure is the check that every write passes: known
// elements of the right type and number, primitives of the right form, codes of required bindings, safe narrative, and
// references that can point where they point.
//
// It follows the R4 chapters on the JSON format (json.html), data types (datatypes.html), narrative (narrative.html), references
// (references.html) and required bindings (terminologies.html#required). It reads one resource and nothing else: whether the
// target of a reference exists is for the store to say.
package validation
