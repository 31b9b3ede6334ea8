package terminology

import (
	"fhirside/fhir"
)

// set is a set of codes. Those of its systems are all in it, listed or not.
type set struct {
	codes   map[Coding]bool
	systems map[string]bool
}

func setOf(system string, codes []string) set {
	s := set{codes: make(map[Coding]bool, len(codes))}
	for _, code := range codes {
		s.codes[Coding{system, code}] = true
	}
	return s
}

func (s set) has(c Coding) bool { return s.codes[c] || s.systems[c.System] }

// add makes the union.
func (s *set) add(other set) error {
	if s.codes == nil {
		s.codes, s.systems = map[Coding]bool{}, map[string]bool{}
	}
	for system := range other.systems {
		s.systems[system] = true
	}
	for c := range other.codes {
		s.codes[c] = true
	}
	for c := range s.codes {
		if s.systems[c.System] {
			delete(s.codes, c)
		}
	}
	return bounded(len(s.codes))
}

func (s set) intersect(other set) set {
	both := set{codes: map[Coding]bool{}, systems: map[string]bool{}}
	for c := range s.codes {
		if other.has(c) {
			both.codes[c] = true
		}
	}
	for c := range other.codes {
		if s.has(c) {
			both.codes[c] = true
		}
	}
	for system := range s.systems {
		if other.systems[system] {
			both.systems[system] = true
		}
	}
	return both
}

func bounded(codes int) error {
	if codes > MaxCodes {
		return fhir.Errorf(fhir.Invalid, fhir.CodeTooCostly, "the value set has more than %d codes", MaxCodes)
	}
	return nil
}
