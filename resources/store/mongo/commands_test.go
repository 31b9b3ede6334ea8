package mongo

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.mongodb.org/mongo-driver/v2/bson"

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

// asked notes what a store asks its server for.
type asked struct {
	mu      sync.Mutex
	names   []string // "find Patient", "getMore"
	resumed bool     // a stream went on from its resume token
}

// note notes a command.
func (a *asked) note(command bson.Raw) {
	first := command.Index(0)
	name := first.Key()
	if of, ok := first.Value().StringValueOK(); ok {
		name += " " + of
	}
	_, err := command.LookupErr("pipeline", "0", "$changeStream", "resumeAfter")
	a.mu.Lock()
	defer a.mu.Unlock()
	a.names, a.resumed = append(a.names, name), a.resumed || err == nil
}

// since are the commands behind the first n.
func (a *asked) since(n int) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.names[n:])
}

// count is how many of these commands are of a name.
func count(commands []string, name string) (n int) {
	for _, command := range commands {
		if of, _, _ := strings.Cut(command, " "); of == name {
			n++
		}
	}
	return n
}

// TestCommands: a page that one range of an index serves, or that the server sorts, costs one find, and the count of what a condition
// selects one command, however its dates or values are spread over the index.
func TestCommands(t *testing.T) {
	var sent asked
	s := open(t, Watched(sent.note))
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
		inOne  bool   // transaction
		counts string // the command that counts
	}{
		{"a pair", ofPatient, false, "count"},
		{"a pair and dates", since(2012), false, "count"},
		{"ranges of values", search.Quantity{Number: search.Number{Param: "value-quantity", Op: search.Gt, Value: 150}, AnyUnit: true}, false, "aggregate"},
		{"chains of other types", others, true, "count"},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := len(sent.since(0))
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
			commands := slices.DeleteFunc(sent.since(before), func(name string) bool { return name == "find "+schemaName }) // it looks for a newer layout
			want := map[string]int{"find": 1, test.counts: 1}
			for _, command := range []string{"find", "count", "aggregate"} {
				if n := count(commands, command); n != want[command] {
					t.Errorf("%s: %d, not %d", command, n, want[command])
				}
			}
			if !test.inOne && count(commands, "abortTransaction") > 0 {
				t.Error("there was a transaction")
			}
		})
	}
}

// TestWindows: a search for what was changed in a time that was over when the horizon was last asked for does not ask again.
func TestWindows(t *testing.T) {
	var sent asked
	s := open(t, Watched(sent.note))
	load(t, s, [][]store.Record{clinic()[:100]})
	var last time.Time
	found := func(filter search.Filter) (n int) {
		t.Helper()
		for match, err := range s.Search(t.Context(), store.Search{Types: []string{"Observation"}, Filter: filter, Limit: 51}) {
			if err != nil {
				t.Fatal(err)
			}
			n, last = n+1, match.Updated
		}
		return n
	}
	since := search.Date{Param: "_lastUpdated", Op: search.Ge, Lo: 0, Hi: 1000}
	first := found(since)
	if first == 0 {
		t.Fatal("nothing was found")
	}
	until := func(t time.Time) search.Filter {
		return search.And{since, search.Date{Param: "_lastUpdated", Op: search.Lt, Lo: t.UnixMicro(), Hi: t.UnixMicro() + 1000}}
	}
	for _, test := range []struct {
		name   string
		filter search.Filter
		asks   bool
	}{
		{"no end", since, true},
		{"a time that is over", until(last.Add(time.Millisecond)), false},
		{"a time to come", until(last.Add(time.Hour)), true},
		{"one of two times is over", search.Or{until(last.Add(time.Millisecond)), until(last.Add(time.Hour))}, true},
	} {
		before := len(sent.since(0))
		if n := found(test.filter); n != first {
			t.Errorf("%s: %d found, not %d", test.name, n, first)
		}
		if asked := slices.Contains(sent.since(before), "aggregate "+clockName); asked != test.asks {
			t.Errorf("%s: whether the horizon was asked for is %v, not %v", test.name, asked, test.asks)
		}
	}
}
