package mongo

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"fhirside/resources/store"
	"fhirside/resources/store/mongo/mongotest"
)

// TestMissingIndexes: indexes that somebody has dropped come back while clients write, histories do without theirs meanwhile, and Ready
// tells.
func TestMissingIndexes(t *testing.T) {
	t.Parallel()
	uri := mongotest.URI(t)
	older := openAt(t, uri, Options{})
	err := older.Commit(t.Context(), func(tx store.Tx) error {
		for i := range 500 {
			if err := tx.Put(patient(fmt.Sprint("p", i), fmt.Sprint("p", i), 1, tx.Now())); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	dropped := map[string][]string{"Patient": {termsIndex, updatedIndex}, historyName: {commitsIndex, typesIndex}}
	for collection, names := range dropped {
		for _, name := range names {
			if err := older.db.Collection(collection).Indexes().DropOne(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
	}
	// Somebody who does nothing holds the lease, so that they are missing for a while.
	leases := older.db.Collection(schemaName)
	if _, err := leases.InsertOne(t.Context(), d("_id", buildID, "owner", int64(1), "until", time.Now().Add(time.Hour).UnixMilli())); err != nil {
		t.Fatal(err)
	}
	s := openAt(t, uri, Options{})
	work := func() string {
		t.Helper()
		work, err := s.Ready(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return work
	}
	for began := time.Now(); !strings.Contains(work(), "terms of Patient"); {
		if time.Since(began) > 10*time.Second {
			t.Fatalf("it tells %q", work())
		}
	}
	if n := len(historyOf(t, s, store.History{Type: "Patient"})) + len(changesOf(t, s)); n != 1000 {
		t.Errorf("%d versions without their indexes", n)
	}
	ctx, stop := context.WithCancel(t.Context())
	var writing sync.WaitGroup
	written := make([]int, 4)
	for i := range written {
		writing.Go(func() {
			for ctx.Err() == nil {
				id := fmt.Sprintf("w%d-%d", i, written[i])
				if err := older.Commit(context.Background(), func(tx store.Tx) error { return tx.Put(patient(id, id, 1, tx.Now())) }); err != nil {
					t.Error(err)
					return
				}
				written[i]++
			}
		})
	}
	if _, err := leases.UpdateByID(t.Context(), buildID, d("$set", d("until", int64(0)))); err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); work() != ""; {
		if time.Since(began) > 20*time.Second {
			t.Fatalf("it tells %q", work())
		}
	}
	wait(t, 50*time.Millisecond)
	stop()
	writing.Wait()
	want := int64(500)
	for _, n := range written {
		want += int64(n)
	}
	for collection, filter := range map[string]map[string]any{
		"Patient":   {termsIndex: d("index.t", ""), updatedIndex: d("updated", gt(0))},
		historyName: {commitsIndex: d("commit", gt(0)), typesIndex: d("type", "Patient", "commit", gt(0))},
	} {
		for name, filter := range filter {
			found, err := s.db.Collection(collection).CountDocuments(t.Context(), filter, options.Count().SetHint(name))
			if err != nil || found != want {
				t.Errorf("the index %s knows %d documents, not %d (%v)", name, found, want, err)
			}
		}
	}
	t.Logf("%d written meanwhile", want-500)
}
