package match

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"fhirside/search"
	"fhirside/search/index"
)

// Subject is a resource as a Filter sees it.
type Subject struct {
	Type, ID string
	Updated  time.Time
	Values   *index.Values // nil: none
}

// World finds the other resources that Chain and Has ask about. It holds current versions only, and nothing that is deleted.
type World interface {
	// Resource is the resource with that type and id; false where there is none.
	Resource(resourceType, id string) (Subject, bool, error)
	// Find are the resources of a type that a filter holds for, which has no Chain and no Has.
	Find(resourceType string, f search.Filter) iter.Seq2[Subject, error]
}

// Matches says whether the filter holds for the resource. The world may be nil for a filter without Chain and Has. It fails for a
// filter that it cannot evaluate, and where the world does.
func Matches(f search.Filter, s Subject, w World) (bool, error) {
	switch f := f.(type) {
	case search.All:
		return true, nil
	case search.None:
		return false, nil
	case search.And:
		return every(f, s, w)
	case search.Or:
		return some(f, s, w)
	case search.Not:
		held, err := Matches(f.Filter, s, w)
		return !held && err == nil, err
	case search.ID:
		return slices.Contains(f, s.ID), nil
	case search.Type:
		return slices.Contains(f, s.Type), nil
	case search.Chain:
		return chain(f, s, w)
	case search.Has:
		return has(f, s, w)
	case search.Composite:
		return composite(f, s)
	}
	return leaf(f, s)
}

func every(parts []search.Filter, s Subject, w World) (bool, error) {
	for _, part := range parts {
		if held, err := Matches(part, s, w); !held || err != nil {
			return false, err
		}
	}
	return true, nil
}

func some(parts []search.Filter, s Subject, w World) (bool, error) {
	for _, part := range parts {
		if held, err := Matches(part, s, w); held || err != nil {
			return held && err == nil, err
		}
	}
	return false, nil
}

func chain(f search.Chain, s Subject, w World) (bool, error) {
	if w == nil {
		return false, fmt.Errorf("match: a chain through %q, and no world to follow it in", f.Param)
	}
	for _, e := range s.values().References {
		held, err := false, error(nil)
		switch {
		case e.Param != f.Param:
			continue
		case e.Type == f.Type, e.Type == search.ContainedType(f.Type):
			held, err = reached(f, e, w)
		case f.ByURL && e.URL != "":
			held, err = among(f.Filter, w.Find(f.Type, search.Named(e.URL, e.Version)), w)
		}
		if held || err != nil {
			return held && err == nil, err
		}
	}
	return false, nil
}

// reached says whether a chain's filter holds for the resource that a reference points to.
func reached(f search.Chain, e index.Reference, w World) (bool, error) {
	target, found, err := w.Resource(e.Type, e.ID)
	if !found || err != nil {
		return false, err
	}
	return Matches(f.Filter, target, w)
}

// among says whether the filter holds for one of the resources.
func among(f search.Filter, found iter.Seq2[Subject, error], w World) (bool, error) {
	for s, err := range found {
		if err != nil {
			return false, err
		}
		if held, err := Matches(f, s, w); held || err != nil {
			return held && err == nil, err
		}
	}
	return false, nil
}

func has(f search.Has, s Subject, w World) (bool, error) {
	if w == nil {
		return false, fmt.Errorf("match: a _has of %s by %q, and no world to look in", f.Type, f.Param)
	}
	refers := search.Reference{Param: f.Param, Type: s.Type, ID: s.ID}
	held, err := among(f.Filter, w.Find(f.Type, refers), w)
	switch names, ok := s.values().Naming(f.Param); {
	case held || err != nil:
		return held, err
	case search.IsContained(s.Type): // what is beside it
		return among(f.Filter, w.Find(search.ContainedType(f.Type), refers), w)
	case ok && f.ByURL:
		return among(f.Filter, w.Find(f.Type, names), w)
	}
	return false, nil
}

func composite(f search.Composite, s Subject) (bool, error) {
	for _, tuple := range s.values().Composites {
		if tuple.Param != f.Param {
			continue
		}
		if len(tuple.Components) != len(f.Parts) {
			return false, fmt.Errorf("match: %d conditions on the %d components of %q", len(f.Parts), len(tuple.Components), f.Param)
		}
		if held, err := tupleMatches(f.Parts, tuple.Components); held || err != nil {
			return held && err == nil, err
		}
	}
	return false, nil
}

func tupleMatches(parts []search.Filter, components []index.Values) (bool, error) {
	for i, part := range parts {
		if held, err := Matches(part, Subject{Values: &components[i]}, nil); !held || err != nil {
			return false, err
		}
	}
	return true, nil
}

// leaf judges a condition on the entries of one parameter.
func leaf(f search.Filter, s Subject) (bool, error) {
	v := s.values()
	switch f := f.(type) {
	case search.Present:
		return present(f.Param, v), nil
	case search.Token:
		return slices.ContainsFunc(v.Tokens, func(e index.Token) bool { return e.Param == f.Param && token(f, e) }), nil
	case search.Other:
		return slices.ContainsFunc(v.Tokens, func(e index.Token) bool {
			return e.Param == f.Param && !slices.ContainsFunc(f.Tokens, func(t search.Token) bool { return token(t, e) })
		}), nil
	case search.String:
		return slices.ContainsFunc(v.Strings, func(e index.String) bool { return e.Param == f.Param && text(f, e) }), nil
	case search.Reference:
		return slices.ContainsFunc(v.References, func(e index.Reference) bool { return e.Param == f.Param && reference(f, e) }), nil
	case search.ReferenceToOther:
		return slices.ContainsFunc(v.References, func(e index.Reference) bool { return e.Param == f.Param && toOther(f, e) }), nil
	case search.Date:
		if f.Param == lastUpdated {
			at := s.Updated.UnixMicro()
			return date(f, at, at+instant), nil
		}
		return slices.ContainsFunc(v.Dates, func(e index.Date) bool { return e.Param == f.Param && date(f, e.Lo, e.Hi) }), nil
	case search.Number:
		return slices.ContainsFunc(v.Numbers, func(e index.Number) bool { return e.Param == f.Param && number(f, e.Lo, e.Hi) }), nil
	case search.Quantity:
		return slices.ContainsFunc(v.Quantities, func(e index.Quantity) bool {
			return e.Param == f.Param && unit(f, e) && number(f.Number, e.Lo, e.Hi)
		}), nil
	case search.Near:
		return near(f, v), nil
	case search.URI:
		return slices.ContainsFunc(v.URIs, func(e index.URI) bool { return e.Param == f.Param && uri(f, e.Value) }), nil
	}
	return false, fmt.Errorf("match: no rule for the filter %T", f)
}

// The parameters that are no index entries.
const (
	id          = "_id"
	lastUpdated = "_lastUpdated"
)

// instant is the length of a moment of the precision that meta.lastUpdated has, in microseconds.
const instant = int64(time.Millisecond / time.Microsecond)

var noValues index.Values

func (s Subject) values() *index.Values {
	if s.Values == nil {
		return &noValues
	}
	return s.Values
}

func present(param string, v *index.Values) bool {
	return param == id || param == lastUpdated ||
		slices.ContainsFunc(v.Tokens, func(e index.Token) bool { return e.Param == param }) ||
		slices.ContainsFunc(v.Strings, func(e index.String) bool { return e.Param == param }) ||
		slices.ContainsFunc(v.References, func(e index.Reference) bool { return e.Param == param }) ||
		slices.ContainsFunc(v.Dates, func(e index.Date) bool { return e.Param == param }) ||
		slices.ContainsFunc(v.Numbers, func(e index.Number) bool { return e.Param == param }) ||
		slices.ContainsFunc(v.Quantities, func(e index.Quantity) bool { return e.Param == param }) ||
		slices.ContainsFunc(v.URIs, func(e index.URI) bool { return e.Param == param }) ||
		slices.ContainsFunc(v.Composites, func(e index.Composite) bool { return e.Param == param })
}

func token(f search.Token, e index.Token) bool {
	return (f.AnySystem || e.System == f.System) && (f.AnyCode || e.Fold == f.Fold && e.Code == f.Code)
}

func text(f search.String, e index.String) bool {
	begins := strings.HasPrefix(e.Folded, f.Text)
	switch {
	case f.Op == search.Prefix:
		return begins
	case e.Part:
		return false
	}
	switch f.Op {
	case search.Exact:
		return e.Text == f.Text
	case search.Contains:
		return strings.Contains(e.Folded, f.Text)
	case search.Suffix:
		return strings.HasSuffix(e.Folded, f.Text)
	case search.Begins:
		return begins
	case search.Unequal:
		return e.Folded != f.Text
	case search.Greater:
		return e.Folded > f.Text && !begins
	case search.Less:
		return e.Folded < f.Text
	case search.GreaterOrEqual:
		return e.Folded >= f.Text
	case search.LessOrEqual:
		return e.Folded < f.Text || begins
	default:
		return e.Folded == f.Text
	}
}

func reference(f search.Reference, e index.Reference) bool {
	version := f.Version == "" || e.Version == f.Version
	switch {
	case f.Begins:
		version = strings.HasPrefix(e.Version, f.Version)
	case f.Names:
		version = e.Version == "" || search.FoldCode(e.Version) == f.Version
	}
	return version && e.Type == f.Type && e.ID == f.ID && e.URL == f.URL
}

func toOther(f search.ReferenceToOther, e index.Reference) bool {
	return e.Type == f.Type && !slices.Contains(f.IDs, e.ID) || e.Type == search.ContainedType(f.Type)
}

func date(f search.Date, lo, hi int64) bool {
	within := f.Lo <= lo && hi <= f.Hi
	switch f.Op {
	case search.Ne:
		return !within
	case search.Gt:
		return hi > f.Hi
	case search.Lt:
		return lo < f.Lo
	case search.Ge:
		return hi > f.Lo
	case search.Le:
		return lo < f.Hi
	case search.Sa:
		return lo >= f.Hi
	case search.Eb:
		return hi <= f.Lo
	case search.Ap:
		return lo < f.Hi && hi > f.Lo
	case search.Covers:
		return lo <= f.Lo && hi >= f.Hi
	default:
		return within
	}
}

func number(f search.Number, lo, hi float64) bool {
	within := f.Lo <= lo && hi < f.Hi
	switch f.Op {
	case search.Ne:
		return !within
	case search.Gt:
		return hi > f.Value
	case search.Lt:
		return lo < f.Value
	case search.Ge:
		return hi >= f.Value
	case search.Le:
		return lo <= f.Value
	case search.Sa:
		return lo > f.Value
	case search.Eb:
		return hi < f.Value
	case search.Ap:
		return lo <= f.Hi && hi >= f.Lo
	default:
		return within
	}
}

func unit(f search.Quantity, e index.Quantity) bool {
	switch {
	case f.AnyUnit:
		return true
	case f.AnySystem:
		return e.Code == f.Unit || e.Unit == f.Unit
	default:
		return e.System == f.System && e.Code == f.Unit
	}
}

func uri(f search.URI, value string) bool {
	switch f.Op {
	case search.BelowURI:
		return strings.HasPrefix(value, f.Value)
	case search.AboveURI:
		return strings.HasPrefix(f.Value, value)
	default:
		return value == f.Value
	}
}
