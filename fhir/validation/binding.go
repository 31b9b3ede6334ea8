package validation

import (
	"maps"
	"slices"

	"fhirside/fhir"
	"fhirside/fhir/definitions"
)

// code checks the code of a required binding (terminologies.html#required). Where the value set is that of a grammar (MIME
// types, languages, units), any code passes.
func (c *checker) code(e fhir.Element, m *member) {
	b := m.element.Binding
	if b.Codes == nil {
		return
	}
	if _, known := b.Codes[view(e)]; !known {
		c.report(fhir.CodeCodeInvalid, "%s: %q is not in the value set %s%s", m.name, clip(e.Text()), b.ValueSet, codeHint(b, e.Text()))
	}
}

// bound checks a Coding or CodeableConcept whose element has a required binding: a Coding, or one of a concept's codings, has a
// code of the value set.
func (c *checker) bound(e fhir.Element, m *member) {
	b := m.element.Binding
	if b == nil || b.Codes == nil {
		return
	}
	if m.table.special == isCoding {
		if !isIn(b, e) {
			c.report(fhir.CodeCodeInvalid, "%s: the coding %s is not in the value set %s%s", m.name, codingText(e), b.ValueSet, codeHint(b, e.Get("code").Text()))
		}
		return
	}
	first := fhir.Element{}
	for coding := range e.Get("coding").Children() {
		if isIn(b, coding) {
			return
		}
		if !first.Exists() {
			first = coding
		}
	}
	if first.Exists() {
		c.report(fhir.CodeCodeInvalid, "%s: no coding (%s) is in the value set %s%s", m.name, codingText(first), b.ValueSet, codeHint(b, first.Get("code").Text()))
	} else if !e.Get("extension").Exists() { // which may say why there is none
		c.report(fhir.CodeCodeInvalid, "%s needs a coding of the value set %s%s", m.name, b.ValueSet, codeHint(b, ""))
	}
}

func isIn(b *definitions.Binding, coding fhir.Element) bool {
	code := coding.Get("code")
	if code.Kind() != fhir.String {
		return false
	}
	system, known := b.Codes[view(code)]
	return known && coding.Get("system").Is(system)
}

func codingText(coding fhir.Element) string {
	return clip(coding.Get("system").Text() + "|" + coding.Get("code").Text())
}

// codeHint lists the codes where they are few, and guesses otherwise.
func codeHint(b *definitions.Binding, wrong string) string {
	const few = 12
	if len(b.Codes) <= few {
		system := ""
		if b.System != "" {
			system = " of " + b.System
		}
		return ": use " + alternatives(slices.Sorted(maps.Keys(b.Codes))) + system
	}
	if near := nearest(wrong, maps.Keys(b.Codes)); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}
