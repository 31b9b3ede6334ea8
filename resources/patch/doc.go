// Package patch changes resources by the three kinds of patch that R4 knows (http.html#patch): JSON Patch (RFC 6902), XML Patch
// (RFC 5261) and FHIRPath Patch (fhirpatch.html). A patch is read once and applied to as many resources as wanted; what it does
// not touch stays as it is, byte for byte where the patch is one of JSON or FHIRPath.
//
// The rules that hold for all three are here too: the identity and version of a resource cannot be patched, and no narrative is
// left that may no longer be true. Whether the result is right by R4 is fhir/validation's business, who may patch what is the
// Service's.
package patch
