package match_test

import (
	"errors"
	"iter"
	"math"
	"strings"
	"testing"
	"time"

	"fhirside/fhir"
	"fhirside/search"
	"fhirside/search/index"
	"fhirside/search/match"
)

func now() time.Time { return time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC) }

// filter parses one parameter.
func filter(t *testing.T, resourceType, name, value string) search.Filter {
	t.Helper()
	q, err := search.Parse(search.R4(), resourceType, []search.Parameter{{Name: name, Value: value}}, search.Options{Now: now})
	if err != nil {
		t.Fatalf("%s=%s: %v", name, value, err)
	}
	return q.Filter
}

func holds(t *testing.T, f search.Filter, s match.Subject, w match.World) bool {
	t.Helper()
	held, err := match.Matches(f, s, w)
	if err != nil {
		t.Fatalf("%#v: %v", f, err)
	}
	return held
}

func subject(v index.Values) match.Subject {
	return match.Subject{Type: "Patient", ID: "1", Values: &v}
}

var prefixes = []string{"eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"}

// found are the prefixes by which a value finds the subject, in the order above.
func found(t *testing.T, s match.Subject, resourceType, name, value string) string {
	var out []string
	for _, prefix := range prefixes {
		if holds(t, filter(t, resourceType, name, prefix+value), s, nil) {
			out = append(out, prefix)
		}
	}
	return strings.Join(out, " ")
}

// period reads "moment", "start/end", "start/" or "/end".
func period(t *testing.T, text string) index.Date {
	t.Helper()
	d := index.Date{Param: "birthdate", Lo: fhir.BeginningOfTime, Hi: fhir.EndOfTime}
	start, end, isPeriod := strings.Cut(text, "/")
	if !isPeriod {
		end = start
	}
	if start != "" {
		m, err := fhir.ParseMoment(start)
		if err != nil {
			t.Fatal(err)
		}
		d.Lo = m.Lo
	}
	if end != "" {
		m, err := fhir.ParseMoment(end)
		if err != nil {
			t.Fatal(err)
		}
		d.Hi = m.Hi
	}
	return d
}

// TestDates follows the examples of search.html#date and the table of search.html#prefix.
func TestDates(t *testing.T) {
	for _, c := range []struct{ entry, value, want string }{
		// R4's own examples
		{"2013-01-14T00:00:00Z", "2013-01-14", "eq ge le ap"},
		{"2013-01-14T10:00:00Z", "2013-01-14", "eq ge le ap"},
		{"2013-01-15T00:00:00Z", "2013-01-14", "ne gt ge sa"},
		{"2013-01-14T10:00:00Z", "2013-01-14T10:00", "eq ge le ap"},
		{"2013-01-14", "2013-01-14T10:00", "ne gt lt ge le ap"},
		{"2013-01-13T12:00:00Z", "2013-01-14T10:00", "ne lt le eb"},
		{"2013-01-21/", "2013-03-14", "ne gt lt ge le ap"},
		{"2013-03-14/", "2013-03-14", "ne gt ge le ap"},
		{"2013-03-15/", "2013-03-14", "ne gt ge sa"},
		{"/2013-03-13", "2013-03-14", "ne lt le eb"},
		{"/2013-03-14", "2013-03-14", "ne lt ge le ap"},
		// partial dates and periods
		{"2000-04-10/2000-04-20", "2000-04", "eq ge le ap"},
		{"2000-04", "2000-04", "eq ge le ap"},
		{"2000", "2000-04", "ne gt lt ge le ap"},
		{"2000-03-31/2000-04-01", "2000-04", "ne lt ge le ap"},
		{"2000-04-30/2000-05-01", "2000-04", "ne gt ge le ap"},
		{"2000-03", "2000-04", "ne lt le eb"},
		{"2000-05", "2000-04", "ne gt ge sa"},
		// zones: midnight in Berlin is the evening before in UTC
		{"2000-04-01T00:30:00+02:00", "2000-04", "ne lt le eb"},
		{"2000-04-30T23:30:00-02:00", "2000-04", "ne gt ge sa"},
		{"2000-04-01T00:30:00+02:00", "2000-03-31T22:30:00Z", "eq ge le ap"},
		{"2000-04-01T00:00:00.5Z", "2000-04-01T00:00:00Z", "eq ge le ap"},
	} {
		// ap reaches a tenth of the distance to now further, which these far dates would all be within: it is tested below.
		got := found(t, subject(index.Values{Dates: []index.Date{period(t, c.entry)}}), "Patient", "birthdate", c.value)
		if without(got) != without(c.want) {
			t.Errorf("%s against %s: %s, want %s", c.entry, c.value, got, c.want)
		}
		overlap := search.Date{Param: "birthdate", Op: search.Ap}
		value := period(t, c.value)
		overlap.Lo, overlap.Hi = value.Lo, value.Hi
		if held := holds(t, overlap, subject(index.Values{Dates: []index.Date{period(t, c.entry)}}), nil); held != strings.HasSuffix(c.want, "ap") {
			t.Errorf("%s overlaps %s: %v, want %s", c.entry, c.value, held, c.want)
		}
	}
}

func without(list string) string { return strings.TrimSuffix(list, " ap") }

// TestApproximateDates: now is 2020-01-01, nine years behind the end of 2010, so that the search reaches 328.7 days further.
func TestApproximateDates(t *testing.T) {
	for _, c := range []struct {
		entry string
		want  bool
	}{
		{"2009-02-06", true}, {"2009-02-05", false}, {"2011-11-25", true}, {"2011-11-26", false}, {"2010", true}, {"/2009-06-01", true}, {"2012-06-01/", false},
	} {
		s := subject(index.Values{Dates: []index.Date{period(t, c.entry)}})
		if got := holds(t, filter(t, "Patient", "birthdate", "ap2010"), s, nil); got != c.want {
			t.Errorf("%s: %v", c.entry, got)
		}
	}
}

// TestLastUpdated: it is the millisecond of the commit.
func TestLastUpdated(t *testing.T) {
	s := match.Subject{Type: "Patient", ID: "1", Updated: time.Date(2020, 5, 1, 10, 0, 0, 250e6, time.UTC)}
	for _, c := range []struct{ value, want string }{
		{"2020-05-01T10:00:00.250Z", "eq ge le ap"},
		{"2020-05-01T10:00:00.249Z", "ne gt ge sa"},
		{"2020-05-01T10:00:00.251Z", "ne lt le eb"},
		{"2020-05-01T10:00:00Z", "eq ge le ap"},
		{"2020-05-01", "eq ge le ap"},
		{"2019", "ne gt ge sa"},
	} {
		if got := found(t, s, "Patient", "_lastUpdated", c.value); without(got) != without(c.want) {
			t.Errorf("%s: %s, want %s", c.value, got, c.want)
		}
	}
}

// TestNumbers follows search.html#number and search.html#prefix: eq and ne by the precision of the value, the others by the value.
func TestNumbers(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		lo, hi float64
		value  string
		want   string
	}{
		{100, 100, "100", "eq ge le ap"},
		{99.5, 99.5, "100", "eq lt le eb ap"},
		{100.5, 100.5, "100", "ne gt ge sa ap"},
		{100.4, 100.4, "100", "eq gt ge sa ap"},
		{100.4, 100.4, "100.0", "ne gt ge sa ap"},
		{95, 95, "1e2", "eq lt le eb ap"},
		{105, 105, "1e2", "ne gt ge sa ap"},
		{5.35, 5.35, "5.4", "eq lt le eb ap"},
		{5.45, 5.45, "5.4", "ne gt ge sa ap"},
		{90, 90, "100", "ne lt le eb ap"},
		{89.9, 89.9, "100", "ne lt le eb"},
		{110, 110, "100", "ne gt ge sa ap"},
		{110.1, 110.1, "100", "ne gt ge sa"},
		{-100, -100, "-100", "eq ge le ap"},
		{-111, -111, "-100", "ne lt le eb"},
		{0, 0, "0", "eq ge le ap"},
		// ranges, and what a comparator leaves open
		{1, 3, "2", "ne gt lt ge le ap"},
		{2, 3, "2", "ne gt ge le ap"},
		{1.8, 2.2, "2", "eq gt lt ge le ap"},
		{-inf, 5, "5", "ne lt ge le ap"},
		{5, inf, "4", "ne gt ge sa"},
		{-inf, inf, "4", "ne gt lt ge le ap"},
		// more digits than a double has
		{12345678901234567890, 12345678901234567890, "12345678901234567890", "eq ge le ap"},
	} {
		s := subject(index.Values{Numbers: []index.Number{{Param: "probability", Lo: c.lo, Hi: c.hi}}})
		if got := found(t, s, "RiskAssessment", "probability", c.value); got != c.want {
			t.Errorf("[%v, %v] against %s: %s, want %s", c.lo, c.hi, c.value, got, c.want)
		}
	}
}

// row is a subject and a condition on it.
type row struct {
	resourceType, name, value string
	want                      bool
}

func check(t *testing.T, s match.Subject, rows []row) {
	t.Helper()
	for _, r := range rows {
		if got := holds(t, filter(t, r.resourceType, r.name, r.value), s, nil); got != r.want {
			t.Errorf("%s?%s=%s: %v", r.resourceType, r.name, r.value, got)
		}
	}
}

func TestTokens(t *testing.T) {
	const ucum = "http://unitsofmeasure.org"
	check(t, subject(index.Values{
		Tokens: []index.Token{
			{Param: "code", System: "http://x.example", Code: "abc", Fold: true}, // "Abc", and case does not count
			{Param: "code", System: ucum, Code: "mL"},
			{Param: "code", Code: "bare", Fold: true},
			{Param: "code", System: "http://nocode.example"},
			{Param: "subject:identifier", System: "http://x.example", Code: "i1", Fold: true},
			{Param: "subject:present", Code: "true"},
		},
		Strings: []index.String{{Param: "code:text", Text: "Blood Pressure", Folded: "blood pressure"}},
	}), []row{
		{"Observation", "code", "abc", true}, {"Observation", "code", "ABC", true}, {"Observation", "code", "ab", false},
		{"Observation", "code", "mL", true}, {"Observation", "code", "ml", false},
		{"Observation", "code", "http://x.example|ABC", true}, {"Observation", "code", "http://y.example|abc", false},
		{"Observation", "code", ucum + "|mL", true}, {"Observation", "code", ucum + "|ML", false},
		{"Observation", "code", "|bare", true}, {"Observation", "code", "|abc", false}, {"Observation", "code", "bare", true},
		{"Observation", "code", ucum + "|", true}, {"Observation", "code", "http://y.example|", false}, {"Observation", "code", "http://nocode.example|", true},
		{"Observation", "code", "x,abc", true}, {"Observation", "code", "x,y", false},
		{"Observation", "code:not", "abc", false}, {"Observation", "code:not", "x,y", true}, {"Observation", "code:not", "x,mL", false},
		{"Observation", "status:not", "final", true}, // there is none at all
		{"Observation", "code:missing", "true", false}, {"Observation", "code:missing", "false", true},
		{"Observation", "status:missing", "true", true}, {"Observation", "status:missing", "false", false},
		{"Observation", "code:text", "blood", true}, {"Observation", "code:text", "BLOOD  PR", true}, {"Observation", "code:text", "pressure", false},
		{"Observation", "subject:identifier", "http://x.example|I1", true}, {"Observation", "subject:identifier", "|i1", false},
		{"Observation", "subject:missing", "true", false}, // an identifier can be searched for, too
	})
}

func TestStrings(t *testing.T) {
	check(t, subject(index.Values{Strings: []index.String{
		{Param: "family", Text: "van der Berg-Müller", Folded: "van der berg muller"},
		{Param: "family", Folded: "der", Part: true},
		{Param: "family", Folded: "berg", Part: true},
		{Param: "family", Folded: "muller", Part: true},
	}}), []row{
		{"Patient", "family", "Van", true}, {"Patient", "family", "van-der", true}, {"Patient", "family", "BERG", true}, {"Patient", "family", "mül", true},
		{"Patient", "family", "erg", false}, {"Patient", "family", "berg-m", false}, {"Patient", "family", "v%", true /* the sign does not count */}, {"Patient", "family", "v_n", false},
		{"Patient", "family:contains", "ERG MÜ", true}, {"Patient", "family:contains", "bergm", false},
		{"Patient", "family:exact", "van der Berg-Müller", true}, {"Patient", "family:exact", "van der berg-müller", false}, {"Patient", "family:exact", "van", false},
		{"Patient", "_filter", `family eq "VAN der berg müller"`, true}, {"Patient", "_filter", "family eq berg", false}, {"Patient", "_filter", "family sw berg", false},
		{"Patient", "_filter", `family sw "van D"`, true}, {"Patient", "_filter", "family ne berg", true}, {"Patient", "_filter", `family ne "van der berg-müller"`, false},
		{"Patient", "_filter", "family gt u", true}, {"Patient", "_filter", "family gt v", false}, {"Patient", "_filter", "family ge v", true}, {"Patient", "_filter", "family ge w", false},
		{"Patient", "_filter", "family lt w", true}, {"Patient", "_filter", "family lt v", false}, {"Patient", "_filter", "family le v", true}, {"Patient", "_filter", "family le u", false},
		{"Patient", "_filter", "family lt vat", true}, {"Patient", "_filter", "family le vam", false}, {"Patient", "_filter", "family gt vam", true},
		{"Patient", "_filter", `family co "er b"`, true}, {"Patient", "_filter", "not (family pr false)", true}, {"Patient", "_filter", "given pr true", false},
		{"Patient", "_filter", `family ew "BERG-Müller"`, true}, {"Patient", "_filter", "family ew ler", true}, {"Patient", "_filter", "family ew berg", false},
		{"Patient", "family:exact", "berg", false}, {"Patient", "given", "van", false}, {"Patient", "family", "%", false}, {"Patient", "family:contains", "--", false},
	})
}

func TestReferences(t *testing.T) {
	check(t, subject(index.Values{References: []index.Reference{
		{Param: "subject", Type: "Patient", ID: "1", Version: "3"},
		{Param: "subject", URL: "http://x.example/fhir/Patient/2"},
		{Param: "instantiates-canonical", URL: "http://x.example/p", Version: "1"},
	}}), []row{
		{"Observation", "subject", "Patient/1", true}, {"Observation", "subject", "1", true}, {"Observation", "subject:Patient", "1", true},
		{"Observation", "subject", "Patient/1/_history/3", true}, {"Observation", "subject", "Patient/1/_history/2", false},
		{"Observation", "subject", "Group/1", false}, {"Observation", "subject:Group", "1", false}, {"Observation", "subject", "Patient/2", false},
		{"Observation", "subject", "http://x.example/fhir/Patient/2", true}, {"Observation", "subject", "http://x.example/fhir/Patient/1", false},
		{"Observation", "performer", "1", false}, {"Observation", "subject", "Practitioner/1", false},
		{"CarePlan", "instantiates-canonical", "http://x.example/p", true}, {"CarePlan", "instantiates-canonical", "http://x.example/p|1", true},
		{"CarePlan", "instantiates-canonical", "http://x.example/p|2", false},
	})
}

func TestQuantities(t *testing.T) {
	quantity := func(value float64, system, code, unit string) index.Quantity {
		return index.Quantity{Number: index.Number{Param: "value-quantity", Lo: value, Hi: value}, System: system, Code: code, Unit: unit}
	}
	check(t, subject(index.Values{Quantities: []index.Quantity{
		quantity(5.4, "http://unitsofmeasure.org", "mg", "milligram"), quantity(9, "", "", "drops"),
		{Number: index.Number{Param: "value-quantity:canonical", Lo: 5.4e-6, Hi: 5.4e-6}, System: "http://unitsofmeasure.org", Code: "kg"},
	}}), []row{
		{"Observation", "value-quantity", "5.4", true}, {"Observation", "value-quantity", "5.4|http://unitsofmeasure.org|mg", true},
		{"Observation", "value-quantity", "5.4|http://x.example|mg", false}, {"Observation", "value-quantity", "5.4|http://unitsofmeasure.org|g", false},
		{"Observation", "value-quantity", "5.4||mg", true}, {"Observation", "value-quantity", "5.4||milligram", true}, {"Observation", "value-quantity", "5.4||MG", false},
		{"Observation", "value-quantity", "gt5||drops", true}, {"Observation", "value-quantity", "gt10||drops", false},
		{"Observation", "value-quantity", "gt5.5|http://unitsofmeasure.org|mg", false}, // 9 is of another unit
		{"Observation", "value-quantity", "0.0054|http://unitsofmeasure.org|g", true}, {"Observation", "value-quantity", "5400|http://unitsofmeasure.org|ug", true},
		{"Observation", "value-quantity", "5.4e-6|http://unitsofmeasure.org|kg", true}, {"Observation", "value-quantity", "5.4e-6", false},
		{"Observation", "value-quantity", "lt0.0055|http://unitsofmeasure.org|g", true}, {"Observation", "value-quantity", "gt0.0054|http://unitsofmeasure.org|g", false},
		{"Observation", "value-quantity", "5.4|http://unitsofmeasure.org|mL", false}, {"Observation", "value-quantity", "ne5|http://unitsofmeasure.org|ug", true},
	})
}

func TestURIs(t *testing.T) {
	check(t, subject(index.Values{URIs: []index.URI{{Param: "url", Value: "http://x.example/fhir/ValueSet"}}}), []row{
		{"ValueSet", "url", "http://x.example/fhir/ValueSet", true}, {"ValueSet", "url", "http://x.example/fhir/valueset", false}, {"ValueSet", "url", "http://x.example/fhir", false},
		{"ValueSet", "url:below", "http://x.example/fhir/", true}, {"ValueSet", "url:below", "http://x.example/fhir/ValueSet", true}, {"ValueSet", "url:below", "http://x.example/fhir/ValueSet/1", false},
		{"ValueSet", "url:above", "http://x.example/fhir/ValueSet/1", true}, {"ValueSet", "url:above", "http://x.example/fhir/", false},
	})
}

// TestComposites: the parts of a value must be found in one tuple.
func TestComposites(t *testing.T) {
	tuple := func(code string, value float64) index.Composite {
		return index.Composite{Param: "component-code-value-quantity", Components: []index.Values{
			{Tokens: []index.Token{{System: "s", Code: code, Fold: true}, {System: "other", Code: code + "x", Fold: true}}},
			{Quantities: []index.Quantity{{Number: index.Number{Lo: value, Hi: value}}}},
		}}
	}
	s := subject(index.Values{Composites: []index.Composite{tuple("sys", 120), tuple("dia", 80)}})
	check(t, s, []row{
		{"Observation", "component-code-value-quantity", "sys$120", true}, {"Observation", "component-code-value-quantity", "sys$80", false},
		{"Observation", "component-code-value-quantity", "s|dia$lt90", true}, {"Observation", "component-code-value-quantity", "s|sys$lt90", false},
		{"Observation", "component-code-value-quantity", "diax$80,sys$80", true}, {"Observation", "code-value-quantity", "sys$120", false},
	})
	if _, err := match.Matches(search.Composite{Param: "component-code-value-quantity", Parts: []search.Filter{search.All{}}}, s, nil); err == nil {
		t.Error("one condition on tuples of two was judged")
	}
}

func TestConstants(t *testing.T) {
	s := match.Subject{Type: "Patient", ID: "1"} // without values
	for _, c := range []struct {
		f    search.Filter
		want bool
	}{
		{search.All{}, true}, {search.None{}, false}, {search.And{}, true}, {search.Or{}, false}, {search.Not{Filter: search.None{}}, true},
		{search.ID{"2", "1"}, true}, {search.ID{"2"}, false}, {search.ID{}, false},
		{search.Type{"Patient"}, true}, {search.Type{"Group"}, false},
		{search.Present{Param: "_id"}, true}, {search.Present{Param: "_lastUpdated"}, true}, {search.Present{Param: "name"}, false},
		{search.And{search.All{}, search.None{}}, false}, {search.Or{search.None{}, search.All{}}, true},
	} {
		if got := holds(t, c.f, s, nil); got != c.want {
			t.Errorf("%#v: %v", c.f, got)
		}
	}
}

// TestPresence: an entry of any kind makes a parameter present, one for a modifier does not.
func TestPresence(t *testing.T) {
	for _, v := range []index.Values{
		{Tokens: []index.Token{{Param: "p"}}}, {Strings: []index.String{{Param: "p"}}}, {References: []index.Reference{{Param: "p"}}},
		{Dates: []index.Date{{Param: "p"}}}, {Numbers: []index.Number{{Param: "p"}}}, {Quantities: []index.Quantity{{Number: index.Number{Param: "p"}}}},
		{URIs: []index.URI{{Param: "p"}}}, {Composites: []index.Composite{{Param: "p"}}},
	} {
		if !holds(t, search.Present{Param: "p"}, subject(v), nil) || holds(t, search.Present{Param: "q"}, subject(v), nil) {
			t.Errorf("%+v", v)
		}
	}
	if holds(t, search.Present{Param: "p"}, subject(index.Values{Strings: []index.String{{Param: "p:text"}}}), nil) {
		t.Error("a text made its parameter present")
	}
}

// circle is a world of two organisations that are part of each other, with a patient of the first.
type circle struct{ fails error }

func (c circle) subjects() []match.Subject {
	partOf := func(id, other, name string) match.Subject {
		return match.Subject{Type: "Organization", ID: id, Values: &index.Values{
			References: []index.Reference{{Param: "partof", Type: "Organization", ID: other}},
			Strings:    []index.String{{Param: "name", Text: name, Folded: name}},
		}}
	}
	return []match.Subject{partOf("a", "b", "alpha"), partOf("b", "a", "beta"), {Type: "Patient", ID: "p", Values: &index.Values{
		References: []index.Reference{
			{Param: "organization", Type: "Organization", ID: "gone"}, {Param: "organization", URL: "http://x.example/Organization/b"},
			{Param: "organization", Type: "Organization", ID: "a", Version: "7"},
		},
	}}}
}

func (c circle) Resource(resourceType, id string) (match.Subject, bool, error) {
	for _, s := range c.subjects() {
		if s.Type == resourceType && s.ID == id {
			return s, true, c.fails
		}
	}
	return match.Subject{}, false, c.fails
}

func (c circle) Find(resourceType string, f search.Filter) iter.Seq2[match.Subject, error] {
	return func(yield func(match.Subject, error) bool) {
		for _, s := range c.subjects() {
			held, _ := match.Matches(f, s, nil)
			if s.Type == resourceType && held && !yield(s, c.fails) {
				return
			}
		}
	}
}

func TestChains(t *testing.T) {
	w := circle{}
	patient, _, _ := w.Resource("Patient", "p")
	alpha, _, _ := w.Resource("Organization", "a")
	for _, c := range []struct {
		s           match.Subject
		name, value string
		want        bool
	}{
		{patient, "organization.name", "alpha", true}, {patient, "organization.name", "beta", false}, {patient, "organization.partof.name", "beta", true},
		{patient, "organization.partof.partof.partof.partof.name", "alpha", true}, {patient, "organization.partof.partof.partof.partof.name", "beta", false},
		{patient, "organization.name:missing", "true", false}, {patient, "organization.type:missing", "true", true}, {patient, "organization._id", "gone", false},
		{patient, "general-practitioner.name", "alpha", false},
		{alpha, "_has:Patient:organization:_id", "p", true}, {alpha, "_has:Patient:organization:_id", "q", false},
		{alpha, "_has:Organization:partof:name", "beta", true}, {alpha, "_has:Organization:partof:name", "alpha", false},
		{alpha, "_has:Organization:partof:_has:Organization:partof:name", "alpha", true},
		{alpha, "partof._has:Patient:organization:_id", "p", false}, {alpha, "partof._has:Organization:partof:_has:Patient:organization:_id:not", "p", false},
	} {
		if got := holds(t, filter(t, c.s.Type, c.name, c.value), c.s, w); got != c.want {
			t.Errorf("%s?%s=%s: %v", c.s.Type, c.name, c.value, got)
		}
	}
}

// TestFailures: what cannot be judged is an error wherever it stands, and never a yes or a no.
func TestFailures(t *testing.T) {
	w := circle{errors.New("the store is away")}
	patient := circle{}.subjects()[2]
	alpha := circle{}.subjects()[0]
	chain := search.Chain{Param: "organization", Type: "Organization", Filter: search.All{}}
	has := search.Has{Type: "Patient", Param: "organization", Filter: search.All{}}
	for _, c := range []struct {
		f search.Filter
		s match.Subject
		w match.World
	}{
		{chain, patient, nil}, {chain, patient, w}, {has, alpha, nil}, {has, alpha, w}, {search.Or{search.None{}, nil}, patient, nil},
		{search.Not{Filter: chain}, patient, nil}, {search.And{search.All{}, chain}, patient, nil}, {search.Or{chain, search.All{}}, patient, nil},
	} {
		if held, err := match.Matches(c.f, c.s, c.w); err == nil || held {
			t.Errorf("%#v: %v %v", c.f, held, err)
		}
	}
}
