package mongo

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"fhirside/resources/store"
	"fhirside/resources/store/mongo/mongotest"
	"fhirside/search"
	"fhirside/search/index"
	"fhirside/search/searchtest"
)

// Documents that lack what orders them hide no others, and those that lack a version are written over all the same.
func TestStrangeDocuments(t *testing.T) {
	s := open(t, Options{})
	err := s.Commit(t.Context(), func(tx store.Tx) error {
		for i := range 6 {
			id := fmt.Sprint("p", i)
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
	for id, update := range map[string]any{"p1": d("$unset", d("index", "")), "p2": d("$set", d("version", "two")), "p3": d("$set", d("version", int64(-1)))} {
		if _, err := patients.UpdateByID(t.Context(), id, update); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := patients.InsertOne(t.Context(), d("_id", "stranger", "resource", d("resourceType", "Patient", "id", "stranger"))); err != nil {
		t.Fatal(err)
	}
	pages := func(sort ...search.SortKey) (ids []string) {
		t.Helper()
		q := store.Search{Types: []string{"Patient"}, Filter: search.All{}, Sort: sort, Limit: 2}
		for more := true; more; {
			more = false
			for m, err := range s.Search(t.Context(), q) {
				if err != nil {
					t.Fatal(err)
				}
				if isDamaged := m.ID == "p2" || m.ID == "p3"; isDamaged != (m.Damage != nil) {
					t.Errorf("%s: %v", m.ID, m.Damage)
				}
				ids, q.After, more = append(ids, m.ID), m.Position, true
			}
		}
		slices.Sort(ids)
		return ids
	}
	whole := []string{"p0", "p2", "p3", "p4", "p5"}
	for _, sort := range [][]search.SortKey{
		nil, {{Param: "family", Kind: search.TypeString}}, {{Param: "family", Kind: search.TypeString, Descending: true}},
		{{Param: "_lastUpdated", Kind: search.TypeDate}}, {{Param: "_lastUpdated", Kind: search.TypeDate, Descending: true}},
	} {
		if ids := pages(sort...); !slices.Equal(ids, whole) {
			t.Errorf("by %v: %v", sort, ids)
		}
	}
	done, err := s.Reindex(t.Context(), store.Reindex{Limit: 100, Values: func(v store.Version) (index.Values, error) {
		if v.Damage != nil {
			return index.Values{}, v.Damage
		}
		return searchtest.Values(v.Body)
	}})
	if err != nil || done.Done != 7 || len(done.Kept) != 3 {
		t.Errorf("%+v, %v", done, err)
	}
	if ids := pages(); !slices.Equal(ids, []string{"p0", "p1", "p2", "p3", "p4", "p5"}) {
		t.Errorf("indexed anew: %v", ids)
	}
	for _, id := range []string{"p2", "p3", "stranger"} {
		err := s.Commit(t.Context(), func(tx store.Tx) error {
			v, err := tx.Read("Patient", id)
			if err != nil || v.Damage == nil || v.Version != 1 {
				t.Errorf("%s: %+v, %v", id, v, err)
			}
			return tx.Put(patient(id, id, v.Version+1, tx.Now()))
		})
		if err != nil {
			t.Fatal(err)
		}
		if v, err := s.Read(t.Context(), "Patient", id); err != nil || v.Damage != nil || v.Version != 2 {
			t.Errorf("%s is not whole again: %+v, %v", id, v, err)
		}
	}
}

// Counts go by the documents that have an id, as searches do, also where a chain leads to one that has none.
func TestCountAmongStrangers(t *testing.T) {
	s := open(t, Options{})
	load(t, s, [][]store.Record{clinic()[:100]})
	var document bson.D
	if err := s.db.Collection("Patient").FindOne(t.Context(), d("_id", "p5")).Decode(&document); err != nil {
		t.Fatal(err)
	}
	document[0].Value = bson.NewObjectID() // as a shell does who inserts a copy
	if _, err := s.db.Collection("Patient").InsertOne(t.Context(), document); err != nil {
		t.Fatal(err)
	}
	for _, link := range []search.Filter{
		search.Chain{Param: "subject", Type: "Patient", Filter: search.Token{Param: "gender", AnySystem: true, Code: "female"}},
		search.And{search.Chain{Param: "subject", Type: "Patient", Filter: search.All{}}, search.Token{Param: "category", AnySystem: true, Code: "survey"}},
	} {
		found, err := listOf(s.Search(t.Context(), store.Search{Types: []string{"Observation"}, Filter: link}))
		if err != nil || len(found) == 0 {
			t.Errorf("found %d, %v", len(found), err)
		}
		if n, err := s.Count(t.Context(), []string{"Observation"}, link); err != nil || n != int64(len(found)) {
			t.Errorf("counted %d of %d, %v", n, len(found), err)
		}
	}
}

// A version whose commit is no number has no place in the order of commits. It keeps no server from starting, and no commit from its time.
func TestCommitThatIsNone(t *testing.T) {
	t.Parallel()
	for _, commit := range []any{"text", time.Now(), math.Inf(1), bson.NewObjectID(), nil} {
		uri := mongotest.URI(t)
		s := openAt(t, uri, Options{})
		put(t, s, "a", "a")
		newest := put(t, s, "b", "b")
		if _, err := s.db.Collection(historyName).UpdateByID(t.Context(), "Patient/a/0000000001", d("$set", d("commit", commit))); err != nil {
			t.Fatal(err)
		}
		again := openAt(t, uri, Options{})
		if _, err := again.Ready(t.Context()); err != nil {
			t.Errorf("%v: %v", commit, err)
		}
		if later := put(t, again, "c", "c"); !later.Updated.After(newest.Updated) || later.Updated.After(time.Now().Add(time.Hour)) {
			t.Errorf("%v: %v follows %v", commit, later.Updated, newest.Updated)
		}
		if got := changesOf(t, again); len(got) != 2 {
			t.Errorf("%v: %v", commit, got)
		}
		if got := historyOf(t, again, store.History{Type: "Patient", ID: "a"}); len(got) != 1 {
			t.Errorf("%v: its own history %v", commit, got)
		}
	}
}
