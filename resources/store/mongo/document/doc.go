// Package document turns the canonical JSON of a resource into the BSON document that MongoDB keeps, and back into the same
// bytes: members keep their order and numbers their text. It goes from bytes to bytes, without maps.
//
// It follows the R4 chapter on the JSON format (json.html), which makes the text of a decimal part of its meaning, and the BSON
// specification 1.1. It knows no element definitions: any JSON object that fhir.Parse accepts makes the round trip.
//
// # Numbers
//
// Queries need numbers to be numbers; FHIR needs their text. An integer that fits is an int32 or int64. Everything else is a
// Decimal128, which keeps digits and exponent apart, so that 1.00 stays 1.00. The few texts that an exact Decimal128 does not
// give back (1e2, 1E-7, more than 34 digits, exponents beyond 6144) are kept beside the document as a Number, by path; the
// document then holds the nearest Decimal128. When somebody changes such a number in the database, its text no longer stands
// for the value and is ignored.
package document
