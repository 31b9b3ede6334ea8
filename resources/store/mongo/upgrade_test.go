package mongo

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"

	"fhirside/resources/store"
	"fhirside/resources/store/mongo/mongotest"
	"fhirside/resources/store/storetest"
)

// put writes the next version of a patient; deleted where it ends.
func put(t *testing.T, s *Store, id, identifier string) store.Version {
	t.Helper()
	var written store.Version
	err := s.Commit(t.Context(), func(tx store.Tx) error {
		before, err := tx.Read("Patient", id)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		r := patient(id, identifier, before.Version+1, tx.Now())
		written = r.Version
		return tx.Put(r)
	})
	if err != nil {
		t.Fatal(err)
	}
	return written
}

func remove(t *testing.T, s *Store, id string) {
	t.Helper()
	if err := s.Commit(t.Context(), func(tx store.Tx) error { _, err := tx.Delete("Patient", id); return err }); err != nil {
		t.Fatal(err)
	}
}

// told is what a list of versions says, without positions.
func told(t *testing.T, list iter.Seq2[store.Version, error]) (lines []string) {
	t.Helper()
	for v, err := range list {
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprint(v.Type, v.ID, v.Version, v.Updated, v.Method, string(v.Body)))
	}
	return lines
}

func changesOf(t *testing.T, s *Store) []string {
	t.Helper()
	return told(t, func(yield func(store.Version, error) bool) {
		for c, err := range s.Changes(t.Context(), "") {
			if !yield(c.Version, err) {
				return
			}
		}
	})
}

func historyOf(t *testing.T, s *Store, h store.History) []string {
	t.Helper()
	return told(t, func(yield func(store.Version, error) bool) {
		for e, err := range s.History(t.Context(), h) {
			if !yield(e.Version, err) {
				return
			}
		}
	})
}

// layout1 makes a database what a server of layout 1 would have made of it.
func layout1(t *testing.T, db *driver.Database) {
	t.Helper()
	history := db.Collection(historyName)
	cursor, err := history.Find(t.Context(), d())
	if err != nil {
		t.Fatal(err)
	}
	var all []bson.D
	if err := cursor.All(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	var earlier []any
	for _, document := range all {
		fields := map[string]any{}
		var rest bson.D
		for _, e := range document {
			switch e.Key {
			case "type", "id", "version":
				fields[e.Key] = e.Value
			case "_id":
			default:
				rest = append(rest, e)
			}
		}
		id := d("type", fields["type"], "id", fields["id"], "version", fields["version"])
		earlier = append(earlier, append(d("_id", id), rest...))
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err = history.DeleteMany(t.Context(), d())
	must(err)
	_, err = history.InsertMany(t.Context(), earlier)
	must(err)
	must(history.Indexes().DropOne(t.Context(), typesIndex))
	_, err = history.Indexes().CreateOne(t.Context(), driver.IndexModel{Keys: d("_id.type", 1, "commit", 1, "n", 1), Options: historyIndexes()[1].Options})
	must(err)
	var clock bson.M
	must(db.Collection(clockName).FindOneAndDelete(t.Context(), d("_id", clockID)).Decode(&clock))
	_, err = db.Collection(clockName).InsertOne(t.Context(), d("_id", earlierClockID, "time", clock["time"], "open", bson.A{}))
	must(err)
	_, err = db.Collection(schemaName).ReplaceOne(t.Context(), d("_id", schemaID), d("version", int32(1)))
	must(err)
}

// layout1Server is what a server of layout 1 does with the clock.
type layout1Server struct {
	t  *testing.T
	db *driver.Database
}

func (o layout1Server) change(update bson.A) error {
	return o.db.Collection(clockName).FindOneAndUpdate(o.t.Context(), d("_id", earlierClockID), update).Err()
}

// begin begins a commit, and end ends it.
func (o layout1Server) begin() error {
	open := d("$filter", d("input", "$open", "cond", notLapsed))
	next := d("$max", bson.A{d("$add", bson.A{"$time", int64(1000)}), d("$multiply", bson.A{serverNow, int64(1000)})})
	begins := bson.A{d("commit", d("$add", bson.A{"$time", int64(0)}), "owner", int64(7), "until", d("$add", bson.A{serverNow, int64(3_600_000)}))}
	return o.change(bson.A{d("$set", d("time", next)), d("$set", d("open", d("$concatArrays", bson.A{open, begins})))})
}

func (o layout1Server) end() error {
	stays := d("$and", bson.A{notLapsed, d("$ne", bson.A{"$$this.owner", int64(7)})})
	return o.change(bson.A{d("$set", d("open", d("$filter", d("input", "$open", "cond", stays))))})
}

// TestUpgradeFromLayout1: a database of layout 1 is brought up to date while it is read and written, and servers of layout 1 write no
// more.
func TestUpgradeFromLayout1(t *testing.T) {
	t.Parallel()
	uri := mongotest.URI(t)
	s := openAt(t, uri, Options{})
	err := s.Commit(t.Context(), func(tx store.Tx) error {
		for i := range 4*convertedAtOnce + 50 {
			if err := tx.Put(patient(fmt.Sprint("p", i%150), fmt.Sprint("n", i), int64(i/150)+1, tx.Now())); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, "gone", "gone")
	remove(t, s, "gone")
	before, ofOne, ofType := changesOf(t, s), historyOf(t, s, store.History{Type: "Patient", ID: "p3"}), historyOf(t, s, store.History{Type: "Patient"})
	db := s.db
	layout1(t, db)
	older := layout1Server{t, db}
	if err := older.begin(); err != nil {
		t.Fatal(err)
	}

	short := Options{Timeout: time.Second, CommitTimeout: 5 * time.Second}
	early := openAt(t, uri, short)
	until(t, "it waits for a server of layout 1 that commits", func() bool {
		_, err := early.Ready(t.Context())
		if !errors.Is(err, store.ErrUnavailable) {
			t.Fatal(err)
		}
		return strings.Contains(err.Error(), "older version are not over")
	})
	if err := older.begin(); err == nil {
		t.Error("a server of layout 1 begins another commit")
	}
	if err := older.end(); err != nil {
		t.Errorf("a server of layout 1 cannot end its commit: %v", err)
	}
	// Somebody who does nothing holds the lease, so that all documents stay as they are for a while.
	hold := func(until time.Time) {
		_, err := db.Collection(schemaName).UpdateByID(t.Context(), schemaID, d("$set", d("owner", int64(1), "until", until.UnixMilli())))
		if err != nil {
			t.Fatal(err)
		}
	}
	killed := make(chan struct{})
	die := sync.OnceFunc(func() { close(killed) })
	defer die()
	stores := []*Store{openAt(t, uri, Watched(halfway(killed))), openAt(t, uri, Options{})}
	hold(time.Now().Add(time.Hour))
	for _, s := range stores {
		work, err := s.Ready(t.Context())
		if err != nil || !strings.Contains(work, "brought up to date") {
			t.Errorf("ready: %q, %v", work, err)
		}
	}
	if err := older.begin(); err == nil {
		t.Error("a server of layout 1 begins another commit")
	}
	for layout := range int32(2) {
		if older, err := Open(t.Context(), uri, Options{schema: layout + 1}); err == nil || !strings.Contains(err.Error(), "newer fhirside") {
			t.Errorf("a server of layout %d starts: %v, %v", layout+1, older, err)
		}
	}
	same := func(what string, got, want []string) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("%s: %d, not %d, or others", what, len(got), len(want))
		}
	}
	same("all", changesOf(t, stores[0]), before)
	same("of one", historyOf(t, stores[1], store.History{Type: "Patient", ID: "p3"}), ofOne)
	same("of a type", historyOf(t, stores[1], store.History{Type: "Patient"}), ofType)
	if v, err := stores[0].ReadVersion(t.Context(), "Patient", "p3", 2); err != nil || v.Version != 2 {
		t.Errorf("%v, %v", v, err)
	}
	if v, err := stores[0].Read(t.Context(), "Patient", "gone"); err != nil || !v.Deleted() {
		t.Errorf("%v, %v", v, err)
	}
	// Versions go on, also of what was deleted long ago and of what is written as if it were new.
	if v := put(t, stores[1], "gone", "back"); v.Version != 3 {
		t.Errorf("version %d", v.Version)
	}
	err = stores[0].Commit(t.Context(), func(tx store.Tx) error { return tx.Put(patient("p4", "p4", 1, tx.Now())) })
	if err == nil {
		t.Error("version 1 is there a second time")
	}
	err = stores[0].Commit(t.Context(), func(tx store.Tx) error { _, err := tx.Purge("Patient", "p5"); return err })
	if err != nil {
		t.Error(err)
	}
	if left := historyOf(t, stores[1], store.History{Type: "Patient", ID: "p5"}); len(left) != 1 {
		t.Errorf("%d versions of what is purged", len(left))
	}
	after := changesOf(t, stores[1])

	// One converts and is killed midway; another one goes on while clients write.
	stores[1].close()
	early.close()
	hold(time.Now().Add(-time.Second))
	progress := func() (done int64, over bool) {
		state, err := db.Collection(schemaName).FindOne(t.Context(), d("_id", schemaID)).Raw()
		if err != nil {
			t.Fatal(err)
		}
		done, _ = whole(state.Lookup("done"))
		_, err = state.LookupErr("from")
		return done, err != nil
	}
	for done, over := progress(); done < convertedAtOnce && !over; done, over = progress() {
		wait(t, time.Millisecond)
	}
	stores[0].close()
	die()
	hold(time.Now().Add(-time.Second))
	if done, over := progress(); over {
		t.Errorf("it is over after %d", done)
	}
	same("all, midway", changesOf(t, stores[1]), after)
	last := openAt(t, uri, Options{})
	var writing sync.WaitGroup
	written := make([][]string, 4)
	stop := make(chan struct{})
	for i := range written {
		writing.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				id := fmt.Sprintf("w%d-%d", i, n)
				if err := last.Commit(t.Context(), func(tx store.Tx) error { return tx.Put(patient(id, id, 1, tx.Now())) }); err != nil {
					t.Error(err)
					return
				}
				written[i] = append(written[i], id)
			}
		})
	}
	for work := "?"; work != ""; work, err = last.Ready(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		wait(t, 5*time.Millisecond)
	}
	close(stop)
	writing.Wait()
	n, err := db.Collection(historyName).CountDocuments(t.Context(), d("_id", d("$type", "object")))
	if err != nil || n != 0 {
		t.Errorf("%d documents of layout 1 are left, %v", n, err)
	}
	missing, err := last.missingIndexes(t.Context())
	if err != nil || len(missing) > 0 {
		t.Errorf("%v are missing, %v", missing, err)
	}
	now := changesOf(t, last)
	same("all, converted", now[:len(after)], after)
	count := 0
	for _, ids := range written {
		count += len(ids)
	}
	if len(now)-len(after) != count || count == 0 {
		t.Errorf("%d versions were written meanwhile, and %d are there", count, len(now)-len(after))
	}
	state, err := db.Collection(schemaName).FindOne(t.Context(), d("_id", schemaID)).Raw()
	if err != nil {
		t.Fatal(err)
	}
	if version, _ := whole(state.Lookup("version")); version != schemaVersion {
		t.Errorf("the schema's document says %v", state)
	}
	if _, err := state.LookupErr("from"); err == nil {
		t.Errorf("the schema's document says %v", state)
	}
}

// halfway holds a process that converts documents back before it notes that a second batch is done.
func halfway(until <-chan struct{}) func(bson.Raw) {
	return func(command bson.Raw) {
		noted, err := command.LookupErr("update", "1", "$set", "done", "$cond", "1", "$literal")
		if err != nil {
			return
		}
		if done, _ := whole(noted); done > convertedAtOnce {
			<-until
		}
	}
}

// TestContractOfTwoLayouts: the contract holds as well while there may be documents of layout 1.
func TestContractOfTwoLayouts(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		s := open(t, Options{})
		s.upgrade.old.Store(true)
		return s
	})
}

// TestOvertaken: when a newer server comes, older ones that run write no more and say so, and nothing of theirs is lost.
func TestOvertaken(t *testing.T) {
	t.Parallel()
	uri := mongotest.URI(t)
	older := openAt(t, uri, Options{})
	var acknowledged [4][]string
	var writing sync.WaitGroup
	begun := make(chan struct{}, len(acknowledged))
	for i := range acknowledged {
		writing.Go(func() {
			for n := 0; ; n++ {
				id := fmt.Sprintf("w%d-%d", i, n)
				err := older.Commit(t.Context(), func(tx store.Tx) error { return tx.Put(patient(id, id, 1, tx.Now())) })
				if err != nil {
					if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "newer fhirside") {
						t.Errorf("the older server: %v", err)
					}
					return
				}
				acknowledged[i] = append(acknowledged[i], id)
				if n == 3 {
					begun <- struct{}{}
				}
			}
		})
	}
	for range acknowledged {
		<-begun
	}
	newer := openAt(t, uri, Options{schema: schemaVersion + 1})
	until(t, "the newer server has taken over", func() bool {
		work, err := newer.Ready(t.Context())
		return err == nil && work == ""
	})
	seen := changesOf(t, newer)
	writing.Wait()
	if now := changesOf(t, newer); !slices.Equal(now, seen) {
		t.Errorf("%d versions after the newer server took over, %d when it did", len(now), len(seen))
	}
	n := 0
	for _, ids := range acknowledged {
		n += len(ids)
	}
	if n != len(seen) {
		t.Errorf("%d are there, %d were acknowledged", len(seen), n)
	}
	put(t, newer, "new", "new")
	if _, err := older.Ready(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("the older server is ready: %v", err)
	}
	if _, err := older.Read(t.Context(), "Patient", "new"); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("the older server reads: %v", err)
	}
}

// TestOvertakenAtRest: a server that commits nothing learns as well that a newer one has taken over, before it reads or keeps entries in
// a layout that it does not know.
func TestOvertakenAtRest(t *testing.T) {
	t.Parallel()
	uri := mongotest.URI(t)
	older := openAt(t, uri, Options{watch: 10 * time.Millisecond})
	entry := store.Entry{Kind: "k", Key: "1", Value: []byte("{}")}
	if _, err := older.State().Put(t.Context(), entry); err != nil {
		t.Fatal(err)
	}
	openAt(t, uri, Options{schema: schemaVersion + 1})
	until(t, "the older server reads no entries", func() bool {
		_, err := older.State().Get(t.Context(), "k", "1")
		if err != nil && !errors.Is(err, store.ErrUnavailable) {
			t.Fatal(err)
		}
		return err != nil
	})
	entry.Key = "2"
	if _, err := older.State().Put(t.Context(), entry); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("the older server keeps entries: %v", err)
	}
	if _, err := older.Read(t.Context(), "Patient", "a"); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("the older server reads: %v", err)
	}
}
