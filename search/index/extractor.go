package index

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"fhirside/fhir"
	"fhirside/fhir/definitions"
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
	name, text, identifier, ofType, converted, present string
	// inCanonicalUnits reads a tuple's quantities converted.
	inCanonicalUnits bool
}

func (x *Extractor) reader(p *search.Param) reader { return x.named(p, p.Code) }

// named is a reader whose entries have another name than the parameter.
func (x *Extractor) named(p *search.Param, name string) reader {
	return reader{
		param: p, base: x.base,
		name: name, text: name + ":text", identifier: name + ":identifier", ofType: name + ":of-type",
		converted: name + search.CanonicalEntries, present: name + search.PresentEntries,
	}
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
	return p.Words || p.Expression != nil && search.Searchable(p) && p.Code != "_id" && p.Code != "_lastUpdated"
}

// Extract computes all index values of a resource, and those of what it contains. It does not fail: what cannot be read is not
// indexed.
func (x *Extractor) Extract(r *fhir.Resource) Values {
	w := works.Get().(*work)
	defer works.Put(w)
	focus := fhirpath.Focus(r)
	for _, rd := range x.plan(focus.Type()) {
		w.read(&rd, focus)
	}
	if r.Get("contained").Exists() {
		w.contained(x, focus)
	}
	w.values.order()
	return w.take()
}

// Param computes the index values of one parameter, those for its modifiers and references to what is contained included.
func (x *Extractor) Param(r *fhir.Resource, p *search.Param) Values {
	if !indexed(p) {
		return Values{}
	}
	w := works.Get().(*work)
	defer works.Put(w)
	rd, focus := x.reader(p), fhirpath.Focus(r)
	w.read(&rd, focus)
	if r.Get("contained").Exists() {
		before := w.values.lengths()
		w.links(&rd, focus, insideOf(focus))
		w.values.unique(before)
	}
	return w.take()
}

// work is the memory of an extraction, used again for the next.
type work struct {
	items  []fhirpath.Item
	values Values
}

var works = sync.Pool{New: func() any { return new(work) }}

// read appends a parameter's entries.
func (w *work) read(rd *reader, focus fhirpath.Item) {
	if rd.param.Words {
		rd.words(focus.Element(), &w.values)
		return
	}
	items, err := rd.param.Expression.Append(w.items[:0], focus, nil)
	if err == nil && len(items) > 0 {
		before := w.values.lengths()
		for i := range items {
			rd.item(&items[i], &w.values)
		}
		w.values.unique(before)
		if rd.param.Type != search.TypeComposite && rd.param.Type != search.TypeSpecial &&
			!w.values.has(rd.name, before) && slices.ContainsFunc(items, hasContent) {
			w.values.Tokens = append(w.values.Tokens, Token{Param: rd.present, Code: "true"})
		}
	}
	clear(items)
	w.items = items
}

// hasContent says whether an element says anything but why it says nothing: an extension alone is a reason for absence, or the like.
// A resource in a Bundle is no element that a parameter reads, but what it might refer to.
func hasContent(it fhirpath.Item) bool {
	e := it.Element()
	if e.Kind() != fhir.Object {
		return e.Exists()
	}
	if definitions.IsResource(it.Type()) {
		return false
	}
	for child := range e.Children() {
		if name := child.Name(); name != "id" && name != "extension" {
			return true
		}
	}
	return false
}

// take gives the values away in slices of their own and forgets them.
func (w *work) take() Values {
	v := &w.values
	out := Values{
		fitting(v.Tokens), fitting(v.Strings), fitting(v.References), fitting(v.Dates),
		fitting(v.Numbers), fitting(v.Quantities), fitting(v.URIs), fitting(v.Composites),
		v.Contained,
	}
	v.reset()
	return out
}

// fitting is a copy without room to grow; nil for none.
func fitting[T any](s []T) []T {
	if len(s) == 0 {
		return nil
	}
	return append(make([]T, 0, len(s)), s...)
}

func (v *Values) reset() {
	clear(v.Tokens)
	clear(v.Strings)
	clear(v.References)
	clear(v.Quantities)
	clear(v.URIs)
	clear(v.Composites)
	*v = Values{
		v.Tokens[:0], v.Strings[:0], v.References[:0], v.Dates[:0], v.Numbers[:0], v.Quantities[:0], v.URIs[:0], v.Composites[:0],
		nil,
	}
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
	case search.TypeSpecial:
		rd.position(it, v)
	}
}

// uri appends a uri, url, oid, uuid or canonical. A canonical with a version is found without it as well (references.html#canonical).
func (rd *reader) uri(it *fhirpath.Item, v *Values) {
	text := it.Element().Text()
	if text == "" {
		return
	}
	v.URIs = append(v.URIs, URI{rd.name, text})
	if it.Type() != "canonical" {
		return
	}
	if url, _, versioned := strings.Cut(text, "|"); versioned && url != "" {
		v.URIs = append(v.URIs, URI{rd.name, url})
	}
}

// composite appends the tuple of an element, unless one of its components has no value. What several values of a component mean
// together with those of another is for the filter: any of them may be the one, but all are of this element.
func (rd *reader) composite(it *fhirpath.Item, v *Values) {
	parts := rd.param.Components
	var room [4][]fhirpath.Item
	found := room[:0]
	for range parts {
		found = append(found, nil)
	}
	// From the end: the value is missing more often than the code.
	for i := len(parts) - 1; i >= 0; i-- {
		items, err := parts[i].Expression.Append(nil, *it, nil)
		if err != nil || len(items) == 0 {
			return
		}
		found[i] = items
	}
	tuple := make([]Values, len(parts))
	for i := range parts {
		if tuple[i] = rd.part(i, found[i], false); tuple[i].empty() {
			return
		}
	}
	if len(tuple) == 0 {
		return
	}
	v.Composites = append(v.Composites, Composite{rd.name, tuple})
	if canonical, differs := rd.canonicalTuple(tuple, found); differs {
		v.Composites = append(v.Composites, Composite{rd.converted, canonical})
	}
}

// part is a component of a tuple.
func (rd *reader) part(i int, items []fhirpath.Item, inCanonicalUnits bool) (v Values) {
	part := reader{param: rd.param.Components[i], base: rd.base, inCanonicalUnits: inCanonicalUnits}
	for j := range items {
		part.item(&items[j], &v)
	}
	v.unique(lengths{})
	return v
}

// canonicalTuple is the tuple with its quantities in canonical units; false where they are in those already.
func (rd *reader) canonicalTuple(tuple []Values, found [][]fhirpath.Item) ([]Values, bool) {
	if !search.HasCanonicalTuples(rd.param) {
		return nil, false
	}
	i := slices.IndexFunc(rd.param.Components, func(c *search.Param) bool { return c.Type == search.TypeQuantity })
	converted := rd.part(i, found[i], true)
	if slices.Equal(converted.Quantities, tuple[i].Quantities) {
		return nil, false
	}
	tuple = slices.Clone(tuple)
	tuple[i] = converted
	return tuple, true
}

// lengths are the numbers of entries by kind.
type lengths struct{ tokens, strings, references, dates, numbers, quantities, uris, composites int }

func (v *Values) lengths() lengths {
	return lengths{
		len(v.Tokens), len(v.Strings), len(v.References), len(v.Dates), len(v.Numbers), len(v.Quantities), len(v.URIs), len(v.Composites),
	}
}

// has says whether there are entries of the parameter behind the given ones.
func (v *Values) has(param string, from lengths) bool {
	return ofParam(v.Tokens[from.tokens:], func(e *Token) string { return e.Param }, param) ||
		ofParam(v.Strings[from.strings:], func(e *String) string { return e.Param }, param) ||
		ofParam(v.References[from.references:], func(e *Reference) string { return e.Param }, param) ||
		ofParam(v.Dates[from.dates:], func(e *Date) string { return e.Param }, param) ||
		ofParam(v.Numbers[from.numbers:], func(e *Number) string { return e.Param }, param) ||
		ofParam(v.Quantities[from.quantities:], func(e *Quantity) string { return e.Param }, param) ||
		ofParam(v.URIs[from.uris:], func(e *URI) string { return e.Param }, param)
}

func ofParam[E any](entries []E, paramOf func(*E) string, param string) bool {
	for i := range entries {
		if paramOf(&entries[i]) == param {
			return true
		}
	}
	return false
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

// order puts the entries for modifiers (code:text) and those of contained resources in their place: all others are in the order of
// their codes already.
func (v *Values) order() {
	slices.SortStableFunc(v.Tokens, func(a, b Token) int { return cmp.Compare(a.Param, b.Param) })
	slices.SortStableFunc(v.Strings, func(a, b String) int { return cmp.Compare(a.Param, b.Param) })
	slices.SortStableFunc(v.References, func(a, b Reference) int { return cmp.Compare(a.Param, b.Param) })
	slices.SortStableFunc(v.Numbers, func(a, b Number) int { return cmp.Compare(a.Param, b.Param) })
	slices.SortStableFunc(v.Quantities, func(a, b Quantity) int { return cmp.Compare(a.Param, b.Param) })
	slices.SortStableFunc(v.Composites, func(a, b Composite) int { return cmp.Compare(a.Param, b.Param) })
}
