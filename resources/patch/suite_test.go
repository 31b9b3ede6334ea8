package patch

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"fhirside/fhir"
	"fhirside/fhir/xml"
	"fhirside/fhir/xml/token"
)

// HL7's test cases for patches.
const suiteFolder = "../../../shared/data/fhir-test-cases/r4/patch/"

func suite(t *testing.T, name string) []byte {
	data, err := os.ReadFile(suiteFolder + name)
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("HL7's test cases are not here")
	}
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestSuiteJSON(t *testing.T) {
	cases, err := fhir.ParseValue(suite(t, "json-patch-tests.json"))
	if err != nil {
		t.Fatal(err)
	}
	for c := range cases.Children() {
		t.Run(c.Get("comment").Text(), func(t *testing.T) {
			list, err := parseOperations(c.Get("patch"))
			if err != nil {
				t.Fatal(err)
			}
			text, _, err := list.changed(c.Get("doc"))
			if c.Get("error").Exists() {
				if err == nil {
					t.Errorf("got %s, want an error: %s", text, c.Get("error").Text())
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got, err := fhir.ParseValue(text)
			if err != nil || !got.Equal(c.Get("expected")) {
				t.Errorf("got  %s, %v\nwant %s", text, err, c.Get("expected").Raw())
			}
		})
	}
}

// xmlCases are the cases of a suite: elements with a name, and the elements inside by their names.
func xmlCases(t *testing.T, name string, run func(t *testing.T, parts map[string]*xmlNode)) {
	doc, err := readDocument(suite(t, name))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range doc.root().children {
		if c.kind != token.Start {
			continue
		}
		parts := map[string]*xmlNode{}
		for _, part := range c.children {
			if part.kind == token.Start {
				parts[part.name.Local] = part
			}
		}
		t.Run(c.attrs[0].Value, func(t *testing.T) { run(t, parts) })
	}
}

// inside is the document in an element, written to stand by itself.
func inside(n *xmlNode) []byte {
	root := n.root()
	if root == nil {
		return nil
	}
	return root.write(nil, "")
}

func TestSuiteXML(t *testing.T) {
	xmlCases(t, "xml-patch-tests.xml", func(t *testing.T, parts map[string]*xmlNode) {
		target := &xmlNode{}
		if root := parts["target"].root(); root != nil {
			target.add(root.clone())
		}
		list, err := parseXML(parts["patch"].write(nil, ""))
		if err == nil {
			_, err = list.changed(target)
		}
		if want := parts["error"]; want != nil {
			if err == nil {
				t.Errorf("got %s, want an error: %s", target.write(nil, ""), want.attrs[0].Value)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if got, want := canonical(target.root()), canonical(parts["patched"].root()); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

// canonical is a text for comparison, in which white space between elements and the order of attributes do not count.
func canonical(n *xmlNode) string {
	switch {
	case n.kind == token.Comment:
		return "<!--" + n.text + "-->"
	case n.kind == token.Text && token.Blank([]byte(n.text)):
		return ""
	case n.kind == token.Text:
		return n.text
	}
	names := []string{"{" + n.name.Space + "}" + n.name.Local}
	for _, a := range n.attrs {
		names = append(names, "@{"+a.Space+"}"+a.Local+"="+a.Value)
	}
	for _, d := range n.declared {
		names = append(names, "xmlns:"+d.Prefix+"="+d.Space)
	}
	slices.Sort(names)
	text := "<" + strings.Join(names, " ") + ">"
	for _, c := range n.children {
		text += canonical(c)
	}
	return text + "</>"
}

func TestSuiteFHIRPath(t *testing.T) {
	xmlCases(t, "fhir-patch-tests.xml", func(t *testing.T, parts map[string]*xmlNode) {
		read := func(name string) *fhir.Resource {
			r, err := xml.Decode(inside(parts[name]))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			return r
		}
		p, err := FHIRPath(read("diff"))
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := p.Apply(read("input"))
		if want := parts["error"]; want != nil {
			if err == nil {
				t.Errorf("got %s, want an error: %s", got.Bytes(), want.attrs[0].Value)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if want := read("output"); !bytes.Equal(got.Bytes(), want.Bytes()) && written(t, got) != written(t, want) {
			t.Errorf("got  %s\nwant %s", got.Bytes(), want.Bytes())
		}
	})
}

// written is a resource's XML for comparison: the suite writes the same narrative in two ways.
func written(t *testing.T, r *fhir.Resource) string {
	text, err := xml.Encode(r, false)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := readDocument(text)
	if err != nil {
		t.Fatal(err)
	}
	return canonical(doc.root())
}
