package search_test

import (
	"reflect"
	"strings"
	"testing"

	"fhirside/search"
)

// TestWords shows what _text and _content become where words are indexed.
func TestWords(t *testing.T) {
	registry := search.R4().WithWords()
	begins := func(param, word string) search.Filter {
		return search.String{Param: param, Op: search.Prefix, Text: word}
	}
	for _, c := range []struct {
		query string
		want  search.Filter
	}{
		{"_text=Cancer", begins("_text", "cancer")},
		{"_content=Hüft  Bruch", search.And{begins("_content", "huft"), begins("_content", "bruch")}},
		{"_content=a b,c", search.Or{search.And{begins("_content", "a"), begins("_content", "b")}, begins("_content", "c")}},
		{"_content=--", search.None{}},
		{"_text=(bone OR liver) and metastases", search.And{search.Or{begins("_text", "bone"), begins("_text", "liver")}, begins("_text", "metastases")}},
		{"_text=a or b c OR NOT d", search.Or{begins("_text", "a"), search.And{begins("_text", "b"), begins("_text", "c")}, search.Not{Filter: begins("_text", "d")}}},
		{"_text=NOT (a b) not", search.And{search.Not{Filter: search.And{begins("_text", "a"), begins("_text", "b")}}, begins("_text", "not")}},
		{"_text=(follow-up -- )(x)", search.And{begins("_text", "follow"), begins("_text", "up"), begins("_text", "x")}},
		{"_text=-- OR x", begins("_text", "x")},
		{"_text=oration android", search.And{begins("_text", "oration"), begins("_text", "android")}},
		{"organization._text=a", search.Chain{Param: "organization", Type: "Organization", Filter: begins("_text", "a")}},
	} {
		q, err := search.Parse(registry, "Patient", params(c.query), options)
		if err != nil || !reflect.DeepEqual(q.Filter, c.want) {
			t.Errorf("%s: %#v, %v", c.query, q, err)
		}
	}
	for _, query := range []string{"_text:exact=a", "_text:contains=a", "_content:missing=true", "_sort=_text", "_filter=_text co a", "_filter=_text pr true", "_filter=_text eq a",
		"_text=(a", "_text=a)", "_text=a OR", "_text=and a", "_text=a AND OR b", "_text=NOT", "_text=()", "_text=" + strings.Repeat("(", 30) + "a" + strings.Repeat(")", 30)} {
		if q, err := search.Parse(registry, "Patient", params(query), options); err == nil {
			t.Errorf("%s is read as %#v", query, q)
		}
	}
	if p := search.R4().Param("Patient", "_text"); p.Words || search.Searchable(p) {
		t.Error("R4's own registry has changed")
	}
	if registry.Param("Bundle", "_text") != nil || !registry.Param("Bundle", "_content").Words {
		t.Error("a Bundle has content, and no narrative")
	}
}
