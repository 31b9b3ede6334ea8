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
