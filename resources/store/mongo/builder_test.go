package mongo

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"fhirside/fhir"
	"fhirside/resources/store"
	"fhirside/resources/store/mongo/mongotest"
	"fhirside/search"
)

// prescription is a record of a MedicationRequest that contains a Medication.
func prescription(id string, now time.Time) store.Record {
	r, err := fhir.Parse(fmt.Appendf(nil, `{"resourceType":"MedicationRequest","id":"%s","contained":[{"resourceType":"Medication","id":"m"}]}`, id))
	if err != nil {
		panic(err)
	}
	v := store.Version{Key: store.Key{Type: r.Type(), ID: id}, Version: 1, Updated: now, Method: store.Created, Body: r.Bytes()}
	return store.Record{Version: v, Values: sharedExtractor().Extract(r)}
}

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
		return tx.Put(prescription("m", tx.Now()))
	})
	if err != nil {
		t.Fatal(err)
	}
	inside := search.ContainedType("Medication")
	dropped := map[string][]string{"Patient": {termsIndex, updatedIndex}, inside: {termsIndex}, historyName: {commitsIndex, typesIndex}}
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
	until(t, "it tells what is missing", func() bool {
		return strings.Contains(work(), "terms of Patient") && strings.Contains(work(), "terms of contained.Medication")
	})
	if n := len(historyOf(t, s, store.History{Type: "Patient"})) + len(changesOf(t, s)); n != 1001 {
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
	until(t, "nothing is missing", func() bool { return work() == "" })
	wait(t, 50*time.Millisecond)
	stop()
	writing.Wait()
	patients := int64(500)
	for _, n := range written {
		patients += int64(n)
	}
	wanted := map[string]int64{"Patient": patients, inside: 1, historyName: patients + 1}
	for collection, filter := range map[string]map[string]any{
		"Patient":   {termsIndex: d("index.t", ""), updatedIndex: d("updated", gt(0))},
		historyName: {commitsIndex: d("commit", gt(0)), typesIndex: d("type", gt(""), "commit", gt(0))},
		inside:      {termsIndex: d("index.t", gt(""))},
	} {
		for name, filter := range filter {
			found, err := s.db.Collection(collection).CountDocuments(t.Context(), filter, options.Count().SetHint(name))
			if err != nil || found != wanted[collection] {
				t.Errorf("the index %s of %s knows %d documents, not %d (%v)", name, collection, found, wanted[collection], err)
			}
		}
	}
	t.Logf("%d written meanwhile", patients-500)
}
