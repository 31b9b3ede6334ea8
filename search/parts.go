package search

import "slices"

// Some says whether something is true of a filter, or of a part of it: through And, Or and Not, and not of what Chain and Has ask of other
// resources.
func Some(f Filter, is func(Filter) bool) bool {
	part := func(f Filter) bool { return Some(f, is) }
	switch parts := f.(type) {
	case And:
		return is(f) || slices.ContainsFunc(parts, part)
	case Or:
		return is(f) || slices.ContainsFunc(parts, part)
	case Not:
		return is(f) || part(parts.Filter)
	}
	return is(f)
}

// HasLinks says whether a filter has a Chain or a Has: it depends on other resources.
func HasLinks(f Filter) bool {
	return Some(f, func(f Filter) bool {
		_, chain := f.(Chain)
		return chain || isHas(f)
	})
}

// HasSources says whether a filter has a Has: it depends on resources that refer to those searched.
func HasSources(f Filter) bool { return Some(f, isHas) }

func isHas(f Filter) bool {
	_, is := f.(Has)
	return is
}

// ParamOf is the parameter that a leaf is about, "" for what is no leaf.
func ParamOf(f Filter) string {
	switch f := f.(type) {
	case Present:
		return f.Param
	case Token:
		return f.Param
	case Other:
		return f.Param
	case String:
		return f.Param
	case Reference:
		return f.Param
	case ReferenceToOther:
		return f.Param
	case Date:
		return f.Param
	case Number:
		return f.Param
	case Quantity:
		return f.Param
	case URI:
		return f.Param
	case Composite:
		return f.Param
	}
	return ""
}
