package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"fhirside/resources/store"
)

// followed: who follows gets what is there, then what comes, and nothing twice; from any position on.
func followed(w *world) {
	w.past()
	want := all(w, "changes", w.Changes(w.ctx, ""))
	names := func(list []store.Change) (names []string) {
		for _, c := range list {
			names = append(names, fmt.Sprintf("%s/%s/%d", c.Type, c.ID, c.Version.Version))
		}
		return names
	}
	for _, from := range []int{0, 1, len(want) / 2, len(want)} {
		after := ""
		if from > 0 {
			after = want[from-1].Position
		}
		ctx, stop := context.WithCancel(w.ctx)
		coming := fmt.Sprintf("coming%d", from)
		var got []store.Change
		if from == len(want) {
			w.put(doc("Patient", coming, "")) // else there would be nothing to begin with
		}
		for batch, err := range w.Follow(ctx, after) {
			if err != nil {
				w.fails("a follower that was stopped", err, context.Canceled)
				break
			}
			if len(batch) == 0 {
				w.Fatal("an empty batch")
			}
			if got = append(got, batch...); len(got) == len(want)-from && from < len(want) {
				w.put(doc("Patient", coming, ""), doc("Observation", coming, ""))
				w.put(doc("Patient", coming, `"gender":"male"`))
			}
			if got[len(got)-1].ID == coming && got[len(got)-1].Version.Version == 2 || from == len(want) {
				stop()
			}
		}
		stop()
		all := all(w, "changes", w.Changes(w.ctx, after))
		if !slices.Equal(names(got), names(all)) {
			w.Fatalf("behind change %d: followed %v, and there are %v", from, names(got), names(all))
		}
		want = append(want[:from:from], all...)
	}
	if newest, err := w.Position(w.ctx); err != nil || newest != want[len(want)-1].Position {
		w.Errorf("the position is %q, %v; that of the newest change is %q", newest, err, want[len(want)-1].Position)
	}
	for batch, err := range w.Follow(w.ctx, "") { // who wants no more gets no more
		if err != nil || len(batch) == 0 {
			w.Fatal(batch, err)
		}
		break
	}
}

// patience is how long something may take that happens at once: the machine may have much else to do.
const patience = time.Minute

// followingEnds: a follower that waits ends at once when its context does, and nothing of it is left.
func followingEnds(w *world) {
	if position, err := w.Position(w.ctx); position != "" || err != nil {
		w.Errorf("the position of nothing is %q, %v", position, err)
	}
	w.put(doc("Patient", "a", ""))
	var followers sync.WaitGroup
	ctx, stop := context.WithCancelCause(w.ctx)
	reason := errors.New("enough")
	var waiting sync.WaitGroup
	waiting.Add(3)
	ends := make([]error, 3)
	for i := range ends {
		followers.Go(func() {
			once := sync.OnceFunc(waiting.Done)
			defer once()
			for _, err := range w.Follow(ctx, "") {
				ends[i] = err
				once()
			}
		})
	}
	waiting.Wait()
	began := time.Now()
	stop(reason)
	followers.Wait()
	if took := time.Since(began); took > patience {
		w.Errorf("they ended after %v", took)
	}
	for _, err := range ends {
		w.fails("a follower that was stopped", err, reason)
	}
	for _, err := range w.Follow(ctx, "") {
		w.fails("following in a context that has ended", err, reason)
	}
	// What a store began for them may end a little later.
	for began := time.Now(); ; time.Sleep(time.Millisecond) {
		left := goroutinesOf(").Follow.func", "(*bell).")
		if left == "" {
			break
		}
		if time.Since(began) > patience {
			w.Fatalf("these are left:\n%s", left)
		}
	}
}

// goroutinesOf are the stacks that mention one of the words.
func goroutinesOf(words ...string) string {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	var found []string
	for stack := range strings.SplitSeq(string(stacks), "\n\n") {
		if slices.ContainsFunc(words, func(word string) bool { return strings.Contains(stack, word) }) && !strings.Contains(stack, "goroutinesOf") {
			found = append(found, stack)
		}
	}
	return strings.Join(found, "\n\n")
}

// tooLate: a position whose versions are gone is told from one that never was one.
func tooLate(w *world) {
	w.put(doc("Patient", "a", ""))
	w.put(doc("Patient", "b", ""))
	newest, err := w.Position(w.ctx)
	if err != nil {
		w.Fatal(err)
	}
	w.commit(func(tx store.Tx) error {
		_, err := tx.Purge("Patient", "b")
		return err
	})
	w.fails("changes behind what was purged", end(w.Changes(w.ctx, newest)), store.ErrTooLate)
	w.fails("following behind what was purged", end(w.Follow(w.ctx, newest)), store.ErrTooLate)
	history := all(w, "history", w.History(w.ctx, store.History{}))
	for _, none := range []string{"x", history[0].Position, strings.Repeat("A", 40)} {
		w.fails("following behind "+none, end(w.Follow(w.ctx, none)), store.ErrCursor)
	}
	// The way out: the position, then a snapshot, then what comes.
	position, err := w.Position(w.ctx)
	if err != nil {
		w.Fatal(err)
	}
	w.put(doc("Patient", "c", ""))
	there := w.ids(w.query("Patient"))
	for batch, err := range w.Follow(w.ctx, position) {
		if err != nil {
			w.Fatal(err)
		}
		for _, c := range batch {
			there = append(there, c.Type+"/"+c.ID)
		}
		break
	}
	slices.Sort(there)
	if got := fmt.Sprint(slices.Compact(there)); got != "[Patient/a Patient/c]" {
		w.Errorf("with the snapshot: %s", got)
	}
}

// followers: some follow while others write, leave and come back, and all see every version once, in one order.
func followers(w *world) {
	const times, count = 15, 3
	ctx, stop := context.WithTimeout(w.ctx, 4*time.Minute)
	defer stop()
	total := 2 * times * writers
	lists := make([][]store.Change, count)
	var following sync.WaitGroup
	defer following.Wait()
	for i := range lists {
		following.Go(func() {
			stays := i == 0
			for after := ""; len(lists[i]) < total; {
				left := 1 + rand.IntN(5)
				for batch, err := range w.Follow(ctx, after) {
					if err != nil {
						w.Errorf("follower %d, after %d of %d: %v", i, len(lists[i]), total, err)
						return
					}
					lists[i] = append(lists[i], batch...)
					after = batch[len(batch)-1].Position
					if left--; left == 0 && !stays || len(lists[i]) >= total {
						break
					}
				}
			}
		})
	}
	w.writeAndShare(writers, times)
	following.Wait()
	want := all(w, "changes", w.Changes(w.ctx, ""))
	for i, list := range lists {
		if !slices.EqualFunc(list, want, func(a, b store.Change) bool {
			return a.Position == b.Position && a.Key == b.Key && a.Version.Version == b.Version.Version
		}) {
			w.Errorf("follower %d saw %d changes, of %d: %s", i, len(list), len(want), difference(list, want))
		}
	}
}

// difference says what is missing in a list, and what is there too often.
func difference(list, want []store.Change) string {
	times := map[string]int{}
	count := func(list []store.Change, n int) {
		for _, c := range list {
			times[fmt.Sprintf("%s version %d", c.ID, c.Version.Version)] += n
		}
	}
	count(list, 1)
	count(want, -1)
	maps.DeleteFunc(times, func(_ string, n int) bool { return n == 0 })
	if len(times) == 0 {
		return "all, in another order"
	}
	return fmt.Sprint(times)
}
