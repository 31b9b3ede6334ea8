package search_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"fhirside/search"
)

// now is the clock of these tests.
func now() time.Time { return time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC) }

var options = search.Options{Base: "http://own.example/fhir/", Now: now}

// params reads "name=value&name=value"; nothing is percent-encoded in these tests.
func params(query string) (out []search.Parameter) {
	if query == "" {
		return nil
	}
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		out = append(out, search.Parameter{Name: name, Value: value})
	}
	return out
}

// parse reads "Type?query", or "?query" for a search over all types.
func parse(text string, opt search.Options) (*search.Query, error) {
	resourceType, query, _ := strings.Cut(text, "?")
	return search.Parse(search.R4(), resourceType, params(query), opt)
}

// micros is a time of these tests as filters have it.
func micros(t *testing.T, text string) int64 {
	t.Helper()
	x, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return x.UnixMicro()
}

// anySystem is a code whose system does not matter.
func anySystem(param, exact, folded string) search.Filter {
	return search.Or{
		search.Token{Param: param, AnySystem: true, Code: exact},
		search.Token{Param: param, AnySystem: true, Code: folded, Fold: true},
	}
}

func ref(param, resourceType, id string) search.Reference {
	return search.Reference{Param: param, Type: resourceType, ID: id}
}

const (
	loinc  = "http://loinc.org"
	ucum   = "http://unitsofmeasure.org"
	gender = "http://hl7.org/fhir/administrative-gender"
)

// TestFilters shows what each form of parameter becomes.
func TestFilters(t *testing.T) {
	type (
		and = search.And
		or  = search.Or
	)
	number := func(op search.Op, value, lo, hi float64) search.Number {
		return search.Number{Param: "value-quantity", Op: op, Value: value, Lo: lo, Hi: hi}
	}
	five := number(search.Eq, 5.4, 5.35, 5.45)
	inKilograms := func(param string) search.Number {
		return search.Number{Param: param, Value: 0.0000054, Lo: 0.00000535, Hi: 0.00000545}
	}
	celsius := func(param string) search.Number {
		return search.Number{Param: param, Op: search.Lt, Value: 37, Lo: 36.97222222222222, Hi: 37.02777777777778}
	}
	tuple := func(param string) search.Filter {
		return search.Composite{Param: param, Parts: []search.Filter{
			search.Token{System: loinc, Code: "1", Fold: true},
			search.Quantity{Number: inKilograms(""), System: ucum, Unit: "kg"},
		}}
	}
	str := func(param string, op search.StringOp, text string) search.String {
		return search.String{Param: param, Op: op, Text: text}
	}
	date := func(op search.Op, lo, hi string) search.Date {
		return search.Date{Param: "birthdate", Op: op, Lo: micros(t, lo), Hi: micros(t, hi)}
	}
	risk := func(op search.Op, value, lo, hi float64) search.Number {
		return search.Number{Param: "probability", Op: op, Value: value, Lo: lo, Hi: hi}
	}

	for _, c := range []struct {
		query string
		want  search.Filter
	}{
		// AND, OR, escapes, empty values
		{"Patient?", search.All{}},
		{"Patient?family=", search.All{}},
		{"Patient?family=,,", search.All{}},
		{"Patient?unheard-of=", search.All{}},
		{"Patient?family:exact=", search.All{}},
		{"Patient?family=Chalmers", str("family", search.Prefix, "chalmers")},
		{"Patient?family=a&given=b", and{str("family", search.Prefix, "a"), str("given", search.Prefix, "b")}},
		{"Patient?given=a&given=b", and{str("given", search.Prefix, "a"), str("given", search.Prefix, "b")}},
		{"Patient?given=a,b", or{str("given", search.Prefix, "a"), str("given", search.Prefix, "b")}},
		{"Patient?given=,a,,b,", or{str("given", search.Prefix, "a"), str("given", search.Prefix, "b")}},
		{`Patient?given:exact=a\,b,c`, or{str("given", search.Exact, "a,b"), str("given", search.Exact, "c")}},
		{`Patient?given:exact=\\,\$,\|`, or{str("given", search.Exact, `\`), str("given", search.Exact, "$"), str("given", search.Exact, "|")}},
		{`Patient?given:exact=\\\,x`, str("given", search.Exact, `\,x`)},
		{`Patient?given:exact=a|b$c`, str("given", search.Exact, `a|b$c`)},

		// string
		{"Patient?family=gt5", str("family", search.Prefix, "gt5")},
		{"Patient?family=Müller-LÜDENSCHEIDT", str("family", search.Prefix, "muller ludenscheidt")},
		{"Patient?family:exact=Müller", str("family", search.Exact, "Müller")},
		{"Patient?family:contains=Üll", str("family", search.Contains, "ull")},
		{"Patient?family=--", search.None{}},
		{"Patient?family:contains=--,a", str("family", search.Contains, "a")},
		{"Patient?family:exact=--", str("family", search.Exact, "--")},
		{"Patient?address-city:missing=true", search.Not{Filter: search.Or{search.Present{Param: "address-city"}, search.Present{Param: "address-city:present"}}}},
		{"Patient?address-city:missing=false", search.Or{search.Present{Param: "address-city"}, search.Present{Param: "address-city:present"}}},

		// token
		{"Observation?code=8480-6", anySystem("code", "8480-6", "8480-6")},
		{"Observation?code=Ab", anySystem("code", "Ab", "ab")},
		{"Observation?code=http://loinc.org|8480-6", search.Token{Param: "code", System: loinc, Code: "8480-6", Fold: true}},
		{"Observation?code=http://loinc.org|AB", search.Token{Param: "code", System: loinc, Code: "ab", Fold: true}},
		{"Observation?code=http://unitsofmeasure.org|AB", search.Token{Param: "code", System: ucum, Code: "AB"}},
		{"Observation?code=http://loinc.org|", search.Token{Param: "code", System: loinc, AnyCode: true, Fold: true}},
		{"Observation?code=|AB", search.Token{Param: "code", Code: "ab", Fold: true}},
		{`Observation?code=a\|b|c\|d\,e`, search.Token{Param: "code", System: "a|b", Code: "c|d,e", Fold: true}},
		{"Patient?gender=http://hl7.org/fhir/administrative-gender|Male", search.Token{Param: "gender", System: gender, Code: "Male"}},
		{"Patient?gender=|male", or{
			search.Token{Param: "gender", Code: "male", Fold: true},
			search.Token{Param: "gender", System: gender, Code: "male"},
		}},
		{"Patient?active=true", search.Token{Param: "active", Code: "true", Fold: true}},
		{"Patient?email=A@b.example", search.Token{Param: "email", Code: "a@b.example", Fold: true}},
		{"Patient?gender:not=male,female", search.Not{Filter: or{
			search.Token{Param: "gender", AnySystem: true, Code: "male"},
			search.Token{Param: "gender", AnySystem: true, Code: "male", Fold: true},
			search.Token{Param: "gender", AnySystem: true, Code: "female"},
			search.Token{Param: "gender", AnySystem: true, Code: "female", Fold: true},
		}}},
		{"Patient?gender:in=http://hl7.org/fhir/ValueSet/administrative-gender", or{
			search.Token{Param: "gender", System: gender, Code: "female"}, search.Token{Param: "gender", System: gender, Code: "male"},
			search.Token{Param: "gender", System: gender, Code: "other"}, search.Token{Param: "gender", System: gender, Code: "unknown"},
		}},
		{"Observation?code:in=http://loinc.org/vs", search.Token{Param: "code", System: loinc, AnyCode: true, Fold: true}},
		{"Observation?code:not-in=http://loinc.org/vs", search.Not{Filter: search.Token{Param: "code", System: loinc, AnyCode: true, Fold: true}}},
		{"Patient?gender:below=male", search.Token{Param: "gender", System: gender, Code: "male"}},
		{"Patient?gender:above=" + gender + "|male", search.Token{Param: "gender", System: gender, Code: "male"}},
		{"Location?near=47.37|8.54|5|km", search.Near{Param: "near", Latitude: 47.37, Longitude: 8.54, Distance: 5000}},
		{"Location?near=-47.37|-8.54|5", search.Near{Param: "near", Latitude: -47.37, Longitude: -8.54, Distance: 5000}},
		{"Location?near=47.37|8.54", search.Near{Param: "near", Latitude: 47.37, Longitude: 8.54, Distance: 25000}},
		{"Location?near:missing=false", or{search.Present{Param: "near:latitude"}, search.Present{Param: "near:latitude:present"}}},
		{"Location?near:missing=true", search.Not{Filter: or{search.Present{Param: "near:latitude"}, search.Present{Param: "near:latitude:present"}}}},
		{"Location?near=47.37|8.54||mi", search.Near{Param: "near", Latitude: 47.37, Longitude: 8.54, Distance: 25000}},
		{"Location?near=1|2|0.5|mi,1|2|3|[ft_i]", or{
			search.Near{Param: "near", Latitude: 1, Longitude: 2, Distance: 804.672}, search.Near{Param: "near", Latitude: 1, Longitude: 2, Distance: 0.9144},
		}},
		{"Encounter?location.near=1|2|3|m", search.Chain{Param: "location", Type: "Location", Filter: search.Near{Param: "near", Latitude: 1, Longitude: 2, Distance: 3}}},
		{"Observation?code:text=Blood Pr", str("code:text", search.Prefix, "blood pr")},
		{"Patient?identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|MR|446-Z",
			search.Token{Param: "identifier:of-type", System: "http://terminology.hl7.org/CodeSystem/v2-0203", Code: "mr|446-z", Fold: true}},

		// common to all types
		{"Patient?_id=a", search.ID{"a"}},
		{"Patient?_id=a,b", search.ID{"a", "b"}},
		{"Patient?_id:not=a,b", search.Not{Filter: search.ID{"a", "b"}}},
		{"Patient?_id:missing=true", search.None{}},
		{"Patient?_lastUpdated:missing=false", search.All{}},
		{"Patient?_lastUpdated=ge2019", search.Date{Param: "_lastUpdated", Op: search.Ge, Lo: micros(t, "2019-01-01T00:00:00Z"), Hi: micros(t, "2020-01-01T00:00:00Z")}},
		{"Patient?_profile=http://x.example/p|1", search.URI{Param: "_profile", Value: "http://x.example/p|1"}},
		{"Patient?_source=http://x.example", search.URI{Param: "_source", Value: "http://x.example"}},
		{"Patient?_tag=a|b", search.Token{Param: "_tag", System: "a", Code: "b", Fold: true}},
		{"Patient?_security:not=a|b", search.Not{Filter: search.Token{Param: "_security", System: "a", Code: "b", Fold: true}}},

		// reference
		{"Observation?patient=1", ref("patient", "Patient", "1")},
		{"Observation?subject=1", or{ref("subject", "Device", "1"), ref("subject", "Group", "1"), ref("subject", "Location", "1"), ref("subject", "Patient", "1")}},
		{"Observation?subject=Patient/1", ref("subject", "Patient", "1")},
		{"Observation?subject=Patient/1,Group/2", or{ref("subject", "Patient", "1"), ref("subject", "Group", "2")}},
		{"Observation?subject:Patient=1", ref("subject", "Patient", "1")},
		{"Observation?subject:Patient=Patient/1", ref("subject", "Patient", "1")},
		{"Observation?subject:Patient=Group/1", search.None{}},
		{"Observation?subject=Practitioner/1", ref("subject", "Practitioner", "1")}, // R4's own examples have references to such types
		{"Observation?subject=http://own.example/fhir/Patient/1", ref("subject", "Patient", "1")},
		{"Observation?subject:Group=http://own.example/fhir/Patient/1", search.None{}},
		{"Observation?subject=http://other.example/fhir/Patient/1", search.Reference{Param: "subject", URL: "http://other.example/fhir/Patient/1"}},
		{"Observation?subject:Group=http://other.example/fhir/Patient/1", search.None{}},
		{"Observation?subject:Patient=http://other.example/fhir/Patient/1", search.Reference{Param: "subject", URL: "http://other.example/fhir/Patient/1"}},
		{"Observation?subject=Patient/1/_history/2", search.Reference{Param: "subject", Type: "Patient", ID: "1", Version: "2"}},
		{"Observation?subject=http://other.example/fhir/Patient/1/_history/2", search.Reference{Param: "subject", URL: "http://other.example/fhir/Patient/1", Version: "2"}},
		{"Observation?subject=urn:uuid:9d4e2a4e-6a46-4d5b-9f2e-0a8b5d1f0a11", search.Reference{Param: "subject", URL: "urn:uuid:9d4e2a4e-6a46-4d5b-9f2e-0a8b5d1f0a11"}},
		{"PlanDefinition?definition=http://x.example/q|1.0", search.Reference{Param: "definition", URL: "http://x.example/q", Version: "1.0"}},
		{"PlanDefinition?definition=http://own.example/fhir/Questionnaire/q", ref("definition", "Questionnaire", "q")},
		{"PlanDefinition?definition=http://own.example/fhir/Questionnaire/q|1", search.Reference{Param: "definition", URL: "http://own.example/fhir/Questionnaire/q", Version: "1"}},
		{"Observation?subject:identifier=http://x.example|A1", search.Token{Param: "subject:identifier", System: "http://x.example", Code: "a1", Fold: true}},
		{"Observation?subject:identifier=A1", anySystem("subject:identifier", "A1", "a1")},
		{"Observation?subject:missing=true", search.Not{Filter: search.Or{search.Present{Param: "subject"}, search.Present{Param: "subject:present"}}}},

		// number: the value and what its precision stands for
		{"RiskAssessment?probability=0.5", risk(search.Eq, 0.5, 0.45, 0.55)},
		{"RiskAssessment?probability=100", risk(search.Eq, 100, 99.5, 100.5)},
		{"RiskAssessment?probability=1e2", risk(search.Eq, 100, 95, 105)},
		{"RiskAssessment?probability=5.40e-3", risk(search.Eq, 0.0054, 0.005395, 0.005405)},
		{"RiskAssessment?probability=eq-2", risk(search.Eq, -2, -2.5, -1.5)},
		{"RiskAssessment?probability=ne2", risk(search.Ne, 2, 1.5, 2.5)},
		{"RiskAssessment?probability=gt2", risk(search.Gt, 2, 1.5, 2.5)},
		{"RiskAssessment?probability=lt2", risk(search.Lt, 2, 1.5, 2.5)},
		{"RiskAssessment?probability=ge2", risk(search.Ge, 2, 1.5, 2.5)},
		{"RiskAssessment?probability=le2", risk(search.Le, 2, 1.5, 2.5)},
		{"RiskAssessment?probability=sa2", risk(search.Sa, 2, 1.5, 2.5)},
		{"RiskAssessment?probability=eb2", risk(search.Eb, 2, 1.5, 2.5)},
		{"RiskAssessment?probability=ap100", risk(search.Ap, 100, 90, 110)},
		{"RiskAssessment?probability=ap-100", risk(search.Ap, -100, -110, -90)},
		{"RiskAssessment?probability=ap5.4", risk(search.Ap, 5.4, 4.86, 5.94)},
		{"RiskAssessment?probability=ap2", risk(search.Ap, 2, 1.5, 2.5)},
		{"RiskAssessment?probability=ap0", risk(search.Ap, 0, -0.5, 0.5)},
		{"RiskAssessment?probability=1,2", or{risk(search.Eq, 1, 0.5, 1.5), risk(search.Eq, 2, 1.5, 2.5)}},

		// quantity
		{"Observation?value-quantity=5.4", search.Quantity{Number: five, AnyUnit: true}},
		{"Observation?value-quantity=5.4||", search.Quantity{Number: five, AnyUnit: true}},
		{"Observation?value-quantity=5.4|http://unitsofmeasure.org|mg", or{
			search.Quantity{Number: inKilograms("value-quantity"), System: ucum, Unit: "kg"},
			search.Quantity{Number: inKilograms("value-quantity:canonical"), System: ucum, Unit: "kg"},
		}},
		{"Observation?value-quantity=5.4|http://unitsofmeasure.org|mgs", search.Quantity{Number: five, System: ucum, Unit: "mgs"}},
		{"Observation?value-quantity=lt98.6|http://unitsofmeasure.org|[degF]", or{
			search.Quantity{Number: celsius("value-quantity"), System: ucum, Unit: "Cel"},
			search.Quantity{Number: celsius("value-quantity:canonical"), System: ucum, Unit: "Cel"},
		}},
		{"Observation?code-value-quantity=http://loinc.org|1$5.4|http://unitsofmeasure.org|mg", or{tuple("code-value-quantity"), tuple("code-value-quantity:canonical")}},
		{"Observation?value-quantity=5.4||mg", search.Quantity{Number: five, AnySystem: true, Unit: "mg"}},
		{`Observation?value-quantity=gt5.4||mg\,x`, search.Quantity{Number: number(search.Gt, 5.4, 5.35, 5.45), AnySystem: true, Unit: "mg,x"}},

		// date: intervals
		{"Patient?birthdate=2015", date(search.Eq, "2015-01-01T00:00:00Z", "2016-01-01T00:00:00Z")},
		{"Patient?birthdate=ne2015-02", date(search.Ne, "2015-02-01T00:00:00Z", "2015-03-01T00:00:00Z")},
		{"Patient?birthdate=gt2015-02-07", date(search.Gt, "2015-02-07T00:00:00Z", "2015-02-08T00:00:00Z")},
		{"Patient?birthdate=sa2015-02-07T13:28", date(search.Sa, "2015-02-07T13:28:00Z", "2015-02-07T13:29:00Z")},
		{"Patient?birthdate=eb2015-02-07T13:28:17Z", date(search.Eb, "2015-02-07T13:28:17Z", "2015-02-07T13:28:18Z")},
		{"Patient?birthdate=le2015-02-07T13:28:17.2-05:00", date(search.Le, "2015-02-07T18:28:17.2Z", "2015-02-07T18:28:17.3Z")},
		{"Patient?birthdate=lt2015-02-07T13:28:17+01:00", date(search.Lt, "2015-02-07T12:28:17Z", "2015-02-07T12:28:18Z")},
		{"Patient?birthdate=lt2015-02-07T13:28:17 01:00", date(search.Lt, "2015-02-07T12:28:17Z", "2015-02-07T12:28:18Z")},
		{"Patient?birthdate=ap2020", date(search.Ap, "2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z")},
		{"Patient?birthdate=ap2019-12-21", date(search.Ap, "2019-12-20T00:00:00Z", "2019-12-23T00:00:00Z")},
		{"Patient?birthdate=ap2020-01-11", date(search.Ap, "2020-01-10T00:00:00Z", "2020-01-13T00:00:00Z")},

		// uri
		{`ValueSet?url=http://x.example/a|b`, search.Named("http://x.example/a", "b")},
		{`ValueSet?url=http://x.example/a\|b`, search.URI{Param: "url", Value: "http://x.example/a|b"}},
		{`Device?url=http://x.example/a|b`, search.URI{Param: "url", Value: "http://x.example/a|b"}},
		{`Patient?_profile=StructureDefinition/1`, search.Or{search.URI{Param: "_profile", Value: "StructureDefinition/1"}, search.URI{Param: "_profile", Value: "http://own.example/fhir/StructureDefinition/1"}}},
		{`QuestionnaireResponse?questionnaire:below=http://x.example/q`, search.Reference{Param: "questionnaire", URL: "http://x.example/q"}},
		{`QuestionnaireResponse?questionnaire:below=http://x.example/q|1`, search.Or{
			search.Reference{Param: "questionnaire", URL: "http://x.example/q", Version: "1"},
			search.Reference{Param: "questionnaire", URL: "http://x.example/q", Version: "1.", Begins: true},
			search.Reference{Param: "questionnaire", URL: "http://x.example/q", Version: "1-", Begins: true}}},
		{`DocumentReference?contenttype:below=text/xml`, search.Or{
			search.Token{Param: "contenttype", System: search.MimeTypes, Code: "text/xml", Fold: true},
			search.Token{Param: "contenttype:below", System: search.MimeTypes, Code: "text/xml", Fold: true}}},
		{`DocumentReference?contenttype:above=text/xml; charset=UTF-8`, search.Or{
			search.Token{Param: "contenttype", System: search.MimeTypes, Code: "text/xml; charset=utf-8", Fold: true},
			search.Token{Param: "contenttype", System: search.MimeTypes, Code: "text/xml", Fold: true}}},
		{"ValueSet?url:below=http://x.example/a", search.URI{Param: "url", Op: search.BelowURI, Value: "http://x.example/a"}},
		{"ValueSet?url:above=http://x.example/a", search.URI{Param: "url", Op: search.AboveURI, Value: "http://x.example/a"}},
		{"ValueSet?url=urn:oid:1.2.3,x", or{search.URI{Param: "url", Value: "urn:oid:1.2.3"}, search.URI{Param: "url", Value: "x"}}},

		// composite: one tuple satisfies all parts
		{"Observation?code-value-quantity=http://loinc.org|8480-6$gt60", search.Composite{Param: "code-value-quantity", Parts: []search.Filter{
			search.Token{System: loinc, Code: "8480-6", Fold: true},
			search.Quantity{Number: search.Number{Op: search.Gt, Value: 60, Lo: 59.5, Hi: 60.5}, AnyUnit: true},
		}}},
		{`Observation?code-value-string=a\$b$c,d$e`, or{
			search.Composite{Param: "code-value-string", Parts: []search.Filter{anySystem("", "a$b", "a$b"), search.String{Text: "c"}}},
			search.Composite{Param: "code-value-string", Parts: []search.Filter{anySystem("", "d", "d"), search.String{Text: "e"}}},
		}},
		{"Observation?code-value-string=a$--", search.None{}},

		// chains
		{"Observation?subject:Patient.name=a", search.Chain{Param: "subject", Type: "Patient", Filter: str("name", search.Prefix, "a")}},
		{"Observation?subject.name=a", or{
			search.Chain{Param: "subject", Type: "Location", Filter: str("name", search.Prefix, "a")},
			search.Chain{Param: "subject", Type: "Patient", Filter: str("name", search.Prefix, "a")},
		}},
		{"Observation?patient.organization.name:exact=A", search.Chain{Param: "patient", Type: "Patient", Filter: search.Chain{
			Param: "organization", Type: "Organization", Filter: str("name", search.Exact, "A"),
		}}},
		{"Observation?patient.gender:not=male", search.Chain{Param: "patient", Type: "Patient", Filter: search.Not{Filter: anySystem("gender", "male", "male")}}},
		{"Observation?patient.birthdate:missing=true", search.Chain{Param: "patient", Type: "Patient", Filter: search.Not{Filter: search.Or{search.Present{Param: "birthdate"}, search.Present{Param: "birthdate:present"}}}}},
		{"Observation?patient._id=1", search.Chain{Param: "patient", Type: "Patient", Filter: search.ID{"1"}}},
		{"Observation?patient.family=--", search.None{}},
		{"Observation?patient.family=a,b", search.Chain{Param: "patient", Type: "Patient", Filter: or{str("family", search.Prefix, "a"), str("family", search.Prefix, "b")}}},

		// _has
		{"Patient?_has:Observation:patient:status=final", search.Has{Type: "Observation", Param: "patient", Filter: anySystem("status", "final", "final")}},
		{"Patient?_has:Observation:patient:status:not=final", search.Has{Type: "Observation", Param: "patient", Filter: search.Not{Filter: anySystem("status", "final", "final")}}},
		{"Patient?_has:Observation:patient:performer:Practitioner.family=a", search.Has{Type: "Observation", Param: "patient", Filter: search.Chain{
			Param: "performer", Type: "Practitioner", Filter: str("family", search.Prefix, "a"),
		}}},
		{"Patient?_has:Observation:patient:_has:Provenance:target:_id=1", search.Has{Type: "Observation", Param: "patient", Filter: search.Has{
			Type: "Provenance", Param: "target", Filter: search.ID{"1"},
		}}},
		{"Encounter?patient._has:Group:member:_id=102", search.Chain{Param: "patient", Type: "Patient", Filter: search.Has{Type: "Group", Param: "member", Filter: search.ID{"102"}}}},
		{"Patient?_has:Observation:patient:value-string=--", search.None{}},

		// over several types: where a code means different things each type has its own
		{"?_id=1", search.ID{"1"}},
		{"?_type=Patient,Practitioner&family=a", str("family", search.Prefix, "a")},
		{"?_type=Encounter,Condition&patient=1", ref("patient", "Patient", "1")},
		{"?_type=Observation,Encounter&subject=1", or{
			and{search.Type{"Observation"}, or{ref("subject", "Device", "1"), ref("subject", "Group", "1"), ref("subject", "Location", "1"), ref("subject", "Patient", "1")}},
			and{search.Type{"Encounter"}, or{ref("subject", "Group", "1"), ref("subject", "Patient", "1")}},
		}},
		{"?_has:Provenance:target:_id=1", search.Has{Type: "Provenance", Param: "target", Filter: search.ID{"1"}}},
	} {
		q, err := parse(c.query, options)
		if err != nil {
			t.Errorf("%s: %v", c.query, err)
		} else if !reflect.DeepEqual(q.Filter, c.want) {
			t.Errorf("%s:\n got %#v\nwant %#v", c.query, q.Filter, c.want)
		}
	}
}
