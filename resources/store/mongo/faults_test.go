package mongo

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"fhirside/fhir"
	"fhirside/resources/store"
	"fhirside/resources/store/mongo/mongotest"
)

// TestFaults: errors of a server that changes its primary, loses connections or meets conflicts, one at a time. The commit is made
// exactly once, or not at all and said so.
func TestFaults(t *testing.T) {
	t.Parallel() // it waits more than it works, as all that do this
	fault, uri := mongotest.Faulty(t)
	s := openAt(t, uri, Options{})
	if err := s.Commit(t.Context(), func(tx store.Tx) error { return tx.Put(patient("first", "first", 1, tx.Now())) }); err != nil {
		t.Fatal(err)
	}
	code := func(n int) bson.E { return bson.E{Key: "errorCode", Value: n} }
	labels := func(l ...string) bson.E { return bson.E{Key: "errorLabels", Value: l} }
	closes := bson.E{Key: "closeConnection", Value: true}
	// The server commits, and tells of a majority that did not answer in time.
	unacknowledged := bson.E{Key: "writeConcernError", Value: d("code", 64, "errmsg", "waiting for replication timed out")}
	for i, test := range []struct {
		name    string
		command string
		times   int
		data    []bson.E
	}{
		{"a conflict", "insert", 2, []bson.E{code(112), labels("TransientTransactionError")}},
		{"a conflict at the end", "commitTransaction", 2, []bson.E{code(112), labels("TransientTransactionError")}},
		{"no primary", "insert", 1, []bson.E{code(10107), labels("TransientTransactionError")}},
		{"another primary in the middle", "insert", 1, []bson.E{code(11602), labels("TransientTransactionError")}},
		{"another primary at the end", "commitTransaction", 1, []bson.E{code(11602), labels("RetryableWriteError", "UnknownTransactionCommitResult")}},
		{"no primary at the end, twice", "commitTransaction", 2, []bson.E{code(10107), labels("RetryableWriteError", "UnknownTransactionCommitResult")}},
		{"a forgotten transaction", "commitTransaction", 1, []bson.E{code(251), labels("TransientTransactionError")}},
		{"a connection lost in the middle", "insert", 1, []bson.E{closes}},
		{"a connection lost at the end", "commitTransaction", 1, []bson.E{closes}},
		{"connections lost at the end", "commitTransaction", 3, []bson.E{closes}},
		{"durable, and nobody says so", "commitTransaction", 1, []bson.E{unacknowledged}},
		{"durable, and nobody says so for a while", "commitTransaction", 3, []bson.E{unacknowledged}},
		{"no primary for the clock", "findAndModify", 1, []bson.E{code(10107), labels("RetryableWriteError")}},
		{"a connection lost by the clock", "findAndModify", 1, []bson.E{closes}},
	} {
		t.Run(test.name, func(t *testing.T) {
			id := fmt.Sprint("p", i)
			fault.Fail(test.times, []string{test.command}, test.data...)
			err := s.Commit(t.Context(), func(tx store.Tx) error {
				if n, err := tx.Count([]string{"Patient"}, identified(id)); err != nil || n > 0 {
					return errors.Join(err, fmt.Errorf("%d are there already", n))
				}
				return tx.Put(patient(id, id, 1, tx.Now()))
			})
			fault.Off()
			if err != nil {
				t.Fatal(err)
			}
			n, err := s.Count(t.Context(), []string{"Patient"}, identified(id))
			if err != nil || n != 1 {
				t.Errorf("%d resources, %v", n, err)
			}
			versions := 0
			for _, err := range s.History(t.Context(), store.History{Type: "Patient", ID: id}) {
				if err != nil {
					t.Fatal(err)
				}
				versions++
			}
			if versions != 1 {
				t.Errorf("%d versions", versions)
			}
		})
	}
	for _, command := range []string{"find", "aggregate", "count"} {
		t.Run("a lost "+command, func(t *testing.T) {
			fault.Fail(1, []string{command}, closes)
			defer fault.Off()
			if n, err := s.Count(t.Context(), []string{"Patient"}, identified("first")); err != nil || n != 1 {
				t.Errorf("%d, %v", n, err)
			}
			if v, err := s.Read(t.Context(), "Patient", "first"); err != nil || v.Version != 1 {
				t.Errorf("%v, %v", v, err)
			}
			found := 0
			for _, err := range s.Search(t.Context(), store.Search{Types: []string{"Patient"}, Filter: identified("first")}) {
				if err != nil {
					t.Error(err)
				}
				found++
			}
			if found != 1 {
				t.Errorf("found %d", found)
			}
		})
	}
	t.Run("nothing works", func(t *testing.T) {
		s := openAt(t, uri, Options{Timeout: 2 * time.Second, CommitTimeout: 2 * time.Second, Patience: time.Second})
		fault.Fail(1000, []string{"find", "aggregate", "count", "insert"}, code(11602))
		defer fault.Off()
		if _, err := s.Read(t.Context(), "Patient", "first"); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("read: %v", err)
		}
		if _, err := s.Count(t.Context(), []string{"Patient"}, identified("first")); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("count: %v", err)
		}
		err := s.Commit(t.Context(), func(tx store.Tx) error { return tx.Put(patient("no", "no", 1, tx.Now())) })
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("commit: %v", err)
		}
	})
}

// TestPressedCache: a huge commit that a server rolls back again and again, as one does whose cache is too small without saying so, is
// refused with what to send instead; a small one goes on trying.
func TestPressedCache(t *testing.T) {
	t.Parallel()
	fault, uri := mongotest.Faulty(t)
	s := openAt(t, uri, Options{MaxEntriesAtOnce: bigCommit})
	put := func(prefix string, n int) error {
		return s.Commit(t.Context(), func(tx store.Tx) error {
			for i := range n {
				id := fmt.Sprint(prefix, i)
				if err := tx.Put(patient(id, id, 1, tx.Now())); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := put("first", 1); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		entries   int
		conflicts int
		refused   bool
	}{{bigCommit, maxPressed + 5, true}, {bigCommit, maxPressed - 1, false}, {1, maxPressed + 1, false}} {
		fault.Fail(test.conflicts, []string{"insert"}, bson.E{Key: "errorCode", Value: codeWriteConflict}, bson.E{Key: "errorLabels", Value: []string{labelTransient}})
		err := put(fmt.Sprint(test), test.entries)
		fault.Off()
		if test.refused && !isRefused(err, fhir.TooLarge, fmt.Sprintf("send at most %d of them", bigCommit/2)) || !test.refused && err != nil {
			t.Errorf("%d entries and %d conflicts: %v", test.entries, test.conflicts, err)
		}
	}
}
