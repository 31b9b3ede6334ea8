package mongo

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fhirside/resources/store"
	"fhirside/search"
)

// sent is how often each command has succeeded.
func sent(t *testing.T, s *Store) map[string]uint64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(s)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	n := map[string]uint64{}
	for _, family := range families {
		if family.GetName() != "fhirside_mongodb_command_seconds" {
			continue
		}
		for _, metric := range family.Metric {
			for _, label := range metric.Label {
				if label.GetName() == "command" {
					n[label.GetValue()] += metric.Histogram.GetSampleCount()
				}
			}
		}
	}
	return n
}

// TestCommands: a page that one range of an index serves costs one find, and the count of what a condition selects one count, however
// its dates are spread over the index.
func TestCommands(t *testing.T) {
	s := open(t, Options{})
	load(t, s, [][]store.Record{clinic()[:400]})
	ofPatient := search.And{patientIs("p5"), search.Token{Param: "category", AnySystem: true, Code: "survey"}}
	since := func(year int) search.Filter {
		at := func(year int) int64 { return time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro() }
		return append(ofPatient[:2:2], search.Date{Param: "date", Op: search.Ge, Lo: at(year), Hi: at(year + 1)})
	}
	newest := []search.SortKey{{Param: "date", Kind: search.TypeDate, Descending: true}}
	// What a policy allows of other types, through chains, is not looked up.
	others := search.Or{search.And{search.Type{"Observation"}, patientIs("p5")}}
	for _, t := range []string{"Encounter", "Condition", "Binary"} {
		link := search.Chain{Param: "subject", Type: "Patient", Filter: search.Has{Type: "CareTeam", Param: "patient", Filter: search.All{}}}
		others = append(others, search.And{link, search.Type{t}}, search.Not{Filter: search.Or{search.Not{Filter: search.Type{t}}, link}})
	}
	for _, test := range []struct {
		name   string
		filter search.Filter
		finds  uint64
		inOne  bool // transaction
	}{
		{"a pair", ofPatient, 1, false},
		{"a pair and dates", since(2012), 1, false},
		{"chains of other types", others, 1, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := sent(t, s)
			found := int64(0)
			for _, err := range s.Search(t.Context(), store.Search{Types: []string{"Observation"}, Filter: test.filter, Sort: newest, Limit: 51}) {
				if err != nil {
					t.Fatal(err)
				}
				found++
			}
			n, err := s.Count(t.Context(), []string{"Observation"}, test.filter)
			if err != nil || n != found || n == 0 {
				t.Errorf("found %d, counted %d: %v", found, n, err)
			}
			after := sent(t, s)
			for command, want := range map[string]uint64{"find": test.finds, "count": 1, "aggregate": 0} {
				if n := after[command] - before[command]; n != want {
					t.Errorf("%s: %d, not %d", command, n, want)
				}
			}
			if !test.inOne && after["abortTransaction"] != before["abortTransaction"] {
				t.Error("there was a transaction")
			}
		})
	}
}
