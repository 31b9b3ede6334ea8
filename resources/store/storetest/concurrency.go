package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"fhirside/resources/store"
	"fhirside/search"
)

// Concurrency holds a store to what many callers at once may rely on.
func Concurrency(t *testing.T, open func(t *testing.T) store.Store) {
	for _, scenario := range []struct {
		name string
		run  func(*world)
	}{
		{"no update is lost", increments},
		{"one conditional create wins", conditionalCreates},
		{"what is referred to is not deleted", targets},
		{"references and deletions at once", targetsAtOnce},
		{"failures undo only themselves", mixedFailures},
		{"readers see whole commits", wholeCommits},
		{"pages while others write", pagesWhileWriting},
		{"pollers miss nothing", pollers},
		{"followers miss nothing", followers},
		{"commits are seen when they return", readYourWrites},
	} {
		t.Run(scenario.name, func(t *testing.T) {
			scenario.run(&world{T: t, ctx: context.WithoutCancel(t.Context()), Store: open(t)})
		})
	}
}

const writers = 8

// together runs f in several goroutines and reports their errors.
func (w *world) together(n int, f func(i int) error) {
	w.Helper()
	var wg sync.WaitGroup
	errs := make([]error, n)
	for i := range n {
		wg.Go(func() { errs[i] = f(i) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		w.Fatal(err)
	}
}

// increments: each reads a number and writes the next.
func increments(w *world) {
	const times = 25
	w.put(doc("Patient", "counter", `"multipleBirthInteger":0`))
	w.together(writers, func(int) error {
		for range times {
			err := w.Commit(w.ctx, func(tx store.Tx) error {
				v, err := tx.Read("Patient", "counter")
				if err != nil {
					return err
				}
				n := 0
				_, digits, _ := strings.Cut(string(v.Body), `"multipleBirthInteger":`)
				if _, err := fmt.Sscan(strings.TrimSuffix(digits, "}"), &n); err != nil {
					return err
				}
				return tx.Put(record(tx.Now(), v.Version+1, doc("Patient", "counter", fmt.Sprintf(`"multipleBirthInteger":%d`, n+1))))
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	v := w.read("Patient", "counter")
	if want := doc("Patient", "counter", fmt.Sprintf(`"multipleBirthInteger":%d`, writers*times)); string(v.Body) != want || v.Version != writers*times+1 {
		w.Errorf("version %d is %s", v.Version, v.Body)
	}
}

// conditionalCreates: each searches and creates what it does not find, by criteria that say different things of the same identifier, or name
// another identifier of it, or none.
func conditionalCreates(w *world) {
	criteria := []string{
		"identifier=urn:x|%d", "identifier=urn:x|%d&active=true", "identifier=%d", "identifier=urn:y|other,urn:x|%d", "identifier=urn:z|z%d", "family=f%d",
	}
	for round := range len(criteria) {
		var created atomic.Int32
		w.together(20, func(i int) error {
			made := false
			err := w.Commit(w.ctx, func(tx store.Tx) error {
				made = false
				q := w.query("Patient?" + fmt.Sprintf(criteria[i%(1+round%len(criteria))], round))
				n, err := tx.Count(q.Types, q.Filter)
				if err != nil || n > 0 {
					return err
				}
				made = true
				_, err = putNext(tx, doc("Patient", fmt.Sprintf("%d-%d", round, i), fmt.Sprintf(
					`"active":true,"name":[{"family":"f%[1]d"}],"identifier":[{"system":"urn:x","value":"%[1]d"},{"system":"urn:z","value":"z%[1]d"}]`, round)))
				return err
			})
			if made && err == nil {
				created.Add(1)
			}
			return err
		})
		q := w.query(fmt.Sprintf("Patient?identifier=urn:x|%d", round))
		if found := w.ids(q); len(found) != 1 || created.Load() != 1 {
			w.Errorf("round %d: %d say that they created it, and there are %v", round, created.Load(), found)
		}
	}
}

// mixedFailures: commits that fail after writing, some after searching too, beside commits that do not.
func mixedFailures(w *world) {
	const times = 15
	w.together(writers, func(i int) error {
		for j := range times {
			id := fmt.Sprintf("%d-%d", i, j)
			fails, searches := (i+j)%2 == 0, (i+j)%3 == 0
			err := w.Commit(w.ctx, func(tx store.Tx) error {
				if _, err := putNext(tx, doc("Patient", id, `"gender":"male"`)); err != nil {
					return err
				}
				if _, err := putNext(tx, doc("Patient", "shared", fmt.Sprintf(`"language":"%s"`, id))); err != nil {
					return err
				}
				if searches {
					q := w.query("Patient?_id=" + id)
					if n, err := tx.Count(q.Types, q.Filter); err != nil || n != 1 {
						return fmt.Errorf("found %d of what was just written (%w)", n, err)
					}
				}
				if fails {
					return errRefused
				}
				return nil
			})
			if fails != errors.Is(err, errRefused) {
				return fmt.Errorf("commit %s: %w", id, err)
			}
		}
		return nil
	})
	want := writers*times/2 + 1
	if got := w.ids(w.query("Patient")); len(got) != want {
		w.Errorf("%d resources, not %d", len(got), want)
	}
	if v := w.read("Patient", "shared").Version; v != int64(want-1) {
		w.Errorf("%d versions of what each commit wrote, not %d", v, want-1)
	}
	for _, e := range all(w, "history", w.History(w.ctx, store.History{Type: "Patient"})) {
		var i, j int
		if n, _ := fmt.Sscanf(e.ID, "%d-%d", &i, &j); n == 2 && (i+j)%2 == 0 {
			w.Errorf("%s failed and has a version", e.ID)
		}
	}
}

// wholeCommits: two resources always written together are never seen apart.
func wholeCommits(w *world) {
	pair := func(n int) []string {
		return []string{doc("Patient", "left", fmt.Sprintf(`"language":"%d"`, n)), doc("Patient", "right", fmt.Sprintf(`"language":"%d"`, n))}
	}
	w.put(pair(0)...)
	ctx, stop := context.WithCancel(w.ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		defer stop()
		for n := range 60 {
			w.put(pair(n + 1)...)
		}
	})
	for ctx.Err() == nil {
		list := all(w, "search", w.Search(w.ctx, store.Search{Types: []string{"Patient"}, Filter: search.ID{"left", "right"}}))
		if len(list) != 2 || list[0].Version.Version != list[1].Version.Version {
			w.Fatalf("seen apart: %+v", list)
		}
	}
	wg.Wait()
}

// pagesWhileWriting: whoever reads pages meets no resource twice, and misses none of those that nobody changes.
func pagesWhileWriting(w *world) {
	const still = 60
	steady := func(i int) string {
		return doc("Observation", fmt.Sprint("still", i), fmt.Sprintf(`"status":"final","code":{"text":"x"},"effectiveDateTime":"2020-01-%02dT10:00:00Z"`, 1+i%28))
	}
	var bodies []string
	for i := range still {
		bodies = append(bodies, steady(i))
	}
	w.put(bodies...)
	ctx, stop := context.WithCancel(w.ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	for i := range 3 {
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				id := fmt.Sprintf("moving%d-%d", i, n%20)
				w.Commit(w.ctx, func(tx store.Tx) error {
					if n%5 == 4 {
						_, err := tx.Delete("Observation", fmt.Sprintf("moving%d-%d", i, (n-4)%20))
						return err
					}
					_, err := putNext(tx, doc("Observation", id, fmt.Sprintf(`"status":"final","code":{"text":"x"},"effectiveDateTime":"2020-01-%02dT10:00:00Z"`, 1+i)))
					return err
				})
			}
		})
	}
	for _, url := range []string{"Observation", "Observation?_sort=date", "Observation?status=final&_sort=-date", "Observation?_sort=_id", "Observation?_sort=status"} {
		q := w.query(url)
		q.Limit = 7
		seen := map[string]int{}
		for {
			page := all(w, url, w.Search(w.ctx, q))
			for _, m := range page {
				seen[m.ID]++
			}
			if len(page) < q.Limit {
				break
			}
			q.After = page[len(page)-1].Position
		}
		for i := range still {
			if id := fmt.Sprint("still", i); seen[id] != 1 {
				w.Errorf("%s: %s was seen %d times", url, id, seen[id])
			}
		}
		for id, n := range seen {
			if n > 1 && strings.HasPrefix(id, "moving") && url != "Observation" {
				w.Errorf("%s: %s was seen %d times, and its sort key never changed", url, id, n)
			}
		}
	}
}

// pollers: clients that ask again and again for what changed since the last time they saw, by search, by history and by
// changes, meet every version that stays current, or every version.
func pollers(w *world) {
	const times = 30
	var done atomic.Bool
	var wg sync.WaitGroup
	defer wg.Wait()
	defer done.Store(true) // also where a writer fails
	clients := Pollers()
	for _, p := range clients {
		wg.Go(func() {
			for last := false; !last; {
				last = done.Load() // then once more, for what was committed in between
				if err := p.Ask(w.ctx, w.Store); err != nil {
					w.Error(err)
					return
				}
			}
		})
	}
	w.writeAndShare(writers, times)
	done.Store(true)
	wg.Wait()
	for _, p := range clients {
		for i := range writers {
			for j := range times {
				if version := versionName(fmt.Sprintf("%d-%d", i, j), 1); !p.Seen[version] {
					w.Errorf("whoever asks by %s missed %s", p.Name, version)
				}
			}
		}
	}
	for _, p := range clients[1:] {
		for n := range writers * times {
			if version := versionName("shared", int64(n+1)); !p.Seen[version] {
				w.Errorf("whoever asks by %s missed %s", p.Name, version)
			}
		}
	}
}

// readYourWrites: what a commit wrote is there when it returns, by every way of reading.
func readYourWrites(w *world) {
	w.together(writers, func(i int) error {
		for j := range 10 {
			id := fmt.Sprintf("%d-%d", i, j)
			err := w.Commit(w.ctx, func(tx store.Tx) error {
				_, err := putNext(tx, doc("Patient", id, fmt.Sprintf(`"identifier":[{"value":"%s"}]`, id)))
				return err
			})
			if err != nil {
				return err
			}
			if _, err := w.Read(w.ctx, "Patient", id); err != nil {
				return fmt.Errorf("read %s: %w", id, err)
			}
			if got := w.ids(w.query("Patient?identifier=" + id)); !slices.Equal(got, []string{"Patient/" + id}) {
				return fmt.Errorf("search %s: %v", id, got)
			}
			list, err := w.ReadMany(w.ctx, []store.Key{{Type: "Patient", ID: id}})
			if err != nil || len(list) != 1 {
				return fmt.Errorf("read many %s: %v %w", id, list, err)
			}
		}
		return nil
	})
}

// writeAndShare has writers commit at once, each as often as that, a Patient of its own together with the next version of one that all
// of them write.
func (w *world) writeAndShare(writers, times int) {
	w.together(writers, func(i int) error {
		for j := range times {
			err := w.Commit(w.ctx, func(tx store.Tx) error {
				if _, err := putNext(tx, doc("Patient", fmt.Sprintf("%d-%d", i, j), "")); err != nil {
					return err
				}
				_, err := putNext(tx, doc("Patient", "shared", fmt.Sprintf(`"language":"%d"`, i)))
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}
