package match

import (
	"fhirside/search"
	"fhirside/search/index"
)

// near judges the positions, whose latitudes and longitudes are in the same order.
func near(f search.Near, v *index.Values) bool {
	latitudes, longitudes := points(v, f.Param+search.LatitudeEntries), points(v, f.Param+search.LongitudeEntries)
	for i := range min(len(latitudes), len(longitudes)) {
		if f.Contains(latitudes[i], longitudes[i]) {
			return true
		}
	}
	return false
}

func points(v *index.Values, param string) (all []float64) {
	for _, e := range v.Numbers {
		if e.Param == param {
			all = append(all, e.Lo)
		}
	}
	return all
}
