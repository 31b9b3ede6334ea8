package storetest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"fhirside/resources/store"
)

// ownWritesAtRandom: whatever a commit has put and deleted so far, of what was there and of what is new, each of its searches and counts
// sees exactly that.
func ownWritesAtRandom(w *world) {
	genders := []string{"male", "female", "other"}
	patient := func(i int, gender string) string {
		return doc("Patient", fmt.Sprint("p", i), fmt.Sprintf(`"gender":%q,"identifier":[{"system":"urn:x","value":"%d"}]`, gender, i))
	}
	there := map[int]string{} // committed
	for round := range 4 {
		random := rand.New(rand.NewPCG(uint64(round), 7))
		var now map[int]string
		w.commit(func(tx store.Tx) error {
			now = maps.Clone(there)
			for range 40 {
				i, gender := random.IntN(12), genders[random.IntN(len(genders))]
				if _, alive := now[i]; alive && random.IntN(4) == 0 {
					if _, err := tx.Delete("Patient", fmt.Sprint("p", i)); err != nil {
						return err
					}
					delete(now, i)
				} else {
					if _, err := putNext(tx, patient(i, gender)); err != nil {
						return err
					}
					now[i] = gender
				}
				if err := w.sees(tx, random, now, genders[random.IntN(len(genders))]); err != nil {
					return err
				}
			}
			return nil
		})
		there = now
	}
}

// sees holds that a commit finds the patients of a gender, and one by its identifier.
func (w *world) sees(tx store.Tx, random *rand.Rand, now map[int]string, gender string) error {
	var want []string
	for i, g := range now {
		if g == gender {
			want = append(want, fmt.Sprint("p", i))
		}
	}
	q := w.query("Patient?gender=" + gender)
	q.KeysOnly, q.Limit = random.IntN(3) > 0, random.IntN(4)
	found := map[string]bool{}
	for m, err := range tx.Search(q) {
		if err != nil {
			return err
		}
		found[m.ID] = true
	}
	n := len(want)
	if q.Limit > 0 {
		n = min(n, q.Limit)
	}
	if stray := slices.DeleteFunc(slices.Collect(maps.Keys(found)), func(id string) bool { return slices.Contains(want, id) }); len(stray) > 0 || len(found) != n {
		return fmt.Errorf("gender=%s, at most %d: found %v of %v", gender, q.Limit, slices.Collect(maps.Keys(found)), want)
	}
	i := random.IntN(12)
	one := w.query(fmt.Sprintf("Patient?identifier=urn:x|%d", i))
	one.KeysOnly, one.Limit = true, 2
	_, alive := now[i]
	seen := 0
	for m, err := range tx.Search(one) {
		if err != nil {
			return err
		}
		if seen++; m.ID != fmt.Sprint("p", i) {
			return fmt.Errorf("found %s by the identifier of p%d", m.ID, i)
		}
	}
	if alive != (seen == 1) {
		return fmt.Errorf("p%d is there: %t; found %d", i, alive, seen)
	}
	if random.IntN(3) > 0 {
		return nil
	}
	if n, err := tx.Count(q.Types, q.Filter); err != nil || n != int64(len(want)) {
		return fmt.Errorf("counted %d of gender=%s, not %d (%w)", n, gender, len(want), err)
	}
	return nil
}
