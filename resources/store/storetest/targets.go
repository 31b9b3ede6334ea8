package storetest

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"fhirside/resources/store"
)

// What follows holds a store to Tx.Targets and Tx.Retire: of a commit that refers to a resource and one that deletes it, one sees the other.

// refer puts Observations of a patient, the first of them under that id, and fails where there is no such patient.
func refer(tx store.Tx, id, patient string, n int) error {
	if err := tx.Expect(n); err != nil {
		return err
	}
	for i := range n {
		name := id
		if i > 0 {
			name = fmt.Sprintf("%s-%d", id, i)
		}
		body := doc("Observation", name, `"status":"final","code":{"text":"x"},"subject":{"reference":"Patient/`+patient+`"}`)
		if _, err := putNext(tx, body); err != nil {
			return err
		}
	}
	switch found, err := tx.Targets([]store.Key{{Type: "Patient", ID: patient}}); {
	case err != nil:
		return err
	case len(found) == 0:
		return errRefused
	}
	return nil
}

// unlessReferred deletes a patient to whom nothing refers. Where search is not empty it finds the patient first, as a conditional deletion
// does.
func (w *world) unlessReferred(tx store.Tx, patient, search string, looked func()) error {
	if search != "" {
		if found := names(all(w, search, tx.Search(w.query(search)))); len(found) == 0 {
			return errRefused
		}
	}
	if err := tx.Retire([]store.Key{{Type: "Patient", ID: patient}}); err != nil {
		return err
	}
	if v, err := tx.Read("Patient", patient); err != nil || v.Deleted() {
		return errors.Join(errRefused, err)
	}
	for _, err := range tx.Search(w.query("Observation?subject=Patient/" + patient)) {
		return errors.Join(errRefused, err)
	}
	looked()
	_, err := tx.Delete("Patient", patient)
	return err
}

// turn is how long a commit leaves the other one time to come between. One that is held up until this one has ended takes it all.
const turn = 50 * time.Millisecond

// turns lets the second of two commits run when the first has got somewhere, and the first go on when the second is over.
type turns struct {
	once  sync.Once
	begun chan struct{}
	over  chan struct{}
}

func newTurns() *turns { return &turns{begun: make(chan struct{}), over: make(chan struct{})} }

// pass gives the second commit its turn. The first may run again.
func (t *turns) pass() {
	t.once.Do(func() { close(t.begun) })
	timer := time.NewTimer(turn)
	defer timer.Stop()
	select {
	case <-t.over:
	case <-timer.C:
	}
}

// second runs the second commit in its turn.
func (t *turns) second(commit func() error) error {
	<-t.begun
	defer close(t.over)
	return commit()
}

// targets: one of the two goes through, and the other one is refused: as a rule that which looks later, but the first may have to run again
// for other reasons.
func targets(w *world) {
	for _, how := range []struct {
		name, search string
		n            int
	}{{"one", "", 1}, {"where", "Patient?identifier=", 1}, {"big", "", 250}} {
		for _, first := range []string{"refers", "deletes"} {
			id := how.name + "-" + first
			search := how.search
			if search != "" {
				search += id
			}
			w.put(doc("Patient", id, `"identifier":[{"value":"`+id+`"}]`))
			order := newTurns()
			reference := func(pass func()) error {
				return w.Commit(w.ctx, func(tx store.Tx) error {
					err := refer(tx, id, id, how.n)
					if err == nil {
						pass()
					}
					return err
				})
			}
			deletion := func(pass func()) error {
				return w.Commit(w.ctx, func(tx store.Tx) error { return w.unlessReferred(tx, id, search, pass) })
			}
			goes, waits := reference, deletion
			if first == "deletes" {
				goes, waits = deletion, reference
			}
			var errs [2]error
			w.together(2, func(i int) error {
				if i == 0 {
					errs[i] = goes(order.pass)
				} else {
					errs[i] = order.second(func() error { return waits(func() {}) })
				}
				return nil
			})
			n, deleted := w.referring(id), w.read("Patient", id).Deleted()
			if deleted == (n > 0) || errors.Is(errs[0], errRefused) == errors.Is(errs[1], errRefused) {
				w.Errorf("%s: deleted is %v, and %d refer to it; the commits returned %v and %v", id, deleted, n, errs[0], errs[1])
			}
		}
	}
}

func (w *world) referring(patient string) int {
	w.Helper()
	return len(w.ids(w.query("Observation?subject=Patient/" + patient)))
}

// targetsAtOnce: many refer to some resources and many delete them, also one while they refer to another.
func targetsAtOnce(w *world) {
	for round := range 6 {
		patient := func(i int) string { return fmt.Sprintf("%d-%d", round, i%2) }
		w.put(doc("Patient", patient(0), ""), doc("Patient", patient(1), ""))
		w.together(12, func(i int) error {
			err := w.Commit(w.ctx, func(tx store.Tx) error {
				if i%3 == 0 {
					return refer(tx, fmt.Sprintf("%d-%d", round, i), patient(i), 1)
				}
				if err := w.unlessReferred(tx, patient(i), "", func() {}); err != nil || i%3 == 1 {
					return err
				}
				return refer(tx, fmt.Sprintf("%d-%d", round, i), patient(i+1), 1)
			})
			if errors.Is(err, errRefused) {
				return nil
			}
			return err
		})
		for i := range 2 {
			if n := w.referring(patient(i)); n > 0 && w.read("Patient", patient(i)).Deleted() {
				w.Errorf("Patient/%s is deleted, and %d refer to it", patient(i), n)
			}
		}
	}
}
