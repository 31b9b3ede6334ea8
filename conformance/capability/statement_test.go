package capability_test

import (
	"bytes"
	"testing"
	"time"

	"fhirside/conformance/capability"
	"fhirside/fhir"
	"fhirside/fhir/definitions"
	"fhirside/fhir/validation"
	"fhirside/resources/rest"
	"fhirside/search"
)

func statement(t *testing.T) *fhir.Resource {
	t.Helper()
	s := capability.New(capability.Options{
		Registry: search.R4, Interactions: rest.Interactions(), Formats: rest.Formats(), PatchFormats: rest.PatchFormats(), Operations: rest.Operations(), Version: "1.2.3",
		Date: time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC), LocalReferences: true,
	})
	first := s.For("http://one.example/fhir")
	if second := s.For("http://two.example/fhir"); !bytes.Equal(first, bytes.ReplaceAll(second, []byte("//two."), []byte("//one."))) {
		t.Error("statements for two base URLs differ in more than that")
	}
	if again := s.For("http://one.example/fhir"); &again[0] != &first[0] {
		t.Error("it is made again though nothing has changed")
	}
	r, err := fhir.Parse(first)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestStatementIsValid(t *testing.T) {
	r := statement(t)
	t.Logf("%d bytes", len(r.Bytes()))
	for _, issue := range validation.Structure(r) {
		t.Errorf("%s %s at %v", issue.Severity, issue.Diagnostics, issue.Expression)
	}
	if got := r.Get("implementation").Get("url").Text(); got != "http://one.example/fhir" {
		t.Errorf("implementation.url is %q", got)
	}
	if got := r.Get("software").Get("version").Text(); got != "1.2.3" {
		t.Errorf("software.version is %q", got)
	}
}

// Every type is there with every interaction that is routed, and every search parameter that the parser takes.
func TestStatementClaimsWhatIsServed(t *testing.T) {
	rest1 := statement(t).Get("rest").Index(0)
	claimed := map[string]fhir.Element{}
	for e := range rest1.Get("resource").Children() {
		claimed[e.Get("type").Text()] = e
	}
	for _, name := range definitions.ResourceTypes() {
		e := claimed[name]
		if !e.Exists() {
			t.Errorf("%s is not claimed", name)
			continue
		}
		codes := texts(e.Get("interaction"), "code")
		for _, i := range rest.Interactions() {
			if !i.System && !i.Conditional && !codes[i.Code] {
				t.Errorf("%s: %s is served, not claimed", name, i.Code)
			}
		}
		operations := texts(e.Get("operation"), "name")
		for _, op := range rest.Operations() {
			if !operations[op.Name] {
				t.Errorf("%s: $%s is served, not claimed", name, op.Name)
			}
		}
		params := texts(e.Get("searchParam"), "name")
		for _, p := range search.R4().Params(name) {
			if params[p.Code] != search.Searchable(p) {
				t.Errorf("%s: parameter %s is claimed %v, searchable %v", name, p.Code, params[p.Code], search.Searchable(p))
			}
		}
	}
	operations := texts(rest1.Get("operation"), "name")
	for _, op := range rest.Operations() {
		if operations[op.Name] != op.System {
			t.Errorf("$%s of the system is claimed %v, served %v", op.Name, operations[op.Name], op.System)
		}
	}
	if !operations["meta"] || operations["meta-add"] {
		t.Errorf("the operations of the system are %v", operations)
	}
	params := texts(rest1.Get("searchParam"), "name")
	for _, name := range search.SystemParameters() {
		if !params[name] {
			t.Errorf("%s is answered, not claimed", name)
		}
	}
	for code := range texts(rest1.Get("interaction"), "code") {
		if code == "" {
			t.Error("an interaction without code")
		}
	}
}

func texts(list fhir.Element, member string) map[string]bool {
	found := map[string]bool{}
	for e := range list.Children() {
		found[e.Get(member).Text()] = true
	}
	return found
}

// The statement is of the search parameters of the moment.
func TestStatementFollowsTheSearchParameters(t *testing.T) {
	registry := search.R4()
	s := capability.New(capability.Options{Registry: func() *search.Registry { return registry }, Interactions: rest.Interactions()})
	claim := []byte(`"name":"eyes","definition":"http://example.org/eyes","type":"token"`)
	if bytes.Contains(s.For("http://x"), claim) {
		t.Error("claimed before it is there")
	}
	with, err := registry.With(definitions.SearchParameter{URL: "http://example.org/eyes", Code: "eyes", Base: []string{"Patient"}, Type: "token", Expression: "Patient.gender"})
	if err != nil {
		t.Fatal(err)
	}
	if registry = with; !bytes.Contains(s.For("http://x"), claim) {
		t.Error("not claimed")
	}
	if registry = search.R4(); bytes.Contains(s.For("http://x"), claim) {
		t.Error("still claimed")
	}
}
