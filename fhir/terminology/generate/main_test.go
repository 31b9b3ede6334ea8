package main

import (
	"bytes"
	"os"
	"testing"
)

// The committed file is what the generator makes of the official package.
func TestGenerateGivesTheCommittedFile(t *testing.T) {
	const tgz = "../../../.cache/hl7.fhir.r4.examples-4.0.1.tgz"
	if _, err := os.Stat(tgz); err != nil {
		t.Skipf("the official package is not here: %v (make fetches it)", err)
	}
	got, err := generate(tgz)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("../r4.tsv.zst")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%d bytes generated, %d committed, and they differ: run go generate ./fhir/terminology", len(got), len(want))
	}
}
