package resources_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"fhirside/fhir"
	"fhirside/resources"
	"fhirside/resources/access"
	"fhirside/resources/patch"
	"fhirside/resources/store"
	"fhirside/resources/store/sqlite"
	"fhirside/search"
)

// grants is a Policy by resource type.
type grants map[string]map[access.Interaction]search.Filter

func (g grants) May(resourceType string, i access.Interaction) search.Filter {
	return g[resourceType][i]
}

func every(f search.Filter) map[access.Interaction]search.Filter {
	return map[access.Interaction]search.Filter{access.Create: f, access.Read: f, access.Update: f, access.Delete: f, access.Search: f}
}

// alice may do everything with herself and her observations, and nothing else.
var alice = grants{
	"Patient":     every(search.ID{"a"}),
	"Observation": every(search.Reference{Param: "subject", Type: "Patient", ID: "a"}),
}

// house is a service with two patients and an observation of each.
type house struct {
	*testing.T
	*resources.Service
}

func newHouse(t *testing.T) house {
	t.Helper()
	st, err := sqlite.Open(t.Context(), sqlite.Memory, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	ids := 0
	h := house{t, resources.New(resources.Options{Store: st, NewID: func() string { ids++; return fmt.Sprintf("new-%d", ids) }})}
	for _, r := range []string{
		`{"resourceType":"Organization","id":"o","name":"Clinic"}`,
		`{"resourceType":"Patient","id":"a","name":[{"family":"A"}],"managingOrganization":{"reference":"Organization/o"}}`,
		`{"resourceType":"Patient","id":"b","name":[{"family":"B"}],"managingOrganization":{"reference":"Organization/o"}}`,
		observationOf("oa", "a", ""), observationOf("ob", "b", ""),
	} {
		h.put(access.Everything, r)
	}
	return h
}

func observationOf(id, patient, more string) string {
	return fmt.Sprintf(`{"resourceType":"Observation","id":"%s","status":"final","code":{"text":"c"},"subject":{"reference":"Patient/%s"}%s}`, id, patient, more)
}

func (h house) parse(text string) *fhir.Resource {
	h.Helper()
	r, err := fhir.Parse([]byte(text))
	if err != nil {
		h.Fatal(err)
	}
	return r
}

func (h house) put(p access.Policy, text string) {
	h.Helper()
	if err := h.tryPut(p, text); err != nil {
		h.Fatal(err)
	}
}

func (h house) tryPut(p access.Policy, text string) error {
	r := h.parse(text)
	_, err := h.Update(h.Context(), p, r.Type(), r.ID(), r, resources.Conditions{})
	return err
}

func (h house) wants(what string, err error, want fhir.Reason) {
	h.Helper()
	e := (*fhir.Error)(nil)
	if !errors.As(err, &e) || e.Reason != want {
		h.Errorf("%s: got %v, want reason %d", what, err, want)
	}
}

func (h house) find(p access.Policy, resourceType, query string) (string, error) {
	params, err := resources.ParseQuery(query)
	if err != nil {
		h.Fatal(err)
	}
	page, err := h.Search(h.Context(), p, resources.Search{Type: resourceType, Params: params})
	if err != nil {
		return "", err
	}
	var found []string
	for _, v := range page.Matches {
		found = append(found, v.ID)
	}
	for _, v := range page.Included {
		found = append(found, "+"+v.ID)
	}
	return fmt.Sprintf("%d %s", page.Total, strings.Join(found, " ")), nil
}

func TestPolicyOnReads(t *testing.T) {
	h := newHouse(t)
	read := func(resourceType, id string) error {
		_, err := h.Read(h.Context(), alice, resourceType, id)
		return err
	}
	if err := errors.Join(read("Patient", "a"), read("Observation", "oa")); err != nil {
		t.Error(err)
	}
	h.wants("another's", read("Observation", "ob"), fhir.NotFound)
	h.wants("none", read("Observation", "nothing"), fhir.NotFound)
	h.wants("a type that is not granted", read("Organization", "o"), fhir.Forbidden)
	h.wants("the same, of what does not exist", read("Organization", "nothing"), fhir.Forbidden)
	if read("Observation", "ob").Error() != strings.ReplaceAll(read("Observation", "nothing").Error(), "nothing", "ob") {
		t.Error("what is hidden and what does not exist read differently")
	}
}

// A version is judged by its own content, and a deletion by the last.
func TestPolicyOnVersions(t *testing.T) {
	h := newHouse(t)
	h.put(access.Everything, observationOf("oa", "b", `,"valueString":"b's"`))
	h.put(access.Everything, observationOf("oa", "a", `,"valueString":"a's"`))
	if _, err := h.Delete(h.Context(), access.Everything, "Observation", "oa", resources.Conditions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Delete(h.Context(), access.Everything, "Observation", "ob", resources.Conditions{}); err != nil {
		t.Fatal(err)
	}
	vread := func(id, version string) error {
		_, err := h.ReadVersion(h.Context(), alice, "Observation", id, version)
		return err
	}
	if err := errors.Join(vread("oa", "1"), vread("oa", "3")); err != nil {
		t.Error(err)
	}
	h.wants("another's version", vread("oa", "2"), fhir.NotFound)
	h.wants("the deletion of one's own", vread("oa", "4"), fhir.Gone)
	h.wants("the deletion of another's", vread("ob", "2"), fhir.NotFound)
	_, err := h.Read(h.Context(), alice, "Observation", "oa")
	h.wants("one's own that was deleted", err, fhir.Gone)
	_, err = h.Read(h.Context(), alice, "Observation", "ob")
	h.wants("another's that was deleted", err, fhir.NotFound)
	for _, history := range []resources.History{{Type: "Observation", ID: "oa"}, {Type: "Observation"}} {
		page, err := h.History(h.Context(), alice, history)
		if err != nil {
			t.Fatal(err)
		}
		bundle, err := page.Bundle("")
		if err != nil {
			t.Fatal(err)
		}
		if text := string(bundle); strings.Contains(text, "b's") || strings.Contains(text, "ob") || len(page.Entries) != 3 {
			t.Errorf("history %v: %s", history, text)
		}
	}
	_, err = h.History(h.Context(), alice, resources.History{Type: "Observation", ID: "ob"})
	h.wants("the history of another's", err, fhir.NotFound)
	_, err = h.History(h.Context(), alice, resources.History{Type: "Organization"})
	h.wants("the history of a type that is not granted", err, fhir.Forbidden)
	all, err := h.History(h.Context(), alice, resources.History{})
	if err != nil || len(all.Entries) != 4 {
		t.Errorf("%d versions in the history of all, want 4: %v", len(all.Entries), err)
	}
}

func TestPolicyOnSearches(t *testing.T) {
	h := newHouse(t)
	for _, c := range []struct{ resourceType, query, want string }{
		{"Observation", "", "1 oa"},
		{"Observation", "status=final", "1 oa"},
		{"Observation", "subject=Patient/b", "0 "},
		{"Observation", "patient.name=A", "1 oa"},
		{"Observation", "patient.name=B", "0 "},
		{"Patient", "_has:Observation:patient:status=final", "1 a"},
		{"", "_type=Patient,Observation,Organization", "2 oa a"},
		{"Patient", "_revinclude=Observation:patient", "1 a +oa"},
		{"Patient", "_include=Patient:organization", "1 a"},
		{"Observation", "_include=*", "1 oa +a"},
		{"Observation", "_summary=count", "1 "},
	} {
		got, err := h.find(alice, c.resourceType, c.query)
		if err != nil || sorted(got) != sorted(c.want) {
			t.Errorf("%s?%s: got %q, want %q: %v", c.resourceType, c.query, got, c.want, err)
		}
	}
	for _, query := range []string{"organization.name=Clinic", "organization:missing=false&organization.name=x", "_has:Encounter:patient:status=planned"} {
		_, err := h.find(alice, "Patient", query)
		h.wants(query, err, fhir.Forbidden)
	}
	_, err := h.find(alice, "Organization", "")
	h.wants("a type that is not granted", err, fhir.Forbidden)
	_, err = h.find(grants{}, "", "")
	h.wants("nothing granted", err, fhir.Forbidden)
}

func sorted(s string) string {
	words := strings.Fields(s)
	slices.Sort(words)
	return strings.Join(words, " ")
}

func TestPolicyOnWrites(t *testing.T) {
	h := newHouse(t)
	if err := h.tryPut(alice, observationOf("oa", "a", `,"valueString":"new"`)); err != nil {
		t.Error(err)
	}
	if err := h.tryPut(alice, observationOf("mine", "a", "")); err != nil {
		t.Error(err)
	}
	h.wants("giving one's own away", h.tryPut(alice, observationOf("oa", "b", "")), fhir.Forbidden)
	h.wants("taking another's", h.tryPut(alice, observationOf("ob", "a", "")), fhir.NotFound)
	h.wants("making one for another", h.tryPut(alice, observationOf("new", "b", "")), fhir.Forbidden)
	h.wants("a type that is not granted", h.tryPut(alice, `{"resourceType":"Organization","id":"x","name":"x"}`), fhir.Forbidden)
	_, err := h.Create(h.Context(), alice, "Observation", h.parse(observationOf("x", "b", "")), nil)
	h.wants("creating one for another", err, fhir.Forbidden)

	result, err := h.Delete(h.Context(), alice, "Observation", "ob", resources.Conditions{})
	if err != nil || result.Done != resources.Absent {
		t.Errorf("deleting another's: %v, %v; want Absent, as of what does not exist", result, err)
	}
	if _, err := h.Read(h.Context(), access.Everything, "Observation", "ob"); err != nil {
		t.Errorf("another's was deleted: %v", err)
	}
	readOnly := grants{"Observation": {access.Read: search.All{}, access.Delete: alice["Observation"][access.Delete]}}
	_, err = h.Delete(h.Context(), readOnly, "Observation", "ob", resources.Conditions{})
	h.wants("deleting what may only be read", err, fhir.Forbidden)

	// Whoever revives a resource goes on with its history.
	if _, err := h.Delete(h.Context(), access.Everything, "Observation", "ob", resources.Conditions{}); err != nil {
		t.Fatal(err)
	}
	h.wants("reviving another's", h.tryPut(alice, observationOf("ob", "a", "")), fhir.NotFound)
}

// What the caller may not see does not match its criteria.
func TestPolicyOnCriteria(t *testing.T) {
	h := newHouse(t)
	where := "status=final"
	result, err := h.DeleteWhere(h.Context(), alice, "Observation", where, resources.Conditions{})
	if err != nil || result.Version.ID != "oa" {
		t.Fatalf("two match, of which one is visible: %v, %v", result, err)
	}
	result, err = h.Create(h.Context(), alice, "Observation", h.parse(observationOf("x", "a", "")), &where)
	if err != nil || result.Done != resources.Created {
		t.Errorf("one matches that is not visible: %v, %v; want Created", result, err)
	}
	noSearch := grants{"Observation": {access.Create: search.All{}}}
	_, err = h.Create(h.Context(), noSearch, "Observation", h.parse(observationOf("x", "a", "")), &where)
	h.wants("criteria without the right to search", err, fhir.Forbidden)
	deep := "patient.organization.name=Clinic"
	_, err = h.Create(h.Context(), alice, "Observation", h.parse(observationOf("x", "a", "")), &deep)
	h.wants("criteria that look into what is not granted", err, fhir.Forbidden)
}

func TestPolicyOnReferences(t *testing.T) {
	h := newHouse(t)
	app := grants{
		"Observation": {access.Create: search.All{}, access.Update: search.All{}, access.Read: search.None{}},
		"Patient":     every(search.ID{"a"}),
	}
	h.wants("a reference to what is hidden", h.tryPut(app, observationOf("x", "b", "")), fhir.Unprocessable)
	h.wants("a reference to what does not exist", h.tryPut(app, observationOf("x", "nobody", "")), fhir.Unprocessable)
	// Of a type that is not granted nothing is told, whether the target exists or not.
	for _, org := range []string{"o", "nothing"} {
		if err := h.tryPut(app, observationOf("y"+org, "a", `,"performer":[{"reference":"Organization/`+org+`"}]`)); err != nil {
			t.Error(err)
		}
	}
	_, err := h.Delete(h.Context(), app, "Patient", "a", resources.Conditions{})
	h.wants("deleting what is referred to", err, fhir.Conflict)
	if strings.Contains(err.Error(), "Observation/") {
		t.Errorf("the refusal names what the caller may not read: %v", err)
	}
}

func TestPolicyInBundles(t *testing.T) {
	h := newHouse(t)
	bundle := func(kind, entries string) (string, error) {
		body, err := h.Bundle(h.Context(), alice, h.parse(`{"resourceType":"Bundle","type":"`+kind+`","entry":[`+entries+`]}`), resources.Preferences{})
		return string(body), err
	}
	const gets = `{"request":{"method":"GET","url":"Observation"}},{"request":{"method":"GET","url":"Patient/b"}}`
	text, err := bundle("batch", gets)
	if err != nil || strings.Contains(text, `"ob"`) || !strings.Contains(text, `"oa"`) || !strings.Contains(text, "404 Not Found") {
		t.Errorf("%s, %v", text, err)
	}
	_, err = bundle("transaction", gets)
	h.wants("a hidden resource in a transaction", err, fhir.NotFound)
	_, err = bundle("transaction", `{"resource":`+observationOf("oa", "b", "")+`,"request":{"method":"PUT","url":"Observation/oa"}}`)
	h.wants("giving one's own away", err, fhir.Forbidden)
	_, err = bundle("transaction", `{"resource":{"resourceType":"Observation","status":"final","code":{"text":"c"},"subject":{"reference":"Patient?name=B"}},"request":{"method":"POST","url":"Observation"}}`)
	h.wants("a conditional reference to what is hidden", err, fhir.PreconditionFailed)
}

// A patch takes the right to update, before and after; one that tests, the right to read as well.
func TestPolicyOnPatches(t *testing.T) {
	h := newHouse(t)
	try := func(p access.Policy, id, text string) (resources.Result, error) {
		change, err := patch.JSON([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return h.Patch(h.Context(), p, "Observation", id, change, resources.Conditions{})
	}
	const note = `[{"op":"add","path":"/note","value":[{"text":"x"}]}]`
	const toB = `[{"op":"replace","path":"/subject/reference","value":"Patient/b"}]`
	_, err := try(alice, "ob", note)
	h.wants("a patch of what alice may not see", err, fhir.NotFound)
	_, err = try(alice, "oa", toB)
	h.wants("a patch that moves it away from alice", err, fhir.Forbidden)
	if r, err := try(alice, "oa", note); err != nil || r.Done != resources.Updated || r.Version.Body == nil {
		t.Errorf("alice's own: %v, %v", r, err)
	}
	blind := grants{"Observation": {access.Update: search.All{}}}
	if r, err := try(blind, "oa", `[{"op":"replace","path":"/note/0/text","value":"y"}]`); err != nil || r.Version.Version != 3 || r.Version.Body != nil {
		t.Errorf("who may not read gets %s, %v", r.Version.Body, err)
	}
	_, err = try(blind, "oa", `[{"op":"test","path":"/status","value":"final"}]`)
	h.wants("a test by who may not read", err, fhir.Forbidden)
	_, err = try(grants{"Observation": {access.Read: search.All{}}}, "oa", note)
	h.wants("a patch by who may only read", err, fhir.Forbidden)
}

// A purge takes the right to delete, and tells nothing to who may not read.
func TestPolicyOnPurges(t *testing.T) {
	h := newHouse(t)
	try := func(p access.Policy, resourceType, id string) (store.Version, error) {
		return h.Purge(h.Context(), p, resourceType, id, "me")
	}
	_, err := try(alice, "Observation", "ob")
	h.wants("what alice may not see", err, fhir.NotFound)
	_, err = try(alice, "Observation", "never")
	h.wants("what never was", err, fhir.NotFound)
	_, err = try(grants{"Observation": {access.Read: search.All{}, access.Delete: search.None{}}}, "Observation", "oa")
	h.wants("who may only read", err, fhir.Forbidden)
	_, err = try(access.Everything, "Patient", "a")
	h.wants("what others refer to", err, fhir.Conflict)
	if _, err := h.Delete(h.Context(), alice, "Observation", "oa", resources.Conditions{}); err != nil {
		t.Error(err)
	}
	if v, err := try(alice, "Observation", "oa"); err != nil || v.Version != 3 {
		t.Errorf("what was deleted before: %v, %v", v, err)
	}
	if _, err := try(access.Everything, "Patient", "a"); err != nil {
		t.Error(err)
	}
	if _, err := h.ReadVersion(h.Context(), access.Everything, "Patient", "a", "1"); err == nil {
		t.Error("version 1 can be read after the purge")
	}
}
