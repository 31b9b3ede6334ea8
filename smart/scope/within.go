package scope

import (
	"slices"

	"fhirside/search"
)

// Covers says whether the set, as an upper bound, allows all of a scope.
func (set Set) Covers(s Scope) bool {
	for _, allowed := range s.within(set.resource) {
		if allowed.includes(s) {
			return true
		}
	}
	return false
}

// Within is what a bound allows of the set: scopes that it covers as they are, narrower ones in place of those that it covers in
// part, and of the other words those that it has as well.
func (set Set) Within(bound Set) Set {
	var out Set
	for _, w := range set.words {
		if bound.Has(w) && slices.Contains(known, w) {
			out.words = append(out.words, w)
		}
	}
	for _, s := range set.resource {
		for _, allowed := range s.within(bound.resource) {
			out.add(allowed)
		}
	}
	return out
}

// within is what bounds allow of a scope: the scope itself where they allow all of it.
func (s Scope) within(bounds []Scope) []Scope {
	var parts []Scope
	for _, b := range bounds {
		part, ok := s.and(b)
		if !ok {
			continue
		}
		same := slices.IndexFunc(parts, func(p Scope) bool { return p.Type == part.Type && slices.Equal(p.Query, part.Query) })
		if same < 0 {
			parts = append(parts, part)
		} else {
			parts[same].Permissions |= part.Permissions
		}
	}
	for _, p := range parts {
		if p.includes(s) {
			return []Scope{s}
		}
	}
	// What another part includes says nothing new.
	var out []Scope
	for i, p := range parts {
		redundant := false
		for j, other := range parts {
			redundant = redundant || i != j && other.includes(p) && (!p.includes(other) || j < i)
		}
		if !redundant {
			out = append(out, p)
		}
	}
	return out
}

// and is what two scopes have in common.
func (s Scope) and(b Scope) (Scope, bool) {
	common := Scope{Level: s.Level, Type: s.Type, Permissions: s.Permissions & b.Permissions, Query: union(s.Query, b.Query)}
	if s.Type == "*" {
		common.Type = b.Type
	}
	return common, s.Level == b.Level && common.Permissions != 0 && (b.Type == "*" || b.Type == common.Type)
}

// includes says whether everything that other grants is granted by s, as far as their texts tell.
func (s Scope) includes(other Scope) bool {
	if s.Level != other.Level || s.Type != "*" && s.Type != other.Type || other.Permissions&^s.Permissions != 0 {
		return false
	}
	for _, p := range s.Query { // the fewer conditions grant the more
		if !slices.Contains(other.Query, p) {
			return false
		}
	}
	return true
}

// union is all conditions of both.
func union(a, b []search.Parameter) []search.Parameter {
	out := slices.Clone(a)
	for _, p := range b {
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}
