package mongo

import (
	"strings"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"fhirside/fhir"
	"fhirside/resources/store"
	"fhirside/search"
)

// TestLimited: whatever a search or a count has the server do ends by itself, also where nobody waits for it any more; and no bound of
// a range has a NUL, for which SecantusDB reads an index to its end.
func TestLimited(t *testing.T) {
	var mu sync.Mutex
	var sent []bson.Raw
	s := open(t, Options{started: func(command bson.Raw) {
		mu.Lock()
		defer mu.Unlock()
		sent = append(sent, command)
	}})
	load(t, s, [][]store.Record{clinic()[:400]})
	sent = nil
	number := search.Number{Param: "value-quantity", Op: search.Gt, Value: 5}
	kilograms := search.Quantity{Number: number, System: "http://unitsofmeasure.org", Unit: "u1"}
	for _, f := range []search.Filter{
		search.Date{Param: "birthdate", Op: search.Ge, Lo: fhir.BeginningOfTime, Hi: 0},
		kilograms,
		search.Composite{Param: "code-value-quantity", Parts: []search.Filter{search.Token{AnySystem: true, Code: "c5"}, search.Quantity{Number: number, AnyUnit: true, AnySystem: true}}},
		search.Not{Filter: search.Token{Param: "status", AnySystem: true, Code: "final"}},
	} {
		for _, err := range s.Search(t.Context(), store.Search{Types: []string{"Observation"}, Filter: f, Limit: 10}) {
			if err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Count(t.Context(), []string{"Observation"}, f); err != nil {
			t.Fatal(err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	commands := 0
	for _, command := range sent {
		first := command.Index(0)
		if of, _ := first.Value().StringValueOK(); of != "Observation" {
			continue
		}
		switch first.Key() {
		case "find", "aggregate", "count":
			commands++
			if _, err := command.LookupErr("maxTimeMS"); err != nil {
				t.Errorf("a %s without a limit: %v", first.Key(), command)
			}
			if strings.Contains(command.String(), `\u0000`) {
				t.Errorf("a bound with a NUL: %v", command)
			}
		}
	}
	if commands < 8 {
		t.Errorf("only %d commands", commands)
	}
}
