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
		for err := s.Ready(t.Context()); err != nil; err = s.Ready(t.Context()) {
			if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "index values") {
				t.Fatal(err)
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
	deadline := time.Now().Add(3 * stragglePause)
	for _, id := range meanwhile {
		for !found(id) {
			if time.Now().After(deadline) {
				t.Fatalf("%s is not found", id)
			}
			wait(t, 100*time.Millisecond)
		}
	}
	// By now the older process's rules are not those of the database, and a process of the same rules has nothing to do.
	again := openAt(t, uri, Options{Rules: "2", Values: extracted})
	wait(t, 50*time.Millisecond)
	if err := again.Ready(t.Context()); err != nil {
		t.Error(err)
	}
}
