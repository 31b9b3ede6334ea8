package index

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"fhirside/fhir"
	"fhirside/fhir/fhirpath"
	"fhirside/search"
)

// Extractor computes the index values of resources. It may be used by several goroutines at once.
type Extractor struct {
	registry *search.Registry
	base     string
	plans    sync.Map // resource type → []reader
}

// New makes an Extractor. base is the URL of our own FHIR endpoint, by which absolute references to our own resources are known;
// "" if there is none.
func New(registry *search.Registry, base string) *Extractor {
	return &Extractor{registry: registry, base: strings.TrimSuffix(base, "/")}
}

// reader reads one parameter's elements into Values.
type reader struct {
	param *search.Param
	base  string
	// The names of the parameter and of those that serve its modifiers, made once. Inside a tuple name is "" and the others are not
	// used.
	name, text, identifier, ofType string
}

func (x *Extractor) reader(p *search.Param) reader {
	return reader{p, x.base, p.Code, p.Code + ":text", p.Code + ":identifier", p.Code + ":of-type"}
}

// plan are the readers of a resource type, in the order of their parameters' codes.
func (x *Extractor) plan(resourceType string) []reader {
	if plan, ok := x.plans.Load(resourceType); ok {
		return plan.([]reader)
	}
	var plan []reader
	for _, p := range x.registry.Params(resourceType) {
		if indexed(p) {
			plan = append(plan, x.reader(p))
		}
	}
	if plan != nil {
		x.plans.Store(resourceType, plan)
	}
	return plan
}

// indexed says whether a parameter has index values. Stores know _id and _lastUpdated from the record itself.
func indexed(p *search.Param) bool {
	return p.Expression != nil && p.Type != search.TypeSpecial && p.Code != "_id" && p.Code != "_lastUpdated"
}

// Extract computes all index values of a resource. It does not fail: what cannot be read is not indexed. Contained resources are
// not part of it.
func (x *Extractor) Extract(r *fhir.Resource) Values {
	var v Values
	for _, rd := range x.plan(r.Type()) {
		rd.read(r, &v)
	}
	v.order()
	return v
}

// Param computes the index values of one parameter, those for its modifiers included.
func (x *Extractor) Param(r *fhir.Resource, p *search.Param) Values {
	var v Values
	if indexed(p) {
		rd := x.reader(p)
		rd.read(r, &v)
	}
	return v
}

var itemBuffers = sync.Pool{New: func() any { return new([]fhirpath.Item) }}

// read appends the parameter's entries.
func (rd *reader) read(r *fhir.Resource, v *Values) {
	buffer := itemBuffers.Get().(*[]fhirpath.Item)
	items, err := rd.param.Expression.Append((*buffer)[:0], fhirpath.Focus(r), nil)
	if err == nil {
		before := v.lengths()
		for i := range items {
			rd.item(&items[i], v)
		}
		v.unique(before)
	}
	clear(items)
	*buffer = items
	itemBuffers.Put(buffer)
}

// item appends the entries of one element, by the tables of search.html.
func (rd *reader) item(it *fhirpath.Item, v *Values) {
	switch rd.param.Type {
	case search.TypeToken:
		rd.token(it, v)
	case search.TypeString:
		rd.string(it, v)
	case search.TypeReference:
		rd.reference(it, v)
	case search.TypeDate:
		rd.date(it, v)
	case search.TypeNumber:
		rd.number(it, v)
	case search.TypeQuantity:
		rd.quantity(it, v)
	case search.TypeURI:
		rd.uri(it, v)
	case search.TypeComposite:
		rd.composite(it, v)
	}
}

// uri appends a uri, url, oid, uuid or canonical.
func (rd *reader) uri(it *fhirpath.Item, v *Values) {
	if text := it.Element().Text(); text != "" {
		v.URIs = append(v.URIs, URI{rd.name, text})
	}
}

// composite appends the tuple of an element, unless one of its components has no value. What several values of a component mean
// together with those of another is for the filter: any of them may be the one, but all are of this element.
func (rd *reader) composite(it *fhirpath.Item, v *Values) {
	tuple := make([]Values, len(rd.param.Components))
	// From the end: the value is missing more often than the code.
	for i := len(tuple) - 1; i >= 0; i-- {
		part := reader{param: rd.param.Components[i], base: rd.base}
		if part.tuple(it, &tuple[i]); tuple[i].empty() {
			return
		}
	}
	if len(tuple) > 0 {
		v.Composites = append(v.Composites, Composite{rd.name, tuple})
	}
}

// tuple reads a component on the element that the composite selects.
func (rd *reader) tuple(focus *fhirpath.Item, v *Values) {
	items, err := rd.param.Expression.Append(nil, *focus, nil)
	if err != nil {
		return
	}
	for i := range items {
		rd.item(&items[i], v)
	}
	v.unique(lengths{})
}

// lengths are the numbers of entries by kind.
type lengths struct{ tokens, strings, references, dates, numbers, quantities, uris, composites int }

func (v *Values) lengths() lengths {
	return lengths{
		len(v.Tokens), len(v.Strings), len(v.References), len(v.Dates), len(v.Numbers), len(v.Quantities), len(v.URIs), len(v.Composites),
	}
}

func (v *Values) empty() bool { return v.lengths() == lengths{} }

// unique drops entries behind the given ones that equal an earlier one behind them.
func (v *Values) unique(from lengths) {
	v.Tokens = unique(v.Tokens, from.tokens)
	v.Strings = unique(v.Strings, from.strings)
	v.References = unique(v.References, from.references)
	v.Dates = unique(v.Dates, from.dates)
	v.Numbers = unique(v.Numbers, from.numbers)
	v.Quantities = unique(v.Quantities, from.quantities)
	v.URIs = unique(v.URIs, from.uris)
	for i := from.composites + 1; i < len(v.Composites); i++ {
		if slices.ContainsFunc(v.Composites[from.composites:i], v.Composites[i].equal) {
			v.Composites = slices.Delete(v.Composites, i, i+1)
			i--
		}
	}
}

func unique[T comparable](all []T, from int) []T {
	const few = 32
	if len(all)-from < 2 {
		return all
	}
	kept := all[:from]
	if len(all)-from > few {
		seen := make(map[T]struct{}, len(all)-from)
		for _, e := range all[from:] {
			if _, dup := seen[e]; !dup {
				seen[e] = struct{}{}
				kept = append(kept, e)
			}
		}
		return kept
	}
	for _, e := range all[from:] {
		if !slices.Contains(kept[from:], e) {
			kept = append(kept, e)
		}
	}
	return kept
}

func (c Composite) equal(d Composite) bool {
	return c.Param == d.Param && slices.EqualFunc(c.Components, d.Components, func(a, b Values) bool {
		return slices.Equal(a.Tokens, b.Tokens) && slices.Equal(a.Strings, b.Strings) && slices.Equal(a.References, b.References) &&
			slices.Equal(a.Dates, b.Dates) && slices.Equal(a.Numbers, b.Numbers) && slices.Equal(a.Quantities, b.Quantities) &&
			slices.Equal(a.URIs, b.URIs)
	})
}

// order puts the entries for modifiers (code:text) in their place: all others are in the order of their codes already.
func (v *Values) order() {
	byParam(v.Tokens, func(t *Token) string { return t.Param })
	byParam(v.Strings, func(s *String) string { return s.Param })
}

func byParam[T any](all []T, param func(*T) string) {
	compare := func(a, b T) int { return cmp.Compare(param(&a), param(&b)) }
	if !slices.IsSortedFunc(all, compare) {
		slices.SortStableFunc(all, compare)
	}
}
