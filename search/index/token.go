package index

import (
	"fhirside/fhir"
	"fhirside/fhir/fhirpath"
	"fhirside/search"
)

// token appends what a token parameter reads of an element (search.html#token).
func (rd *reader) token(it *fhirpath.Item, v *Values) {
	e := it.Element()
	switch it.Type() {
	case "Coding":
		rd.coding(e, v)
	case "CodeableConcept":
		for c := range e.Get("coding").Each() {
			rd.coding(c, v)
		}
		rd.textModifier(e.Get("text"), v)
	case "Identifier":
		rd.identifierToken(e, v)
	case "ContactPoint":
		rd.code("", e.Get("value").Text(), v)
	case "code":
		code := e.Text()
		system := rd.param.SystemOf(code)
		rd.code(system, code, v)
		if base, parameterized := search.MimeType(code); system == search.MimeTypes && parameterized && rd.name != "" {
			v.Tokens = append(v.Tokens, newToken(rd.name+search.MimeEntries, system, base))
		}
	default:
		if b, ok := it.Boolean(); ok {
			code := "false"
			if b {
				code = "true"
			}
			rd.code("", code, v)
			return
		}
		rd.code("", e.Text(), v)
	}
}

// code appends a token unless it is empty.
func (rd *reader) code(system, code string, v *Values) {
	if code == "" && system == "" {
		return
	}
	v.Tokens = append(v.Tokens, newToken(rd.name, system, code))
}

func newToken(param, system, code string) Token {
	fold := search.FoldsCase(system)
	if fold {
		code = search.FoldCode(code)
	}
	return Token{param, system, code, fold}
}

func (rd *reader) coding(e fhir.Element, v *Values) {
	rd.code(e.Get("system").Text(), e.Get("code").Text(), v)
	rd.textModifier(e.Get("display"), v)
}

// textModifier appends a text for the modifier :text. It is found by its beginning, and not by that of every word in it: these texts
// are many, and all alike.
func (rd *reader) textModifier(e fhir.Element, v *Values) {
	if rd.name == "" {
		return
	}
	if text := e.Text(); text != "" {
		v.Strings = append(v.Strings, String{Param: rd.text, Text: text, Folded: search.Fold(text)})
	}
}

// identifierToken appends an Identifier, and its types with the value for the modifier :of-type.
func (rd *reader) identifierToken(e fhir.Element, v *Values) {
	typ := e.Get("type")
	rd.textModifier(typ.Get("text"), v)
	value := e.Get("value").Text()
	rd.code(e.Get("system").Text(), value, v)
	if value == "" || rd.name == "" {
		return
	}
	for c := range typ.Get("coding").Each() {
		if code := c.Get("code").Text(); code != "" {
			v.Tokens = append(v.Tokens, newToken(rd.ofType, c.Get("system").Text(), code+"|"+value))
		}
	}
}
