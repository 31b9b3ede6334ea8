package mongo

import (
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// way is a condition that an index serves: wherever the condition holds that it is a way to, one of its ways does. It is either
// some terms, a range of terms, ids, or a range of the key of those of one shape.
type way struct {
	terms    []string // index.t has one of these
	from, to string   // index.t has a term in [from, to)
	ids      []string // _id is one of these
	keyed    *keyed
}

// keyed is a range of index.key among the documents of one shape.
type keyed struct {
	shape int32
	bounds
}

// bounds of a date's key in microseconds, both inclusive.
type bounds struct{ lo, hi int64 }

var unbounded = bounds{-1 << 63, 1<<63 - 1}

func (b bounds) and(c bounds) bounds { return bounds{max(b.lo, c.lo), min(b.hi, c.hi)} }

func (b bounds) isEmpty() bool { return b.lo > b.hi }

// document is the range as a condition; nil where it is none.
func (b bounds) document() bson.D {
	var cond bson.D
	if b.lo != unbounded.lo {
		cond = append(cond, bson.E{Key: "$gte", Value: b.lo})
	}
	if b.hi != unbounded.hi {
		cond = append(cond, bson.E{Key: "$lte", Value: b.hi})
	}
	return cond
}

func termWay(terms ...string) way { return way{terms: terms} }

func rangeWay(from, to string) way { return way{from: from, to: to} }

// beginsWith is the range of terms that begin with this.
func beginsWith(prefix string) way { return rangeWay(prefix, successor(prefix)) }

func (w way) document() bson.D {
	switch {
	case w.keyed != nil:
		doc := d(termsPath, everyTerm, shapePath, w.keyed.shape)
		if cond := w.keyed.document(); cond != nil {
			doc = append(doc, bson.E{Key: keyPath, Value: cond})
		}
		return doc
	case w.ids != nil:
		return d("_id", d("$in", w.ids))
	case w.terms != nil:
		return anyTerm(termsPath, w.terms)
	}
	return termBetween(termsPath, w.from, w.to)
}

// anyTerm holds where the array has one of the terms.
func anyTerm(path string, terms []string) bson.D {
	if len(terms) == 1 {
		return d(path, terms[0])
	}
	return d(path, d("$in", terms))
}

// termBetween holds where one and the same term of the array is in the range; without $elemMatch two would do, and an index
// would be bounded on one side only.
func termBetween(path, from, to string) bson.D {
	return d(path, d("$elemMatch", d("$gte", from, "$lt", to)))
}

// merged are ways with all terms in one and all ids in one.
func merged(ways []way) (result []way) {
	var terms, ids []string
	for _, w := range ways {
		switch {
		case w.terms != nil:
			terms = append(terms, w.terms...)
		case w.ids != nil:
			ids = append(ids, w.ids...)
		default:
			result = append(result, w)
		}
	}
	if terms != nil {
		result = append(result, way{terms: distinct(terms)})
	}
	if ids != nil {
		result = append(result, way{ids: distinct(ids)})
	}
	return result
}

// successor is the least text behind all that begin with this one. UTF-8 sorts as its code points do.
func successor(text string) string {
	for text != "" {
		last, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
		switch {
		case last == 0xd7ff:
			return text + "\ue000" // there is nothing between them
		case last < utf8.MaxRune:
			return text + string(last+1)
		}
	}
	return string(utf8.MaxRune) + string(utf8.MaxRune)
}
