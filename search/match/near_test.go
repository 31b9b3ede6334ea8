package match_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"fhirside/search"
	"fhirside/search/index"
	"fhirside/search/match"
)

func at(latitude, longitude float64) match.Subject {
	return match.Subject{Type: "Location", ID: "1", Values: &index.Values{Numbers: []index.Number{
		{Param: "near:latitude", Lo: latitude, Hi: latitude}, {Param: "near:longitude", Lo: longitude, Hi: longitude},
	}}}
}

func TestNear(t *testing.T) {
	zurich := at(47.3769, 8.5417) // 95 km from Bern
	check(t, zurich, []row{
		{"Location", "near", "46.9480|7.4474|96|km", true}, {"Location", "near", "46.9480|7.4474|94|km", false},
		{"Location", "near", "46.9480|7.4474|60|mi", true}, {"Location", "near", "46.9480|7.4474|58|mi", false},
		{"Location", "near", "46.9480|7.4474", false}, {"Location", "near", "47.3|8.6", true},
		{"Location", "near", "47.3769|8.5417|0|m", true}, {"Location", "near", "47.3769|8.5418|1|m", false}, {"Location", "near", "47.3769|8.5418|8|m", true},
		{"Location", "near", "0|0|21000|km", true}, {"Location", "near", "1|1|1|km,47.37|8.54|1|km", true},
	})
	check(t, at(10, -179.99), []row{{"Location", "near", "10|179.99|3", true}, {"Location", "near", "10|179.99|2", false}})
	check(t, at(89.99, 170), []row{{"Location", "near", "89.99|-10|3", true}, {"Location", "near", "89.99|-10|2", false}})
	check(t, match.Subject{Type: "Location", ID: "1"}, []row{{"Location", "near", "1|1", false}})
}

// Every position that is near is in the box, and one that is in the box is not much further away.
func TestBoxHoldsWhatIsNear(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		distance := math.Pow(10, rapid.Float64Range(0, 7.4).Draw(t, "distance"))
		n := search.Near{
			Param: "near", Distance: distance,
			Latitude:  rapid.OneOf(rapid.Float64Range(-90, 90), rapid.SampledFrom([]float64{-90, 90, 0, 89.9999})).Draw(t, "latitude"),
			Longitude: rapid.OneOf(rapid.Float64Range(-180, 180), rapid.SampledFrom([]float64{-180, 180, 0, 179.9999})).Draw(t, "longitude"),
		}
		degrees := distance / 111e3
		latitude := n.Latitude + degrees*rapid.Float64Range(-1.2, 1.2).Draw(t, "north")
		east := degrees * rapid.Float64Range(-1.2, 1.2).Draw(t, "east") / max(math.Cos(n.Latitude*math.Pi/180), 1e-3)
		longitude := math.Remainder(n.Longitude+east, 360)
		if math.Abs(latitude) > 90 {
			return
		}
		inBox, err := match.Matches(n.Box(), at(latitude, longitude), nil)
		if err != nil {
			t.Fatal(err)
		}
		if n.Contains(latitude, longitude) && !inBox {
			t.Fatalf("%v holds (%v, %v), and its box does not: %#v", n, latitude, longitude, n.Box())
		}
		wider := search.Near{Latitude: n.Latitude, Longitude: n.Longitude, Distance: 2*distance + 1}
		if inBox && math.Abs(n.Latitude)+degrees < 80 && !wider.Contains(latitude, longitude) {
			t.Fatalf("the box of %v holds (%v, %v), far away", n, latitude, longitude)
		}
	})
}
