package storetest

import (
	"errors"
	"fmt"

	"fhirside/resources/store"
	"fhirside/search/index"
)

// oldRules: from when a number of rules is required on, no record of a lower one is written.
func oldRules(w *world) {
	put := func(id string, rules int64) error {
		return w.Commit(w.ctx, func(tx store.Tx) error {
			v := store.Version{Key: store.Key{Type: "Patient", ID: id}, Version: 1, Updated: tx.Now(), Method: store.Created}
			v.Body = []byte(`{"resourceType":"Patient","id":"` + id + `"}`)
			return tx.Put(store.Record{Version: v, Rules: rules})
		})
	}
	for _, step := range []struct {
		require, rules int64
		want           error
	}{{0, 0, nil}, {0, 4, nil}, {3, 2, store.ErrRules}, {3, 3, nil}, {2, 2, store.ErrRules}, {5, 4, store.ErrRules}, {5, 6, nil}} {
		if err := w.Require(w.ctx, step.require); err != nil {
			w.Fatalf("require %d: %v", step.require, err)
		}
		if _, err := w.Reindex(w.ctx, store.Reindex{Limit: 1, Rules: step.rules, Values: func(store.Version) (index.Values, error) {
			return index.Values{}, nil
		}}); !errors.Is(err, step.want) {
			w.Fatalf("reindex by rules %d where %d are required: got %v, not %v", step.rules, step.require, err, step.want)
		}
		id := fmt.Sprintf("p%d-%d", step.require, step.rules)
		if err := put(id, step.rules); !errors.Is(err, step.want) {
			w.Fatalf("put by rules %d where %d are required: got %v, not %v", step.rules, step.require, err, step.want)
		}
		if _, err := w.Read(w.ctx, "Patient", id); (err == nil) != (step.want == nil) {
			w.Fatalf("read %s: %v", id, err)
		}
	}
}

// reindexing: new values are found, old ones are not, versions stay, and batches meet each resource of the types once.
func reindexing(w *world) {
	var before []store.Version
	for i := range 25 {
		before = append(before, w.put(fmt.Sprintf(`{"resourceType":"Patient","id":"p%d","gender":"male","birthDate":"1970-01-0%d"}`, i, i%9+1))...)
	}
	w.put(`{"resourceType":"Observation","id":"o","status":"final","code":{"text":"x"},"effectiveDateTime":"2020-01-01"}`)
	w.delete("Patient", "p0")
	met := map[store.Key]int{}
	values := func(v store.Version) (index.Values, error) {
		met[v.Key]++
		if v.ID == "p1" {
			return index.Values{}, errors.New("no values")
		}
		return index.Values{Tokens: []index.Token{{Param: "gender", Code: "other", Fold: true}}, Dates: []index.Date{{Param: "birthdate", Lo: 0, Hi: 1}}}, nil
	}
	last, total, kept := "", 0, 0
	for {
		done, err := w.Reindex(w.ctx, store.Reindex{Types: []string{"Patient"}, After: last, Limit: 7, Values: values})
		if err != nil {
			w.Fatal(err)
		}
		total, kept, last = total+done.Done, kept+len(done.Kept), done.Last
		if last == "" {
			break
		}
	}
	if total != 24 || kept != 1 || len(met) != 24 {
		w.Fatalf("%d resources were looked at and %d kept, %d met; not 24, 1 and 24", total, kept, len(met))
	}
	for query, want := range map[string]int{"Patient?gender=other": 23, "Patient?gender=male": 1, "Patient?birthdate=gt1969-12&birthdate=lt1970-01-01T00:00:01Z": 23, "Observation?date=2020": 1} {
		q := w.query(query)
		if n, err := w.Count(w.ctx, q.Types, q.Filter); err != nil || int(n) != want {
			w.Errorf("%s: %d (%v), not %d", query, n, err, want)
		}
	}
	for _, v := range before[1:] {
		w.is("after reindexing", w.read("Patient", v.ID), v)
	}
	w.put(`{"resourceType":"Patient","id":"p5","gender":"female"}`)
	for query, want := range map[string]int{"Patient?gender=other": 22, "Patient?gender=female": 1} {
		q := w.query(query)
		if n, err := w.Count(w.ctx, q.Types, q.Filter); err != nil || int(n) != want {
			w.Errorf("%s after a write: %d (%v), not %d", query, n, err, want)
		}
	}
	if _, err := w.Reindex(w.ctx, store.Reindex{Limit: 1000, Values: func(v store.Version) (index.Values, error) {
		met[v.Key]++
		return index.Values{}, errors.New("no values")
	}}); err != nil || met[store.Key{Type: "Observation", ID: "o"}] != 1 {
		w.Errorf("all types: %v, and met %v", err, met)
	}
}
