package match_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"fhirside/search"
	"fhirside/search/match"
	"fhirside/search/searchtest"
)

// scene is a generated world with a filter on one of its types.
type scene struct {
	*searchtest.World
	t *rapid.T
}

func draw(t *rapid.T) scene {
	w := searchtest.NewWorld()
	for i, r := range searchtest.Population().Draw(t, "population") {
		w.Put(r, time.Date(2020, 2, 28, 12, 0, i, 0, time.UTC))
	}
	return scene{w, t}
}

func (s scene) query() *search.Query {
	drawn := searchtest.Searches(s.World).Draw(s.t, "search")
	q, err := search.Parse(search.R4(), drawn.Type, drawn.Params, search.Options{Base: searchtest.Base, Now: now})
	if err != nil {
		s.t.Fatal(err)
	}
	return q
}

// found is which resources a filter holds for.
func (s scene) found(f search.Filter) map[searchtest.Key]bool {
	subjects, err := s.Search(nil, f, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	out := map[searchtest.Key]bool{}
	for _, m := range subjects {
		out[searchtest.Key{Type: m.Type, ID: m.ID}] = true
	}
	return out
}

func (s scene) same(what string, a, b search.Filter) {
	s.t.Helper()
	x, y := s.found(a), s.found(b)
	for k := range x {
		if !y[k] {
			s.t.Errorf("%s: %v by %#v alone", what, k, a)
		}
	}
	for k := range y {
		if !x[k] {
			s.t.Errorf("%s: %v by %#v alone", what, k, b)
		}
	}
}

// TestLogic: filters obey the laws of sets, so that stores may rearrange them.
func TestLogic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := draw(t)
		f, g := s.query().Filter, s.query().Filter
		s.same("double negation", f, search.Not{Filter: search.Not{Filter: f}})
		s.same("excluded middle", search.Or{f, search.Not{Filter: f}}, search.All{})
		s.same("contradiction", search.And{f, search.Not{Filter: f}}, search.None{})
		s.same("De Morgan", search.Not{Filter: search.And{f, g}}, search.Or{search.Not{Filter: f}, search.Not{Filter: g}})
		s.same("De Morgan", search.Not{Filter: search.Or{f, g}}, search.And{search.Not{Filter: f}, search.Not{Filter: g}})
		s.same("order of or", search.Or{f, g}, search.Or{g, f})
		s.same("absorption", search.Or{f, search.And{f, g}}, f)
	})
}

// TestComparisons: the prefixes relate to each other as their words do.
func TestComparisons(t *testing.T) {
	type comparison func(op search.Op) search.Filter
	rapid.Check(t, func(t *rapid.T) {
		s := draw(t)
		lo := time.Date(2019, 12, 31, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 120*24).Draw(t, "hours")) * time.Hour).UnixMicro()
		hi := lo + rapid.SampledFrom([]int64{1e3, 1e6, 60e6, 86400e6, 31 * 86400e6}).Draw(t, "width")
		value := rapid.SampledFrom([]float64{-1, 0, 5, 5.4, 100}).Draw(t, "value")
		half := rapid.SampledFrom([]float64{0.5, 0.05, 5}).Draw(t, "half")
		for _, by := range []comparison{
			func(op search.Op) search.Filter { return search.Date{Param: "date", Op: op, Lo: lo, Hi: hi} },
			func(op search.Op) search.Filter { return search.Date{Param: "birthdate", Op: op, Lo: lo, Hi: hi} },
			func(op search.Op) search.Filter { return search.Date{Param: "_lastUpdated", Op: op, Lo: lo, Hi: hi} },
			func(op search.Op) search.Filter {
				return search.Number{Param: "probability", Op: op, Value: value, Lo: value - half, Hi: value + half}
			},
			func(op search.Op) search.Filter {
				return search.Quantity{Number: search.Number{Param: "value-quantity", Op: op, Value: value, Lo: value - half, Hi: value + half}, AnyUnit: true}
			},
		} {
			present := search.Or{by(search.Eq), by(search.Ne)}
			s.within("greater is greater or equal", by(search.Gt), by(search.Ge))
			s.within("less is less or equal", by(search.Lt), by(search.Le))
			s.within("after is greater", by(search.Sa), by(search.Gt))
			s.within("before is less", by(search.Eb), by(search.Lt))
			s.within("equal is approximate", by(search.Eq), by(search.Ap))
			for _, op := range []search.Op{search.Gt, search.Lt, search.Ge, search.Le, search.Sa, search.Eb, search.Ap} {
				s.within("a comparison needs a value", by(op), present)
			}
			s.same("every value is on one side or the other", search.Or{by(search.Ge), by(search.Le)}, present)
		}
		date := func(op search.Op) search.Filter { return search.Date{Param: "birthdate", Op: op, Lo: lo, Hi: hi} }
		s.same("of one date ge is not eb", date(search.Ge), search.And{search.Present{Param: "birthdate"}, search.Not{Filter: date(search.Eb)}})
		s.same("of one date le is not sa", date(search.Le), search.And{search.Present{Param: "birthdate"}, search.Not{Filter: date(search.Sa)}})
		s.same("of one date ne is not eq", date(search.Ne), search.And{search.Present{Param: "birthdate"}, search.Not{Filter: date(search.Eq)}})
	})
}

func (s scene) within(what string, part, whole search.Filter) {
	s.t.Helper()
	s.same(what, search.Or{part, whole}, whole)
}

// TestOrderIsOne: Compare is an order, descending is ascending turned round where each resource has one value at most, and what
// has none comes at the end, or at the beginning.
func TestOrderIsOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := draw(t)
		keys := s.query().Sort
		all := s.Subjects()
		for range 20 {
			pick := func(label string) match.Subject { return rapid.SampledFrom(all).Draw(t, label) }
			a, b, c := pick("a"), pick("b"), pick("c")
			if match.Compare(keys, a, a) != 0 || sign(match.Compare(keys, a, b)) != -sign(match.Compare(keys, b, a)) {
				t.Fatalf("%v: %v and %v are not in one order", keys, a, b)
			}
			if match.Compare(keys, a, b) <= 0 && match.Compare(keys, b, c) <= 0 && match.Compare(keys, a, c) > 0 {
				t.Fatalf("%v: %v, %v, %v go round", keys, a, b, c)
			}
		}
		single := search.SortKey{Param: "birthdate", Kind: search.TypeDate}
		up, err := s.Search([]string{"Patient"}, search.All{}, []search.SortKey{single})
		if err != nil {
			t.Fatal(err)
		}
		single.Descending = true
		for i := 1; i < len(up); i++ {
			if match.Compare([]search.SortKey{single}, up[i-1], up[i]) < 0 {
				t.Fatalf("%v before %v both ways", up[i-1], up[i])
			}
			if dates(up[i-1]) == 0 && dates(up[i]) > 0 {
				t.Fatalf("%v without a date is before %v", up[i-1], up[i])
			}
		}
	})
}

func sign(n int) int { return max(-1, min(1, n)) }

// dates is how many birth dates the resource has.
func dates(s match.Subject) (n int) {
	for _, d := range s.Values.Dates {
		if d.Param == "birthdate" {
			n++
		}
	}
	return n
}
