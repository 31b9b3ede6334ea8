package fhir_test

import (
	"fmt"
	"strings"
	"testing"

	"fhirside/fhir"

	"pgregory.net/rapid"
)

func TestEdits(t *testing.T) {
	const in = `{"resourceType":"Patient","id":"a","name":[{"family":"x","given":["A","B","C"]}],"n":1.00}`
	for _, c := range []struct {
		name string
		edit func(ed *fhir.Edits, root fhir.Element)
		want string
	}{
		{"nothing", func(*fhir.Edits, fhir.Element) {}, in},
		{"replace a member", func(ed *fhir.Edits, root fhir.Element) { ed.Set(root, "id", fhir.Quote("b")) },
			strings.Replace(in, `"a"`, `"b"`, 1)},
		{"a new member goes last", func(ed *fhir.Edits, root fhir.Element) { ed.Set(root, "active", []byte("true")) },
			strings.TrimSuffix(in, "}") + `,"active":true}`},
		{"a new member behind another", func(ed *fhir.Edits, root fhir.Element) {
			ed.SetAfter(root, "id", "meta", []byte(`{}`))
			ed.SetAfter(root, "meta", "language", fhir.Quote("de"))
		}, strings.Replace(in, `"id":"a"`, `"id":"a","meta":{},"language":"de"`, 1)},
		{"a new member first", func(ed *fhir.Edits, root fhir.Element) { ed.SetAfter(root, "", "first", []byte("1")) },
			strings.Replace(in, `{`, `{"first":1,`, 1)},
		{"set twice", func(ed *fhir.Edits, root fhir.Element) {
			ed.Set(root, "active", []byte("true"))
			ed.Set(root, "active", []byte("false"))
		}, strings.TrimSuffix(in, "}") + `,"active":false}`},
		{"remove members", func(ed *fhir.Edits, root fhir.Element) {
			ed.Remove(root.Get("id"))
			ed.Remove(root.Get("resourceType"))
			ed.Remove(root.Get("n"))
		}, `{"name":[{"family":"x","given":["A","B","C"]}]}`},
		{"remove every member", func(ed *fhir.Edits, root fhir.Element) {
			for m := range root.Get("name").Index(0).Children() {
				ed.Remove(m)
			}
		}, strings.Replace(in, `{"family":"x","given":["A","B","C"]}`, `{}`, 1)},
		{"items", func(ed *fhir.Edits, root fhir.Element) {
			given := root.Get("name").Index(0).Get("given")
			ed.Remove(given.Index(0))
			ed.Replace(given.Index(2), fhir.Quote("Z"))
			ed.Insert(given, 0, fhir.Quote("0"))
			ed.Insert(given, 2, fhir.Quote("2"))
			ed.Insert(given, 99, fhir.Quote("9"))
		}, strings.Replace(in, `["A","B","C"]`, `["0","B","2","Z","9"]`, 1)},
		{"nothing happens to what does not exist", func(ed *fhir.Edits, root fhir.Element) {
			ed.Remove(root.Get("nope"))
			ed.Replace(root.Get("nope").Index(1), []byte("1"))
		}, in},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := mustParse(t, in)
			ed := r.Edit()
			c.edit(ed, r.Root())
			if got := string(ed.Bytes()); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if string(r.Bytes()) != in {
				t.Error("the resource itself changed")
			}
		})
	}
}

func TestEditsInsideAnotherResource(t *testing.T) {
	bundle := mustParse(t, `{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"A","id":"1"}},{"resource":{"resourceType":"B","x":[1,2]}}]}`)
	second := bundle.Get("entry").Index(1).Get("resource")
	ed := second.Resource().Edit()
	ed.SetAfter(second, "resourceType", "id", fhir.Quote("2")) // an element of the Bundle's own tree
	ed.Remove(second.Resource().Get("x").Index(0))
	if got, want := string(ed.Bytes()), `{"resourceType":"B","id":"2","x":[2]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// One item of a thousand changes; every other byte stays.
func TestEditsInALongArray(t *testing.T) {
	var items []string
	for i := range 1000 {
		items = append(items, fmt.Sprintf(`{"v":%d.00,"s":"é\n"}`, i))
	}
	text := func() string { return `{"resourceType":"List","entry":[` + strings.Join(items, ",") + `]}` }
	r := mustParse(t, text())
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.IntRange(0, 999).Draw(t, "at")
		ed := r.Edit()
		ed.Set(r.Get("entry").Index(at), "v", []byte("7e0"))
		before := items[at]
		items[at] = `{"v":7e0,"s":"é\n"}`
		want := text()
		items[at] = before
		got, err := ed.Apply()
		if err != nil || string(got.Bytes()) != want {
			t.Fatalf("item %d: %v", at, err)
		}
	})
}
