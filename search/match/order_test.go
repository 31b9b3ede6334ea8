package match_test

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"

	"fhirside/fhir"
	"fhirside/search"
	"fhirside/search/index"
	"fhirside/search/match"
)

// TestOrder sorts resources named by letters; those named alike are ties.
func TestOrder(t *testing.T) {
	type values = map[string]index.Values
	strs := func(texts ...string) (v index.Values) {
		for _, text := range texts {
			v.Strings = append(v.Strings, index.String{Param: "p", Text: text, Folded: search.Fold(text)})
		}
		return v
	}
	dates := func(pairs ...int64) (v index.Values) {
		for i := 0; i < len(pairs); i += 2 {
			v.Dates = append(v.Dates, index.Date{Param: "p", Lo: pairs[i], Hi: pairs[i+1]})
		}
		return v
	}
	refs := func(list ...index.Reference) (v index.Values) {
		for _, r := range list {
			r.Param = "p"
			v.References = append(v.References, r)
		}
		return v
	}
	number := func(lo, hi float64) index.Number { return index.Number{Param: "p", Lo: lo, Hi: hi} }
	none := index.Values{Strings: []index.String{{Param: "q", Text: "x", Folded: "x"}}}

	for _, c := range []struct {
		name                  string
		kind                  search.ParamType
		values                values
		ascending, descending string
	}{
		{"string: folded", search.TypeString, values{"a": strs("berg"), "b": strs("Berg"), "c": strs("alba"), "d": none, "e": strs("Çelik")}, "c a b e d", "d e a b c"},
		{"string: least and greatest", search.TypeString, values{"a": strs("m", "z"), "b": strs("n"), "c": strs("a", "o")}, "c a b", "a c b"},
		{"string: parts do not count", search.TypeString, values{
			"a": {Strings: []index.String{{Param: "p", Text: "van Aa", Folded: "van aa"}, {Param: "p", Folded: "aa", Part: true}}}, "b": strs("b"),
		}, "b a", "a b"},
		{"token: code, then system", search.TypeToken, values{
			"a": {Tokens: []index.Token{{Param: "p", System: "y", Code: "1"}}}, "b": {Tokens: []index.Token{{Param: "p", System: "x", Code: "2"}}},
			"c": {Tokens: []index.Token{{Param: "p", System: "x", Code: "1"}}}, "d": none,
		}, "c a b d", "d b a c"},
		{"reference: by its text", search.TypeReference, values{
			"a": refs(index.Reference{Type: "Patient", ID: "2"}), "b": refs(index.Reference{Type: "Group", ID: "3"}),
			"c": refs(index.Reference{URL: "http://x.example"}), "d": none, "e": refs(index.Reference{Type: "Patient", ID: "10"}),
		}, "b e a c d", "d c a e b"},
		{"date: by the beginning both ways", search.TypeDate, values{
			"a": dates(10, 20), "b": dates(5, 100), "c": dates(fhir.BeginningOfTime, 1), "d": none, "e": dates(7, 8, 30, 31),
		}, "c b e a d", "d e a b c"},
		{"number", search.TypeNumber, values{
			"a": {Numbers: []index.Number{number(2, 2)}}, "b": {Numbers: []index.Number{number(-1, 9)}}, "c": {Numbers: []index.Number{number(0, 0), number(3, 3)}}, "d": {},
		}, "b c a d", "d c a b"},
		{"quantity: whatever the unit", search.TypeQuantity, values{
			"a": {Quantities: []index.Quantity{{Number: number(2, 2), Code: "kg"}}}, "b": {Quantities: []index.Quantity{{Number: number(3, 3), Code: "g"}}}, "d": none,
		}, "a b d", "d b a"},
		{"uri", search.TypeURI, values{"a": {URIs: []index.URI{{Param: "p", Value: "urn:b"}}}, "b": {URIs: []index.URI{{Param: "p", Value: "http://a"}}}, "d": none}, "b a d", "d a b"},
		{"composite: no order", search.TypeComposite, values{"a": {Composites: []index.Composite{{Param: "p"}}}, "b": {}}, "a b", "a b"},
	} {
		var subjects []match.Subject
		for id, v := range c.values {
			subjects = append(subjects, match.Subject{ID: id, Values: &v})
		}
		key := search.SortKey{Param: "p", Kind: c.kind}
		if got := sorted(subjects, key); got != c.ascending {
			t.Errorf("%s: ascending %s, want %s", c.name, got, c.ascending)
		}
		key.Descending = true
		if got := sorted(subjects, key); got != c.descending {
			t.Errorf("%s: descending %s, want %s", c.name, got, c.descending)
		}
	}
}

// sorted are the ids in order, ties by id.
func sorted(subjects []match.Subject, keys ...search.SortKey) string {
	subjects = slices.Clone(subjects)
	slices.SortFunc(subjects, func(a, b match.Subject) int {
		return cmp.Or(match.Compare(keys, a, b), cmp.Compare(a.ID, b.ID))
	})
	var ids []string
	for _, s := range subjects {
		ids = append(ids, s.ID)
	}
	return strings.Join(ids, " ")
}

// TestOrderByKeys: a further key decides among what the ones before leave equal, what is missing included.
func TestOrderByKeys(t *testing.T) {
	at := func(id string, second int, code string) match.Subject {
		v := &index.Values{}
		if code != "" {
			v.Tokens = []index.Token{{Param: "status", Code: code}}
		}
		return match.Subject{ID: id, Updated: time.Unix(int64(second), 0), Values: v}
	}
	subjects := []match.Subject{at("a", 3, "x"), at("b", 1, "x"), at("c", 2, ""), at("d", 1, ""), at("e", 9, "w")}
	status, updated := search.SortKey{Param: "status", Kind: search.TypeToken}, search.SortKey{Param: "_lastUpdated", Kind: search.TypeDate}
	down := func(k search.SortKey) search.SortKey { k.Descending = true; return k }
	id := search.SortKey{Param: "_id", Kind: search.TypeToken}
	for _, c := range []struct {
		keys []search.SortKey
		want string
	}{
		{[]search.SortKey{status, updated}, "e b a d c"},
		{[]search.SortKey{status, down(updated)}, "e a b c d"},
		{[]search.SortKey{down(status), updated}, "d c b a e"},
		{[]search.SortKey{updated, down(id)}, "d b c a e"},
		{[]search.SortKey{down(id)}, "e d c b a"},
		{nil, "a b c d e"},
	} {
		if got := sorted(subjects, c.keys...); got != c.want {
			t.Errorf("%v: %s, want %s", c.keys, got, c.want)
		}
	}
}
