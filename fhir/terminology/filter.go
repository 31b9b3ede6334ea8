package terminology

import (
	"regexp"
	"slices"
	"strings"

	"fhirside/fhir"
)

// filtered are the codes of a system that satisfy all filters (value set filter-operator).
func (t Terminology) filtered(e fhir.Element, system string) (set, error) {
	s, err := t.complete(system)
	if err != nil {
		return set{}, err
	}
	all := setOf(system, s.Codes())
	for f := range e.Get("filter").Each() {
		codes, err := s.filter(f.Get("property").Text(), f.Get("op").Text(), f.Get("value").Text())
		if err != nil {
			return set{}, err
		}
		all = all.intersect(setOf(system, codes))
	}
	return all, bounded(len(all.codes))
}

// filter are the codes for which a property satisfies an operator.
func (s *CodeSystem) filter(property, op, value string) ([]string, error) {
	switch op {
	case "is-a":
		if s.Has(value) {
			return s.Below(value), nil
		}
		return nil, nil
	case "descendent-of":
		if s.Has(value) {
			return s.Below(value)[1:], nil
		}
		return nil, nil
	case "is-not-a":
		below := setOf("", s.Below(value))
		return s.where(func(c concept) bool { return !below.has(Coding{Code: c.code}) }), nil
	case "generalizes":
		if s.Has(value) {
			return s.Above(value), nil
		}
		return nil, nil
	case "=":
		return s.where(func(c concept) bool { return slices.Contains(c.values(property), value) }), nil
	case "in", "not-in":
		listed := strings.Split(value, ",")
		return s.where(func(c concept) bool {
			in := slices.ContainsFunc(c.values(property), func(v string) bool { return slices.Contains(listed, v) })
			return in == (op == "in")
		}), nil
	case "exists":
		return s.where(func(c concept) bool { return len(c.values(property)) > 0 == (value == "true") }), nil
	case "regex":
		x, err := regexp.Compile("^(?:" + value + ")$")
		if err != nil {
			return nil, fhir.Errorf(fhir.Invalid, fhir.CodeNotSupported, "the regular expression %q of a value set cannot be read", value)
		}
		return s.where(func(c concept) bool { return slices.ContainsFunc(c.values(property), x.MatchString) }), nil
	}
	return nil, fhir.Errorf(fhir.Invalid, fhir.CodeNotSupported, "a value set uses the filter operator %q", op)
}

// values of a property; "concept" and "code" are the code itself.
func (c concept) values(property string) []string {
	if property == "concept" || property == "code" {
		return []string{c.code}
	}
	return c.properties[property]
}
