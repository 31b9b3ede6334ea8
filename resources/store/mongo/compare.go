package mongo

import (
	"math"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"fhirside/fhir"
	"fhirside/search"
)

// This file has the rules of search/filter.go for dates and numbers: as a condition on an entry {lo, hi}, and as ranges of terms
// or keys within which an entry that satisfies it is found.

func gt(v any) bson.D  { return d("$gt", v) }
func gte(v any) bson.D { return d("$gte", v) }
func lt(v any) bson.D  { return d("$lt", v) }
func lte(v any) bson.D { return d("$lte", v) }

func either(a, b bson.D) bson.D { return d("$or", bson.A{a, b}) }

// dateEntry are the conditions on an entry {lo, hi} of which one is to hold.
func dateEntry(f search.Date) []bson.D {
	within := d("lo", gte(f.Lo), "hi", lte(f.Hi))
	switch f.Op {
	case search.Ne:
		return []bson.D{d("lo", lt(f.Lo)), d("hi", gt(f.Hi))}
	case search.Gt:
		return []bson.D{d("hi", gt(f.Hi))}
	case search.Lt:
		return []bson.D{d("lo", lt(f.Lo))}
	case search.Ge:
		return []bson.D{d("hi", gt(f.Lo))}
	case search.Le:
		return []bson.D{d("lo", lt(f.Hi))}
	case search.Sa:
		return []bson.D{d("lo", gte(f.Hi))}
	case search.Eb:
		return []bson.D{d("hi", lte(f.Lo))}
	case search.Ap:
		return []bson.D{d("lo", lt(f.Hi), "hi", gt(f.Lo))}
	case search.Covers:
		return []bson.D{d("lo", lte(f.Lo), "hi", gte(f.Hi))}
	}
	return []bson.D{within}
}

// numberEntry are the conditions on an entry {lo, hi} of which one is to hold.
func numberEntry(f search.Number) []bson.D {
	switch f.Op {
	case search.Ne:
		return []bson.D{d("lo", lt(f.Lo)), d("hi", gte(f.Hi))}
	case search.Gt:
		return []bson.D{d("hi", gt(f.Value))}
	case search.Lt:
		return []bson.D{d("lo", lt(f.Value))}
	case search.Ge:
		return []bson.D{d("hi", gte(f.Value))}
	case search.Le:
		return []bson.D{d("lo", lte(f.Value))}
	case search.Sa:
		return []bson.D{d("lo", gt(f.Value))}
	case search.Eb:
		return []bson.D{d("hi", lt(f.Value))}
	case search.Ap:
		return []bson.D{d("lo", lte(f.Hi), "hi", gte(f.Lo))}
	}
	return []bson.D{d("lo", gte(f.Lo), "hi", lt(f.Hi))}
}

// quantityEntry are the conditions on an entry {lo, hi, s, c, u} of which one is to hold.
func quantityEntry(f search.Quantity) []bson.D {
	numbers := numberEntry(f.Number)
	switch {
	case f.AnyUnit:
		return numbers
	case f.AnySystem:
		return product(numbers, []bson.D{d("c", f.Unit), d("u", f.Unit)})
	}
	return product(numbers, []bson.D{d("s", f.System, "c", f.Unit)})
}

// product are the alternatives of two conditions together.
func product(a, b []bson.D) (both []bson.D) {
	for _, x := range a {
		for _, y := range b {
			both = append(both, slices.Concat(x, y))
		}
	}
	return both
}

// elements holds where an entry of the array satisfies one of the alternatives.
func elements(path string, alternatives []bson.D) []bson.D {
	matches := make([]bson.D, len(alternatives))
	for i, alternative := range alternatives {
		matches[i] = d(path, d("$elemMatch", alternative))
	}
	return matches
}

// updatedEntry is the condition on the field updated, which stands for the interval of one millisecond.
func updatedEntry(f search.Date) bson.D {
	const width = 1000
	last := plus(f.Hi, -width) // the greatest time whose interval ends within
	within := d("updated", d("$gte", f.Lo, "$lte", last))
	switch f.Op {
	case search.Ne:
		return either(d("updated", lt(f.Lo)), d("updated", gt(last)))
	case search.Gt:
		return d("updated", gt(last))
	case search.Lt:
		return d("updated", lt(f.Lo))
	case search.Ge:
		return d("updated", gt(plus(f.Lo, -width)))
	case search.Le:
		return d("updated", lt(f.Hi))
	case search.Sa:
		return d("updated", gte(f.Hi))
	case search.Eb:
		return d("updated", lte(plus(f.Lo, -width)))
	case search.Ap:
		return d("updated", d("$gt", plus(f.Lo, -width), "$lt", f.Hi))
	case search.Covers:
		return d("updated", d("$gte", plus(f.Hi, -width), "$lte", f.Lo))
	}
	return within
}

// plus adds without running over.
func plus(a, b int64) int64 {
	switch sum := a + b; {
	case a == fhir.BeginningOfTime || a == fhir.EndOfTime:
		return a
	case b > 0 && sum < a:
		return math.MaxInt64
	case b < 0 && sum > a:
		return math.MinInt64
	default:
		return sum
	}
}

// beginnings bounds the beginning of a narrow interval, one of at most a day; ok is false where the condition bounds nothing.
func beginnings(f search.Date) (bounds, bool) {
	switch f.Op {
	case search.Eq:
		return bounds{f.Lo, plus(f.Hi, -1)}, true
	case search.Gt:
		return bounds{plus(plus(f.Hi, -day), 1), unbounded.hi}, true
	case search.Ge:
		return bounds{plus(plus(f.Lo, -day), 1), unbounded.hi}, true
	case search.Lt, search.Eb:
		return bounds{unbounded.lo, plus(f.Lo, -1)}, true
	case search.Le:
		return bounds{unbounded.lo, plus(f.Hi, -1)}, true
	case search.Sa:
		return bounds{f.Hi, unbounded.hi}, true
	case search.Ap:
		return bounds{plus(plus(f.Lo, -day), 1), plus(f.Hi, -1)}, true
	case search.Covers:
		return bounds{plus(f.Hi, -day), f.Lo}, true
	}
	return unbounded, false
}

// least bounds the first beginning of several intervals, one of which satisfies the condition; greatest bounds the last.
func least(b bounds) bounds    { return bounds{unbounded.lo, b.hi} }
func greatest(b bounds) bounds { return bounds{b.lo, unbounded.hi} }

// dateRanges are the ways to an entry of a date parameter by its terms, narrow ones within the bounds (those of several
// conditions on it); nil where the condition bounds nothing.
func dateRanges(f search.Date, narrow bounds) []way {
	begin, end := wideDate(f)
	if begin == unbounded && end == unbounded {
		return nil
	}
	var ways []way
	if !narrow.isEmpty() {
		ways = append(ways, integers(f.Param, orderedValue, point, narrow))
	}
	if begin != unbounded {
		return append(ways, integers(f.Param, orderedValue, wide, begin))
	}
	return append(ways, integers(f.Param, further, wide, end))
}

// wideDate bounds either the beginning or the end of an entry of any width.
func wideDate(f search.Date) (begin, end bounds) {
	begin, end = unbounded, unbounded
	switch f.Op {
	case search.Eq:
		begin = bounds{f.Lo, plus(f.Hi, -1)}
	case search.Gt:
		end = bounds{plus(f.Hi, 1), unbounded.hi}
	case search.Ge:
		end = bounds{plus(f.Lo, 1), unbounded.hi}
	case search.Lt:
		begin = bounds{unbounded.lo, plus(f.Lo, -1)}
	case search.Le, search.Ap:
		begin = bounds{unbounded.lo, plus(f.Hi, -1)}
	case search.Covers:
		begin = bounds{unbounded.lo, f.Lo}
	case search.Sa:
		begin = bounds{f.Hi, unbounded.hi}
	case search.Eb:
		end = bounds{unbounded.lo, f.Lo}
	}
	return begin, end
}

func integers(param string, mark, class byte, b bounds) way {
	return rangeWay(orderedTerm(param, mark, class, ordered(b.lo)), orderedTerm(param, mark, class, ordered(b.hi))+behindNumber)
}

// behindNumber makes the text of a number one that sorts between it and the next one: all are of one length. It is no NUL: the stand-in
// for MongoDB reads an index to its end where a bound has one.
const behindNumber = "!"

// interval of numbers; an end is included or not.
type interval struct {
	lo, hi         float64
	openLo, openHi bool
}

var allNumbers = interval{lo: math.Inf(-1), hi: math.Inf(1)}

func (i interval) and(j interval) interval {
	if j.lo > i.lo || j.lo == i.lo && j.openLo {
		i.lo, i.openLo = j.lo, j.openLo
	}
	if j.hi < i.hi || j.hi == i.hi && j.openHi {
		i.hi, i.openHi = j.hi, j.openHi
	}
	return i
}

// texts are the range as strings [from, to).
func (i interval) texts() (from, to string) {
	from, to = orderedFloat(i.lo), orderedFloat(i.hi)
	if i.openLo {
		from += behindNumber
	}
	if !i.openHi {
		to += behindNumber
	}
	return from, to
}

func (i interval) isEmpty() bool { return i.lo > i.hi || i.lo == i.hi && (i.openLo || i.openHi) }

// points bounds a number that is no interval; ok is false where the condition bounds nothing.
func points(f search.Number) (interval, bool) {
	i := allNumbers
	switch f.Op {
	case search.Eq:
		return interval{lo: f.Lo, hi: f.Hi, openHi: true}, true
	case search.Gt, search.Sa:
		i.lo, i.openLo = f.Value, true
	case search.Lt, search.Eb:
		i.hi, i.openHi = f.Value, true
	case search.Ge:
		i.lo = f.Value
	case search.Le:
		i.hi = f.Value
	case search.Ap:
		return interval{lo: f.Lo, hi: f.Hi}, true
	default:
		return i, false
	}
	return i, true
}

// numberRanges are the ways to an entry of a number or quantity parameter, points within the interval; nil where the condition
// bounds nothing.
func numberRanges(f search.Number, narrow interval) []way {
	mark, bound := byte(orderedValue), allNumbers
	switch f.Op {
	case search.Ne:
		return nil
	case search.Gt, search.Ge, search.Eb:
		mark = further // the end of an entry decides
		bound, _ = points(f)
	case search.Ap:
		bound.hi = f.Hi
	default:
		bound, _ = points(f)
	}
	var ways []way
	if !narrow.isEmpty() {
		ways = append(ways, floats(f.Param, orderedValue, point, narrow))
	}
	return append(ways, floats(f.Param, mark, wide, bound))
}

func floats(param string, mark, class byte, i interval) way {
	from, to := i.texts()
	return rangeWay(orderedTerm(param, mark, class, from), orderedTerm(param, mark, class, to))
}
