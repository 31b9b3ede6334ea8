package resources_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"fhirside/fhir"
	"fhirside/resources"
	"fhirside/resources/access"
	"fhirside/resources/patch"
	"fhirside/search"
)

// answerOf is all that a client sees of an error, with the id that it asked about itself left out.
func answerOf(err error, id string) string {
	if err == nil {
		return "done"
	}
	e := (*fhir.Error)(nil)
	if !errors.As(err, &e) {
		return "fault: " + err.Error()
	}
	return strings.ReplaceAll(fmt.Sprint(e.Reason, e.Issues), "/"+id, "/ID")
}

// What is somebody else's, what was somebody else's, and what never was are answered in the same words, so that nobody finds out
// which ids there are.
func TestProbesOfExistence(t *testing.T) {
	h := newHouse(t)
	h.put(access.Everything, observationOf("gone", "b", ""))
	if _, err := h.Delete(h.Context(), access.Everything, "Observation", "gone", resources.Conditions{}); err != nil {
		t.Fatal(err)
	}
	language, err := patch.JSON([]byte(`[{"op":"add","path":"/language","value":"de"}]`))
	if err != nil {
		t.Fatal(err)
	}
	blind := grants{ // who may write what is about alice, and read nothing
		"Patient":     {access.Update: search.ID{"a"}, access.Delete: search.ID{"a"}},
		"Observation": {access.Create: alice["Observation"][access.Create], access.Update: alice["Observation"][access.Update], access.Delete: alice["Observation"][access.Delete]},
	}
	for _, c := range []resources.Conditions{{}, {IfMatch: `W/"1"`}, {IfNoneMatch: "*"}, {IfNoneMatch: `W/"1"`}} {
		for name, p := range map[string]access.Policy{"alice": alice, "blind": blind} {
			for what, probe := range map[string]func(resourceType, id string) error{
				"update": func(resourceType, id string) error {
					r := h.parse(`{"resourceType":"Patient","id":"` + id + `"}`)
					if resourceType == "Observation" {
						r = h.parse(observationOf(id, "b", ""))
					}
					_, err := h.Update(h.Context(), p, resourceType, id, r, c)
					return err
				},
				"patch": func(resourceType, id string) error {
					_, err := h.Patch(h.Context(), p, resourceType, id, language, c)
					return err
				},
				"delete": func(resourceType, id string) error {
					_, err := h.Delete(h.Context(), p, resourceType, id, c)
					return err
				},
				"read": func(resourceType, id string) error {
					_, err := h.Read(h.Context(), p, resourceType, id)
					return err
				},
				"history": func(resourceType, id string) error {
					_, err := h.History(h.Context(), p, resources.History{Type: resourceType, ID: id})
					return err
				},
				"version": func(resourceType, id string) error {
					_, err := h.ReadVersion(h.Context(), p, resourceType, id, "1")
					return err
				},
				"second version": func(resourceType, id string) error {
					_, err := h.ReadVersion(h.Context(), p, resourceType, id, "2")
					return err
				},
				"version in a transaction": func(resourceType, id string) error {
					_, err := h.Bundle(h.Context(), p, h.parse(`{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"GET","url":"`+resourceType+`/`+id+`/_history/1"}}]}`), resources.Preferences{})
					return err
				},
				"reference": func(resourceType, id string) error {
					_, err := h.Create(h.Context(), p, "Observation", h.parse(observationOf("", "a", `,"hasMember":[{"reference":"`+resourceType+`/`+id+`"}]`)), nil)
					return err
				},
			} {
				never := answerOf(probe("Observation", "never"), "never")
				for _, id := range []string{"ob", "gone"} {
					if got := answerOf(probe("Observation", id), id); got != never {
						t.Errorf("%s, %+v: %s tells Observation/%s from none: %s, not %s", name, c, what, id, got, never)
					}
				}
				if b, never := answerOf(probe("Patient", "b"), "b"), answerOf(probe("Patient", "never"), "never"); b != never && !strings.HasPrefix(what, "reference") {
					t.Errorf("%s, %+v: %s tells Patient/b from none: %s, not %s", name, c, what, b, never)
				}
			}
		}
	}
}

// An update that could make one's own resource fails in the same words on an id that is somebody else's and on one that is free.
func TestProbesByIfMatch(t *testing.T) {
	h := newHouse(t)
	h.put(access.Everything, observationOf("gone", "b", ""))
	if _, err := h.Delete(h.Context(), access.Everything, "Observation", "gone", resources.Conditions{}); err != nil {
		t.Fatal(err)
	}
	probe := func(id, ifMatch string) string {
		_, err := h.Update(h.Context(), alice, "Observation", id, h.parse(observationOf(id, "a", "")), resources.Conditions{IfMatch: ifMatch})
		return answerOf(err, id)
	}
	for _, ifMatch := range []string{`W/"1"`, `W/"7"`, "*"} {
		for _, id := range []string{"ob", "gone"} {
			if got, never := probe(id, ifMatch), probe("never", ifMatch); got != never {
				t.Errorf("%s tells %s from none: %s, not %s", ifMatch, id, got, never)
			}
		}
	}
}

// Who may change a resource and not read it cannot copy its content into the words of a refusal.
func TestProbesByPatch(t *testing.T) {
	h := newHouse(t)
	h.put(access.Everything, observationOf("oa", "a", `,"valueString":"SECRET","hasMember":[{"reference":"Observation/ob"}]`))
	blind := grants{"Observation": {access.Update: search.All{}}, "Patient": every(search.ID{"a"})}
	for _, text := range []string{
		`[{"op":"copy","from":"/valueString","path":"/status"}]`,
		`[{"op":"copy","from":"/valueString","path":"/effectiveDateTime"}]`,
		`[{"op":"copy","from":"/valueString","path":"/subject/reference"}]`,
		`[{"op":"move","from":"/valueString","path":"/nothing"}]`,
	} {
		change, err := patch.JSON([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		result, err := h.Patch(h.Context(), blind, "Observation", "oa", change, resources.Conditions{})
		if got := answerOf(err, "oa"); strings.Contains(got, "SECRET") || strings.HasPrefix(got, "fault") || result.Version.Body != nil {
			t.Errorf("%s: %s", text, got)
		}
	}
}

// Who may change everything and read some of it cannot change what they may not read into what they may.
func TestPatchShowsNothing(t *testing.T) {
	h := newHouse(t)
	final := search.Token{Param: "status", AnySystem: true, Code: "final"}
	half := grants{"Observation": {access.Update: search.All{}, access.Read: final, access.Search: final}, "Patient": every(search.All{})}
	found := grants{"Observation": {access.Update: search.All{}, access.Read: final, access.Search: search.All{}}, "Patient": every(search.All{})}
	for _, c := range []struct {
		name    string
		p       access.Policy
		status  string
		path    string
		refused bool
	}{
		{"into what is shown", half, "registered", `[{"op":"replace","path":"/status","value":"final"}]`, true},
		{"another member", half, "registered", `[{"op":"add","path":"/language","value":"de"}]`, false},
		{"of what is shown", half, "final", `[{"op":"replace","path":"/status","value":"amended"}]`, false},
		{"of what a search shows", found, "registered", `[{"op":"replace","path":"/status","value":"final"}]`, false},
	} {
		h.put(access.Everything, strings.Replace(observationOf("oa", "a", `,"valueString":"SECRET"`), `"final"`, `"`+c.status+`"`, 1))
		change, err := patch.JSON([]byte(c.path))
		if err != nil {
			t.Fatal(err)
		}
		_, err = h.Patch(h.Context(), c.p, "Observation", "oa", change, resources.Conditions{})
		if got := answerOf(err, "oa"); (got != "done") != c.refused || strings.Contains(got, "SECRET") {
			t.Errorf("%s: %s", c.name, got)
		}
	}
}

// A reference that was there already stays, wherever it leads; a new one must lead to what the caller may read.
func TestReferencesThatStay(t *testing.T) {
	h := newHouse(t)
	const member = `,"hasMember":[{"reference":"Observation/ob"}]`
	h.put(access.Everything, observationOf("oa", "a", member))
	if err := h.tryPut(alice, observationOf("oa", "a", member+`,"valueString":"x"`)); err != nil {
		t.Errorf("a reference that was there: %v", err)
	}
	h.put(access.Everything, observationOf("oa", "a", ""))
	h.wants("a new one", h.tryPut(alice, observationOf("oa", "a", member)), fhir.Unprocessable)
	h.put(access.Everything, observationOf("oa", "a", member))
	_, err := h.Bundle(h.Context(), access.Everything, h.parse(`{"resourceType":"Bundle","type":"transaction","entry":[
		{"resource":`+observationOf("oa", "a", member+`,"valueString":"y"`)+`,"request":{"method":"PUT","url":"Observation/oa"}},
		{"request":{"method":"DELETE","url":"Observation/ob"}}]}`), resources.Preferences{})
	if err == nil {
		t.Error("what is referred to was deleted beside the update that keeps the reference")
	}
}
