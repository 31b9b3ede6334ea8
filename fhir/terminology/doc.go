// Package terminology answers what a value set contains and which codes lie below or above a code: over R4's own code systems and
// value sets, which are embedded in the binary, and over those of a server.
//
// It follows the R4 chapters CodeSystem and ValueSet (valueset.html#compositions). Code systems that neither R4 nor the server
// holds (SNOMED CT, LOINC) are known by name only: all of their codes can be meant, and listed codes, but no hierarchy. It does
// not translate, and knows no displays.
package terminology
