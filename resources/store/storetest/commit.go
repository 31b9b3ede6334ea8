package storetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fhirside/resources/store"
)

// snapshot is all that a store shows.
func (w *world) snapshot() string {
	w.Helper()
	s := ""
	for _, c := range all(w, "changes", w.Changes(w.ctx, "")) {
		s += fmt.Sprintf("%s/%s/%d %d %v %s\n", c.Type, c.ID, c.Version.Version, c.Method, c.Updated, c.Body)
	}
	for _, url := range []string{"", "Patient?gender=female", "Patient?gender=male", "Patient?family=berg", "?_sort=-_lastUpdated"} {
		q := w.query(url)
		n, err := w.Count(w.ctx, q.Types, q.Filter)
		s += fmt.Sprintln(url, w.ids(q), n, err)
	}
	return s
}

// failing: a commit that returns an error leaves nothing, and the error comes back.
func failing(w *world) {
	w.put(doc("Patient", "a", `"gender":"female","name":[{"family":"Berg"}]`), doc("Patient", "b", ""))
	before := w.snapshot()
	err := w.Commit(w.ctx, func(tx store.Tx) error {
		if _, err := putNext(tx, doc("Patient", "a", `"gender":"male"`)); err != nil {
			return err
		}
		if _, err := putNext(tx, doc("Patient", "c", `"gender":"female"`)); err != nil {
			return err
		}
		if _, err := tx.Delete("Patient", "b"); err != nil {
			return err
		}
		return fmt.Errorf("after three writes: %w", errRefused)
	})
	w.fails("commit", err, errRefused)
	if after := w.snapshot(); after != before {
		w.Errorf("the store was\n%sand is\n%s", before, after)
	}
	if v := w.put(doc("Patient", "c", ""))[0]; v.Version != 1 {
		w.Errorf("what was undone counts as version: %d", v.Version)
	}
}

// panicking: so does one that panics, and the panic goes to its caller.
func panicking(w *world) {
	w.put(doc("Patient", "a", `"gender":"female"`))
	before := w.snapshot()
	func() {
		defer func() {
			if err, _ := recover().(error); !errors.Is(err, errRefused) {
				w.Errorf("the panic is %v", err)
			}
		}()
		w.Commit(w.ctx, func(tx store.Tx) error {
			if _, err := putNext(tx, doc("Patient", "a", `"gender":"male"`)); err != nil {
				return err
			}
			panic(errRefused)
		})
	}()
	if after := w.snapshot(); after != before {
		w.Errorf("the store was\n%sand is\n%s", before, after)
	}
	w.put(doc("Patient", "a", `"gender":"male"`))
}

// ownWrites: a commit sees what it wrote, and nobody else does before it is durable.
func ownWrites(w *world) {
	w.clinic()
	ids := func(tx store.Tx, url string) string {
		return fmt.Sprint(names(all(w, url, tx.Search(w.query(url)))))
	}
	w.commit(func(tx store.Tx) error {
		if _, err := putNext(tx, doc("Patient", "anna", `"gender":"male"`)); err != nil {
			return err
		}
		if v, err := tx.Read("Patient", "anna"); err != nil || v.Version != 2 || !v.Updated.Equal(tx.Now()) {
			w.Errorf("reads %+v %v", v, err)
		}
		for url, want := range map[string]string{
			"Patient?gender=female":                  "[]",
			"Patient?gender=male&_sort=_id":          "[Patient/anna Patient/bert Patient/carl]",
			"Observation?patient.gender=female":      "[]",
			"?_type=Patient&_sort=-_lastUpdated,_id": "[Patient/anna Patient/bert Patient/carl Patient/dora]",
		} {
			if got := ids(tx, url); got != want {
				w.Errorf("%s: %s, not %s", url, got, want)
			}
		}
		if _, err := tx.Delete("Patient", "bert"); err != nil {
			return err
		}
		if v, err := tx.Read("Patient", "bert"); err != nil || !v.Deleted() {
			w.Errorf("reads %+v %v", v, err)
		}
		q := w.query("Patient?gender=male")
		if n, err := tx.Count(q.Types, q.Filter); n != 2 || err != nil {
			w.Errorf("counts %d (%v)", n, err)
		}
		if got := w.ids(w.query("Patient?gender=female")); fmt.Sprint(got) != "[Patient/anna]" {
			w.Errorf("outside of the commit: %v", got)
		}
		for m, err := range tx.Search(w.query("Patient?_sort=_id")) { // writing while reading
			if err != nil {
				return err
			}
			if _, err := putNext(tx, doc("Patient", m.ID, `"gender":"other"`)); err != nil {
				return err
			}
		}
		if got := ids(tx, "Patient?gender=other&_sort=_id"); got != "[Patient/anna Patient/carl Patient/dora]" {
			w.Errorf("after writing while reading: %s", got)
		}
		return nil
	})
	w.finds("Patient?gender=other", "Patient/anna", "Patient/carl", "Patient/dora")
	if v := w.read("Patient", "anna").Version; v != 3 {
		w.Errorf("the version is %d", v)
	}
}

// searchedAndFailed: also what a commit wrote before it searched is undone.
func searchedAndFailed(w *world) {
	w.clinic()
	before := w.snapshot()
	err := w.Commit(w.ctx, func(tx store.Tx) error {
		for _, gender := range []string{"male", "other"} {
			if _, err := putNext(tx, doc("Patient", "anna", `"gender":"`+gender+`"`)); err != nil {
				return err
			}
			if _, err := putNext(tx, doc("Patient", "new", `"gender":"`+gender+`"`)); err != nil {
				return err
			}
			q := w.query("Patient?gender=" + gender + "&_id=anna,new")
			if n, err := tx.Count(q.Types, q.Filter); err != nil || n != 2 {
				w.Errorf("counts %d (%v)", n, err)
			}
		}
		return errRefused
	})
	w.fails("commit", err, errRefused)
	if after := w.snapshot(); after != before {
		w.Errorf("the store was\n%sand is\n%s", before, after)
	}
	w.put(doc("Patient", "new", `"gender":"female"`))
	w.finds("Patient?gender=female", "Patient/anna", "Patient/new")
}

// times: of UTC, in whole milliseconds, never going back, and those of the versions written.
func times(w *world) {
	var last time.Time
	for i := range 20 {
		var now time.Time
		w.commit(func(tx store.Tx) error {
			now = tx.Now()
			_, err := putNext(tx, doc("Patient", "a", fmt.Sprintf(`"multipleBirthInteger":%d`, i)))
			return err
		})
		if now.Before(last) || now.Location() != time.UTC || now != now.Truncate(time.Millisecond) {
			w.Errorf("%v follows %v", now, last)
		}
		if v := w.read("Patient", "a"); !v.Updated.Equal(now) || v.Updated.Location() != time.UTC {
			w.Errorf("the version of %v says %v", now, v.Updated)
		}
		last = now
	}
}

// cancelled: nothing begins with a context that has ended, and a commit says truly whether it was made.
func cancelled(w *world) {
	w.clinic()
	ctx, cancel := context.WithCancel(w.ctx)
	cancel()
	_, err := w.Read(ctx, "Patient", "anna")
	w.fails("read", err, context.Canceled)
	w.fails("search", end(w.Search(ctx, w.query("Patient"))), context.Canceled)
	w.fails("history", end(w.History(ctx, store.History{})), context.Canceled)
	w.fails("changes", end(w.Changes(ctx, "")), context.Canceled)
	q := w.query("Patient?gender=male")
	_, err = w.Count(ctx, q.Types, q.Filter)
	w.fails("count", err, context.Canceled)
	err = w.Commit(ctx, func(tx store.Tx) error {
		_, err := putNext(tx, doc("Patient", "never", ""))
		return err
	})
	w.fails("commit", err, context.Canceled)
	_, err = w.Read(w.ctx, "Patient", "never")
	w.fails("what it would have written", err, store.ErrNotFound)

	ctx, cancel = context.WithCancel(w.ctx)
	defer cancel()
	err = w.Commit(ctx, func(tx store.Tx) error {
		_, err := putNext(tx, doc("Patient", "late", ""))
		cancel()
		return err
	})
	_, missing := w.Read(w.ctx, "Patient", "late")
	if (err == nil) != (missing == nil) {
		w.Errorf("the commit says %v, and a read of what it wrote %v", err, missing)
	}
	if missing != nil && !errors.Is(missing, store.ErrNotFound) {
		w.Error(missing)
	}
	w.put(doc("Patient", "late", `"active":true`))
}

// nested: who takes matches may ask the store meanwhile, as often as there are matches.
func nested(w *world) {
	w.clinic()
	var walk func(depth int) int
	walk = func(depth int) (n int) {
		for m, err := range w.Search(w.ctx, w.query("Patient")) {
			if err != nil {
				w.Fatal(err)
			}
			w.read(m.Type, m.ID)
			n++
			if depth > 0 {
				n += walk(depth - 1)
			}
		}
		return n
	}
	if n := walk(3); n != 4+16+64+256 {
		w.Errorf("%d matches", n)
	}
	for e, err := range w.History(w.ctx, store.History{}) {
		if err != nil {
			w.Fatal(err)
		}
		w.read(e.Type, e.ID)
	}
	for c, err := range w.Changes(w.ctx, "") {
		if err != nil {
			w.Fatal(err)
		}
		w.put(doc(c.Type, c.ID, `"language":"en"`))
		break
	}
}
