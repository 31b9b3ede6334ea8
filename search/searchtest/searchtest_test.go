package searchtest_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"fhirside/fhir"
	"fhirside/fhir/validation"
	"fhirside/search"
	"fhirside/search/searchtest"
)

// TestResourcesAreValid holds what is made to the definitions.
func TestResourcesAreValid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for _, r := range searchtest.Population().Draw(t, "population") {
			for _, issue := range validation.Structure(r) {
				if issue.Severity != fhir.SeverityWarning {
					t.Errorf("%s\n%+v", r.Bytes(), issue)
				}
			}
		}
	})
}

func world(t *rapid.T) *searchtest.World {
	w := searchtest.NewWorld()
	for i, r := range searchtest.Population().Draw(t, "population") {
		w.Put(r, time.Date(2020, 2, 28, 12, 0, i, 0, time.UTC))
	}
	return w
}

// TestSearchesFind: what is drawn can be parsed and judged, and often enough tells some resources from others.
func TestSearchesFind(t *testing.T) {
	asked, some, none, all := 0, 0, 0, 0
	kinds := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		w := world(t)
		for range 20 {
			s := searchtest.Searches(w).Draw(t, "search")
			q, err := search.Parse(search.R4(), s.Type, s.Params, search.Options{Base: searchtest.Base})
			if err != nil {
				t.Fatalf("%s: %v", s, err)
			}
			found, err := w.Search(q.Types, q.Filter, q.Sort)
			if err != nil {
				t.Fatalf("%s: %v", s, err)
			}
			everything, err := w.Search(q.Types, search.All{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			switch asked++; len(found) {
			case 0:
				none++
			case len(everything):
				all++
			default:
				some++
			}
			if len(found) > 0 {
				count(kinds, q.Filter)
			}
		}
	})
	t.Logf("%d searches: %d found some, %d nothing, %d everything; conditions of those that found anything: %v", asked, some, none, all, kinds)
	if some*5 < asked {
		t.Errorf("of %d searches only %d tell resources apart", asked, some)
	}
	for _, kind := range []string{"token", "string", "reference", "date", "number", "quantity", "uri", "composite", "chain", "has", "not", "present", "or", "id"} {
		if kinds[kind] == 0 {
			t.Errorf("no search with a %s found anything", kind)
		}
	}
}

// count counts the kinds of conditions of a filter.
func count(kinds map[string]int, f search.Filter) {
	name := ""
	var parts []search.Filter
	switch f := f.(type) {
	case search.And:
		parts = f
	case search.Or:
		name, parts = "or", f
	case search.Not:
		name, parts = "not", []search.Filter{f.Filter}
	case search.Chain:
		name, parts = "chain", []search.Filter{f.Filter}
		if f.ByURL {
			name = "chain by url"
		}
	case search.Has:
		name, parts = "has", []search.Filter{f.Filter}
		if f.ByURL {
			name = "has by url"
		}
	case search.Composite:
		name, parts = "composite", f.Parts
	case search.Token:
		name = "token"
	case search.String:
		name = "string"
	case search.Reference:
		name = "reference"
	case search.Date:
		name = "date"
	case search.Number:
		name = "number"
	case search.Quantity:
		name = "quantity"
	case search.URI:
		name = "uri"
	case search.Present:
		name = "present"
	case search.ID:
		name = "id"
	}
	if name != "" {
		kinds[name]++
	}
	for _, part := range parts {
		count(kinds, part)
	}
}
