package sqlite

import (
	"reflect"
	"slices"

	"fhirside/search"
)

// A node is a condition on the resources of one type as the index tables can tell it: a search.Filter with its parameters,
// systems and ids resolved to terms, rows and keys.
type node interface{}

type (
	// always and never are All and None.
	always struct{}
	never  struct{}
	// maybe is a condition that no table answers: whoever finds a resource by the others has to look at its index values.
	maybe struct{}

	andNode []node
	orNode  []node
	notNode struct{ node node }

	// hasTerm: the resource has a row with the term.
	hasTerm struct {
		term    int64
		patient int64 // not 0: it is in the patient table, and this is the patient's identity
		few     bool  // rows by nature: what refers to one patient
		token   bool  // it is part of the signature
	}
	// isOneOf: the resource is one of these, by key, sorted.
	isOneOf []int64
	// changedIn: the time of the current version is in one of the spans, in milliseconds.
	changedIn []span
	// hasDate: one of the resource's dates satisfies all comparisons.
	hasDate struct {
		param   int64
		sorts   bool // it is the type's sort date
		width   int64
		several bool // some resource has several
		ops     []search.Date
	}
	// hasNumber: one of the resource's rows of the parameter, in one of the units, satisfies the comparison.
	hasNumber struct {
		param int64
		units []int64 // nil: any
		plain bool    // a number without unit
		op    search.Number
	}
	// hasText: one of the resource's folded strings begins with a text, equals it or contains it.
	hasText struct {
		param int64
		op    search.StringOp
		text  string
	}
)

// maxCompared is with how many parts of a conjunction another one is compared: a search may have thousands.
const maxCompared = 32

// and is the conjunction, simplified: what is asked twice is asked once.
func and(parts ...node) node {
	var list andNode
	add := func(p node) {
		first := list[:min(len(list), maxCompared)]
		if !slices.ContainsFunc(first, func(other node) bool { return reflect.DeepEqual(other, p) }) {
			list = append(list, p)
		}
	}
	for _, p := range parts {
		switch p := p.(type) {
		case always:
		case never:
			return never{}
		case andNode:
			for _, part := range p {
				add(part)
			}
		default:
			add(p)
		}
	}
	list, some := mergeTimes(mergeDates(list))
	if !some {
		return never{}
	}
	switch len(list) {
	case 0:
		return always{}
	case 1:
		return list[0]
	}
	return list
}

// mergeDates joins the comparisons of a parameter of which no resource has two dates: then they bound one range.
func mergeDates(list andNode) andNode {
	var out andNode
	at := map[int64]int{}
	for _, p := range list {
		d, ok := p.(hasDate)
		if !ok || d.several {
			out = append(out, p)
			continue
		}
		if i, ok := at[d.param]; ok {
			first := out[i].(hasDate)
			first.ops = append(first.ops[:len(first.ops):len(first.ops)], d.ops...)
			out[i] = first
			continue
		}
		at[d.param] = len(out)
		out = append(out, p)
	}
	return out
}

// mergeTimes joins the times of change asked for: a resource has one, so that two open ends bound a window. False where none is left.
func mergeTimes(list andNode) (out andNode, some bool) {
	at := -1
	for _, p := range list {
		times, ok := p.(changedIn)
		switch {
		case !ok:
			out = append(out, p)
		case at < 0:
			at = len(out)
			out = append(out, times)
		default:
			both := common(out[at].(changedIn), times)
			if len(both) == 0 {
				return nil, false
			}
			out[at] = changedIn(both)
		}
	}
	return out, true
}

// or is the disjunction, simplified.
func or(parts ...node) node {
	var list orNode
	for _, p := range parts {
		switch p := p.(type) {
		case never:
		case always:
			return always{}
		case orNode:
			list = append(list, p...)
		case hasTerm: // parameters that are indexed as one come as one
			if !slices.Contains(list, node(p)) {
				list = append(list, p)
			}
		default:
			list = append(list, p)
		}
	}
	switch len(list) {
	case 0:
		return never{}
	case 1:
		return list[0]
	}
	return list
}

func not(n node) node {
	switch n := n.(type) {
	case always:
		return never{}
	case never:
		return always{}
	case notNode:
		return n.node
	}
	return notNode{n}
}

// exact says whether the tables answer the whole condition.
func exact(n node) bool {
	switch n := n.(type) {
	case maybe:
		return false
	case andNode:
		return allExact(n)
	case orNode:
		return allExact(n)
	case notNode:
		return exact(n.node)
	}
	return true
}

func allExact(list []node) bool {
	for _, n := range list {
		if !exact(n) {
			return false
		}
	}
	return true
}
