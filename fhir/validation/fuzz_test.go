package validation

import (
	"encoding/xml"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"fhirside/fhir"
)

// No document makes the check panic, and what it says is short and names an element.
func FuzzStructure(f *testing.F) {
	for _, c := range badInputs {
		if len(c.input) < 1<<12 {
			f.Add([]byte(patient(c.input)))
		}
	}
	for _, input := range goodInputs {
		f.Add([]byte(patient(input)))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		r, err := fhir.Parse(input)
		if err != nil {
			return
		}
		issues := Structure(r)
		if len(issues) > maxIssues {
			t.Errorf("%d issues", len(issues))
		}
		for _, issue := range issues {
			if issue.Diagnostics == "" || len(issue.Diagnostics) > 1000 || !utf8.ValidString(issue.Diagnostics) {
				t.Errorf("diagnostics %q", issue.Diagnostics)
			}
			if len(issue.Expression) != 1 || issue.Expression[0] == "" {
				t.Errorf("expression %q", issue.Expression)
			}
		}
		if again := Structure(r); !reflect.DeepEqual(again, issues) {
			t.Errorf("the second time %v, the first time %v", again, issues)
		}
	})
}

// What the narrative scanner accepts, an XML parser accepts: a div in the XHTML namespace without anything active.
func FuzzNarrative(f *testing.F) {
	for _, c := range badInputs {
		if _, text, ok := strings.Cut(c.input, `"div":`); ok {
			if e, err := fhir.ParseValue([]byte(strings.TrimSuffix(text, "}"))); err == nil {
				f.Add(e.Text())
			}
		}
	}
	f.Add(`<div xmlns="http://www.w3.org/1999/xhtml"><p class='a' style="color:red">x&#160;<!-- y --><img src="#a"/></p></div>`)
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) || new(xhtml).check([]byte(text)) != nil {
			return
		}
		d := xml.NewDecoder(strings.NewReader(text))
		first := true
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			start, ok := token.(xml.StartElement)
			if !ok {
				continue
			}
			if first && start.Name != (xml.Name{Space: xhtmlNamespace, Local: "div"}) {
				t.Errorf("%q begins with %v", text, start.Name)
			}
			first = false
			for _, a := range start.Attr {
				if strings.HasPrefix(strings.ToLower(a.Name.Local), "on") {
					t.Errorf("%q: attribute %s", text, a.Name.Local)
				}
			}
		}
	})
}
