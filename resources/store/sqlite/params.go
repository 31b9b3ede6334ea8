package sqlite

import (
	"slices"

	"fhirside/search"
)

// params is a set of search parameters whose index values are wanted of a resource: reading all of them costs more than finding it.
type params struct {
	all bool
	of  []string
}

func (p params) has(param string) bool { return p.all || slices.Contains(p.of, param) }

// and are the parameters of both; nil is none.
func (p *params) and(q params) *params {
	if p == nil {
		return &q
	}
	return &params{p.all || q.all, slices.Concat(p.of, q.of)}
}

// judgedBy are the parameters that a judge of the filter looks at, or all where it is none that is read by the way.
func judgedBy(f search.Filter) (p params) {
	parts := func(list []search.Filter) (p params) {
		for _, part := range list {
			p = *p.and(judgedBy(part))
		}
		return p
	}
	switch f := f.(type) {
	case search.And:
		return parts(f)
	case search.Or:
		return parts(f)
	case search.Not:
		return judgedBy(f.Filter)
	case search.All, search.None, search.ID, search.Type:
		return params{}
	case search.Chain:
		return params{of: []string{f.Param}}
	case search.Composite: // of several parameters
		return params{all: true}
	}
	if param := search.ParamOf(f); param != "" {
		return params{of: []string{param}}
	}
	return params{all: true}
}
