package rest_test

import (
	"path/filepath"
	"testing"

	"fhirside/resources/rest/resttest"
	"fhirside/resources/store"
	"fhirside/resources/store/mongo"
	"fhirside/resources/store/mongo/mongotest"
	"fhirside/resources/store/sqlite"
	"fhirside/resources/store/sqlite/sqlitetest"
)

func TestDamage(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { resttest.RunDamage(t, openFile) })
	t.Run("mongodb", func(t *testing.T) { resttest.RunDamage(t, openDatabase) })
}

// openFile is a store in a file, and who writes to that by SQL.
func openFile(t *testing.T) (store.Store, resttest.Vandal) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "damage.db")
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s, resttest.Vandal{
		Garble: func(t testing.TB, key store.Key) { sqlitetest.Garble(t, path, key.Type, key.ID) },
		Swap:   func(t testing.TB, key, other store.Key) { sqlitetest.Swap(t, path, key.Type, key.ID, other.ID) },
	}
}

// openDatabase is a store in MongoDB, and who edits its documents.
func openDatabase(t *testing.T) (store.Store, resttest.Vandal) {
	t.Helper()
	uri := mongotest.URI(t)
	s, err := mongo.Open(t.Context(), uri, mongo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s, resttest.Vandal{
		Garble: func(t testing.TB, key store.Key) { mongotest.Garble(t, uri, key.Type, key.ID) },
		Swap:   func(t testing.TB, key, other store.Key) { mongotest.Swap(t, uri, key.Type, key.ID, other.ID) },
	}
}
