package mongo

import (
	"testing"

	"fhirside/resources/store"
	"fhirside/resources/store/mongo/mongotest"
	"fhirside/resources/store/storetest"
)

func TestMain(m *testing.M) { mongotest.Main(m) }

// open is a store on a fresh database.
func open(t testing.TB, opt Options) *Store {
	t.Helper()
	return openAt(t, mongotest.URI(t), opt)
}

func openAt(t testing.TB, uri string, opt Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), uri, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestOracle(t *testing.T) {
	storetest.Oracle(t, func(t *testing.T) store.Store { return open(t, Options{}) })
}

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, Options{}) })
}

func TestConcurrency(t *testing.T) {
	storetest.Concurrency(t, func(t *testing.T) store.Store { return open(t, Options{}) })
}
