package mongo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"fhirside/fhir"
	"fhirside/resources/store"
	"fhirside/resources/store/mongo/mongotest"
	"fhirside/search"
)

func TestStandaloneIsRefused(t *testing.T) {
	t.Parallel()
	server := mongotest.Standalone(t)
	s, err := Open(t.Context(), server.URI(), Options{})
	if err == nil {
		_ = s.Close()
		t.Fatal("a server without a replica set was accepted")
	}
	for _, part := range []string{"replica set", "--replSet", "rs.initiate()"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the text does not say %q: %v", part, err)
		}
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	uri := mongotest.URI(t)
	s := openAt(t, uri, Options{})
	if _, err := s.db.Collection(schemaName).UpdateByID(t.Context(), "schema", d("$set", d("version", schemaVersion+1))); err != nil {
		t.Fatal(err)
	}
	if newer, err := Open(t.Context(), uri, Options{}); err == nil || !strings.Contains(err.Error(), "newer fhirside") {
		t.Errorf("%v, %v", newer, err)
	}
}

func TestConnectionStrings(t *testing.T) {
	for _, uri := range []string{"", "http://x", "mongodb://", "mongodb://h/?w=x&w"} {
		if s, err := Open(t.Context(), uri, Options{}); err == nil {
			_ = s.Close()
			t.Errorf("%q was accepted", uri)
		}
	}
}

// isRefused says whether an error is a refusal of that reason whose text names something.
func isRefused(err error, reason fhir.Reason, names string) bool {
	var refusal *fhir.Error
	return errors.As(err, &refusal) && refusal.Reason == reason && strings.Contains(refusal.Issues[0].Diagnostics, names)
}

func TestTooLarge(t *testing.T) {
	s := open(t, Options{MaxCommitEntries: 20, MaxCommitBytes: 17 << 20})
	sized := func(id string, size int) store.Record {
		body := fmt.Appendf(nil, `{"resourceType":"Binary","id":"%s","data":"%s"}`, id, strings.Repeat("QUJD", size/4))
		return store.Record{Version: store.Version{Key: store.Key{Type: "Binary", ID: id}, Version: 1, Method: store.Created, Body: body}}
	}
	put := func(records ...store.Record) error {
		return s.Commit(t.Context(), func(tx store.Tx) error {
			for _, r := range records {
				r.Updated = tx.Now()
				if err := tx.Put(r); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := put(sized("a", 16<<20)); !isRefused(err, fhir.TooLarge, "15 MiB") {
		t.Errorf("a resource of 16 MiB: %v", err)
	}
	if err := put(sized("b", 9<<20), sized("c", 9<<20)); !isRefused(err, fhir.TooLarge, "17 MiB") {
		t.Errorf("a commit of 18 MiB: %v", err)
	}
	var many []store.Record
	for i := range 21 {
		many = append(many, sized(fmt.Sprint(i), 4))
	}
	if err := put(many...); !isRefused(err, fhir.TooLarge, "20 resources") {
		t.Errorf("a commit of 21: %v", err)
	}
	if err := put(sized("d", 5<<20)); err != nil {
		t.Errorf("a resource of 5 MiB: %v", err)
	}
	n, err := s.Count(t.Context(), nil, search.All{})
	if err != nil || n != 1 {
		t.Errorf("%d resources, %v", n, err)
	}
}

// A resource that is more than the server's cache takes with its history is refused with what it needs, also where the server does not
// answer at all.
func TestHeavy(t *testing.T) {
	const patience = 9 * time.Second
	sizes := []int{10}
	if os.Getenv("FHIRSIDE_SOAK") != "" {
		sizes = []int{10, 12, 14}
	}
	s := openAt(t, mongotest.WithDatabase(mongotest.Private(t).URI(), "heavy"), Options{CommitTimeout: patience})
	for _, mib := range sizes {
		id := fmt.Sprint("b", mib)
		body := fmt.Appendf(nil, `{"resourceType":"Binary","id":"%s","data":"%s"}`, id, strings.Repeat("QUJD", mib<<18))
		r := store.Record{Version: store.Version{Key: store.Key{Type: "Binary", ID: id}, Version: 1, Method: store.Created, Body: body}}
		began := time.Now()
		err := s.Commit(t.Context(), func(tx store.Tx) error {
			r.Updated = tx.Now()
			return tx.Put(r)
		})
		took := time.Since(began)
		_, reading := s.Read(t.Context(), "Binary", id)
		switch {
		case took > patience+longestAnswer:
			t.Errorf("%d MiB took %v", mib, took)
		case err == nil && reading != nil:
			t.Errorf("%d MiB are not there: %v", mib, reading)
		case err != nil && (!isRefused(err, fhir.TooLarge, "a cache of ") || !errors.Is(reading, store.ErrNotFound)):
			t.Errorf("%d MiB: %v, and then %v", mib, err, reading)
		}
	}
}

// A commit that is more than the server's cache takes is refused as a whole, or made as a whole.
func TestManyEntries(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	const n = 5000
	s := open(t, Options{})
	err := s.Commit(t.Context(), func(tx store.Tx) error {
		for i := range n {
			if err := tx.Put(patient(fmt.Sprint("p", i), fmt.Sprint("p", i), 1, tx.Now())); err != nil {
				return err
			}
		}
		return nil
	})
	found, counting := s.Count(t.Context(), []string{"Patient"}, search.All{})
	switch {
	case counting != nil:
		t.Error(counting)
	case err == nil && found != n:
		t.Errorf("%d of %d are there", found, n)
	case err != nil && (found != 0 || !isRefused(err, fhir.TooLarge, "send at most") && !errors.Is(err, store.ErrUnavailable)):
		t.Errorf("%d are there, and %v", found, err)
	}
	t.Logf("%d entries: %v", n, err)
}

// Big commits wait for each other, by their entries: while one runs, what is left of the room is not enough for more than it has.
func TestBigCommitsQueue(t *testing.T) {
	s := open(t, Options{MaxEntriesAtOnce: 2 * bigCommit, QueueTime: limit})
	var admitted atomic.Int32
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			err := s.Commit(context.Background(), func(attempt store.Tx) error {
				for n := range bigCommit {
					id := fmt.Sprintf("p%d-%d", i, n)
					if err := attempt.Put(patient(id, id, 1, attempt.Now())); err != nil {
						return err
					}
				}
				if attempt.(*tx).committer.admitted == 0 {
					return nil
				}
				admitted.Add(1)
				if s.big.TryAcquire(bigCommit + 1) {
					s.big.Release(bigCommit + 1)
					t.Error("it runs without taking room")
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := admitted.Load(); n < 6 {
		t.Errorf("%d of six were admitted", n)
	}
}

// What somebody has made of a document in the database harms nothing but that resource.
func TestDamagedDocument(t *testing.T) {
	s := open(t, Options{})
	err := s.Commit(t.Context(), func(tx store.Tx) error {
		for _, id := range []string{"good", "date", "text", "none"} {
			if err := tx.Put(patient(id, id, 1, tx.Now())); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	patients := s.db.Collection("Patient")
	for id, update := range map[string]bson.D{
		"date": d("$set", d("resource.birthDate", bson.DateTime(0))),
		"text": d("$set", d("resource", "gone")),
		"none": d("$unset", d("resource", "")),
	} {
		if _, err := patients.UpdateByID(t.Context(), id, update); err != nil {
			t.Fatal(err)
		}
		if v, err := s.Read(t.Context(), "Patient", id); err != nil || v.Damage == nil || v.Body != nil || v.Version != 1 {
			t.Errorf("%s: %+v, %v", id, v, err)
		}
	}
	if v, err := s.Read(t.Context(), "Patient", "good"); err != nil || v.ID != "good" {
		t.Errorf("%v, %v", v, err)
	}
	for m, err := range s.Search(t.Context(), store.Search{Types: []string{"Patient"}, Filter: identified("good")}) {
		if err != nil || m.ID != "good" {
			t.Errorf("%v, %v", m, err)
		}
	}
	for _, err := range s.History(t.Context(), store.History{Type: "Patient"}) {
		if err != nil {
			t.Error(err)
		}
	}
}

// A search that nothing bounds is refused rather than run for long.
func TestTooCostly(t *testing.T) {
	s := open(t, Options{MaxSorted: 10})
	load(t, s, chunks([][]store.Record{clinic()[:400]}))
	run := func(q store.Search) (n int, err error) {
		for _, err := range s.Search(t.Context(), q) {
			if err != nil {
				return n, err
			}
			n++
		}
		return n, nil
	}
	byStatus := []search.SortKey{{Param: "status", Kind: search.TypeToken}}
	if _, err := run(store.Search{Types: []string{"Observation"}, Sort: byStatus, Limit: 5}); !errors.Is(err, store.ErrTooCostly) {
		t.Errorf("an unbounded sort: %v", err)
	}
	patient := search.Reference{Param: "patient", Type: "Patient", ID: "p5"}
	if n, err := run(store.Search{Types: []string{"Observation"}, Filter: patient, Sort: byStatus, Limit: 5}); err != nil || n == 0 {
		t.Errorf("a sort of one patient's: %d, %v", n, err)
	}
}

// An open commit of a process that died holds readers back until it lapses, and no longer.
func TestOrphanedCommit(t *testing.T) {
	t.Parallel()
	s := open(t, Options{})
	put := func(id string) time.Time {
		t.Helper()
		var now time.Time
		err := s.Commit(t.Context(), func(tx store.Tx) error {
			now = tx.Now()
			return tx.Put(patient(id, id, 1, now))
		})
		if err != nil {
			t.Fatal(err)
		}
		return now
	}
	before := put("before")
	change := func(filter, update bson.D) {
		t.Helper()
		done, err := s.db.Collection(clockName).UpdateOne(t.Context(), filter, update)
		if err != nil || done.ModifiedCount != 1 {
			t.Fatal(done, err)
		}
	}
	orphan := d("commit", before.UnixMicro()+1000, "owner", int64(1), "until", time.Now().Add(time.Hour).UnixMilli())
	change(d("_id", clockID), d("$push", d("open", orphan), "$inc", d("time", int64(1000))))
	put("after")
	follower := listen(t.Context(), s, "", 2) // nothing rings when the orphan lapses
	seen := func() (ids []string) {
		all := search.Date{Param: "_lastUpdated", Op: search.Gt, Lo: 0, Hi: 1}
		for m, err := range s.Search(t.Context(), store.Search{Types: []string{"Patient"}, Filter: all}) {
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, m.ID)
		}
		return ids
	}
	if ids := seen(); len(ids) != 1 || ids[0] != "before" {
		t.Errorf("with an open commit: %v", ids)
	}
	change(d("open.owner", int64(1)), d("$set", d("open.$.until", time.Now().UnixMilli())))
	until(t, "the orphan lapses", func() bool { return len(seen()) == 2 })
	follower.has(t, 2)
	follower.sawOnce(t, s)
}
