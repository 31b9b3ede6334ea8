package mongo

import (
	"context"
	"fmt"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"fhirside/resources/store"
)

// referTo is a commit that writes a patient and looks whether another one is there.
func referTo(ctx context.Context, s *Store, id, target string) error {
	return s.Commit(ctx, func(tx store.Tx) error {
		if err := tx.Put(patient(id, id, 1, tx.Now())); err != nil {
			return err
		}
		found, err := tx.Targets([]store.Key{{Type: "Patient", ID: target}})
		if err == nil && len(found) != 1 {
			err = fmt.Errorf("%s is not there", target)
		}
		return err
	})
}

func TestOrphanedDeletion(t *testing.T) {
	t.Parallel()
	s := open(t, Options{})
	for _, id := range []string{"marked", "other"} {
		put(t, s, id, id)
	}
	// A process that died has left it behind, in a clock as it was before an upgrade but for that.
	commit, until := put(t, s, "last", "last").Updated.UnixMicro()+1000, time.Now().Add(time.Hour).UnixMilli()
	keys := bson.Binary{Data: hashesOf(map[store.Key]bool{{Type: "Patient", ID: "marked"}: true})}
	if _, err := s.db.Collection(clockName).UpdateByID(t.Context(), clockID, d("$inc", d("time", int64(1000)),
		"$push", d("open", d("commit", commit, "owner", int64(1), "until", until), "deleting", d("commit", commit, "owner", int64(1), "keys", keys)))); err != nil {
		t.Fatal(err)
	}
	if err := referTo(t.Context(), s, "a", "other"); err != nil {
		t.Error(err)
	}
	if _, open, err := s.clock.read(t.Context()); err != nil || len(open) == 0 || open[0].Owner != 1 {
		t.Errorf("a reference to something else waited until nothing but %v was open (%v)", open, err)
	}
	lapses := d("$set", d("open.$.until", time.Now().Add(time.Second).UnixMilli()))
	if done, err := s.db.Collection(clockName).UpdateOne(t.Context(), d("open.owner", int64(1)), lapses); err != nil || done.ModifiedCount != 1 {
		t.Fatal(done, err)
	}
	soon := d("$set", d("open.$.until", time.Now().Add(300*time.Millisecond).UnixMilli()))
	if _, err := s.db.Collection(clockName).UpdateOne(t.Context(), d("_id", clockID, "open.owner", int64(1)), soon); err != nil {
		t.Fatal(err)
	}
	if err := referTo(t.Context(), s, "b", "marked"); err != nil {
		t.Error(err)
	}
	if _, open, err := s.clock.read(t.Context()); err != nil || len(open) > 0 && open[0].Owner == 1 {
		t.Errorf("a reference to what may be deleted did not wait: %v is open (%v)", open, err)
	}
}

// TestDeletionBesideBig: nobody waits for a big commit that has not come to its end.
func TestDeletionBesideBig(t *testing.T) {
	t.Parallel()
	s := open(t, Options{})
	put(t, s, "target", "target")
	put(t, s, "old", "old")
	writes, deleted, big := make(chan struct{}, 10), make(chan struct{}), make(chan error)
	go func() {
		big <- s.Commit(t.Context(), func(tx store.Tx) error {
			if err := tx.Expect(2 * bigCommit); err != nil {
				return err
			}
			for i := range 2 * bigCommit {
				if err := tx.Put(patient(fmt.Sprint(i), "", 1, tx.Now())); err != nil {
					return err
				}
			}
			writes <- struct{}{}
			<-deleted
			_, err := tx.Targets([]store.Key{{Type: "Patient", ID: "target"}})
			return err
		})
	}()
	<-writes
	err := s.Commit(t.Context(), func(tx store.Tx) error {
		if err := tx.Retire([]store.Key{{Type: "Patient", ID: "old"}}); err != nil {
			return err
		}
		_, err := tx.Delete("Patient", "old")
		return err
	})
	if close(deleted); err != nil {
		t.Error(err)
	}
	if err := <-big; err != nil {
		t.Error(err)
	}
}
