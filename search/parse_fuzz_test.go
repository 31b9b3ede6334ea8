package search_test

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"fhirside/fhir"
	"fhirside/search"
)

// FuzzParse: whatever is sent, the parser does not panic, refuses with an error for the client, and what it says it applied is
// the same query again.
func FuzzParse(f *testing.F) {
	refusals, err := os.ReadFile("testdata/refusals.txt")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(refusals)) {
		if resourceType, query, ok := strings.Cut(line, "?"); ok && line[0] != '\t' && line[0] != '#' {
			f.Add(resourceType, strings.TrimSuffix(query, "\n"), false)
		}
	}
	for _, query := range []string{
		`code=a\,b,http://loinc.org|8480-6,|c,d|&subject:Patient.name:exact=x&_sort=-date,_id&_count=5000`,
		"value-quantity=gt5.4|http://unitsofmeasure.org|mg,ap1e2&date=ge2020-01-01T10:00 01:00&_include:iterate=*",
		"_has:Provenance:target:agent.identifier=a|b&subject.organization._id:not=1&code-value-quantity=a$lt5&foo=1&_total=none",
		"combo-code-value-concept=a|b$c,d$e|f&performer=http://own.example/fhir/Practitioner/1/_history/2&_elements=code,value[x]",
	} {
		f.Add("Observation", query, true)
	}
	f.Fuzz(func(t *testing.T, resourceType, query string, lenient bool) {
		opt := options
		opt.Lenient, opt.DefaultCount, opt.MaxCount = lenient, 10, 1000
		q, err := search.Parse(search.R4(), resourceType, params(query), opt)
		if err != nil {
			if reason := reasonOf(err); reason != fhir.Invalid && reason != fhir.NotFound {
				t.Fatalf("%s?%s: %#v", resourceType, query, err)
			}
			return
		}
		again, err := search.Parse(search.R4(), resourceType, q.Applied, opt)
		if err != nil {
			t.Fatalf("%s?%s: what was applied (%q) is refused: %v", resourceType, query, q.Applied, err)
		}
		q.Ignored = nil
		if !reflect.DeepEqual(q, again) {
			t.Fatalf("%s?%s: what was applied is another query:\n%#v\n%#v", resourceType, query, q, again)
		}
	})
}
