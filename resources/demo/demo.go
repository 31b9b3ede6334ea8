package demo

import (
	"fmt"
	"hash/fnv"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"
)

// Clinic says which clinic to make. The same Clinic gives the same bytes, always and everywhere.
type Clinic struct {
	Patients int
	// Seed chooses the people and what happened to them. A bigger clinic of the same seed begins with the same people.
	Seed uint64
	// Today is the day, by its date alone, that the next six weeks of slots begin with and that the past is counted back from.
	Today time.Time
}

// Bundle is a transaction Bundle that puts each of its resources at its id, so that loading it again changes nothing.
type Bundle struct {
	Name string // a file name without its ending; names sort in the order of the Bundles
	Body []byte // canonical JSON
}

// patientsPerBundle keeps a Bundle at some 200 entries, which no database minds in one transaction.
const patientsPerBundle = 4

// Bundles are the clinic in an order in which it can be loaded: no Bundle refers to a later one.
func (c Clinic) Bundles() iter.Seq[Bundle] {
	return func(yield func(Bundle) bool) {
		w := newWorld(c)
		patients := w.admitPatients()
		if !yield(w.directory()) {
			return
		}
		for _, p := range w.staff {
			if !yield(w.agenda(p)) {
				return
			}
		}
		for first := 0; first < len(patients); first += patientsPerBundle {
			b := newBundle("3-patients-%05d", first+1)
			for _, p := range patients[first:min(first+patientsPerBundle, len(patients))] {
				w.chart(b, p)
			}
			if !yield(b.done()) {
				return
			}
		}
	}
}

// WriteFiles writes each Bundle to a file of its own in the folder, which is made if it is not there.
func (c Clinic) WriteFiles(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for b := range c.Bundles() {
		if err := os.WriteFile(filepath.Join(dir, b.Name+".json"), b.Body, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// world is the clinic while it is being made.
type world struct {
	seed  uint64
	today time.Time // midnight
	size  int
	staff []*practitioner
	diary diary
}

func newWorld(c Clinic) *world {
	y, m, d := c.Today.Date()
	w := &world{seed: c.Seed, today: time.Date(y, m, d, 0, 0, 0, 0, zone), size: c.Patients, diary: diary{}}
	w.hire()
	return w
}

// dice are random numbers that depend on the seed and on what they are for, and on nothing that was drawn before.
type dice struct{ *rand.Rand }

func (w *world) dice(purpose string, numbers ...int) dice {
	h := fnv.New64a()
	fmt.Fprint(h, purpose, numbers)
	return dice{rand.New(rand.NewPCG(w.seed, h.Sum64()))}
}

// between is a number from low to high, both included.
func (d dice) between(low, high int) int { return low + d.IntN(high-low+1) }

func (d dice) chance(percent int) bool { return d.IntN(100) < percent }

func pick[T any](d dice, from []T) T { return from[d.IntN(len(from))] }

// Proxy is the id of the first RelatedPerson who acts for a patient, and of that patient; "" in a clinic that has none.
func (c Clinic) Proxy() (relatedPerson, patient string) {
	for _, p := range newWorld(c).admitPatients() {
		if p.relative != nil && p.relative.proxy {
			return "relative-" + p.key(), p.id()
		}
	}
	return "", ""
}
