package search

import "math"

// Near holds where a position of the parameter is at most Distance metres away from a point of the globe, along a great circle.
// Positions are pairs of a number of Param + LatitudeEntries and one of Param + LongitudeEntries.
type Near struct {
	Param               string
	Latitude, Longitude float64 // degrees, north and east positive
	Distance            float64
}

func (Near) filter() {}

// LatitudeEntries and LongitudeEntries are what follows a parameter's code in the names of the entries of its positions.
const (
	LatitudeEntries  = ":latitude"
	LongitudeEntries = ":longitude"
)

// earthRadius is the mean radius of the WGS 84 ellipsoid in metres. Distances on the sphere differ from those on the ellipsoid by
// half a percent at most.
const earthRadius = 6371008.8

const degree = math.Pi / 180

// Contains says whether a position is near.
func (n Near) Contains(latitude, longitude float64) bool {
	north, east := math.Sin((latitude-n.Latitude)*degree/2), math.Sin((longitude-n.Longitude)*degree/2)
	haversine := north*north + math.Cos(n.Latitude*degree)*math.Cos(latitude*degree)*east*east
	return haversine <= n.Haversine()
}

// Haversine is that of the distance, sin²(d/2R): a position is near if its haversine is no greater.
func (n Near) Haversine() float64 {
	half := math.Sin(min(n.Distance/earthRadius, math.Pi) / 2)
	return half * half
}

// Box is a condition on latitude and longitude that holds for everything near, and for little else.
func (n Near) Box() Filter {
	const slack = 1e-7 // degrees, a centimetre: more than rounding amounts to
	angle := min(n.Distance/earthRadius, math.Pi)
	south, north := n.Latitude-angle/degree-slack, n.Latitude+angle/degree+slack
	box := And{n.atLeast(LatitudeEntries, south), n.atMost(LatitudeEntries, north)}
	if south <= -90 || north >= 90 {
		return box // a pole is near, and so every longitude
	}
	width := math.Asin(min(math.Sin(angle)/math.Cos(n.Latitude*degree), 1))/degree + slack
	west, east := n.Longitude-width, n.Longitude+width
	switch {
	case width >= 180:
		return box
	case west < -180: // across the antimeridian
		return append(box, Or{n.atLeast(LongitudeEntries, west+360), n.atMost(LongitudeEntries, east)})
	case east > 180:
		return append(box, Or{n.atLeast(LongitudeEntries, west), n.atMost(LongitudeEntries, east-360)})
	}
	return append(box, n.atLeast(LongitudeEntries, west), n.atMost(LongitudeEntries, east))
}

func (n Near) atLeast(entries string, degrees float64) Filter {
	return Number{Param: n.Param + entries, Op: Ge, Value: degrees, Lo: degrees, Hi: degrees}
}

func (n Near) atMost(entries string, degrees float64) Filter {
	return Number{Param: n.Param + entries, Op: Le, Value: degrees, Lo: degrees, Hi: degrees}
}
