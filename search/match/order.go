package match

import (
	"cmp"
	"iter"

	"fhirside/search"
	"fhirside/search/index"
)

// Compare orders two resources by the keys of a sort: negative where a comes first, 0 where the keys do not tell them apart.
func Compare(keys []search.SortKey, a, b Subject) int {
	return PlaceOf(keys, a).Compare(keys, PlaceOf(keys, b))
}

// Place is what a sort compares of a resource: for whoever compares it more than once. It holds on to the resource's values.
type Place []keyValue

// PlaceOf is the place of a resource under the keys of a sort.
func PlaceOf(keys []search.SortKey, s Subject) Place {
	p := make(Place, len(keys))
	for i, key := range keys {
		p[i].value, p[i].found = extreme(key, s)
	}
	return p
}

// Compare is negative where p comes before q, 0 where the keys, which must be those of both places, do not tell them apart.
func (p Place) Compare(keys []search.SortKey, q Place) int {
	for i, key := range keys {
		if c := p[i].compare(q[i]); c != 0 {
			if key.Descending {
				return -c
			}
			return c
		}
	}
	return 0
}

// keyValue is the value of a resource under one key, if it has one.
type keyValue struct {
	value sortValue
	found bool
}

func (k keyValue) compare(l keyValue) int {
	switch {
	case k.found && l.found:
		return k.value.compare(l.value)
	case k.found:
		return -1 // before what has no value; the other way round where the key descends
	case l.found:
		return 1
	}
	return 0
}

// sortValue is what a resource is ordered by under one key: its fields in this order, of which a type of parameter uses those
// that it needs.
type sortValue struct {
	time          int64
	number        float64
	first, second string
}

func (v sortValue) compare(w sortValue) int {
	return cmp.Or(cmp.Compare(v.time, w.time), cmp.Compare(v.number, w.number),
		cmp.Compare(v.first, w.first), cmp.Compare(v.second, w.second))
}

// extreme is the least of a resource's values, or the greatest where the key descends; false where it has none.
func extreme(key search.SortKey, s Subject) (best sortValue, found bool) {
	for v := range sortValues(key, s) {
		c := v.compare(best)
		if !found || !key.Descending && c < 0 || key.Descending && c > 0 {
			best, found = v, true
		}
	}
	return best, found
}

// sortValues are the values of a resource under a key, in no order.
func sortValues(key search.SortKey, s Subject) iter.Seq[sortValue] {
	switch key.Param {
	case id:
		return one(sortValue{first: s.ID})
	case lastUpdated:
		return one(sortValue{time: s.Updated.UnixMicro()})
	}
	v := s.values()
	switch key.Kind {
	case search.TypeString:
		return of(v.Strings, func(e index.String) (sortValue, bool) {
			return sortValue{first: e.Folded}, e.Param == key.Param && !e.Part
		})
	case search.TypeToken:
		return of(v.Tokens, func(e index.Token) (sortValue, bool) {
			return sortValue{first: e.Code, second: e.System}, e.Param == key.Param
		})
	case search.TypeReference:
		return of(v.References, func(e index.Reference) (sortValue, bool) {
			return sortValue{first: target(e)}, e.Param == key.Param
		})
	case search.TypeDate:
		return of(v.Dates, func(e index.Date) (sortValue, bool) {
			return sortValue{time: e.Lo}, e.Param == key.Param
		})
	case search.TypeNumber:
		return of(v.Numbers, func(e index.Number) (sortValue, bool) {
			return sortValue{number: e.Lo}, e.Param == key.Param
		})
	case search.TypeQuantity:
		return of(v.Quantities, func(e index.Quantity) (sortValue, bool) {
			return sortValue{number: e.Lo}, e.Param == key.Param
		})
	case search.TypeURI:
		return of(v.URIs, func(e index.URI) (sortValue, bool) {
			return sortValue{first: e.Value}, e.Param == key.Param
		})
	}
	return func(func(sortValue) bool) {}
}

func one(v sortValue) iter.Seq[sortValue] {
	return func(yield func(sortValue) bool) { yield(v) }
}

// of are the sort values of those entries that belong to the key.
func of[E any](entries []E, value func(E) (sortValue, bool)) iter.Seq[sortValue] {
	return func(yield func(sortValue) bool) {
		for _, e := range entries {
			if v, ok := value(e); ok && !yield(v) {
				return
			}
		}
	}
}

func target(e index.Reference) string {
	if e.Type != "" {
		return e.Type + "/" + e.ID
	}
	return e.URL
}
