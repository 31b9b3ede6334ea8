package validation

import (
	"testing"

	"fhirside/fhir"
)

// officialResource is one of the official examples.
func officialResource(t testing.TB, file string) *fhir.Resource {
	for name, data := range officialFiles(t) {
		if name == file {
			r, err := fhir.Parse(data)
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
	}
	t.Fatalf("%s is not in the package", file)
	return nil
}

func BenchmarkStructure(b *testing.B) {
	r := officialResource(b, "Observation-example.json")
	b.ReportAllocs()
	b.SetBytes(int64(len(r.Bytes())))
	for b.Loop() {
		if issues := Structure(r); issues != nil {
			b.Fatal(issues)
		}
	}
}

func BenchmarkTables(b *testing.B) {
	for b.Loop() {
		makeTables()
	}
}

func TestNoFaultsCostNoMemory(t *testing.T) {
	r := officialResource(t, "Observation-example.json")
	if n := testing.AllocsPerRun(200, func() { Structure(r) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
