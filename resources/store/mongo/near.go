package mongo

import (
	"math"

	"go.mongodb.org/mongo-driver/v2/bson"

	"fhirside/search"
)

// near is the condition on the box around what is near, which begins with the bounds of the latitude, and then on the haversine of the
// distance, as search.Near counts it. There is one position.
func (c compiler) near(f search.Near) (condition, error) {
	box, err := c.compile(f.Box())
	if err != nil {
		return condition{}, err
	}
	radians := func(entries string) bson.D {
		first := d("$arrayElemAt", bson.A{"$" + root(f.Param+entries).path("n"), 0})
		return d("$multiply", bson.A{d("$let", d("vars", d("entry", first), "in", "$$entry.lo")), math.Pi / 180})
	}
	latitude, longitude := radians(search.LatitudeEntries), radians(search.LongitudeEntries)
	halfSquare := func(angle bson.D, from float64) bson.D {
		half := d("$divide", bson.A{d("$subtract", bson.A{angle, from * math.Pi / 180}), 2})
		return d("$pow", bson.A{d("$sin", half), 2})
	}
	east := d("$multiply", bson.A{math.Cos(f.Latitude * math.Pi / 180), d("$cos", latitude), halfSquare(longitude, f.Longitude)})
	haversine := d("$add", bson.A{halfSquare(latitude, f.Latitude), east})
	// What has no position has null for a haversine, which is less than every number.
	exact := d("$expr", d("$and", bson.A{d("$gte", bson.A{haversine, 0}), d("$lte", bson.A{haversine, f.Haversine()})}))
	made := condition{filter: f, match: d("$and", bson.A{box.match, exact}), ways: box.ways}
	if bounds, ok := f.Box().(search.And); ok {
		south, _ := points(bounds[0].(search.Number))
		north, _ := points(bounds[1].(search.Number))
		made.ways = []way{floats(f.Param+search.LatitudeEntries, orderedValue, point, south.and(north))}
	}
	return made, nil
}
