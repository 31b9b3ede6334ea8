package search_test

import (
	"reflect"
	"testing"

	"fhirside/search"
)

// TestFilterExpressions shows what _filter becomes.
func TestFilterExpressions(t *testing.T) {
	type (
		and = search.And
		or  = search.Or
		not = search.Not
	)
	equal := func(param, text string) search.Filter {
		return search.String{Param: param, Op: search.Equal, Text: text}
	}
	a, b, c := equal("given", "a"), equal("given", "b"), equal("given", "c")
	born := func(op search.Op) search.Date {
		return search.Date{Param: "birthdate", Op: op, Lo: micros(t, "2014-10-10T00:00:00Z"), Hi: micros(t, "2014-10-11T00:00:00Z")}
	}
	for _, test := range []struct {
		query string
		want  search.Filter
	}{
		// the grammar
		{`Patient?_filter=given eq a`, a},
		{`Patient?_filter=  given  eq  "a"  `, a},
		{`Patient?_filter=given eq a and given eq b`, and{a, b}},
		{`Patient?_filter=given eq a or given eq b or given eq c`, or{a, b, c}},
		{`Patient?_filter=given eq a and given eq b or given eq c`, or{and{a, b}, c}},
		{`Patient?_filter=given eq a or given eq b and given eq c`, and{or{a, b}, c}},
		{`Patient?_filter=given eq a or (given eq b and given eq c)`, or{a, and{b, c}}},
		{`Patient?_filter=not (given eq a)`, not{Filter: a}},
		{`Patient?_filter=not(given eq a)and(given eq b)`, and{not{Filter: a}, b}},
		{`Patient?_filter=not (not (given eq a))`, not{Filter: not{Filter: a}}},
		{`Patient?_filter=((given eq a))`, a},
		{`Patient?_filter=given co "(a) and \"b\""`, search.String{Param: "given", Op: search.Contains, Text: "a and b"}},
		{`Patient?_filter=given eq "a, b\u00fc"`, equal("given", "a bu")},
		{`Patient?_filter=given eq a&_filter=given eq b`, and{a, b}},

		// the operators
		{`Patient?_filter=given eq "Péter"`, equal("given", "peter")},
		{`Patient?_filter=name co "pet"`, search.String{Param: "name", Op: search.Contains, Text: "pet"}},
		{`Patient?_filter=name sw pet`, search.String{Param: "name", Op: search.Prefix, Text: "pet"}},
		{`Patient?_filter=name ew "Son."`, search.String{Param: "name", Op: search.Suffix, Text: "son"}},
		{`Patient?_filter=name co "--"`, search.None{}},
		{`Patient?_filter=birthdate ge 2014-10-10`, born(search.Ge)},
		{`Patient?_filter=birthdate eq 2014-10-10`, born(search.Eq)},
		{`Patient?_filter=birthdate ne 2014-10-10`, born(search.Ne)},
		{`Patient?_filter=birthdate po 2014-10-10`, born(search.Ap)},
		{`RiskAssessment?_filter=probability gt 0.5`, search.Number{Param: "probability", Op: search.Gt, Value: 0.5, Lo: 0.45, Hi: 0.55}},
		{`Observation?_filter=value-quantity lt 5.4||mg`, search.Quantity{
			Number: search.Number{Param: "value-quantity", Op: search.Lt, Value: 5.4, Lo: 5.35, Hi: 5.45}, AnySystem: true, Unit: "mg"}},
		{`Observation?_filter=code eq http://loinc.org|1234-5`, search.Token{Param: "code", System: loinc, Code: "1234-5", Fold: true}},
		{`Patient?_filter=gender in http://hl7.org/fhir/ValueSet/administrative-gender and _id eq 1`, and{or{
			search.Token{Param: "gender", System: gender, Code: "female"}, search.Token{Param: "gender", System: gender, Code: "male"},
			search.Token{Param: "gender", System: gender, Code: "other"}, search.Token{Param: "gender", System: gender, Code: "unknown"},
		}, search.ID{"1"}}},
		{`Patient?_filter=gender ss male`, search.Token{Param: "gender", System: gender, Code: "male"}},
		{`Patient?_filter=gender sb ` + gender + `|male`, search.Token{Param: "gender", System: gender, Code: "male"}},
		{`Observation?_filter=subject re Patient/1`, ref("subject", "Patient", "1")},
		{`Observation?_filter=subject eq Patient/1`, ref("subject", "Patient", "1")},
		{`ValueSet?_filter=url eq http://x.example/a`, search.URI{Param: "url", Value: "http://x.example/a"}},
		{`Patient?_filter=given pr true`, search.Or{search.Present{Param: "given"}, search.Present{Param: "given:present"}}},
		{`Patient?_filter=given pr false`, not{Filter: search.Or{search.Present{Param: "given"}, search.Present{Param: "given:present"}}}},
		{`Patient?_filter=_id pr true`, search.All{}},

		// paths
		{`Observation?_filter=patient.name co "pet"`, search.Chain{Param: "patient", Type: "Patient", Filter: search.String{Param: "name", Op: search.Contains, Text: "pet"}}},
		{`Observation?_filter=subject:Patient.given eq a`, search.Chain{Param: "subject", Type: "Patient", Filter: a}},
		{`Observation?_filter=subject:Patient.given pr false`, not{Filter: search.Chain{Param: "subject", Type: "Patient", Filter: search.Or{search.Present{Param: "given"}, search.Present{Param: "given:present"}}}}},
		{`Patient?_filter=_has:Observation:patient:code eq urn:x|1`, search.Has{Type: "Observation", Param: "patient", Filter: search.Token{Param: "code", System: "urn:x", Code: "1", Fold: true}}},

		// _list
		{"Patient?_list=42", search.Has{Type: "List", Param: "item", Filter: search.ID{"42"}}},
		{"Patient?_list=List/42", search.Has{Type: "List", Param: "item", Filter: search.ID{"42"}}},
		{"Patient?_list=1,2", or{search.Has{Type: "List", Param: "item", Filter: search.ID{"1"}}, search.Has{Type: "List", Param: "item", Filter: search.ID{"2"}}}},
	} {
		q, err := parse(test.query, options)
		if err != nil {
			t.Errorf("%s: %v", test.query, err)
			continue
		}
		if !reflect.DeepEqual(q.Filter, test.want) {
			t.Errorf("%s:\n got %#v\nwant %#v", test.query, q.Filter, test.want)
		}
	}
}

// A filter is a known parameter: what it says cannot be left out by lenient handling.
func TestFilterIsNeverLeftOut(t *testing.T) {
	opt := options
	opt.Lenient = true
	if q, err := parse("Patient?_filter=shoe-size eq 1", opt); err == nil {
		t.Errorf("read as %#v", q.Filter)
	}
}
