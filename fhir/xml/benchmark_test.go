package xml

import (
	"testing"

	"fhirside/fhir"
)

// clinicalExamples are some resources as a clinic has them.
func clinicalExamples(b *testing.B) (list []*fhir.Resource) {
	wanted := map[string]bool{
		"Patient-example.json": true, "Observation-blood-pressure.json": true, "Observation-f001.json": true, "Encounter-example.json": true,
		"MedicationRequest-medrx0301.json": true, "DiagnosticReport-lipids.json": true, "Bundle-bundle-example.json": true,
	}
	for name, data := range officialFiles(b) {
		if !wanted[name] {
			continue
		}
		r, err := fhir.Parse(data)
		if err != nil {
			b.Fatal(err)
		}
		list = append(list, r)
	}
	return list
}

func BenchmarkEncode(b *testing.B) {
	list, size := clinicalExamples(b), 0
	for _, r := range list {
		size += len(r.Bytes())
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		for _, r := range list {
			if _, err := Encode(r, false); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	var texts [][]byte
	size := 0
	for _, r := range clinicalExamples(b) {
		text, err := Encode(r, false)
		if err != nil {
			b.Fatal(err)
		}
		texts = append(texts, text)
		size += len(text)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		for _, text := range texts {
			if _, err := Decode(text); err != nil {
				b.Fatal(err)
			}
		}
	}
}
