package sqlite

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fhirside/fhir"
	"fhirside/search"
	"fhirside/search/index"
	"fhirside/search/match"
)

func subjectOf(v index.Values) match.Subject { return match.Subject{Values: &v} }

// near draws times that lie close together, on and off the seconds, and the ends of time.
var near = rapid.OneOf(
	rapid.Int64Range(-3*second, 3*second),
	rapid.Custom(func(t *rapid.T) int64 { return rapid.Int64Range(-4, 4).Draw(t, "seconds") * second }),
	rapid.SampledFrom([]int64{fhir.BeginningOfTime, fhir.EndOfTime}),
)

var comparisons = rapid.Custom(func(t *rapid.T) search.Date {
	a, b := near.Draw(t, "a"), near.Draw(t, "b")
	return search.Date{Op: search.Op(rapid.IntRange(int(search.Eq), int(search.Ap)).Draw(t, "op")), Lo: min(a, b), Hi: max(a, b)}
})

func holds(t *rapid.T, f search.Date, lo, hi int64) bool {
	ok, err := match.Matches(f, subjectOf(index.Values{Dates: []index.Date{{Lo: lo, Hi: hi}}}), nil)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

// TestUnits: whole seconds satisfy a comparison where the rules of search.Date say so.
func TestUnits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := comparisons.Draw(t, "comparison")
		unit := rapid.Int64Range(-6, 6).Draw(t, "unit")
		in := slices.ContainsFunc(unitsOf(f, second), func(s span) bool { return s.from <= unit && unit < s.to })
		if want := holds(t, f, unit*second, (unit+1)*second); in != want {
			t.Fatalf("%+v holds for second %d: %t, and its spans are %v", f, unit, want, unitsOf(f, second))
		}
	})
}

// TestBeginnings: an interval that satisfies a comparison begins where it is looked for.
func TestBeginnings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := comparisons.Draw(t, "comparison")
		a, b := near.Draw(t, "lo"), near.Draw(t, "hi")
		d := index.Date{Lo: min(a, b), Hi: max(a, b)}
		wider := rapid.Int64Range(0, second).Draw(t, "wider")
		w := width(d)
		if w != fhir.EndOfTime {
			w += wider
		}
		from, to := beginnings(f, w)
		if holds(t, f, d.Lo, d.Hi) && (d.Lo < from || d.Lo > to) {
			t.Fatalf("%+v holds for %+v, which begins outside of [%d, %d]", f, d, from, to)
		}
	})
}

// TestKeys: keys have the order of their dates, and hold what they were made of.
func TestKeys(t *testing.T) {
	moments := rapid.OneOf(near, rapid.Int64Range(-9e15, 9e15), rapid.Int64())
	rapid.Check(t, func(t *rapid.T) {
		key := func(label string) (key, lo int64, s shape) {
			lo = moments.Draw(t, label)
			hi := max(lo, lo+rapid.SampledFrom([]int64{1, 1000, second, 86400 * second}).Draw(t, label+" width"))
			seconds, s := dateKey([]index.Date{{Param: "other", Lo: 0}, {Param: "date", Lo: lo, Hi: hi}}, "date")
			number := rapid.Int64Range(0, numberMask).Draw(t, label+" number")
			key = makeKey(seconds, s, number)
			if keyNumber(key) != number || keyShape(key) != s || keySeconds(key) != seconds {
				t.Fatalf("the key of %d, %d, %d holds %d, %d, %d", seconds, s, number, keySeconds(key), keyShape(key), keyNumber(key))
			}
			if s == instant && (seconds*second != lo || hi != lo+second) {
				t.Fatalf("[%d, %d) is no instant", lo, hi)
			}
			return key, lo, s
		}
		a, aLo, aShape := key("a")
		b, bLo, bShape := key("b")
		if aShape != several && bShape != several && floorDiv(aLo, second) < floorDiv(bLo, second) && a >= b {
			t.Fatalf("the key of %d is %d, that of %d is %d", aLo, a, bLo, b)
		}
		none, s := dateKey(nil, "date")
		if last := makeKey(none, s, 0); last <= a {
			t.Fatalf("no date sorts before %d", aLo)
		}
	})
}

// TestStamps: times in whole milliseconds come back, and the stamps at or after a time are those of commits at or after it.
func TestStamps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		millis := rapid.Int64Range(0, 4e12).Draw(t, "millis")
		place := rapid.IntRange(0, 1<<placeBits-1).Draw(t, "place")
		stamp := makeStamp(millis, place)
		if got := stampTime(stamp); got.UnixMilli() != millis || got.Location() != time.UTC {
			t.Fatalf("%d came back as %v", millis, got)
		}
		micros := rapid.Int64Range(millis*1000-2000, millis*1000+2000).Draw(t, "micros")
		if (stamp >= stampAt(micros)) != (millis*1000 >= micros) {
			t.Fatalf("a commit of millisecond %d is at or after microsecond %d: %t", millis, micros, stamp >= stampAt(micros))
		}
	})
}
