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
	present := func(param string) search.Filter {
		return or{search.Present{Param: param}, search.Present{Param: param + search.PresentEntries}}
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
		{`Patient?_filter=name sw pet`, search.String{Param: "name", Op: search.Begins, Text: "pet"}},
		{`Patient?_filter=name ne pet`, search.String{Param: "name", Op: search.Unequal, Text: "pet"}},
		{`Patient?_filter=name gt M`, search.String{Param: "name", Op: search.Greater, Text: "m"}},
		{`Patient?_filter=name lt M`, search.String{Param: "name", Op: search.Less, Text: "m"}},
		{`Patient?_filter=name ge M`, search.String{Param: "name", Op: search.GreaterOrEqual, Text: "m"}},
		{`Patient?_filter=name le M`, search.String{Param: "name", Op: search.LessOrEqual, Text: "m"}},
		{`Patient?_filter=name ew "Son."`, search.String{Param: "name", Op: search.Suffix, Text: "son"}},
		{`Patient?_filter=name co "--"`, search.None{}},
		{`Patient?_filter=birthdate ge 2014-10-10`, born(search.Ge)},
		{`Patient?_filter=birthdate eq 2014-10-10`, born(search.Eq)},
		{`Patient?_filter=birthdate ne 2014-10-10`, born(search.Ne)},
		{`Patient?_filter=birthdate po 2014-10-10`, born(search.Ap)},
		{`Patient?_filter=birthdate co 2014-10-10`, born(search.Covers)},
		{`RiskAssessment?_filter=probability gt 0.5`, search.Number{Param: "probability", Op: search.Gt, Value: 0.5, Lo: 0.45, Hi: 0.55}},
		{`Observation?_filter=value-quantity lt 5.4||mg`, search.Quantity{
			Number: search.Number{Param: "value-quantity", Op: search.Lt, Value: 5.4, Lo: 5.35, Hi: 5.45}, AnySystem: true, Unit: "mg"}},
		{`Observation?_filter=value-quantity lt "5.4|ucum|mm[Hg]"`, or{
			search.Quantity{Number: search.Number{Param: "value-quantity", Op: search.Lt, Value: 5.4, Lo: 5.35, Hi: 5.45}, System: "http://unitsofmeasure.org", Unit: "mm[Hg]"},
			search.Quantity{Number: search.Number{Param: "value-quantity:canonical", Op: search.Lt, Value: 5.4, Lo: 5.35, Hi: 5.45}, System: "http://unitsofmeasure.org", Unit: "mm[Hg]"}}},
		{`Observation?_filter=code eq http://loinc.org|1234-5`, search.Token{Param: "code", System: loinc, Code: "1234-5", Fold: true}},
		{`Observation?_filter=code eq LOINC|1234-5`, search.Token{Param: "code", System: loinc, Code: "1234-5", Fold: true}},
		{`Observation?_filter=code eq rxnorm|1`, search.Token{Param: "code", System: "http://www.nlm.nih.gov/research/umls/rxnorm", Code: "1", Fold: true}},
		{`Observation?_filter=code ne snomed|1`, search.Other{Param: "code", Tokens: []search.Token{{Param: "code", System: "http://snomed.info/sct", Code: "1", Fold: true}}}},
		{`Observation?_filter=status ne Final`, search.Other{Param: "status", Tokens: []search.Token{
			{Param: "status", AnySystem: true, Code: "FINAL"}, {Param: "status", AnySystem: true, Code: "Final"}, {Param: "status", AnySystem: true, Code: "final"},
			{Param: "status", AnySystem: true, Code: "final", Fold: true}}}},
		{`Patient?_filter=gender eq ` + gender + `|MALE`, or{
			search.Token{Param: "gender", System: gender, Code: "MALE"}, search.Token{Param: "gender", System: gender, Code: "male"}}},
		{`Patient?_filter=gender ni http://hl7.org/fhir/ValueSet/administrative-gender`, not{Filter: or{
			search.Token{Param: "gender", System: gender, Code: "female"}, search.Token{Param: "gender", System: gender, Code: "male"},
			search.Token{Param: "gender", System: gender, Code: "other"}, search.Token{Param: "gender", System: gender, Code: "unknown"},
		}}},
		{`Patient?_filter=gender in http://hl7.org/fhir/ValueSet/administrative-gender and _id eq 1`, and{or{
			search.Token{Param: "gender", System: gender, Code: "female"}, search.Token{Param: "gender", System: gender, Code: "male"},
			search.Token{Param: "gender", System: gender, Code: "other"}, search.Token{Param: "gender", System: gender, Code: "unknown"},
		}, search.ID{"1"}}},
		{`Patient?_filter=gender ss male`, search.Token{Param: "gender", System: gender, Code: "male"}},
		{`Patient?_filter=gender sb ` + gender + `|male`, search.Token{Param: "gender", System: gender, Code: "male"}},
		{`Observation?_filter=subject re Patient/1`, ref("subject", "Patient", "1")},
		{`Observation?_filter=subject eq Patient/1`, ref("subject", "Patient", "1")},
		{`ValueSet?_filter=url eq http://x.example/a`, search.URI{Param: "url", Value: "http://x.example/a"}},
		{`Patient?_filter=given pr true`, present("given")},
		{`Patient?_filter=given pr false`, not{Filter: present("given")}},
		{`Patient?_filter=_id pr true`, search.All{}},
		{`Patient?_filter=_id ne 1`, not{Filter: search.ID{"1"}}},

		// paths
		{`Observation?_filter=patient.name co "pet"`, search.Chain{Param: "patient", Type: "Patient", Filter: search.String{Param: "name", Op: search.Contains, Text: "pet"}}},
		{`Observation?_filter=subject:Patient.given eq a`, search.Chain{Param: "subject", Type: "Patient", Filter: a}},
		{`Observation?_filter=subject:Patient.given pr false`, not{Filter: search.Chain{Param: "subject", Type: "Patient", Filter: present("given")}}},
		{`Patient?_filter=_has:Observation:patient:code eq urn:x|1`, search.Has{Type: "Observation", Param: "patient", Filter: search.Token{Param: "code", System: "urn:x", Code: "1", Fold: true}}},

		// brackets
		{`Observation?_filter=subject:Patient[given eq a].birthdate ge 2014-10-10`, search.Chain{Param: "subject", Type: "Patient", Filter: and{a, born(search.Ge)}}},
		{"Observation?_filter=subject:Patient[ given eq a or not(given eq b) ].given pr true", search.Chain{Param: "subject", Type: "Patient", Filter: and{or{a, not{Filter: b}}, present("given")}}},
		{`Observation?_filter=subject:Patient[given eq a].birthdate pr false`, not{Filter: search.Chain{Param: "subject", Type: "Patient", Filter: and{a, present("birthdate")}}}},
		{`Observation?_filter=subject[birthdate ge 2014-10-10].given eq a and subject[given eq b].given eq c`, and{
			search.Chain{Param: "subject", Type: "Patient", Filter: and{born(search.Ge), a}}, search.Chain{Param: "subject", Type: "Patient", Filter: and{b, c}}}},
		{`Observation?_filter=patient[given eq a].organization[name eq b].name eq c`, search.Chain{Param: "patient", Type: "Patient", Filter: and{a,
			search.Chain{Param: "organization", Type: "Organization", Filter: and{equal("name", "b"), equal("name", "c")}}}}},
		{`Observation?_filter=patient.organization[name eq b].name eq c`, search.Chain{Param: "patient", Type: "Patient", Filter: search.Chain{Param: "organization", Type: "Organization", Filter: and{equal("name", "b"), equal("name", "c")}}}},
		{`Patient?_filter=_has:Observation:patient:performer:Organization[name eq b].name eq c`, search.Has{Type: "Observation", Param: "patient", Filter: search.Chain{Param: "performer", Type: "Organization", Filter: and{equal("name", "b"), equal("name", "c")}}}},
		{`Observation?_filter=code-value-quantity[code eq loinc|1].value-quantity gt 5`, search.Composite{Param: "code-value-quantity", Parts: []search.Filter{
			search.Token{System: loinc, Code: "1", Fold: true}, search.Quantity{Number: search.Number{Op: search.Gt, Value: 5, Lo: 4.5, Hi: 5.5}, AnyUnit: true}}}},
		{`Observation?_filter=code-value-quantity[value-quantity gt 5 and value-quantity lt 7].code eq loinc|1`, search.Composite{Param: "code-value-quantity", Parts: []search.Filter{
			search.Token{System: loinc, Code: "1", Fold: true}, and{
				search.Quantity{Number: search.Number{Op: search.Gt, Value: 5, Lo: 4.5, Hi: 5.5}, AnyUnit: true},
				search.Quantity{Number: search.Number{Op: search.Lt, Value: 7, Lo: 6.5, Hi: 7.5}, AnyUnit: true}}}}},
		{`Observation?_filter=code-value-quantity[code eq loinc|1].value-quantity pr true`, search.Composite{Param: "code-value-quantity", Parts: []search.Filter{
			search.Token{System: loinc, Code: "1", Fold: true}, search.All{}}}},
		{`Observation?_filter=code-value-string[code eq loinc|1 or value-string sw x].value-string eq y`, or{
			search.Composite{Param: "code-value-string", Parts: []search.Filter{search.Token{System: loinc, Code: "1", Fold: true}, search.String{Op: search.Equal, Text: "y"}}},
			search.Composite{Param: "code-value-string", Parts: []search.Filter{search.All{}, and{search.String{Op: search.Begins, Text: "x"}, search.String{Op: search.Equal, Text: "y"}}}}}},
		{`Observation?_filter=code-value-quantity[code eq loinc|1].value-quantity gt 5|ucum|kg`, or{
			search.Composite{Param: "code-value-quantity", Parts: []search.Filter{
				search.Token{System: loinc, Code: "1", Fold: true}, search.Quantity{Number: search.Number{Op: search.Gt, Value: 5, Lo: 4.5, Hi: 5.5}, System: "http://unitsofmeasure.org", Unit: "kg"}}},
			search.Composite{Param: "code-value-quantity:canonical", Parts: []search.Filter{
				search.Token{System: loinc, Code: "1", Fold: true}, search.Quantity{Number: search.Number{Op: search.Gt, Value: 5, Lo: 4.5, Hi: 5.5}, System: "http://unitsofmeasure.org", Unit: "kg"}}}}},
		{`DocumentReference?_filter=relatesTo[code eq http://hl7.org/fhir/document-relationship-type|replaces].target re DocumentReference/1`,
			search.Composite{Param: "relationship", Parts: []search.Filter{ref("", "DocumentReference", "1"), or{
				search.Token{System: "http://hl7.org/fhir/document-relationship-type", Code: "REPLACES"},
				search.Token{System: "http://hl7.org/fhir/document-relationship-type", Code: "replaces"}}}}},
		{`Group?_filter=characteristic[code eq loinc|1].value eq loinc|2`, search.Composite{Param: "characteristic-value", Parts: []search.Filter{
			search.Token{System: loinc, Code: "1", Fold: true}, search.Token{System: loinc, Code: "2", Fold: true}}}},

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

// What would change the meaning of a search cannot be left out by lenient handling.
func TestNeverLeftOut(t *testing.T) {
	opt := options
	opt.Lenient = true
	for _, query := range []string{
		"Patient?_filter=shoe-size eq 1", "Observation?_filter=patient[shoe-size eq 1].given eq a",
		"Patient?_query=q", "Patient?_query:x=q", "?_query=q", "Observation?patient._query=q", "Observation?subject._query=q", "Patient?_has:Observation:patient:_query=q",
		"AllergyIntolerance?_list=$current-allergies", "Condition?_list=1,$current-problems",
	} {
		if q, err := parse(query, opt); err == nil {
			t.Errorf("%s is read as %#v", query, q.Filter)
		}
	}
}
