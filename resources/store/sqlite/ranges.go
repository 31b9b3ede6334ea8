package sqlite

import (
	"math"

	"fhirside/fhir"
	"fhirside/search"
)

// span is a range [from, to) of whole units of time.
type span struct{ from, to int64 }

const forever = math.MaxInt64

// unitsOf are the units of time (of a length in microseconds) that satisfy the comparison, each taken as the interval that it
// is. They follow from the rules of search.Date for e.Lo = unit × length, e.Hi = e.Lo + length.
func unitsOf(f search.Date, length int64) []span {
	loUp, loDown := ceilDiv(f.Lo, length), floorDiv(f.Lo, length)
	hiUp, hiDown := ceilDiv(f.Hi, length), floorDiv(f.Hi, length)
	switch f.Op {
	case search.Ne:
		if loUp >= hiDown {
			return []span{{-forever, forever}}
		}
		return []span{{-forever, loUp}, {hiDown, forever}}
	case search.Gt:
		return []span{{hiDown, forever}}
	case search.Lt:
		return []span{{-forever, loUp}}
	case search.Ge:
		return []span{{loDown, forever}}
	case search.Le:
		return []span{{-forever, hiUp}}
	case search.Sa:
		return []span{{hiUp, forever}}
	case search.Eb:
		return []span{{-forever, loDown}}
	case search.Ap:
		return []span{{loDown, hiUp}}
	case search.Covers:
		return []span{{hiUp - 1, loDown + 1}}
	default:
		return []span{{loUp, hiDown}}
	}
}

// common are the ranges in which two lists of them overlap.
func common(a, b []span) (both []span) {
	for _, x := range a {
		for _, y := range b {
			if s := (span{max(x.from, y.from), min(x.to, y.to)}); s.from < s.to {
				both = append(both, s)
			}
		}
	}
	return both
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func ceilDiv(a, b int64) int64 {
	q := a / b
	if a%b > 0 {
		q++
	}
	return q
}

// beginnings are where an interval that satisfies the comparison can begin, [from, to] in microseconds, when none is longer than
// width.
func beginnings(f search.Date, width int64) (from, to int64) {
	from, to = fhir.BeginningOfTime, fhir.EndOfTime
	switch f.Op {
	case search.Ne:
	case search.Gt:
		from = before(f.Hi, width)
	case search.Lt, search.Eb:
		to = f.Lo
	case search.Ge:
		from = before(f.Lo, width)
	case search.Le:
		to = f.Hi
	case search.Sa:
		from = f.Hi
	case search.Ap:
		from, to = before(f.Lo, width), f.Hi
	case search.Covers:
		from, to = before(f.Hi, width), f.Lo
	default:
		from, to = f.Lo, f.Hi
	}
	return from, to
}

// before is t-width, no earlier than time begins. Width is endless where an interval is open.
func before(t, width int64) int64 {
	if width == fhir.EndOfTime || t < fhir.BeginningOfTime+width {
		return fhir.BeginningOfTime
	}
	return t - width
}
