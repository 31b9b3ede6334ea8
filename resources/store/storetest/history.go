package storetest

import (
	"fmt"
	"slices"
	"time"

	"fhirside/resources/store"
)

// past makes versions of several resources and gives them in the order of commits.
func (w *world) past() (list []store.Version) {
	w.Helper()
	add := func(versions ...store.Version) {
		list = append(list, versions...)
	}
	add(w.put(doc("Patient", "a", ""))...)
	add(w.put(doc("Patient", "b", ""), doc("Practitioner", "a", ""))...)
	add(w.put(doc("Patient", "a", `"active":true`))...)
	add(w.delete("Patient", "b"))
	add(w.put(doc("Patient", "a", `"active":false`), doc("Practitioner", "a", `"active":true`))...)
	add(w.put(doc("Patient", "b", `"active":true`))...)
	return list
}

// scopes are histories, each with which versions belong to it.
var scopes = []struct {
	store.History
	holds func(store.Version) bool
}{
	{store.History{}, func(store.Version) bool { return true }},
	{store.History{Type: "Patient"}, func(v store.Version) bool { return v.Type == "Patient" }},
	{store.History{Type: "Practitioner"}, func(v store.Version) bool { return v.Type == "Practitioner" }},
	{store.History{Type: "Patient", ID: "a"}, func(v store.Version) bool { return v.Key == store.Key{Type: "Patient", ID: "a"} }},
	{store.History{Type: "Patient", ID: "b"}, func(v store.Version) bool { return v.Key == store.Key{Type: "Patient", ID: "b"} }},
	{store.History{Type: "Encounter"}, func(v store.Version) bool { return false }},
}

// histories: newest first, of each scope, from a time on, in pages. Versions of one commit are in any order, but those of one
// resource newest first.
func histories(w *world) {
	past := w.past()
	slices.Reverse(past)
	for _, scope := range scopes {
		for _, since := range append([]store.Version{{}}, past...) {
			h := scope.History
			h.Since = since.Updated
			var want []store.Version
			for _, v := range past {
				if scope.holds(v) && !v.Updated.Before(h.Since) {
					want = append(want, v)
				}
			}
			w.isHistory(h, want)
		}
	}
}

// isHistory reads a history as a whole, and in pages of some sizes.
func (w *world) isHistory(h store.History, want []store.Version) {
	w.Helper()
	whole := all(w, "history", w.History(w.ctx, h))
	if len(whole) != len(want) {
		w.Fatalf("%+v has %d entries, not %d", h, len(whole), len(want))
	}
	inOrder := slices.Clone(whole)
	slices.SortStableFunc(inOrder, func(a, b store.HistoryEntry) int { return b.Updated.Compare(a.Updated) })
	for i, e := range whole {
		if e.Version.Version != inOrder[i].Version.Version || e.Key != inOrder[i].Key {
			w.Fatalf("%+v is not newest first", h)
		}
		j := slices.IndexFunc(want, func(v store.Version) bool { return v.Key == e.Key && v.Version == e.Version.Version })
		if j < 0 {
			w.Fatalf("%+v has version %d of %v", h, e.Version.Version, e.Key)
		}
		w.is(fmt.Sprintf("%+v", h), e.Version, want[j])
		for _, later := range whole[i+1:] {
			if later.Key == e.Key && later.Version.Version > e.Version.Version {
				w.Fatalf("%+v has version %d of %v before %d", h, e.Version.Version, e.Key, later.Version.Version)
			}
		}
	}
	for size := 1; size <= len(whole)+1; size++ {
		page, got := h, []store.HistoryEntry(nil)
		page.Limit = size
		for {
			list := all(w, "history page", w.History(w.ctx, page))
			got = append(got, list...)
			if len(list) < size || len(got) > len(whole) {
				break
			}
			page.After = list[len(list)-1].Position
		}
		same := func(a, b store.HistoryEntry) bool { return a.Key == b.Key && a.Version.Version == b.Version.Version }
		if !slices.EqualFunc(got, whole, same) {
			w.Fatalf("%+v in pages of %d has %d entries, not %d, or in another order", h, size, len(got), len(whole))
		}
	}
}

// historiesAt: of each resource, the versions that were current at some time between two.
func historiesAt(w *world) {
	past := w.past()
	times := []time.Time{past[0].Updated.Add(-time.Millisecond)}
	for _, v := range past {
		times = append(times, v.Updated)
	}
	times = append(times, past[len(past)-1].Updated.Add(time.Hour))
	for i, from := range times {
		for _, to := range []time.Time{from, times[min(i+1, len(times)-1)], times[len(times)-1]} {
			for _, scope := range scopes {
				h := scope.History
				h.At = store.Span{From: from, To: to}
				w.isHistory(h, currentDuring(past, scope.holds, h.At))
			}
		}
	}
}

// currentDuring are those of the versions, oldest first, that hold and that were current then.
func currentDuring(past []store.Version, holds func(store.Version) bool, span store.Span) (list []store.Version) {
	for i, v := range past {
		ended := slices.ContainsFunc(past[i+1:], func(next store.Version) bool { return next.Key == v.Key && !next.Updated.After(span.From) })
		if holds(v) && !v.Updated.After(span.To) && !ended {
			list = append(list, v)
		}
	}
	return list
}

// changes: every version in the order of commits, from any position on.
func changes(w *world) {
	past := w.past()
	got := all(w, "changes", w.Changes(w.ctx, ""))
	if len(got) != len(past) {
		w.Fatalf("%d changes, not %d", len(got), len(past))
	}
	last := map[store.Key]int64{}
	for i, c := range got {
		j := slices.IndexFunc(past, func(v store.Version) bool { return v.Key == c.Key && v.Version == c.Version.Version })
		if j < 0 || i > 0 && c.Updated.Before(got[i-1].Updated) || c.Version.Version != last[c.Key]+1 {
			w.Fatalf("change %d is version %d of %v, which does not follow", i, c.Version.Version, c.Key)
		}
		last[c.Key]++
		w.is("change", c.Version, past[j])
	}
	same := func(a, b store.Change) bool { return a.Key == b.Key && a.Version.Version == b.Version.Version }
	for i, c := range got {
		if rest := all(w, "the rest", w.Changes(w.ctx, c.Position)); !slices.EqualFunc(rest, got[i+1:], same) {
			w.Fatalf("%d changes behind change %d of %d", len(rest), i, len(got))
		}
	}
	w.put(doc("Patient", "new", ""))
	more := all(w, "new ones", w.Changes(w.ctx, got[len(got)-1].Position))
	if len(more) != 1 || more[0].ID != "new" {
		w.Errorf("then new: %+v", more)
	}
}
