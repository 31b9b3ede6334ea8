// Package fhirtest gives tests the official examples of R4 and HL7's test cases. A test that asks for what is not there is skipped
// with a notice.
package fhirtest
