package search

import (
	"strings"

	"fhirside/fhir"
)

// coded are the data types whose tokens have a code system or an identifier system. The others (ContactPoint, boolean, string,
// uri, id) are searched by their value alone (search.html#token).
var coded = []string{"code", "Coding", "CodeableConcept", "Identifier"}

// concepts are those of them whose codes are of code systems, which can have value sets and hierarchies.
var concepts = []string{"code", "Coding", "CodeableConcept"}

// tokenLeaf reads code, system|code, |code or system|.
func (p *parser) tokenLeaf(c comparison, text string) (Filter, error) {
	parts := split(text, '|')
	switch {
	case len(parts) > 2:
		return nil, p.errorf(fhir.CodeValue, "%q has too many pipes: write code, system|code, |code or system|", clip(text))
	case len(parts) == 2 && !yields(c.param, coded):
		return nil, p.errorf(fhir.CodeValue, "%q: its values have no system; write the value alone", clip(text))
	}
	code := unescape(parts[len(parts)-1])
	if len(parts) == 1 {
		return p.codeAlone(c, code)
	}
	system := unescape(parts[0])
	switch {
	case system == "" && code == "":
		return nil, p.errorf(fhir.CodeValue, "%q names neither a system nor a code", clip(text))
	case system == "":
		return withoutSystem(c, code), nil
	case code == "":
		return Token{Param: c.code, System: system, AnyCode: true, Fold: FoldsCase(system)}, nil
	}
	return inSystem(c.code, system, code), nil
}

// codeAlone compares with the code whatever its system, each entry in the way of its own system.
func (p *parser) codeAlone(c comparison, code string) (Filter, error) {
	switch {
	case c.code == idName:
		return ID{code}, nil
	case isBoolean(c.param) && code != "true" && code != "false":
		return nil, p.errorf(fhir.CodeValue, "%q is neither true nor false", clip(code))
	}
	if !yields(c.param, coded) {
		return inSystem(c.code, "", code), nil
	}
	return Or{
		Token{Param: c.code, AnySystem: true, Code: code},
		Token{Param: c.code, AnySystem: true, Code: FoldCode(code), Fold: true},
	}, nil
}

func isBoolean(param *Param) bool {
	return len(param.ElementTypes) == 1 && param.ElementTypes[0] == "boolean"
}

// withoutSystem reads |code: the entry has no system, or is an element of type code, which has none to show; its entry has the
// implied one.
func withoutSystem(c comparison, code string) Filter {
	alternatives := Or{inSystem(c.code, "", code)}
	for _, system := range c.param.ImpliedSystems {
		alternatives = append(alternatives, inSystem(c.code, system, code))
	}
	return AnyOf(alternatives...)
}

func inSystem(param, system, code string) Token {
	if FoldsCase(system) {
		return Token{Param: param, System: system, Code: FoldCode(code), Fold: true}
	}
	return Token{Param: param, System: system, Code: code}
}

// ofTypeLeaf reads system|code|value: the type of an identifier and its value. All three must be there.
func (p *parser) ofTypeLeaf(c comparison, text string) (Filter, error) {
	parts := split(text, '|')
	for i := range parts {
		parts[i] = unescape(parts[i])
	}
	if len(parts) != 3 || parts[0] == "" || parts[1] == "" || parts[2] == "" {
		return nil, p.errorf(fhir.CodeValue, "%q: write system|code|value, the type of the identifier and its value", clip(text))
	}
	return inSystem(c.code, parts[0], strings.Join(parts[1:], "|")), nil
}
