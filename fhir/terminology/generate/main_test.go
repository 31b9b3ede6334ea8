package main

import (
	"testing"

	"fhirside/fhir/fhirtest"
)

func TestGenerated(t *testing.T) {
	fhirtest.Generated(t, "fhir/terminology/r4.tsv.zst", generate)
}
