package index_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"fhirside/fhir"
	"fhirside/fhir/definitions"
	"fhirside/fhir/fhirpath"
	"fhirside/fhir/fhirtest"
	"fhirside/search"
	"fhirside/search/index"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// coverage is what the official examples show of one search parameter.
type coverage struct {
	examples int // of its base types
	found    int // of them its expression finds something in
	indexed  int // of them it has an entry for
	types    map[string]bool
}

// Every expression of R4's registry is evaluated on every official example of its base types, and a golden table says how many
// examples each parameter indexes, or why it indexes none.
func TestEveryParameterOnTheExamples(t *testing.T) {
	extractor := index.New(search.R4(), "")
	covered := map[string]*coverage{}
	for name, r := range fhirtest.Examples(t) {
		focus := fhirpath.Focus(r)
		values := counts(extractor.Extract(r))
		for _, p := range search.R4().Params(r.Type()) {
			c := covered[p.URL]
			if c == nil {
				c = &coverage{types: map[string]bool{}}
				covered[p.URL] = c
			}
			c.examples++
			if p.Expression == nil {
				continue
			}
			items, err := p.Expression.Append(nil, focus, nil)
			if err != nil {
				t.Errorf("%s: %s: %v", name, p.Code, err)
			}
			for _, it := range items {
				c.types[it.Type()] = true
			}
			if len(items) > 0 {
				c.found++
			}
			if values[p.Code] > 0 {
				c.indexed++
			}
		}
	}
	golden(t, "testdata/coverage.txt", coverageTable(covered))
}

// counts are the numbers of entries by parameter.
func counts(v index.Values) map[string]int {
	n := map[string]int{}
	for _, e := range v.Tokens {
		n[e.Param]++
	}
	for _, e := range v.Strings {
		n[e.Param]++
	}
	for _, e := range v.References {
		n[e.Param]++
	}
	for _, e := range v.Dates {
		n[e.Param]++
	}
	for _, e := range v.Numbers {
		n[e.Param]++
	}
	for _, e := range v.Quantities {
		n[e.Param]++
	}
	for _, e := range v.URIs {
		n[e.Param]++
	}
	for _, e := range v.Composites {
		n[e.Param]++
	}
	return n
}

func coverageTable(covered map[string]*coverage) string {
	var b strings.Builder
	fmt.Fprintln(&b, "# How many of the official examples each search parameter of R4 indexes: parameter, type, indexed/examples of its base types.")
	none := 0
	for _, sp := range definitions.SearchParameters() {
		c := covered[sp.URL]
		if c == nil {
			c = &coverage{}
		}
		fmt.Fprintf(&b, "%s %s %d/%d", strings.TrimPrefix(sp.URL, "http://hl7.org/fhir/SearchParameter/"), sp.Type, c.indexed, c.examples)
		if c.indexed == 0 {
			none++
			fmt.Fprintf(&b, "  # %s", whyNone(sp, c))
		}
		fmt.Fprintln(&b)
	}
	fmt.Fprintf(&b, "# %d of %d index nothing.\n", none, len(definitions.SearchParameters()))
	return b.String()
}

// whyNone is the reason why a parameter indexes no example.
func whyNone(sp definitions.SearchParameter, c *coverage) string {
	var types []string
	for name := range c.types {
		types = append(types, name)
	}
	slices.Sort(types)
	switch {
	case sp.Code == "_id" || sp.Code == "_lastUpdated":
		return "stores know it from the record"
	case sp.Expression == "":
		return "no expression: answered otherwise"
	case c.examples == 0:
		return "no example of the type"
	case c.found == 0:
		return "no example has the element"
	case sp.Type == "special":
		return "special"
	case sp.Type == "composite":
		return "no example has values for all components"
	}
	switch found := strings.Join(types, ", "); found {
	case "Reference":
		return "examples refer to contained resources, by identifier or by name only"
	case "canonical":
		return "examples refer to contained resources only"
	case "CodeableConcept":
		return "examples have a text without code"
	case "Identifier":
		return "examples have an identifier without value"
	default:
		return "examples have the element only as " + found + ", which the parameter type does not read"
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range max(len(gotLines), len(wantLines)) {
		g, w := "", ""
		if i < len(gotLines) {
			g = gotLines[i]
		}
		if i < len(wantLines) {
			w = wantLines[i]
		}
		if g != w {
			t.Errorf("%s, line %d:\n got %s\nwant %s\n(-update rewrites it)", path, i+1, g, w)
			return
		}
	}
}

// The values of one parameter are those that the whole extraction has for it; all are in order, and none occurs twice.
func TestParamIsPartOfExtract(t *testing.T) {
	extractor := index.New(search.R4(), "http://example.org/fhir")
	n := 0
	for name, r := range fhirtest.Examples(t) {
		if n++; n%20 != 0 {
			continue
		}
		all := extractor.Extract(r)
		checkOrder(t, name, all)
		sum := map[string]int{}
		for _, p := range search.R4().Params(r.Type()) {
			for code, n := range counts(extractor.Param(r, p)) {
				sum[code] += n
			}
		}
		together := counts(all)
		delete(together, search.ContainedParam)
		for code, n := range together {
			if sum[code] != n {
				t.Errorf("%s: %s has %d entries, alone %d", name, code, n, sum[code])
			}
		}
		if len(sum) != len(together) {
			t.Errorf("%s: parameters alone give %d kinds of entries, together %d", name, len(sum), len(together))
		}
	}
}

func checkOrder(t *testing.T, name string, v index.Values) {
	t.Helper()
	ordered(t, name, v.Tokens, func(e index.Token) string { return e.Param })
	ordered(t, name, v.Strings, func(e index.String) string { return e.Param })
	ordered(t, name, v.References, func(e index.Reference) string { return e.Param })
	ordered(t, name, v.Dates, func(e index.Date) string { return e.Param })
	ordered(t, name, v.Numbers, func(e index.Number) string { return e.Param })
	ordered(t, name, v.Quantities, func(e index.Quantity) string { return e.Param })
	ordered(t, name, v.URIs, func(e index.URI) string { return e.Param })
}

func ordered[T comparable](t *testing.T, name string, all []T, param func(T) string) {
	t.Helper()
	if !slices.IsSortedFunc(all, func(a, b T) int { return strings.Compare(param(a), param(b)) }) {
		t.Errorf("%s: not in the order of the parameters: %v", name, all)
	}
	seen := map[T]bool{}
	for _, e := range all {
		if seen[e] {
			t.Errorf("%s: twice: %v", name, e)
		}
		seen[e] = true
	}
}

// No JSON that parses stops an extraction.
func FuzzExtract(f *testing.F) {
	for _, seed := range []string{
		`{"resourceType":"Patient","name":[{"given":[null,{}],"_given":[{"extension":1}]}],"_birthDate":[],"deceasedDateTime":3,"telecom":"x"}`,
		`{"resourceType":"Observation","valueQuantity":{"value":"1","comparator":[]},"code":{"coding":[{"code":1},[]]},"component":{"valuePeriod":{"start":[]}}}`,
		`{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Bundle","entry":{}}}]}`,
		`{"resourceType":"Observation","subject":{"reference":"#"},"effectiveTiming":{"event":["2020",null],"repeat":{"boundsPeriod":{"end":"x"}}}}`,
		`{"resourceType":"RiskAssessment","prediction":[{"probabilityRange":{"low":{"value":1e400},"high":{"value":-1}}}]}`,
	} {
		f.Add([]byte(seed))
	}
	extractor := index.New(search.R4(), "http://example.org/fhir")
	f.Fuzz(func(t *testing.T, data []byte) {
		if r, err := fhir.Parse(data); err == nil {
			checkOrder(t, "fuzz", extractor.Extract(r))
		}
	})
}
