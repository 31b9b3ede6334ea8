// Package fhir holds what every other package speaks: resources as immutable JSON documents, the pieces of the R4 data
// types that have a meaning of their own (decimals, partial dates, references), and errors as OperationOutcome issues.
//
// It follows the R4 chapters on the JSON format (json.html), data types (datatypes.html), references (references.html) and
// OperationOutcome. It knows neither element definitions (see fhir/definitions) nor HTTP nor storage.
package fhir
