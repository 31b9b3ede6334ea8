package search_test

import (
	"reflect"
	"testing"

	"fhirside/search"
)

// TestEntries: names of entries are references where references are asked for, and nowhere else.
func TestEntries(t *testing.T) {
	names := map[string]string{"urn:uuid:1": "Patient/new", "urn:uuid:12": "Patient/other", "http://x.example/fhir/Patient/1": "Patient/new"}
	opt := search.Options{Criteria: true, Entry: func(name string) (string, bool) {
		reference, ok := names[name]
		return reference, ok
	}}
	for _, c := range []struct{ query, want string }{
		{"subject=urn:uuid:1", "subject=Patient/new"},
		{"subject:Patient=urn:uuid:1", "subject:Patient=Patient/new"},
		{"subject=urn:uuid:12,urn:uuid:1,urn:uuid:3", "subject=Patient/other,Patient/new,urn:uuid:3"},
		{"subject=http://x.example/fhir/Patient/1", "subject=Patient/new"},
		{"identifier=urn:uuid:1&subject=urn:uuid:1", "identifier=urn:uuid:1&subject=Patient/new"},
		{"identifier=a|urn:uuid:1", "identifier=a|urn:uuid:1"},
		{"has-member.subject=urn:uuid:1", "has-member.subject=Patient/new"},
		{"_has:Observation:has-member:subject=urn:uuid:1", "_has:Observation:has-member:subject=Patient/new"},
		{"_filter=subject eq urn:uuid:1", "_filter=subject eq Patient/new"},
		{"_source=urn:uuid:1", "_source=urn:uuid:1"},
	} {
		got, err := search.Parse(search.R4(), "Observation", params(c.query), opt)
		if err != nil {
			t.Errorf("%s: %v", c.query, err)
			continue
		}
		want, err := search.Parse(search.R4(), "Observation", params(c.want), search.Options{Criteria: true})
		if err != nil {
			t.Fatalf("%s: %v", c.want, err)
		}
		if !reflect.DeepEqual(got.Filter, want.Filter) || !reflect.DeepEqual(got.Applied, want.Applied) {
			t.Errorf("%s: %#v of %v, want %#v of %v", c.query, got.Filter, got.Applied, want.Filter, want.Applied)
		}
	}
}
