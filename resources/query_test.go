package resources

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"fhirside/search"
)

func TestQueriesGoBothWays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		params := rapid.SliceOf(rapid.Custom(func(t *rapid.T) search.Parameter {
			return search.Parameter{Name: rapid.StringN(1, 10, -1).Draw(t, "name"), Value: rapid.String().Draw(t, "value")}
		})).Draw(t, "params")
		text := formatQuery(params)
		got, err := ParseQuery(text)
		if err != nil || !slices.Equal(got, params) {
			t.Fatalf("%q: %q, %v", text, got, err)
		}
		if strings.ContainsAny(text, " \"<>\\^`{|}") {
			t.Fatalf("%q is no query of a URL", text)
		}
	})
}

func TestParseQuery(t *testing.T) {
	got, err := ParseQuery("b=2&a=1+1&a=%2B&&c&=x")
	want := []search.Parameter{{Name: "b", Value: "2"}, {Name: "a", Value: "1 1"}, {Name: "a", Value: "+"}, {Name: "c"}, {Value: "x"}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v", got, err)
	}
	for _, bad := range []string{"a=%", "a=%zz", "%2=1"} {
		if _, err := ParseQuery(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestCursorsAreSealed(t *testing.T) {
	box, other := newCursorBox(&[32]byte{1}), newCursorBox(&[32]byte{2})
	rapid.Check(t, func(t *rapid.T) {
		c := cursor{
			Path: rapid.StringMatching(`[A-Z][a-z]{2,8}`).Draw(t, "path"), Query: formatQuery([]search.Parameter{{Name: "family", Value: rapid.String().Draw(t, "value")}}),
			After: rapid.StringMatching(`[ -~]*`).Draw(t, "after"), Total: rapid.Int64().Draw(t, "total"),
			Began: rapid.Int64().Draw(t, "began"), Back: []mark{{rapid.String().Draw(t, "back"), rapid.IntRange(1, 9).Draw(t, "matches")}},
		}
		sealed := box.seal(c, "anne")
		if got, err := box.open(sealed, c.Path, "anne"); err != nil || !reflect.DeepEqual(got, c) {
			t.Fatalf("%+v became %+v: %v", c, got, err)
		}
		if _, err := other.open(sealed, c.Path, "anne"); err == nil {
			t.Fatal("opened with another key")
		}
		if _, err := box.open(sealed, c.Path+"x", "anne"); err == nil {
			t.Fatal("opened for another search")
		}
		for _, other := range []string{"", "bob"} {
			if _, err := box.open(sealed, c.Path, other); err == nil {
				t.Fatalf("opened for %q", other)
			}
		}
		if strings.Contains(sealed, "family") {
			t.Fatal("the cursor shows the query")
		}
	})
}

func FuzzCursor(f *testing.F) {
	box := newCursorBox(&[32]byte{1})
	f.Add("")
	f.Add(box.seal(cursor{Path: "Patient"}, ""))
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := box.open(text, "Observation", ""); err == nil {
			t.Fatalf("%q was opened: %+v", text, c)
		}
	})
}

func TestPreconditions(t *testing.T) {
	for _, c := range []struct {
		text     string
		strict   bool
		versions string
		ok       bool
	}{
		{``, true, ``, true},
		{`W/"1"`, true, `1`, true},
		{`"1"`, true, `1`, true},
		{`W/"1", W/"22"`, true, `1 22`, true},
		{`*`, true, ``, true},
		{`1`, true, ``, false},
		{`1`, false, `1`, true},
		{`W/1`, true, ``, false},
		{`"1`, false, ``, false},
		{`W/""`, true, ``, false},
		{`W/"1",`, true, ``, false},
	} {
		got, err := parsePrecondition("If-Match", c.text, c.strict)
		if (err == nil) != c.ok || err == nil && strings.Join(got.versions, " ") != c.versions {
			t.Errorf("%q (strict %v): %v, %v", c.text, c.strict, got, err)
		}
	}
}
