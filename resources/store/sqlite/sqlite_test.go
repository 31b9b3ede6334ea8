package sqlite_test

import (
	"context"
	"path/filepath"
	"testing"

	"fhirside/fhir"
	"fhirside/resources/store"
	"fhirside/resources/store/sqlite"
	"fhirside/resources/store/storetest"
	"fhirside/search"
	"fhirside/search/searchtest"
)

func TestStore(t *testing.T)               { storetest.Run(t, file) }
func TestStoreInMemory(t *testing.T)       { storetest.Run(t, memory) }
func TestConcurrency(t *testing.T)         { storetest.Concurrency(t, file) }
func TestConcurrencyInMemory(t *testing.T) { storetest.Concurrency(t, memory) }
func TestState(t *testing.T)               { storetest.State(t, file) }
func TestStateInMemory(t *testing.T)       { storetest.State(t, memory) }
func TestOracle(t *testing.T)              { storetest.Oracle(t, memory) }

// TestConcurrencyOfTwo is two processes on one file, as far as one process can be two.
func TestConcurrencyOfTwo(t *testing.T) {
	storetest.Concurrency(t, func(t *testing.T) store.Store {
		path := filepath.Join(t.TempDir(), "two.db")
		return &two{stores: [2]store.Store{open(t, path, sqlite.Options{}), open(t, path, sqlite.Options{})}}
	})
}

func TestStateOfTwo(t *testing.T) {
	storetest.State(t, func(t *testing.T) store.Store {
		path := filepath.Join(t.TempDir(), "two.db")
		return &two{stores: [2]store.Store{open(t, path, sqlite.Options{}), open(t, path, sqlite.Options{})}}
	})
}

// TestOracleOtherwise takes the ways of searches over many resources, and does without the layout: both change what searches cost
// and nothing else.
func TestOracleOtherwise(t *testing.T) {
	for name, c := range map[string]struct {
		layout *sqlite.Layout
		cramp  func(store.Store)
	}{
		"walks all":            {nil, func(s store.Store) { sqlite.Cramp(s, 1, 1, 1000, 0, 0, 2) }},
		"settles on the least": {&sqlite.Layout{}, func(s store.Store) { sqlite.Cramp(s, 1, 100, 0, 1, 2, 3) }},
		"gives up on walking":  {nil, func(s store.Store) { sqlite.Cramp(s, 2, 3, 0, 2, 0, 1) }},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Oracle(t, func(t *testing.T) store.Store {
				s := open(t, sqlite.Memory, sqlite.Options{Layout: c.layout})
				c.cramp(s)
				return s
			})
		})
	}
}

func memory(t *testing.T) store.Store { return open(t, sqlite.Memory, sqlite.Options{}) }

func file(t *testing.T) store.Store {
	return open(t, filepath.Join(t.TempDir(), "a b%25?c#.db"), sqlite.Options{})
}

func open(t *testing.T, path string, opt sqlite.Options) store.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, opt)
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

// put commits resources that are new to the store.
func put(ctx context.Context, s store.Store, bodies ...string) error {
	return s.Commit(ctx, func(tx store.Tx) error {
		for _, body := range bodies {
			r, err := fhir.Parse([]byte(body))
			if err != nil {
				return err
			}
			v := store.Version{Key: store.Key{Type: r.Type(), ID: r.ID()}, Version: 1, Updated: tx.Now(), Method: store.Created, Body: r.Bytes()}
			if err := tx.Put(store.Record{Version: v, Values: searchtest.Extract(r)}); err != nil {
				return err
			}
		}
		return nil
	})
}

// find gives the ids that a search finds, in order.
func find(ctx context.Context, s store.Store, resourceType string, limit int, params ...search.Parameter) (ids []string, err error) {
	q, err := search.Parse(search.R4(), resourceType, params, search.Options{Base: searchtest.Base})
	if err != nil {
		return nil, err
	}
	for m, err := range s.Search(ctx, store.Search{Types: q.Types, Filter: q.Filter, Sort: q.Sort, Limit: limit}) {
		if err != nil {
			return ids, err
		}
		ids = append(ids, m.ID)
	}
	return ids, nil
}
