package mongo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"fhirside/fhir"
	"fhirside/resources/store"
	"fhirside/resources/store/mongo/mongotest"
	"fhirside/search/index"
)

func extracted(body []byte) (index.Values, error) {
	r, err := fhir.Parse(body)
	if err != nil {
		return index.Values{}, err
	}
	return sharedExtractor().Extract(r), nil
}

// TestRules: a database that was indexed by other rules is indexed anew while others write, by one of the processes.
func TestRules(t *testing.T) {
	t.Parallel()
	uri := mongotest.URI(t)
	older := openAt(t, uri, Options{Rules: "1", Values: func([]byte) (index.Values, error) { return index.Values{}, nil }})
	write := func(ctx context.Context, id string) error {
		return older.Commit(ctx, func(tx store.Tx) error {
			r := patient(id, id, 1, tx.Now())
			r.Values = index.Values{} // what the old rules make of it
			return tx.Put(r)
		})
	}
	const before = 450
	err := older.Commit(t.Context(), func(tx store.Tx) error {
		for i := range before {
			r := patient(fmt.Sprint("before", i), fmt.Sprint("before", i), 1, tx.Now())
			r.Values = index.Values{}
			if err := tx.Put(r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := older.db.Collection("Patient").UpdateByID(t.Context(), "before7", d("$set", d("resource.birthDate", 1.5e300))); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var writing sync.WaitGroup
	var meanwhile []string
	writing.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			id := fmt.Sprint("meanwhile", i)
			if write(context.Background(), id) == nil {
				meanwhile = append(meanwhile, id)
			}
		}
	})
	newer := []*Store{openAt(t, uri, Options{Rules: "2", Values: extracted}), openAt(t, uri, Options{Rules: "2", Values: extracted})}
	for _, s := range newer {
		for work, err := s.Ready(t.Context()); err != nil; work, err = s.Ready(t.Context()) {
			if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(work, "index values") {
				t.Fatal(work, err)
			}
			wait(t, 20*time.Millisecond)
		}
	}
	stop()
	writing.Wait()
	found := func(id string) bool {
		n, err := newer[0].Count(t.Context(), []string{"Patient"}, identified(id))
		if err != nil {
			t.Fatal(err)
		}
		return n == 1
	}
	for i := range before {
		if id := fmt.Sprint("before", i); !found(id) {
			t.Errorf("%s is not found", id)
		}
	}
	for _, id := range meanwhile {
		until(t, id+" is found", func() bool { return found(id) })
	}
	// By now the older process's rules are not those of the database, and a process of the same rules has nothing to do.
	// It knows so as soon as it is open.
	again := openAt(t, uri, Options{Rules: "2", Values: extracted})
	if _, err := again.Reindex(t.Context(), store.Reindex{Limit: 1, Values: func(store.Version) (index.Values, error) { return index.Values{}, nil }}); err != nil {
		t.Error(err)
	}
}

// fill writes patients by older rules, and returns the store.
func fill(t *testing.T, uri string, n int) *Store {
	t.Helper()
	s := openAt(t, uri, Options{Rules: "1", Values: func([]byte) (index.Values, error) { return index.Values{}, nil }})
	err := s.Commit(t.Context(), func(tx store.Tx) error {
		for i := range n {
			if err := tx.Put(patient(fmt.Sprint(i), fmt.Sprint(i), 1, tx.Now())); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func untilReady(t *testing.T, s *Store) {
	t.Helper()
	until(t, "the store is ready", func() bool { return isReady(t, s) })
}

func isReady(t *testing.T, s *Store) bool {
	t.Helper()
	_, err := s.Ready(t.Context())
	return err == nil
}

// TestRulesRequiredMeanwhile: after an upgrade, too, no values are written by a lower number of rules than is required: Require waits
// for the batch under way, and the next goes by the new number.
func TestRulesRequiredMeanwhile(t *testing.T) {
	t.Parallel()
	uri := mongotest.URI(t)
	older := fill(t, uri, 2*reindexBatch+50)
	var asked, number int64 // of one process that indexes, which does one thing at a time
	by := map[int64]int{}
	newer := openAt(t, uri, Options{
		Rules: "2",
		Values: func(body []byte) (index.Values, error) {
			if by[number]++; by[0] == 1 && number == 0 {
				ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
				defer cancel()
				if err := older.Require(ctx, 1); err == nil {
					t.Error("it is required while values are written that do not have it")
				}
			}
			return extracted(body)
		},
		Current: func(context.Context) (int64, error) {
			if asked++; asked > 2 { // the second time another process has not told yet
				number = 1
			}
			return number, nil
		},
	})
	untilReady(t, newer)
	if by[0] != reindexBatch || by[1] != reindexBatch+50 {
		t.Error(by)
	}
}

// TestReindexOvertaken: a process of an older version does not write values by its rules over those of a newer one.
func TestReindexOvertaken(t *testing.T) {
	t.Parallel()
	uri := mongotest.URI(t)
	older := fill(t, uri, 3)
	var upgrade sync.Once
	reindex := func() error {
		_, err := older.Reindex(t.Context(), store.Reindex{Limit: 10, Values: func(store.Version) (index.Values, error) {
			upgrade.Do(func() { untilReady(t, openAt(t, uri, Options{Rules: "2", Values: extracted})) })
			return index.Values{}, nil
		}})
		return err
	}
	if err := reindex(); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if n, err := older.Count(t.Context(), []string{"Patient"}, identified(fmt.Sprint(i))); err != nil || n != 1 {
			t.Errorf("%d is not found any more: %v", i, err)
		}
	}
	if err := reindex(); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("by older rules: %v", err)
	}
}
