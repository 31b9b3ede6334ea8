package storetest

import (
	"slices"
	"time"

	"fhirside/resources/store"
	"fhirside/search/index"
)

// importing: versions come with their numbers and times, and what is written afterwards goes on from there.
func importing(w *world) {
	at := func(milliseconds int) time.Time {
		return time.Date(2020, 1, 1, 0, 0, 0, milliseconds*int(time.Millisecond), time.UTC)
	}
	version := func(id string, number int64, updated time.Time, method store.Method) store.Version {
		v := store.Version{Key: store.Key{Type: "Patient", ID: id}, Version: number, Updated: updated, Method: method}
		if method != store.Deleted {
			v.Body = []byte(`{"resourceType":"Patient","id":"` + id + `","gender":"male"}`)
		}
		return v
	}
	batches := [][]store.Version{
		{version("a", 1, at(0), store.Created), version("b", 1, at(0), store.Created), version("a", 2, at(1), store.Updated)},
		{version("c", 1, at(1), store.Updated), version("b", 2, at(1), store.Deleted), version("purged", 7, at(5), store.Deleted)},
		{version("b", 3, at(1000), store.Updated), version("purged", 9, at(1000), store.Updated), version("a", 3, at(2000), store.Updated)},
	}
	bring := func(batch []store.Version) error {
		return w.Commit(w.ctx, func(tx store.Tx) error {
			for _, v := range batch {
				r := store.Record{Version: v}
				if v.Body != nil {
					r.Values = index.Values{Tokens: []index.Token{{Param: "gender", Code: "male", Fold: true}}}
				}
				if err := tx.Import(r); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for _, batch := range batches {
		if err := bring(batch); err != nil {
			w.Fatal(err)
		}
	}
	all := slices.Concat(batches...)
	n := 0
	for c, err := range w.Changes(w.ctx, "") {
		if err != nil || n >= len(all) {
			w.Fatalf("change %d: %v", n, err)
		}
		w.is("a change", c.Version, all[n])
		n++
	}
	if n != len(all) {
		w.Fatalf("%d changes, not %d", n, len(all))
	}
	for _, v := range all {
		found, err := w.ReadVersion(w.ctx, v.Type, v.ID, v.Version)
		if err != nil {
			w.Fatal(err)
		}
		w.is("a version", found, v)
	}
	if err := bring([]store.Version{version("d", 1, at(3), store.Created)}); err == nil {
		w.Error("a version that comes before others was taken")
	}
	if err := bring([]store.Version{version("a", 3, at(3000), store.Updated)}); err == nil {
		w.Error("a version that is there was taken again")
	}
	if next := w.put(`{"resourceType":"Patient","id":"purged"}`)[0]; next.Version != 10 || !next.Updated.After(at(2000)) {
		w.Errorf("the next version is %d of %v", next.Version, next.Updated)
	}
	if q := w.query("Patient?gender=male"); true {
		if n, err := w.Count(w.ctx, q.Types, q.Filter); err != nil || n != 3 {
			w.Errorf("%d are found (%v), not 3", n, err)
		}
	}
	if _, err := w.ReadVersion(w.ctx, "Patient", "purged", 8); err == nil {
		w.Error("a version that never was is there")
	}
}
