package resources

import (
	"slices"

	"fhirside/fhir"
	"fhirside/fhir/definitions"
	"fhirside/resources/access"
	"fhirside/search"
)

// visible narrows a search to what the policy lets the caller search: the types that are left, and a filter. A search of which
// nothing is left is Forbidden.
func visible(p access.Policy, types []string) ([]string, search.Filter, error) {
	asked := types
	if len(types) == 0 {
		types = definitions.ResourceTypes()
	}
	var granted []string // the types of which something may be searched
	var whole search.Type
	var some search.Or
	for _, t := range types {
		switch f := may(p, t, access.Search); {
		case isNone(f):
			continue
		case isAll(f):
			whole = append(whole, t)
		default:
			some = append(some, search.AllOf(search.Type{t}, f))
		}
		granted = append(granted, t)
	}
	switch {
	case len(granted) == 0 && len(types) == 1:
		return nil, nil, forbidden(access.Search, types[0])
	case len(granted) == 0:
		return nil, nil, fhir.Errorf(fhir.Forbidden, fhir.CodeForbidden, "you may not search any of these types")
	case len(some) == 0 && len(granted) == len(types):
		return asked, search.All{}, nil
	case len(some) == 0:
		return granted, search.All{}, nil
	case len(granted) == 1:
		return granted, may(p, granted[0], access.Search), nil
	case len(whole) > 0:
		some = append(some, whole)
	}
	return granted, some, nil
}

// restricted is the filter with the policy added wherever it looks at other resources, so that chains and _has tell nothing
// about what the caller may not search. Those through types that are not granted at all are refused.
func restricted(p access.Policy, f search.Filter) (search.Filter, error) {
	if p == access.Everything {
		return f, nil
	}
	switch f := f.(type) {
	case search.And:
		parts, err := restrictedAll(p, f)
		return search.And(parts), err
	case search.Or:
		parts, err := restrictedAll(p, f)
		return search.Or(parts), err
	case search.Not:
		inner, err := restricted(p, f.Filter)
		return search.Not{Filter: inner}, err
	case search.Chain:
		inner, err := restrictedInner(p, f.Type, f.Filter)
		f.Filter = inner
		return f, err
	case search.Has:
		inner, err := restrictedInner(p, f.Type, f.Filter)
		f.Filter = inner
		return f, err
	}
	return f, nil
}

func restrictedAll(p access.Policy, parts []search.Filter) ([]search.Filter, error) {
	out := make([]search.Filter, len(parts))
	for i, part := range parts {
		var err error
		if out[i], err = restricted(p, part); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func restrictedInner(p access.Policy, resourceType string, f search.Filter) (search.Filter, error) {
	granted := may(p, resourceType, access.Search)
	if isNone(granted) {
		return nil, fhir.Errorf(fhir.Forbidden, fhir.CodeForbidden, "the search looks into %s, which you may not search", resourceType)
	}
	inner, err := restricted(p, f)
	return search.AllOf(inner, granted), err
}

// beside is what a policy's answer adds to what was asked: of the ways in which it lets a resource be somebody's, one that the
// caller has asked for itself is enough. A search by patient=X stays inside X's compartment and need not look for the other ways
// into it.
func beside(asked, granted search.Filter) search.Filter {
	switch granted := granted.(type) {
	case search.Reference:
		if demands(asked, granted) {
			return search.All{}
		}
	case search.Or:
		for _, part := range granted {
			if isAll(beside(asked, part)) {
				return search.All{}
			}
		}
	case search.And:
		var left []search.Filter
		for _, part := range granted {
			if part = beside(asked, part); !isAll(part) {
				left = append(left, part)
			}
		}
		return search.AllOf(left...)
	}
	return granted
}

// demands says whether a filter holds only where the reference is.
func demands(f search.Filter, ref search.Reference) bool {
	switch f := f.(type) {
	case search.Reference:
		return f == ref
	case search.And:
		return slices.ContainsFunc(f, func(part search.Filter) bool { return demands(part, ref) })
	case search.Or:
		return len(f) > 0 && !slices.ContainsFunc(f, func(part search.Filter) bool { return !demands(part, ref) })
	}
	return false
}
