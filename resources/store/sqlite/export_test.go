package sqlite

import "fhirside/resources/store"

// Cramp makes a store take the ways of searches over many resources with few of them.
func Cramp(s store.Store, small, large, patience, few, page int) {
	s.(*db).limits = limits{small, large, patience, few, page}
}
