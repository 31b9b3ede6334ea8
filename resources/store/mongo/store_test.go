package mongo

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"fhirside/resources/store"
	"fhirside/resources/store/mongo/mongotest"
	"fhirside/resources/store/storetest"
)

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

func TestState(t *testing.T) {
	storetest.State(t, func(t *testing.T) store.Store { return open(t, Options{}) })
}

// The store counts its work, under names that its registry takes.
func TestMetrics(t *testing.T) {
	s := open(t, Options{})
	registry := prometheus.NewRegistry()
	registry.MustRegister(s)
	if err := s.Commit(t.Context(), func(tx store.Tx) error { return tx.Put(patient("a", "a", 1, tx.Now())) }); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, family := range families {
		for _, metric := range family.Metric {
			for _, label := range metric.Label {
				found[family.GetName()+" "+label.GetValue()] = true
			}
		}
		found[family.GetName()] = true
	}
	for _, name := range []string{
		"fhirside_mongodb_command_seconds commitTransaction", "fhirside_mongodb_connections", "fhirside_mongodb_connections_in_use",
		"fhirside_mongodb_commit_attempts_total committed",
	} {
		if !found[name] {
			t.Errorf("there is no %s: %v", name, found)
		}
	}
}
