package mongo

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"

	"fhirside/resources/store"
	"fhirside/resources/store/mongo/mongotest"
	"fhirside/search"
)

// restore copies a database as mongodump and mongorestore do: the documents of each collection as they are, and then its indexes.
func restore(t *testing.T, from, to *driver.Database, without ...string) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	names, err := from.ListCollectionNames(t.Context(), d())
	must(err)
	for _, name := range names {
		if slices.Contains(without, name) {
			continue
		}
		cursor, err := from.Collection(name).Find(t.Context(), d())
		must(err)
		var documents []bson.Raw
		must(cursor.All(t.Context(), &documents))
		must(to.CreateCollection(t.Context(), name))
		if len(documents) > 0 {
			_, err = to.Collection(name).InsertMany(t.Context(), documents)
			must(err)
		}
		if slices.Contains(without, "indexes") {
			continue
		}
		cursor, err = from.Collection(name).Indexes().List(t.Context())
		must(err)
		var indexes []bson.Raw
		must(cursor.All(t.Context(), &indexes))
		indexes = slices.DeleteFunc(indexes, func(index bson.Raw) bool { return index.Lookup("name").StringValue() == "_id_" })
		if len(indexes) > 0 {
			must(to.RunCommand(t.Context(), d("createIndexes", name, "indexes", indexes)).Err())
		}
	}
}

// TestRestored: from a backup everything comes back, with positions, cursors, entries and secrets, and goes on where it was.
func TestRestored(t *testing.T) {
	t.Parallel()
	uri := mongotest.URI(t)
	s := openAt(t, uri, Options{})
	put(t, s, "a", "1")
	last := put(t, s, "a", "2")
	put(t, s, "b", "3")
	put(t, s, "gone", "gone")
	remove(t, s, "gone")
	if err := s.Commit(t.Context(), func(tx store.Tx) error { return tx.Put(prescription("m", tx.Now())) }); err != nil {
		t.Fatal(err)
	}
	revision, err := s.State().Put(t.Context(), store.Entry{Kind: "grant", Key: "1", Value: []byte(`{}`), Expires: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	secret, err := s.Secret(t.Context(), "cursors")
	if err != nil {
		t.Fatal(err)
	}
	patients := store.Search{Types: []string{"Patient"}, Filter: search.All{}}
	page := func(s *Store, q store.Search) []store.Match {
		t.Helper()
		list, err := listOf(s.Search(t.Context(), q))
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	first := patients
	first.Limit = 1
	position, err := s.Position(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	next := patients
	next.After = page(s, first)[0].Position
	for name, without := range map[string][]string{"all of it": nil, "without indexes": {"indexes"}} {
		t.Run(name, func(t *testing.T) {
			uri := mongotest.URI(t)
			restore(t, s.db, mongotest.Shell(t, uri), without...)
			restored := openAt(t, uri, Options{})
			until(t, "no index is missing", func() bool {
				missing, err := restored.missingIndexes(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				return len(missing) == 0
			})
			if got, want := changesOf(t, restored), changesOf(t, s); !slices.Equal(got, want) {
				t.Errorf("changes %v, not %v", got, want)
			}
			ofOne := store.History{Type: "Patient", ID: "a"}
			if got, want := historyOf(t, restored, ofOne), historyOf(t, s, ofOne); !slices.Equal(got, want) {
				t.Errorf("history %v, not %v", got, want)
			}
			if v, err := restored.Read(t.Context(), "Patient", "gone"); err != nil || !v.Deleted() {
				t.Errorf("what was deleted: %v, %v", v, err)
			}
			if got := page(restored, store.Search{Types: patients.Types, Filter: identified("2")}); len(got) != 1 || got[0].ID != "a" {
				t.Errorf("by identifier: %v", got)
			}
			if got := page(restored, store.Search{Types: []string{search.ContainedType("Medication")}, Filter: search.OnContained(search.All{})}); len(got) != 1 {
				t.Errorf("contained: %v", got)
			}
			if got := page(restored, next); len(got) != 1 {
				t.Errorf("behind a cursor of before: %v", got)
			}
			if got, err := restored.Secret(t.Context(), "cursors"); err != nil || *got != *secret {
				t.Errorf("another secret, %v", err)
			}
			entry, err := restored.State().Get(t.Context(), "grant", "1")
			if err != nil || entry.Revision != revision {
				t.Fatalf("entry %+v, %v", entry, err)
			}
			if _, err := restored.State().Put(t.Context(), entry); err != nil {
				t.Error(err)
			}
			if v := put(t, restored, "a", "4"); v.Version != last.Version+1 || !v.Updated.After(last.Updated) {
				t.Errorf("version %d of %v follows", v.Version, v.Updated)
			}
			changed, err := listOf(restored.Changes(t.Context(), position))
			if err != nil || len(changed) != 1 || changed[0].ID != "a" {
				t.Errorf("behind a position of before: %v, %v", changed, err)
			}
		})
	}
	t.Run("an older backup than a position", func(t *testing.T) {
		uri := mongotest.URI(t)
		restore(t, s.db, mongotest.Shell(t, uri))
		restored := openAt(t, uri, Options{})
		put(t, s, "late", "late")
		position, err := s.Position(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := listOf(restored.Changes(t.Context(), position)); !errors.Is(err, store.ErrTooLate) {
			t.Errorf("whoever has seen what is not there: %v", err)
		}
	})
}

// TestRestoredClock: where the clock was not restored, or is older than what was, commits follow those that are there nevertheless.
func TestRestoredClock(t *testing.T) {
	t.Parallel()
	uri := mongotest.URI(t)
	s := openAt(t, uri, Options{})
	ahead := time.Now().Add(time.Hour).UnixMicro()
	if _, err := s.db.Collection(clockName).UpdateByID(t.Context(), clockID, d("$set", d("time", ahead-ahead%perTime))); err != nil {
		t.Fatal(err)
	}
	newest := put(t, s, "a", "1")
	for _, name := range []string{clockName, ""} {
		uri := mongotest.URI(t)
		db := mongotest.Shell(t, uri)
		restore(t, s.db, db, name)
		if name == "" {
			if _, err := db.Collection(clockName).UpdateByID(t.Context(), clockID, d("$set", d("time", int64(1_700_000_000_000_000)))); err != nil {
				t.Fatal(err)
			}
		}
		restored := openAt(t, uri, Options{})
		if later := put(t, restored, "b", "2"); !later.Updated.After(newest.Updated) {
			t.Errorf("without %q: %v follows %v", name, later.Updated, newest.Updated)
		}
		if got := changesOf(t, restored); len(got) != 2 || !strings.Contains(got[1], `"b"`) {
			t.Errorf("without %q: %v", name, got)
		}
	}
}
