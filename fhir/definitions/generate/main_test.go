package main

import (
	"testing"

	"fhirside/fhir/fhirtest"
)

// The definitions are part of every binary.
func TestGenerated(t *testing.T) {
	content := fhirtest.Generated(t, "fhir/definitions/r4.json.zst", generate)
	if limit := 400 << 10; len(content) > limit {
		t.Errorf("%d bytes, limit %d", len(content), limit)
	}
}
