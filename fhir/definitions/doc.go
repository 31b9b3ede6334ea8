// Package definitions is R4 (4.0.1) as data: resource and data types with their elements, search parameters, compartments and
// the codes of required bindings. It is generated from the official package hl7.fhir.r4.examples into one compact file that is
// embedded in the binary.
//
// It follows the R4 chapters on StructureDefinition, SearchParameter (searchparameter-registry.html) and
// CompartmentDefinition. It only looks up; what the definitions demand of a resource is fhir/validation's business.
package definitions
