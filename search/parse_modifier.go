package search

import (
	"slices"
	"strings"

	"fhirside/fhir"
)

// modifier is a row of R4's table of modifiers (search.html#modifiers).
type modifier struct {
	name     string
	elements []string // only for parameters that yield one of these data types; nil: any
	targets  []string // only for references that can be to one of these types; nil: any
	orByURL  bool     // also for those that can be canonicals
	// read turns the whole value into a filter.
	read func(p *parser, c comparison, value string) (Filter, error)
}

// typeModifier stands for the names of the resource types that a reference can be narrowed to.
const typeModifier = "[type]"

// modifiers are what each type of parameter allows. Composites have none.
var modifiers = map[ParamType][]modifier{
	TypeNumber:   {{name: "missing", read: (*parser).missing}},
	TypeDate:     {{name: "missing", read: (*parser).missing}},
	TypeQuantity: {{name: "missing", read: (*parser).missing}},
	TypeString: {
		{name: "missing", read: (*parser).missing},
		{name: "exact", read: (*parser).exact},
		{name: "contains", read: (*parser).contains},
	},
	TypeToken: {
		{name: "missing", read: (*parser).missing},
		{name: "not", read: (*parser).noneOf},
		{name: "text", read: (*parser).text, elements: []string{"CodeableConcept", "Coding", "Identifier"}},
		{name: "of-type", read: (*parser).ofType, elements: []string{"Identifier"}},
		{name: "in", read: (*parser).in, elements: concepts},
		{name: "not-in", read: (*parser).notIn, elements: concepts},
		{name: "above", read: (*parser).subsuming, elements: concepts},
		{name: "below", read: (*parser).subsumed, elements: concepts},
	},
	TypeReference: {
		{name: "missing", read: (*parser).missing},
		{name: "identifier", read: (*parser).identifier, elements: []string{"Reference"}},
		{name: typeModifier, read: (*parser).alternatives},
		{name: "above", read: (*parser).over, targets: hierarchical},
		{name: "below", read: (*parser).under, targets: hierarchical, orByURL: true},
	},
	TypeSpecial: {{name: "missing", read: (*parser).missingPosition}},
	TypeURI: {
		{name: "missing", read: (*parser).missing},
		{name: "above", read: (*parser).above},
		{name: "below", read: (*parser).below},
	},
}

// Modifiers are the modifiers that a parameter can be searched with, "[type]" standing for the types a reference may have.
func Modifiers(param *Param) []string {
	var names []string
	for _, m := range modifiers[param.Type] {
		if m.fits(param) {
			names = append(names, m.name)
		}
	}
	return names
}

func (m modifier) fits(param *Param) bool {
	return !param.Words && (m.elements == nil || yields(param, m.elements)) &&
		(m.targets == nil || m.orByURL && RefersByURL(param) || slices.ContainsFunc(m.targets, func(t string) bool { return slices.Contains(targetsOf(param), t) }))
}

// yields says whether the parameter's expression yields one of these data types. One that is not known may yield any.
func yields(param *Param, types []string) bool {
	return len(param.ElementTypes) == 0 ||
		slices.ContainsFunc(param.ElementTypes, func(t string) bool { return slices.Contains(types, t) })
}

// modified reads the value of a parameter with its modifier ("": none).
func (p *parser) modified(param *Param, name, value string) (Filter, error) {
	c := comparison{param: param, code: param.Code}
	if name == "" {
		return p.alternatives(c, value)
	}
	if param.Type == TypeReference && startsUpper(name) {
		if err := p.checkTarget(param, name); err != nil {
			return nil, err
		}
		c.narrowed = name
		return p.alternatives(c, value)
	}
	for _, m := range modifiers[param.Type] {
		if m.name != name || m.name == typeModifier || !m.fits(param) {
			continue
		}
		return m.read(p, c, value)
	}
	return nil, p.errorf(fhir.CodeNotSupported, "the modifier :%s is not allowed. %s", clip(name), allowed(param))
}

func startsUpper(s string) bool { return s != "" && s[0] >= 'A' && s[0] <= 'Z' }

func allowed(param *Param) string {
	names := Modifiers(param)
	if len(names) == 0 {
		return "\"" + param.Code + "\" takes no modifier"
	}
	return "\"" + param.Code + "\" takes :" + strings.Join(names, ", :")
}

// PresentEntries is what follows a parameter's code in the name of the entry that tells of elements without any other.
const PresentEntries = ":present"

// missing reads :missing=true and :missing=false.
func (p *parser) missing(c comparison, value string) (Filter, error) {
	always := c.code == idName || c.code == lastUpdatedName // every resource has them
	switch {
	case value == "true" && always:
		return None{}, nil
	case value == "true":
		return Not{present(c)}, nil
	case value == "false" && always:
		return All{}, nil
	case value == "false":
		return present(c), nil
	}
	return nil, p.errorf(fhir.CodeValue, "%q is neither true nor false", clip(value))
}

// present holds where there is an element that the parameter reads, even if it has nothing that could be searched for.
func present(c comparison) Filter { return Or{Present{c.code}, Present{c.code + PresentEntries}} }

// noneOf reads :not. A list means: not in any of these (search.html#token).
func (p *parser) noneOf(c comparison, value string) (Filter, error) {
	f, err := p.alternatives(c, value)
	if err != nil {
		return nil, err
	}
	return Not{f}, nil
}

func (p *parser) exact(c comparison, value string) (Filter, error) {
	c.stringOp = Exact
	return p.alternatives(c, value)
}

func (p *parser) contains(c comparison, value string) (Filter, error) {
	c.stringOp = Contains
	return p.alternatives(c, value)
}

func (p *parser) above(c comparison, value string) (Filter, error) {
	c.uriOp = AboveURI
	return p.alternatives(c, value)
}

func (p *parser) below(c comparison, value string) (Filter, error) {
	c.uriOp = BelowURI
	return p.alternatives(c, value)
}

// text reads :text, the beginning of what is printed beside a code.
func (p *parser) text(c comparison, value string) (Filter, error) {
	c.code += ":text"
	return p.list(c, value, (*parser).stringLeaf)
}

// identifier reads :identifier, a token of the identifier in a reference.
func (p *parser) identifier(c comparison, value string) (Filter, error) {
	return p.list(comparison{param: referenceIdentifier, code: c.code + ":identifier"}, value, (*parser).tokenLeaf)
}

// referenceIdentifier is what :identifier compares with.
var referenceIdentifier = &Param{Type: TypeToken, ElementTypes: []string{"Identifier"}}

// ofType reads :of-type, the type and value of an identifier.
func (p *parser) ofType(c comparison, value string) (Filter, error) {
	c.code += ":of-type"
	return p.list(c, value, (*parser).ofTypeLeaf)
}
