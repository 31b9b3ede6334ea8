package search_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"fhirside/fhir/definitions"
	"fhirside/search"
)

// TestSortByHyphen: a hyphen turns the order round, unless only the name that begins with it is known.
func TestSortByHyphen(t *testing.T) {
	reg, err := search.R4().With(
		definitions.SearchParameter{URL: "http://x/eye", Code: "-eye", Base: []string{"Patient"}, Type: "token", Expression: "Patient.gender"},
		definitions.SearchParameter{URL: "http://x/name", Code: "-name", Base: []string{"Patient"}, Type: "string", Expression: "Patient.name"},
	)
	if err != nil {
		t.Fatal(err)
	}
	q, err := search.Parse(reg, "Patient", []search.Parameter{{Name: "_sort", Value: "-eye,--eye,-name,--name"}}, search.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []search.SortKey{
		{Param: "-eye", Kind: search.TypeToken}, {Param: "-eye", Kind: search.TypeToken, Descending: true},
		{Param: "name", Kind: search.TypeString, Descending: true}, {Param: "-name", Kind: search.TypeString, Descending: true},
	}
	if !slices.Equal(q.Sort, want) {
		t.Errorf("%+v, not %+v", q.Sort, want)
	}
}

func TestCustomParameters(t *testing.T) {
	eye := definitions.SearchParameter{URL: "http://x/eye", Code: "eye", Base: []string{"Patient"}, Type: "token", Expression: "Patient.extension('http://x/eye').value"}
	with := func(change func(*definitions.SearchParameter)) definitions.SearchParameter {
		sp := eye
		change(&sp)
		return sp
	}
	for _, c := range []struct {
		custom []definitions.SearchParameter
		want   string // "" for one that is taken
	}{
		{[]definitions.SearchParameter{eye}, ""},
		{[]definitions.SearchParameter{with(func(sp *definitions.SearchParameter) { sp.Base = []string{"Patient", "Practitioner"} })}, "finds no element of Practitioner"},
		{[]definitions.SearchParameter{with(func(sp *definitions.SearchParameter) { sp.Code = "gender" })}, `Patient has a parameter "gender" already: http://hl7.org/fhir/SearchParameter/individual-gender`},
		{[]definitions.SearchParameter{eye, with(func(sp *definitions.SearchParameter) { sp.URL = "http://x/other" })}, `Patient has a parameter "eye" already: http://x/eye`},
		{[]definitions.SearchParameter{with(func(sp *definitions.SearchParameter) { sp.Code = "eye:x" })}, "can be searched by"},
		{[]definitions.SearchParameter{with(func(sp *definitions.SearchParameter) { sp.Code = "_eye" })}, "can be searched by"},
		{[]definitions.SearchParameter{with(func(sp *definitions.SearchParameter) { sp.Base = []string{"Human"} })}, `the base "Human" is no resource type`},
		{[]definitions.SearchParameter{with(func(sp *definitions.SearchParameter) { sp.Base = []string{"HumanName"} })}, `the base "HumanName" is no resource type`},
		{[]definitions.SearchParameter{with(func(sp *definitions.SearchParameter) { sp.Type = "colour" })}, `no search parameter type "colour"`},
		{[]definitions.SearchParameter{with(func(sp *definitions.SearchParameter) { sp.Type = "special" })}, "type special"},
		{[]definitions.SearchParameter{with(func(sp *definitions.SearchParameter) { sp.Expression = "Patient.(" })}, "cannot be compiled"},
		{[]definitions.SearchParameter{with(func(sp *definitions.SearchParameter) { sp.Expression = "" })}, "without an expression"},
		{[]definitions.SearchParameter{with(func(sp *definitions.SearchParameter) { sp.Expression = "Patient.nose" })}, "no element of Patient"},
		{[]definitions.SearchParameter{with(func(sp *definitions.SearchParameter) { sp.Type, sp.Expression = "date", "Patient.gender" })}, "(code) is nothing that a date parameter compares"},
		{[]definitions.SearchParameter{with(func(sp *definitions.SearchParameter) {
			sp.Type, sp.Expression, sp.Target = "reference", "Patient.link.other", []string{"Nobody"}
		})}, `the target "Nobody"`},
		{[]definitions.SearchParameter{with(func(sp *definitions.SearchParameter) { sp.Type = "composite" })}, "at least two components"},
		{[]definitions.SearchParameter{with(func(sp *definitions.SearchParameter) {
			sp.Type, sp.Expression = "composite", "Patient.contact"
			sp.Components = []definitions.Component{{Definition: "http://x/nothing", Expression: "gender"}, {Definition: "http://x/eye", Expression: "name"}}
		})}, "the component http://x/nothing is not known"},
		{[]definitions.SearchParameter{eye, with(func(sp *definitions.SearchParameter) {
			sp.URL, sp.Code, sp.Type, sp.Expression = "http://x/contact", "contact", "composite", "Patient.contact"
			sp.Components = []definitions.Component{{Definition: "http://x/eye", Expression: "gender"}, {Definition: "http://hl7.org/fhir/SearchParameter/individual-family", Expression: "name.family"}}
		})}, ""},
		{[]definitions.SearchParameter{with(func(sp *definitions.SearchParameter) {
			sp.Base, sp.Code, sp.Expression = []string{"DomainResource"}, "narrated", "DomainResource.text.status"
		})}, ""},
		{[]definitions.SearchParameter{with(func(sp *definitions.SearchParameter) { sp.Code = "-eye" })}, ""},
		{[]definitions.SearchParameter{with(func(sp *definitions.SearchParameter) { sp.Code = "--eye" })}, "can be searched by"},
	} {
		reg, err := search.R4().With(c.custom...)
		if c.want != "" {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%+v: got %v, not %q", c.custom, err, c.want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%+v: %v", c.custom, err)
			continue
		}
		for _, sp := range c.custom {
			p := reg.Param("Patient", sp.Code)
			if p == nil || !slices.Contains(reg.Params("Patient"), p) || !search.Searchable(p) {
				t.Errorf("%s is not in the registry", sp.Code)
			}
			if search.R4().Param("Patient", sp.Code) != nil {
				t.Errorf("%s is in R4's registry", sp.Code)
			}
		}
		if fmt.Sprint(reg.Param("Observation", "narrated") != nil) != fmt.Sprint(c.custom[0].Code == "narrated") {
			t.Errorf("%+v: Observation", c.custom)
		}
	}
}
