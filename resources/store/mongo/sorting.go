package mongo

import (
	"cmp"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"fhirside/search"
)

// sorting is the order of a search: by fields of the document and then by id, so that no two have the same place.
type sorting struct {
	fields []sortField
	// computed are the expressions of those fields that the server has to compute first.
	computed bson.D
	// idDescending is the direction of the id, which is the direction of the index that serves the order.
	idDescending bool
	natural      bool // by the key that orders the type, which indexes on terms and pairs serve
	unordered    bool // nobody asks for an order
	reversed     bool // in the direction that is not the type's own: the keys of several values are others
	rekey        any  // computes the key in that direction; nil: it is that of the document
}

// isComputed says whether the server computes what is sorted by, so that no index gives the order.
func (s sorting) isComputed() bool { return s.computed != nil || s.rekey != nil }

// sortField is a field of the document or of what was computed.
type sortField struct {
	path       string
	descending bool
}

func direction(descending bool) int32 {
	if descending {
		return -1
	}
	return 1
}

// computedPath is where computed values are in a document.
const computedPath = "sort"

// sortingOf is the order that the keys ask for. Without keys it is the type's own, or by time for a search by time.
func (c compiler) sortingOf(keys []search.SortKey, byTime bool) sorting {
	switch {
	case len(keys) == 0 && byTime:
		return sorting{fields: []sortField{{"updated", true}}, idDescending: true}
	case len(keys) == 0:
		return c.natural()
	case len(keys) == 1 && keys[0].Param == paramID:
		return sorting{fields: []sortField{{"_id", keys[0].Descending}}}
	case len(keys) == 1 && keys[0].Param == paramUpdated:
		return sorting{fields: []sortField{{"updated", keys[0].Descending}}, idDescending: keys[0].Descending}
	case len(keys) == 1 && keys[0].Param == c.order.param && keys[0].Kind == c.order.kind:
		s := c.natural()
		if s.reversed = keys[0].Descending != c.order.descending; s.reversed {
			s.fields[0].descending, s.idDescending = keys[0].Descending, keys[0].Descending
		}
		return s
	}
	return c.computed(keys)
}

func (c compiler) natural() sorting {
	return sorting{fields: []sortField{{keyPath, c.order.descending}}, idDescending: c.order.descending, natural: true}
}

// computed is an order by values that the server computes: for each key whether there is a value, and the value.
func (c compiler) computed(keys []search.SortKey) (s sorting) {
	for i, key := range keys {
		if key.Param == paramID {
			if s.byID() {
				continue
			}
			s.fields = append(s.fields, sortField{"_id", key.Descending})
			continue
		}
		missing, value := "m"+arrayKey(i), "v"+arrayKey(i)
		s.computed = append(s.computed, bson.E{Key: value, Value: c.sortValue(key)})
		s.fields = append(s.fields,
			sortField{computedPath + "." + missing, key.Descending}, sortField{computedPath + "." + value, key.Descending})
	}
	return s
}

// stages compute the values; none where there is nothing to compute. A second stage says which are missing.
func (s sorting) stages() []bson.D {
	switch {
	case s.rekey != nil:
		return []bson.D{d("$set", d(keyPath, s.rekey))}
	case s.computed == nil:
		return nil
	}
	var values, missing bson.D
	for _, e := range s.computed {
		values = append(values, bson.E{Key: computedPath + "." + e.Key, Value: e.Value})
		missing = append(missing, bson.E{Key: computedPath + ".m" + e.Key[1:],
			Value: d("$cond", bson.A{d("$eq", bson.A{d("$ifNull", bson.A{"$" + computedPath + "." + e.Key, nil}), nil}), int32(1), int32(0)})})
	}
	return []bson.D{d("$set", values), d("$set", missing)}
}

// sortValue is what a document is sorted by under a key.
func (c compiler) sortValue(key search.SortKey) any {
	if other := twinOf(c.resourceType, key.Param); other != "" {
		return twinSortValue(key, other)
	}
	return sortValue(key)
}

// sortValue is the least of a document's values under a key, or the greatest where it descends, as search/match defines them.
func sortValue(key search.SortKey) any {
	extreme := "$min"
	if key.Descending {
		extreme = "$max"
	}
	path := "." + field(key.Param)
	beginnings := func(kind string) bson.D {
		return d("$map", d("input", d("$ifNull", bson.A{"$index." + kind + path, bson.A{}}), "in", "$$this.lo"))
	}
	switch key.Kind {
	case search.TypeDate:
		if key.Param == paramUpdated {
			return "$updated"
		}
		return d(extreme, beginnings("d"))
	case search.TypeNumber:
		return d(extreme, beginnings("n"))
	case search.TypeQuantity:
		return d(extreme, beginnings("q"))
	case search.TypeString:
		texts := d("$filter", d("input", d("$ifNull", bson.A{"$index.s" + path, bson.A{}}), "cond", d("$gt", bson.A{"$$this.x", nil})))
		return d(extreme, d("$map", d("input", texts, "in", "$$this.f")))
	case search.TypeToken:
		// Behind the mark is the system, a bar and the code; the code counts first.
		begin := int32(len(key.Param) + 1)
		rest := d("$substrBytes", bson.A{"$$this", begin, int32(maxTerm)})
		bar := d("$indexOfBytes", bson.A{"$$this", "|", begin})
		code := d("$substrBytes", bson.A{"$$this", d("$add", bson.A{bar, int32(1)}), int32(maxTerm)})
		system := d("$substrBytes", bson.A{rest, int32(0), d("$subtract", bson.A{bar, begin})})
		return d(extreme, d("$map", d("input", textsBetween("$"+tokensPath, key.Param+string(codeExact), key.Param+string(codeFolded+1)),
			"in", d("$concat", bson.A{code, "\x00", system}))))
	case search.TypeReference:
		return d(extreme, behindMark(key.Param, refersTo))
	case search.TypeURI:
		return d(extreme, behindMark(key.Param, uriIs))
	}
	return nil
}

// behindMark is what a parameter's terms with a mark have behind it.
func behindMark(param string, mark byte) bson.D {
	terms := textsBetween("$"+termsPath, param+string(rune(mark)), param+string(rune(mark+1)))
	return d("$map", d("input", terms, "in", d("$substrBytes", bson.A{"$$this", int32(len(param) + 1), int32(maxTerm)})))
}

// textsBetween are the texts of an array in the range [from, to).
func textsBetween(array, from, to string) bson.D {
	return d("$filter", d("input", d("$ifNull", bson.A{array, bson.A{}}), "cond", d("$and", bson.A{
		d("$gte", bson.A{"$$this", d("$literal", from)}), d("$lt", bson.A{"$$this", d("$literal", to)}),
	})))
}

// byID says whether the id is one of the fields, behind which nothing of the type is left to be told apart.
func (s sorting) byID() bool {
	return slices.ContainsFunc(s.fields, func(f sortField) bool { return f.path == "_id" })
}

// document is the order as MongoDB takes it.
func (s sorting) document() bson.D {
	var doc bson.D
	for _, f := range s.fields {
		doc = append(doc, bson.E{Key: f.path, Value: direction(f.descending)})
	}
	if s.byID() {
		return doc
	}
	return append(doc, bson.E{Key: "_id", Value: direction(s.idDescending)})
}

// beyond is the condition on a field to come behind a value.
func beyond(descending bool, value any) bson.D { return bound(descending, value, false) }

// bound is the condition on a field to come behind a value, or to be no less far.
func bound(descending bool, value any, inclusive bool) bson.D {
	switch {
	case descending && inclusive:
		return lte(value)
	case descending:
		return lt(value)
	case inclusive:
		return gte(value)
	}
	return gt(value)
}

// behind are the conditions on documents that come behind a position. The first field is bounded on its own, so that an index
// range begins there.
func (s sorting) behind(p position) []bson.D {
	var alternatives []bson.D
	var equal bson.D
	further := func(path string, condition any) {
		alternatives = append(alternatives, append(equal[:len(equal):len(equal)], bson.E{Key: path, Value: condition}))
	}
	for i, f := range s.fields {
		value := p.values[i]
		if value.Type != bson.TypeNull { // of those without a value none comes further
			further(f.path, beyond(f.descending, value))
		}
		equal = append(equal, bson.E{Key: f.path, Value: value})
	}
	switch {
	case !s.byID() && p.inclusive:
		further("_id", bound(s.idDescending, p.id, true))
	case !s.byID():
		further("_id", beyond(s.idDescending, p.id))
	case p.inclusive:
		alternatives = append(alternatives, equal)
	}
	conditions := []bson.D{anyOf(alternatives)}
	if first := s.fields[0]; len(s.fields) == 1 && !s.isComputed() {
		conditions = append(conditions, d(first.path, bound(first.descending, p.values[0], true)))
	}
	return conditions
}

// keyBehind are the bounds of a date's key behind a position, where that is what orders.
func (s sorting) keyBehind(p position) bounds {
	if !s.natural || s.rekey != nil {
		return unbounded
	}
	switch key, ok := p.values[0].Int64OK(); {
	case !ok:
		return unbounded
	case s.idDescending:
		return bounds{unbounded.lo, key}
	default:
		return bounds{key, unbounded.hi}
	}
}

// compare orders positions of several types.
func (s sorting) compare(a, b position) int {
	turned := func(descending bool, c int) int {
		if descending {
			return -c
		}
		return c
	}
	for i, f := range s.fields {
		if c := compareValues(a.values[i], b.values[i]); c != 0 {
			return turned(f.descending, c)
		}
	}
	return cmp.Or(turned(s.idDescending, strings.Compare(a.id, b.id)), strings.Compare(a.resourceType, b.resourceType))
}

// compareValues orders values that sorts are by: two of the same kind, or null.
func compareValues(a, b bson.RawValue) int {
	if x, ok := a.StringValueOK(); ok {
		y, _ := b.StringValueOK()
		return strings.Compare(x, y)
	}
	if x, ok := a.DoubleOK(); ok {
		y, _ := b.DoubleOK()
		return cmp.Compare(x, y)
	}
	x, _ := a.AsInt64OK()
	y, _ := b.AsInt64OK()
	return cmp.Compare(x, y)
}
