package storetest

import (
	"errors"
	"fmt"

	"fhirside/resources/store"
)

// purging: of a purged resource nothing is left but a deletion, and its versions go on.
func purging(w *world) {
	purge := func(resourceType, id string) (v store.Version) {
		w.Helper()
		w.commit(func(tx store.Tx) (err error) {
			v, err = tx.Purge(resourceType, id)
			return err
		})
		return v
	}
	gone := func(number int64) {
		w.Helper()
		for version := range number {
			if v, err := w.ReadVersion(w.ctx, "Patient", "a", version); !errors.Is(err, store.ErrNotFound) {
				w.Errorf("version %d is there: %v, %v", version, v, err)
			}
		}
		if v, err := w.Read(w.ctx, "Patient", "a"); err != nil || !v.Deleted() || v.Version != number || v.Body != nil {
			w.Errorf("read gives %v, %v", v, err)
		}
		history := all(w, "history", w.History(w.ctx, store.History{Type: "Patient", ID: "a"}))
		if len(history) != 1 || !history[0].Deleted() || history[0].Version.Version != number {
			w.Errorf("the history is %v", history)
		}
		for _, c := range all(w, "changes", w.Changes(w.ctx, "")) {
			if c.Type == "Patient" && c.ID == "a" && c.Body != nil {
				w.Errorf("changes have %s", c.Body)
			}
		}
		if found := w.ids(w.query("Patient?gender=female")); fmt.Sprint(found) != "[Patient/b]" {
			w.Errorf("found %v", found)
		}
	}
	w.put(doc("Patient", "a", `"gender":"female"`), doc("Patient", "b", `"gender":"female"`), doc("Observation", "a", ""))
	w.put(doc("Patient", "a", `"gender":"female","active":true`))
	if v := purge("Patient", "a"); v.Version != 3 || !v.Deleted() {
		w.Errorf("the purge is %v", v)
	}
	gone(3)
	// What was put since is purged as well, also in the same commit.
	if v := w.put(doc("Patient", "a", `"gender":"female"`))[0]; v.Version != 4 {
		w.Errorf("version %d after the purge", v.Version)
	}
	w.commit(func(tx store.Tx) error {
		if _, err := putNext(tx, doc("Patient", "a", `"gender":"female","active":false`)); err != nil {
			return err
		}
		_, err := tx.Purge("Patient", "a")
		return err
	})
	gone(6)
	if v := purge("Patient", "a"); v.Version != 7 { // of a deletion
		w.Errorf("the purge of a deletion is %v", v)
	}
	gone(7)
	w.fails("purge of what never was", w.Commit(w.ctx, func(tx store.Tx) error {
		_, err := tx.Purge("Patient", "never")
		return err
	}), store.ErrNotFound)
	// A purge that is undone leaves all as it was.
	before := w.snapshot()
	w.fails("undone", w.Commit(w.ctx, func(tx store.Tx) error {
		if _, err := tx.Purge("Patient", "b"); err != nil {
			return err
		}
		return errRefused
	}), errRefused)
	if after := w.snapshot(); after != before {
		w.Errorf("the store was\n%sand is\n%s", before, after)
	}
	if v, err := w.Read(w.ctx, "Observation", "a"); err != nil || v.Body == nil {
		w.Errorf("another type's resource of that id: %v, %v", v, err)
	}
}
