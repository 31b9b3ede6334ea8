package fhir_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"fhirside/fhir"

	"pgregory.net/rapid"
)

func TestParseKeepsWhatItReads(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"white space goes", "{ \"resourceType\" :\t\"Patient\",\r\n \"a\" : [ 1 , 2 ] }", `{"resourceType":"Patient","a":[1,2]}`},
		{"number text stays", `{"resourceType":"X","a":[1.00,1e2,1E+5,-0,0.10,123456789012345678901234567890.5]}`, ""},
		{"member order stays", `{"z":1,"resourceType":"X","a":2}`, ""},
		{"fewest escapes", `{"resourceType":"X","a":"\u00e9\/\u0041\n\u0000\u001f<>&\ud83d\ude00"}`, `{"resourceType":"X","a":"é/A\n\u0000\u001f<>&😀"}`},
		{"escaped names", `{"resourceType":"X","\u0061":1}`, `{"resourceType":"X","a":1}`},
		{"empty containers and null", `{"resourceType":"X","a":[],"b":{},"c":[null]}`, ""},
		{"64 levels", `{"resourceType":"X","a":` + strings.Repeat("[", 63) + strings.Repeat("]", 63) + `}`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := fhir.Parse([]byte(c.in))
			if err != nil {
				t.Fatal(err)
			}
			if c.want == "" {
				c.want = c.in
			}
			if got := string(r.Bytes()); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"nothing", ``, "line 1, column 1: the document ends too early"},
		{"cut off", `{"resourceType":"X","a":[1,`, "line 1, column 28: the document ends too early"},
		{"duplicate member", "{\"resourceType\":\"X\",\n\"a\":1,\"a\":2}", `line 2, column 7: member "a" occurs twice`},
		{"duplicate by escape", `{"resourceType":"X","a":1,"\u0061":2}`, "occurs twice"},
		{"invalid UTF-8", "{\"resourceType\":\"X\",\"a\":\"\xff\"}", "line 1, column 26: invalid UTF-8"},
		{"lone surrogate", `{"resourceType":"X","a":"\ud800"}`, "surrogate"},
		{"trailing bytes", "{\"resourceType\":\"X\"}\n {}", "line 2, column 2: unexpected bytes"},
		{"byte order mark", "\ufeff{}", "line 1, column 1: invalid character '\\ufeff' at start of value: leave out the byte order mark"},
		{"comment", "{\"resourceType\":\"X\" /* no */}", "JSON has no comments"},
		{"single quotes", `{'resourceType':'X'}`, "double quotes"},
		{"typographic quotes", `{"resourceType":“X”}`, "double quotes"},
		{"True", `{"resourceType":"X","a":True}`, "true, false or null"},
		{"two commas", `{"resourceType":"X","a":[1,,2]}`, "a comma stands only between"},
		{"trailing comma", `{"resourceType":"X",}`, "line 1, column 20: invalid character ',' at start of value: a comma stands only between"},
		{"leading zero", `{"resourceType":"X","a":01}`, "line 1, column 26"},
		{"NaN", `{"resourceType":"X","a":NaN}`, "line 1, column 25"},
		{"65 levels", `{"resourceType":"X","a":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`, "more than 64 levels"},
		{"a thousand levels", strings.Repeat(`{"a":`, 1000), "more than 64 levels"},
		{"dollar in a name", `{"resourceType":"X","$a":1}`, "names hold no NUL"},
		{"dot in a name", `{"resourceType":"X","a.b":1}`, "names hold no NUL"},
		{"NUL in a name", `{"resourceType":"X","a\u0000":1}`, "names hold no NUL"},
		{"empty name", `{"resourceType":"X","":1}`, "a member name is empty"},
		{"array", `[1]`, "a resource is a JSON object, not an array"},
		{"no resourceType", `{"id":"1"}`, "no resourceType"},
		{"resourceType is no string", `{"resourceType":1}`, "no resourceType"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := fhir.Parse([]byte(c.in))
			var e *fhir.Error
			if !errors.As(err, &e) || e.Reason != fhir.Invalid {
				t.Fatalf("got %v, want an *Error of reason Invalid", err)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %q, want it to contain %q", err, c.want)
			}
		})
	}
}

func TestElements(t *testing.T) {
	r := mustParse(t, `{"resourceType":"Patient","id":"p","active":true,"name":[{"family":"O\"Hara"},{"given":["A","B"]}],"n":1.50,"contained":[{"resourceType":"Organization","id":"o"}],"x":null}`)
	root := r.Root()
	if r.Type() != "Patient" || r.ID() != "p" || root.Get("name").Len() != 2 {
		t.Error("type, id or number of names is off")
	}
	if got := root.Get("name").Index(0).Get("family").Text(); got != `O"Hara` {
		t.Errorf("family: %q", got)
	}
	if !root.Get("name").Index(0).Get("family").Is(`O"Hara`) || root.Get("name").Index(0).Get("family").Is("O") {
		t.Error("Is compares the content")
	}
	if got := root.Get("n"); got.Kind() != fhir.Number || got.Text() != "1.50" || got.Name() != "n" {
		t.Errorf("number: %v %q", got.Kind(), got.Text())
	}
	var names []string
	for m := range root.Children() {
		names = append(names, m.Name())
	}
	if got := strings.Join(names, " "); got != "resourceType id active name n contained x" {
		t.Errorf("members: %s", got)
	}
	none := root.Get("no").Index(3).Get("such")
	if none.Exists() || none.Text() != "" || none.Len() != 0 || none.Raw() != nil || none.Kind() != fhir.Absent {
		t.Error("what does not exist gives nothing")
	}
	inner := root.Get("contained").Index(0).Resource()
	if inner.Type() != "Organization" || string(inner.Bytes()) != `{"resourceType":"Organization","id":"o"}` {
		t.Errorf("contained: %s", inner.Bytes())
	}
	if root.Get("name").Resource() != nil || root.Get("name").Index(0).Resource() != nil {
		t.Error("what has no resourceType is no resource")
	}
}

func mustParse(t testing.TB, text string) *fhir.Resource {
	t.Helper()
	r, err := fhir.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// document draws JSON text of a resource, with white space and escapes that canonical text does not have.
func document() *rapid.Generator[string] {
	space := rapid.SampledFrom([]string{"", "", "", " ", "\n\t"})
	text := rapid.OneOf(
		rapid.SampledFrom([]string{`""`, `"a"`, `"\u00e9\/\\\""`, `"\ud83d\ude00"`, `"\u0000"`, `"</script>"`}),
		rapid.Map(rapid.String(), func(s string) string { return string(fhir.Quote(s)) }),
	)
	scalar := rapid.OneOf(text, rapid.SampledFrom([]string{"0", "-0", "1.00", "1e2", "1E-7", "123456789012345678901234567890.10", "true", "false", "null"}))
	var value func(depth int) *rapid.Generator[string]
	value = func(depth int) *rapid.Generator[string] {
		if depth == 0 {
			return scalar
		}
		return rapid.OneOf(scalar,
			rapid.Custom(func(t *rapid.T) string {
				items := rapid.SliceOfN(value(depth-1), 0, 4).Draw(t, "items")
				return "[" + space.Draw(t, "") + strings.Join(items, space.Draw(t, "")+","+space.Draw(t, "")) + "]"
			}),
			rapid.Custom(func(t *rapid.T) string {
				names := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z]{1,3}`), 0, 4, rapid.ID).Draw(t, "names")
				for i, n := range names {
					names[i] = `"` + n + `"` + space.Draw(t, "") + ":" + space.Draw(t, "") + value(depth-1).Draw(t, "value")
				}
				return "{" + strings.Join(names, ",") + space.Draw(t, "") + "}"
			}))
	}
	return rapid.Custom(func(t *rapid.T) string {
		return `{"resourceType": "Basic", "rest" :` + value(4).Draw(t, "rest") + "}" + space.Draw(t, "")
	})
}

// sameJSON says whether two texts hold the same members in the same order with the same number text.
func sameJSON(t *rapid.T, a, b []byte) bool {
	tokens := func(text []byte) (list []any) {
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.UseNumber()
		for dec.More() {
			tok, err := dec.Token()
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, tok)
		}
		return list
	}
	x, y := tokens(a), tokens(b)
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if x[i] != y[i] {
			return false
		}
	}
	return true
}

func TestParseWriteProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := document().Draw(t, "document")
		r, err := fhir.Parse([]byte(in))
		if err != nil {
			t.Fatal(err)
		}
		if !sameJSON(t, []byte(in), r.Bytes()) {
			t.Fatalf("changed: %s", r.Bytes())
		}
		again, err := fhir.Parse(r.Bytes())
		if err != nil || !bytes.Equal(again.Bytes(), r.Bytes()) {
			t.Fatalf("canonical text is not its own canonical text: %v %s", err, again.Bytes())
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{`{"resourceType":"Patient","name":[{"family":"x"}],"n":1.0}`, `{"a":[null,{}],"resourceType":"X"}`, `[[[[`, "{\"resourceType\":\"X\",\"a\":\"\\ud83d\"}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := fhir.Parse(data)
		if err != nil {
			return
		}
		again, err := fhir.Parse(r.Bytes())
		if err != nil || !bytes.Equal(again.Bytes(), r.Bytes()) {
			t.Fatalf("%s: %v", r.Bytes(), err)
		}
		if !json.Valid(r.Bytes()) {
			t.Fatalf("not JSON: %s", r.Bytes())
		}
	})
}

func BenchmarkParse(b *testing.B) {
	text := []byte(`{"resourceType":"Observation","id":"x","status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs","display":"vital-signs"}]}],"code":{"coding":[{"system":"http://loinc.org","code":"8302-2","display":"Body Height"}],"text":"Body Height"},"subject":{"reference":"Patient/1"},"encounter":{"reference":"Encounter/2"},"effectiveDateTime":"2011-07-28T15:02:18-04:00","issued":"2011-07-28T15:02:18.283-04:00","valueQuantity":{"value":173.10,"unit":"cm","system":"http://unitsofmeasure.org","code":"cm"}}`)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := fhir.Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}
