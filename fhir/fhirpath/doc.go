// Package fhirpath evaluates FHIRPath (the N1 release, with R4's additions: fhirpath.html) on resources: an expression is
// compiled once and evaluated over the immutable tree, without building anything from it.
//
// It knows types from fhir/definitions, and no search, no storage and no HTTP: what resolve() finds beyond the resource itself is
// told to it.
package fhirpath
