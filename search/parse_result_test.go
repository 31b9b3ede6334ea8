package search_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"fhirside/fhir"
	"fhirside/fhir/definitions"
	"fhirside/search"
)

// TestResultParameters shows what the parameters beside the criteria become.
func TestResultParameters(t *testing.T) {
	limited := options
	limited.DefaultCount, limited.MaxCount = 20, 1000
	plain := search.Query{Types: []string{"Observation"}, Filter: search.All{}, Count: -1}
	with := func(change func(q *search.Query)) search.Query {
		q := plain
		change(&q)
		return q
	}
	key := func(param string, kind search.ParamType, descending bool) search.SortKey {
		return search.SortKey{Param: param, Kind: kind, Descending: descending}
	}
	for _, c := range []struct {
		query   string
		opt     search.Options
		want    search.Query
		applied string // "": the query itself
	}{
		{"Observation?_count=5", options, with(func(q *search.Query) { q.Count = 5 }), ""},
		{"Observation?_count=0", options, with(func(q *search.Query) { q.Count, q.CountOnly = 0, true }), ""},
		{"Observation?_count=5000", limited, with(func(q *search.Query) { q.Count = 1000 }), "_count=1000"},
		{"Observation?_count=99999999999999999999", limited, with(func(q *search.Query) { q.Count = 1000 }), "_count=1000"},
		{"Observation?_count=7&_count=7", options, with(func(q *search.Query) { q.Count = 7 }), "_count=7"},
		{"Observation?", limited, with(func(q *search.Query) { q.Count = 20 }), ""},
		{"Observation?_sort=-date,status", options, with(func(q *search.Query) {
			q.Sort = []search.SortKey{key("date", search.TypeDate, true), key("status", search.TypeToken, false)}
		}), ""},
		{"Observation?_sort=_id&_sort=-_lastUpdated", options, with(func(q *search.Query) {
			q.Sort = []search.SortKey{key("_id", search.TypeToken, false), key("_lastUpdated", search.TypeDate, true)}
		}), ""},
		{"Observation?_sort=,subject,", options, with(func(q *search.Query) { q.Sort = []search.SortKey{key("subject", search.TypeReference, false)} }), ""},
		{"Observation?_include=Observation:subject", options, with(func(q *search.Query) { q.Include = []search.Include{{Source: "Observation", Param: "subject"}} }), ""},
		{"Observation?_include=Observation:subject:Patient", options, with(func(q *search.Query) {
			q.Include = []search.Include{{Source: "Observation", Param: "subject", Target: "Patient"}}
		}), ""},
		{"Observation?_include:iterate=Patient:organization&_include:recurse=Organization:partof", options, with(func(q *search.Query) {
			q.Include = []search.Include{{Source: "Patient", Param: "organization", Iterate: true}, {Source: "Organization", Param: "partof", Iterate: true}}
		}), ""},
		{"Observation?_include=*&_include=Observation:*", options, with(func(q *search.Query) {
			q.Include = []search.Include{{Source: "*", Param: "*"}, {Source: "Observation", Param: "*"}}
		}), ""},
		{"Observation?_revinclude=*&_revinclude:iterate=Provenance:target", options, with(func(q *search.Query) {
			q.Include = []search.Include{{Reverse: true, Source: "*", Param: "*"}, {Reverse: true, Source: "Provenance", Param: "target", Iterate: true}}
		}), ""},
		{"Observation?_total=accurate", options, with(func(q *search.Query) { q.Total = search.TotalAccurate }), ""},
		{"Observation?_totalMethod=none", options, with(func(q *search.Query) { q.Total = search.TotalNone }), ""},
		{"Observation?_summary=text", options, with(func(q *search.Query) { q.Summary = search.SummaryText }), ""},
		{"Observation?_summary=count", options, with(func(q *search.Query) { q.Summary, q.CountOnly = search.SummaryCount, true }), ""},
		{"Observation?_elements=code,,value[x]&_elements=status,code,resourceType", options, with(func(q *search.Query) {
			q.Elements = []string{"code", "value", "status", "resourceType"}
		}), ""},
		{"Observation?_contained=false", options, plain, ""},
		{"Observation?_contained=true", options, with(func(q *search.Query) { q.Contained, q.Containers = search.OnlyContained, true }), ""},
		{"Observation?_sort=_id&_containedType=container&_contained=both", options, with(func(q *search.Query) {
			q.Contained, q.Containers = search.AlsoContained, true
			q.Sort = []search.SortKey{key("_id", search.TypeToken, false)}
		}), ""},
		{"Observation?_containedType=contained&_contained=true&_sort=date", options, with(func(q *search.Query) {
			q.Contained = search.OnlyContained
			q.Sort = []search.SortKey{key("date", search.TypeDate, false)}
		}), ""},
		{"Observation?_format=json&_pretty=true", options, plain, "-"},
		{"Observation?_cursor=abc", options, with(func(q *search.Query) { q.Cursor = "abc" }), ""},
		{"Observation?status=&_sort=&_count=", options, plain, "-"},
		{"?_type=Patient,Observation,Patient", options, with(func(q *search.Query) { q.Types = []string{"Patient", "Observation"} }), ""},
		{"?", options, with(func(q *search.Query) { q.Types = nil }), ""},
		{"?_type=,&_sort=_id", options, with(func(q *search.Query) {
			q.Types, q.Sort = nil, []search.SortKey{key("_id", search.TypeToken, false)}
		}), "_sort=_id"},
	} {
		q, err := parse(c.query, c.opt)
		if err != nil {
			t.Errorf("%s: %v", c.query, err)
			continue
		}
		want := c.want
		switch _, query, _ := strings.Cut(c.query, "?"); c.applied {
		case "":
			want.Applied = params(query)
		case "-":
		default:
			want.Applied = params(c.applied)
		}
		if !reflect.DeepEqual(*q, want) {
			t.Errorf("%s:\n got %+v\nwant %+v", c.query, *q, want)
		}
	}
}

// TestLenient shows that only unknown parameters are left out, and that this is told.
func TestLenient(t *testing.T) {
	opt := options
	opt.Lenient = true
	q, err := parse("Patient?family=a&shoe-size=46&_text=x&near=1|2&organization.shoe-size:exact=5&general-practitioner.foo=1&given=b", opt)
	if err != nil {
		t.Fatal(err)
	}
	if want := params("family=a&given=b"); !slices.Equal(q.Applied, want) {
		t.Errorf("applied %v, want %v", q.Applied, want)
	}
	if want := params("shoe-size=46&_text=x&near=1|2&organization.shoe-size:exact=5&general-practitioner.foo=1"); !slices.Equal(q.Ignored, want) {
		t.Errorf("ignored %v, want %v", q.Ignored, want)
	}
	for _, query := range []string{"birthdate=x", "family:above=a", "_sort=shoe-size", "_include=Patient:foo", "general-practitioner:Foo.name=a", "_has:Foo:bar:_id=1"} {
		if _, err := parse("Patient?"+query, opt); err == nil {
			t.Errorf("%s was read", query)
		}
	}
}

// TestCriteria shows that conditional interactions ignore nothing.
func TestCriteria(t *testing.T) {
	opt := options
	opt.Criteria, opt.Lenient = true, true
	for _, query := range []string{"identifier=http://x.example|1", "identifier=1&_format=json", "_id=1&organization:Organization.name=a"} {
		if _, err := parse("Patient?"+query, opt); err != nil {
			t.Errorf("%s: %v", query, err)
		}
	}
	for _, query := range []string{"", "identifier=", "identifier=1&family=", "identifier=1,,2", "identifier=1&foo=2", "identifier=1&_text=2", "identifier=1&_count=1",
		"identifier=1&_sort=family", "_format=json", "identifier=1&_cursor=1", "identifier=1&_include=*", "identifier=1&_summary=true"} {
		if _, err := parse("Patient?"+query, opt); err == nil {
			t.Errorf("%q was read", query)
		}
	}
}

// TestBounds shows that work stays in proportion to what is asked.
func TestBounds(t *testing.T) {
	list := func(n int, value string) string { return strings.TrimSuffix(strings.Repeat(value+",", n), ",") }
	for _, c := range []struct{ query, want string }{
		{"Patient?_id=" + list(1000, "a"), ""},
		{"Patient?_id=" + list(1001, "a"), "at most 1000 values, not 1001"},
		{"Patient?family=" + list(1001, ""), ""},
		{"Provenance?target=" + list(60, "a"), ""},
		{"Provenance?target=" + list(100, "a"), "more than 10000 conditions"},
		{"Organization?" + strings.Repeat("partof.", 10) + "name=a", ""},
		{"Organization?" + strings.Repeat("partof.", 11) + "name=a", "at most 10 resources far"},
		{"Organization?" + strings.Repeat("_has:Organization:partof:", 11) + "name=a", "at most 10 resources far"},
		{"Composition?" + strings.Repeat("subject.", 8) + "name=a", "more than 10000 conditions"},
		{"Patient?" + strings.TrimSuffix(strings.Repeat("family=a,b,c,d&", 2600), "&"), "more than 10000 conditions"},
		{"Patient?_sort=" + list(11, "family"), "at most 10 keys"},
		{"Patient?" + strings.TrimSuffix(strings.Repeat("_include=*&", 101), "&"), "at most 100 references"},
	} {
		_, err := parse(c.query, options)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%.80s…: %v", c.query, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%.80s…: %v, want %s", c.query, err, c.want)
		case err != nil && reasonOf(err) != fhir.Invalid:
			t.Errorf("%.80s…: reason %v", c.query, reasonOf(err))
		}
	}
}

func reasonOf(err error) fhir.Reason {
	if refusal := (*fhir.Error)(nil); errors.As(err, &refusal) {
		return refusal.Reason
	}
	return fhir.Internal
}

// TestNotText: what is no text in UTF-8 is refused before it is interpreted.
func TestNotText(t *testing.T) {
	for _, query := range []string{"Patient?family=\xff", "Patient?\xff=a", "Patient?family=a\x00b"} {
		if _, err := parse(query, options); reasonOf(err) != fhir.Invalid {
			t.Errorf("%q: %v", query, err)
		}
	}
}

// TestClocks: without a clock of its own a search goes by the system's.
func TestClocks(t *testing.T) {
	if _, err := parse("Patient?birthdate=ap2000", search.Options{}); err != nil {
		t.Error(err)
	}
}

// TestAnyTarget: an id alone may be of any type where the definitions name none.
func TestAnyTarget(t *testing.T) {
	q, err := parse("RequestGroup?instantiates-canonical=1", options)
	if err != nil {
		t.Fatal(err)
	}
	if all, ok := q.Filter.(search.Or); !ok || len(all) != len(definitions.ResourceTypes()) {
		t.Errorf("%#v", q.Filter)
	}
}

func TestUnknownType(t *testing.T) {
	if _, err := parse("Foo?_id=1", options); reasonOf(err) != fhir.NotFound {
		t.Errorf("%v", err)
	}
	if _, err := parse("DomainResource?_id=1", options); reasonOf(err) != fhir.NotFound {
		t.Errorf("%v", err)
	}
}

// TestClaims shows what a CapabilityStatement can say of parameters.
func TestClaims(t *testing.T) {
	for _, c := range []struct{ resourceType, code, modifiers string }{
		{"Patient", "family", "missing exact contains"},
		{"Patient", "gender", "missing not in not-in above below"},
		{"Patient", "identifier", "missing not text of-type"},
		{"Observation", "code", "missing not text in not-in above below"},
		{"Observation", "subject", "missing identifier [type] above below"},
		{"ActivityDefinition", "depends-on", "missing [type] above below"},
		{"Observation", "code-value-quantity", ""},
		{"ValueSet", "url", "missing above below"},
		{"Patient", "birthdate", "missing"},
	} {
		param := search.R4().Param(c.resourceType, c.code)
		if got := strings.Join(search.Modifiers(param), " "); got != c.modifiers {
			t.Errorf("%s.%s: %q, want %q", c.resourceType, c.code, got, c.modifiers)
		}
	}
	for _, c := range []struct {
		resourceType, code   string
		searchable, sortable bool
	}{
		{"Patient", "family", true, true}, {"Location", "near", true, false}, {"Patient", "_text", false, false},
		{"Observation", "code-value-quantity", true, false}, {"Patient", "_lastUpdated", true, true},
	} {
		param := search.R4().Param(c.resourceType, c.code)
		if search.Searchable(param) != c.searchable || search.Sortable(param) != c.sortable {
			t.Errorf("%s.%s: searchable %v, sortable %v", c.resourceType, c.code, search.Searchable(param), search.Sortable(param))
		}
	}
	if got := fmt.Sprint(search.ResultParameters()); got != "[_contained _containedType _count _elements _format _include _pretty _revinclude _sort _summary _total _type]" {
		t.Errorf("%s", got)
	}
}
