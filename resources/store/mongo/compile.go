package mongo

import (
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"fhirside/search"
)

// Paths of a document's index values.
const (
	termsPath  = "index.t"
	tokensPath = "index.k"
	pairsPath  = "index.p"
	shapePath  = "index.shape"
	keyPath    = "index.key"
)

// The parameters that are fields of their own.
const (
	paramID      = "_id"
	paramUpdated = "_lastUpdated"
)

// condition is a filter compiled for one resource type.
type condition struct {
	filter search.Filter
	match  bson.D // holds exactly where the filter does
	always bool   // the filter always holds; match is empty
	never  bool   // it never does
	// ways lead to every document that matches, each by an index; nil where no index helps. Where exact is set they are match.
	ways  []way
	exact bool
	parts []condition // of an And
}

// compiler compiles filters for one resource type. Chains and _has are replaced before.
type compiler struct {
	resourceType string
	order        order
}

func newCompiler(resourceType string) compiler {
	return compiler{resourceType, orders[resourceType]}
}

func (c compiler) compile(f search.Filter) (condition, error) {
	switch f := f.(type) {
	case nil, search.All:
		return condition{always: true}, nil
	case search.None:
		return condition{never: true}, nil
	case search.And:
		return c.and(f)
	case search.Or:
		return c.or(f)
	case search.Near:
		return c.near(f)
	case search.Not:
		return c.not(f)
	case search.ID:
		return c.id(f), nil
	case search.Type:
		held := slices.Contains(f, c.resourceType)
		return condition{always: held, never: !held}, nil
	case search.Chain, search.Has:
		return condition{}, fmt.Errorf("a %T was not followed before it was compiled", f)
	}
	return c.leaf(f)
}

func (c compiler) and(filters search.And) (condition, error) {
	all := condition{filter: filters}
	for _, f := range filters {
		part, err := c.compile(f)
		switch {
		case err != nil || part.never:
			return part, err
		case part.always:
		case part.parts != nil:
			all.parts = append(all.parts, part.parts...)
		default:
			all.parts = append(all.parts, part)
		}
	}
	switch len(all.parts) {
	case 0:
		return condition{always: true}, nil
	case 1:
		return all.parts[0], nil
	}
	matches := make([]bson.D, len(all.parts))
	best := -1
	for i, part := range all.parts {
		matches[i] = part.match
		if part.ways != nil && (best < 0 || c.cost(part) < c.cost(all.parts[best])) {
			best = i
		}
	}
	all.match = allOf(matches)
	if best >= 0 {
		all.ways = all.parts[best].ways
	}
	return all, nil
}

// cost orders conditions by what their ways are likely to find.
func (c compiler) cost(part condition) int {
	switch {
	case part.ways == nil:
		return 9
	case part.ways[0].ids != nil:
		return 0
	case !part.byTerms():
		return 2 // ranges
	case breadth(part.filter) == broad:
		return 3
	}
	return 1
}

// paramOf is the parameter that a leaf, or an Or of leaves of one parameter, is about; "" for anything else.
func paramOf(f search.Filter) string {
	parts, or := f.(search.Or)
	if !or {
		return search.ParamOf(f)
	}
	if len(parts) == 0 {
		return ""
	}
	param := paramOf(parts[0])
	for _, part := range parts[1:] {
		if paramOf(part) != param {
			return ""
		}
	}
	return param
}

func (c compiler) or(filters search.Or) (condition, error) {
	one := condition{filter: filters, exact: true, ways: []way{}}
	var matches []bson.D
	var terms []string // of the parts that are nothing but terms
	for _, f := range filters {
		part, err := c.compile(f)
		switch {
		case err != nil || part.always:
			return part, err
		case part.never:
			continue
		case part.exact && len(part.ways) == 1 && part.ways[0].terms != nil:
			terms = append(terms, part.ways[0].terms...)
		default:
			matches = append(matches, part.match)
			one.exact = false
		}
		if part.ways == nil {
			one.ways = nil
		} else if one.ways != nil {
			one.ways = append(one.ways, part.ways...)
		}
	}
	if terms != nil {
		terms = distinct(terms)
		matches = append(matches, anyTerm(termsPath, terms))
	}
	if len(matches) == 0 {
		return condition{never: true}, nil
	}
	one.match = anyOf(matches)
	if one.ways != nil {
		one.ways = merged(one.ways)
	}
	return one, nil
}

func distinct(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}

func (c compiler) not(f search.Not) (condition, error) {
	part, err := c.compile(f.Filter)
	if err != nil || part.always || part.never {
		return condition{always: part.never, never: part.always}, err
	}
	return condition{filter: f, match: d("$nor", bson.A{part.match})}, nil
}

func (c compiler) id(f search.ID) condition {
	if len(f) == 0 {
		return condition{never: true}
	}
	w := way{ids: distinct(f)}
	return condition{filter: f, match: w.document(), ways: []way{w}, exact: true}
}

// leaf is a condition on the entries of one parameter.
func (c compiler) leaf(f search.Filter) (condition, error) {
	param := paramOf(f)
	if other := twinOf(c.resourceType, param); other != "" {
		return c.twin(f, param, other)
	}
	return c.alone(f)
}

// alone is a leaf that looks at the entries of its own parameter only.
func (c compiler) alone(f search.Filter) (condition, error) {
	switch f := f.(type) {
	case search.Composite:
		return c.composite(f)
	case search.Present:
		return c.present(f), nil
	case search.Date:
		return c.date(f), nil
	case search.String:
		return c.text(f)
	}
	at := root(paramOf(f))
	matches, terms, err := at.match(f)
	if err != nil {
		return condition{}, err
	}
	made := condition{filter: f, match: anyOf(matches)}
	if terms != nil {
		made.ways, made.exact = []way{termWay(terms...)}, true
	} else {
		made.ways = waysTo(f)
	}
	return made, nil
}

// waysTo are the ways to a leaf that no term decides.
func waysTo(f search.Filter) []way {
	switch f := f.(type) {
	case search.Token:
		if f.AnyCode {
			return []way{rangeWay(f.Param+string(codeExact), f.Param+string(codeFolded+1))}
		}
		return []way{termWay(codeTerm(f.Param, f.Code, f.Fold))}
	case search.Reference:
		if w, err := versionsWay(f); f.Begins && err == nil {
			return []way{w}
		}
	case search.Other:
		return []way{rangeWay(f.Param+string(codeExact), f.Param+string(codeFolded+1))}
	case search.Number:
		narrow, _ := points(f)
		return numberRanges(f, narrow)
	case search.Quantity:
		return quantityWays(f)
	case search.URI:
		if f.Op == search.BelowURI {
			return []way{beginsWith(f.Param + string(uriIs) + f.Value)}
		}
	}
	return nil
}

func quantityWays(f search.Quantity) []way {
	within, ok := points(f.Number)
	switch {
	case !ok:
		return nil
	case !f.AnyUnit && !f.AnySystem && f.Unit != "":
		from, to := within.texts()
		begin := unitBegin(f.Param, unitPoint, f.System, f.Unit)
		return []way{rangeWay(begin+from, begin+to), termWay(unitBegin(f.Param, unitSpread, f.System, f.Unit))}
	case isModifiers(f.Param):
		return []way{beginsWith(f.Param + string(orderedValue))}
	}
	return numberRanges(f.Number, within)
}

func (c compiler) present(f search.Present) condition {
	if f.Param == paramID || f.Param == paramUpdated {
		return condition{always: true}
	}
	has := rangeWay(f.Param+string(hasValue), f.Param+string(noValue))
	if f.Param != c.order.param || c.order.kind != search.TypeDate {
		return condition{filter: f, match: has.document(), ways: []way{has}, exact: true}
	}
	// The date that orders the type has no term where it is narrow.
	return condition{filter: f, match: either(has.document(), d("index.d."+field(f.Param), d("$exists", true))),
		ways: []way{{keyed: &keyed{narrowShape, dated}}, has}}
}

// dated bounds the keys of resources that have a date.
var dated = bounds{unbounded.lo, missingDate - 1}

func (c compiler) date(f search.Date) condition {
	if f.Param == paramUpdated {
		return condition{filter: f, match: updatedEntry(f)}
	}
	made := condition{filter: f, match: anyOf(root(f.Param).dates(f))}
	if f.Param == c.order.param && c.order.kind == search.TypeDate {
		made.ways = c.keyWays(f)
		return made
	}
	narrow, _ := beginnings(f)
	made.ways = dateRanges(f, narrow)
	return made
}

// keyWays are the ways to a condition on the date that orders the type.
func (c compiler) keyWays(f search.Date) (ways []way) {
	if f.Op == search.Ne {
		return nil
	}
	for shape, b := range c.keyBounds(f) {
		ways = append(ways, way{keyed: &keyed{int32(shape), b}})
	}
	return ways
}

// keyBounds are the bounds of the key, by shape, where the condition holds.
func (c compiler) keyBounds(f search.Date) (byShape [3]bounds) {
	narrow, _ := beginnings(f)
	any, _ := wideDate(f)
	byShape = [3]bounds{narrowShape: narrow, wideShape: any, severalShape: least(any)}
	if c.order.descending {
		byShape[severalShape] = greatest(any)
	}
	for shape := range byShape {
		byShape[shape] = byShape[shape].and(dated)
	}
	return byShape
}
