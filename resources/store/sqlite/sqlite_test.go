package sqlite_test

import (
	"path/filepath"
	"testing"

	"fhirside/resources/store"
	"fhirside/resources/store/sqlite"
	"fhirside/resources/store/storetest"
)

func memory(t *testing.T) store.Store {
	s, err := sqlite.Open(t.Context(), sqlite.Memory, sqlite.Options{})
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

func file(t *testing.T) store.Store {
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "a b%25.db"), sqlite.Options{})
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

func TestStore(t *testing.T)               { storetest.Run(t, file) }
func TestStoreInMemory(t *testing.T)       { storetest.Run(t, memory) }
func TestConcurrency(t *testing.T)         { storetest.Concurrency(t, file) }
func TestConcurrencyInMemory(t *testing.T) { storetest.Concurrency(t, memory) }
func TestOracle(t *testing.T)              { storetest.Oracle(t, memory) }

// TestOracleCramped takes the ways of searches over many resources.
func TestOracleCramped(t *testing.T) {
	for name, cramp := range map[string]func(store.Store){
		"walks all":            func(s store.Store) { sqlite.Cramp(s, 1, 1, 1000, 0, 2) },
		"settles on the least": func(s store.Store) { sqlite.Cramp(s, 1, 100, 0, 1, 3) },
		"gives up on walking":  func(s store.Store) { sqlite.Cramp(s, 2, 3, 0, 2, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Oracle(t, func(t *testing.T) store.Store {
				s := memory(t)
				cramp(s)
				return s
			})
		})
	}
}
