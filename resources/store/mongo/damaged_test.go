package mongo

import (
	"fmt"
	"slices"
	"testing"

	"fhirside/resources/store"
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
