package storetest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fhirside/resources/store"
)

// State holds a store to the contract of store.State.
func State(t *testing.T, open func(t *testing.T) store.Store) {
	for _, scenario := range []struct {
		name string
		run  func(*entries)
	}{
		{"an entry's life", entryLife},
		{"revisions", entryRevisions},
		{"what has expired", entryExpiry},
		{"lists", entryLists},
		{"values and keys come back as they were", entryBytes},
		{"one of many wins", entryRace},
		{"counting by many", entryCount},
	} {
		t.Run(scenario.name, func(t *testing.T) { scenario.run(&entries{T: t, State: open(t).State()}) })
	}
}

type entries struct {
	*testing.T
	store.State
}

func (e *entries) put(entry store.Entry) int64 {
	e.Helper()
	revision, err := e.Put(e.Context(), entry)
	if err != nil || revision <= 0 {
		e.Fatalf("put %s/%s: revision %d, %v", entry.Kind, entry.Key, revision, err)
	}
	return revision
}

func (e *entries) conflict(entry store.Entry) {
	e.Helper()
	if _, err := e.Put(e.Context(), entry); !errors.Is(err, store.ErrConflict) {
		e.Errorf("put %s/%s at revision %d: %v", entry.Kind, entry.Key, entry.Revision, err)
	}
}

func (e *entries) missing(kind, key string) {
	e.Helper()
	if got, err := e.Get(e.Context(), kind, key); !errors.Is(err, store.ErrNotFound) {
		e.Errorf("%s/%s: %+v, %v", kind, key, got, err)
	}
}

func (e *entries) keys(kind, owner string) string {
	e.Helper()
	var keys []string
	for entry, err := range e.List(e.Context(), kind, owner) {
		if err != nil {
			e.Fatal(err)
		}
		keys = append(keys, entry.Key)
	}
	return strings.Join(keys, " ")
}

func entryLife(e *entries) {
	e.missing("a", "1")
	expires := time.Now().Add(time.Hour).Truncate(time.Millisecond).UTC()
	put := store.Entry{Kind: "a", Key: "1", Owner: "o", Value: []byte(`{"x":1}`), Expires: expires}
	put.Revision = e.put(put)
	got, err := e.Get(e.Context(), "a", "1")
	if err != nil || got.Kind != "a" || got.Key != "1" || got.Owner != "o" || got.Revision != put.Revision || !got.Expires.Equal(expires) || string(got.Value) != `{"x":1}` {
		e.Errorf("%+v, %v", got, err)
	}
	e.missing("b", "1")
	e.missing("a", "2")
	for range 2 {
		if err := e.Delete(e.Context(), "a", "1"); err != nil {
			e.Error(err)
		}
	}
	e.missing("a", "1")
}

func entryRevisions(e *entries) {
	entry := store.Entry{Kind: "a", Key: "1", Value: []byte(`1`)}
	entry.Revision = 7
	e.conflict(entry) // there is none
	entry.Revision = 0
	first := e.put(entry)
	e.conflict(entry) // there is one
	entry.Revision = first
	second := e.put(entry)
	e.conflict(entry) // somebody else was faster
	if second == first {
		e.Error("a revision twice")
	}
	if err := e.Delete(e.Context(), "a", "1"); err != nil {
		e.Fatal(err)
	}
	entry.Revision = second
	e.conflict(entry) // it is gone
	entry.Revision = 0
	third := e.put(entry)
	if third == first || third == second {
		e.Error("a revision comes again after a deletion")
	}
}

func entryExpiry(e *entries) {
	entry := store.Entry{Kind: "a", Key: "old", Owner: "o", Value: []byte(`1`), Expires: time.Now().Add(-time.Millisecond)}
	revision := e.put(entry)
	e.missing("a", "old")
	if got := e.keys("a", ""); got != "" {
		e.Errorf("listed: %s", got)
	}
	entry.Expires, entry.Revision = time.Time{}, revision
	e.conflict(entry)
	entry.Revision = 0
	e.put(entry)
	if got, err := e.Get(e.Context(), "a", "old"); err != nil || !got.Expires.IsZero() {
		e.Errorf("%+v, %v", got, err)
	}
}

func entryLists(e *entries) {
	for i := range 450 {
		e.put(store.Entry{Kind: "a", Key: fmt.Sprintf("%03d", i), Owner: []string{"x", "y", ""}[i%3], Value: []byte(`1`)})
	}
	e.put(store.Entry{Kind: "b", Key: "000", Owner: "x", Value: []byte(`1`)})
	for owner, want := range map[string]int{"": 450, "x": 150, "z": 0} {
		keys := strings.Fields(e.keys("a", owner))
		for i := range keys[:max(0, len(keys)-1)] {
			if keys[i] >= keys[i+1] {
				e.Errorf("%s before %s", keys[i], keys[i+1])
			}
		}
		if len(keys) != want {
			e.Errorf("owner %q has %d", owner, len(keys))
		}
	}
	seen := 0
	for entry, err := range e.List(e.Context(), "a", "x") { // what is listed may be changed meanwhile
		if err != nil {
			e.Fatal(err)
		}
		if err := e.Delete(e.Context(), "a", entry.Key); err != nil {
			e.Fatal(err)
		}
		if seen++; seen == 3 {
			break
		}
	}
	if got := len(strings.Fields(e.keys("a", "x"))); got != 147 {
		e.Errorf("%d are left", got)
	}
}

func entryBytes(e *entries) {
	big := `"` + strings.Repeat("ä", (1<<20-2)/2) + `"` // 1 MiB
	for i, key := range []string{"a", "A", "a.b$c", "ä/ö @", strings.Repeat("k", 512), "a'; DROP TABLE state"} {
		value := big
		if i > 0 {
			value = fmt.Sprintf(`{"$date":%d,"a.b":null}`, i)
		}
		e.put(store.Entry{Kind: "a", Key: key, Owner: key, Value: []byte(value)})
		if got, err := e.Get(e.Context(), "a", key); err != nil || string(got.Value) != value || got.Key != key {
			e.Errorf("%q: %.60s, %v", key, got.Value, err)
		}
	}
}

func entryRace(e *entries) {
	var won atomic.Int32
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			switch _, err := e.Put(e.Context(), store.Entry{Kind: "code", Key: "1", Value: []byte(`1`)}); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, store.ErrConflict):
				e.Error(err)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 {
		e.Errorf("%d have won", won.Load())
	}
}

func entryCount(e *entries) {
	e.put(store.Entry{Kind: "n", Key: "1", Value: []byte(`0`)})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for done := 0; done < 10; {
				entry, err := e.Get(e.Context(), "n", "1")
				if err != nil {
					e.Error(err)
					return
				}
				var n int
				fmt.Sscan(string(entry.Value), &n)
				entry.Value = fmt.Append(nil, n+1)
				if _, err = e.Put(e.Context(), entry); err == nil {
					done++
				} else if !errors.Is(err, store.ErrConflict) {
					e.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	if entry, err := e.Get(e.Context(), "n", "1"); err != nil || string(entry.Value) != "80" {
		e.Errorf("counted to %s, %v", entry.Value, err)
	}
}

// StateOf is a State of several processes on one database: each call takes the one that next gives.
func StateOf(next func() store.Store) store.State { return stateOf(next) }

type stateOf func() store.Store

func (s stateOf) Get(ctx context.Context, kind, key string) (store.Entry, error) {
	return s().State().Get(ctx, kind, key)
}

func (s stateOf) Put(ctx context.Context, e store.Entry) (int64, error) {
	return s().State().Put(ctx, e)
}

func (s stateOf) Delete(ctx context.Context, kind, key string) error {
	return s().State().Delete(ctx, kind, key)
}

func (s stateOf) List(ctx context.Context, kind, owner string) iter.Seq2[store.Entry, error] {
	return s().State().List(ctx, kind, owner)
}
