package index

import (
	"strings"

	"fhirside/fhir"
	"fhirside/fhir/fhirpath"
	"fhirside/search"
)

// The parts of names and addresses that strings are compared with (search.html#string).
var (
	nameParts    = []string{"family", "given", "prefix", "suffix", "text"}
	addressParts = []string{"line", "city", "district", "state", "postalCode", "country", "text"}
)

// string appends what a string parameter reads of an element.
func (rd *reader) string(it *fhirpath.Item, v *Values) {
	switch it.Type() {
	case "HumanName":
		rd.parts(it.Element(), nameParts, v)
	case "Address":
		rd.parts(it.Element(), addressParts, v)
	case "markdown":
		if text := it.Element().Text(); text != "" {
			v.Strings = append(v.Strings, String{Param: rd.name, Text: text, Folded: search.Fold(text)})
		}
	default:
		addText(rd.name, it.Element().Text(), v)
	}
}

func (rd *reader) parts(e fhir.Element, names []string, v *Values) {
	for _, name := range names {
		for part := range e.Get(name).Each() {
			addText(rd.name, part.Text(), v)
		}
	}
}

// addText appends a text and the words in it after the first.
func addText(param, text string, v *Values) {
	if text == "" {
		return
	}
	folded := search.Fold(text)
	v.Strings = append(v.Strings, String{Param: param, Text: text, Folded: folded})
	_, rest, more := strings.Cut(folded, " ")
	for more {
		var word string
		word, rest, more = strings.Cut(rest, " ")
		v.Strings = append(v.Strings, String{Param: param, Folded: word, Part: true})
	}
}
