package mongo

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"

	"fhirside/resources/store"
)

// What tests of the package from outside need of it.

// Watched are options of a store that shows each command as it is sent.
func Watched(started func(command bson.Raw)) Options { return Options{started: started} }

func (s *Store) Database() *driver.Database { return s.db }

// LoadClinic fills the store with the population of the explain test.
func LoadClinic(t testing.TB, s *Store) {
	all := clinic()
	for len(all) > 0 {
		n := min(400, len(all))
		load(t, s, [][]store.Record{all[:n]})
		all = all[n:]
	}
}
