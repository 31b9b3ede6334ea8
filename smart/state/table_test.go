package state_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fhirside/resources/store"
	"fhirside/resources/store/sqlite"
	"fhirside/smart/state"
)

func open(t *testing.T) (*state.Tables, store.State) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Memory, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return state.New(s.State()), s.State()
}

func TestTable(t *testing.T) {
	tables, entries := open(t)
	ctx, attempts := t.Context(), tables.Attempts
	until := time.Date(2030, 1, 2, 3, 4, 5, 6e6, time.UTC)
	put, err := attempts.Put(ctx, state.Record[state.Attempts]{Key: "a", Owner: "o", Expires: until, Value: state.Attempts{Failures: 1, Until: until}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := attempts.Get(ctx, "a")
	if err != nil || got != put {
		t.Errorf("%+v, not %+v (%v)", got, put, err)
	}
	if _, err := attempts.Put(ctx, state.Record[state.Attempts]{Key: "a"}); !errors.Is(err, store.ErrConflict) {
		t.Errorf("made twice: %v", err)
	}
	put.Value.Failures = 2 // what Put returns may be put again, and what it was before may not
	if _, err := attempts.Put(ctx, put); err != nil {
		t.Error(err)
	}
	if _, err := attempts.Put(ctx, got); !errors.Is(err, store.ErrConflict) {
		t.Errorf("an old one: %v", err)
	}
	for owner, want := range map[string]int{"": 1, "o": 1, "p": 0} {
		n := 0
		for r, err := range attempts.List(ctx, owner) {
			if err != nil || r.Value.Failures != 2 {
				t.Errorf("%+v, %v", r, err)
			}
			n++
		}
		if n != want {
			t.Errorf("%q has %d", owner, n)
		}
	}
	if _, err := tables.Keys.Get(ctx, "a"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a record of another kind: %v", err)
	}
	if err := attempts.Delete(ctx, "a"); err != nil {
		t.Error(err)
	}
	if _, err := attempts.Change(ctx, "a", func(*state.Record[state.Attempts]) error { return nil }); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("changed what is not there: %v", err)
	}
	if _, err := entries.Put(ctx, store.Entry{Kind: "attempts", Key: "broken", Value: []byte(`7`)}); err != nil {
		t.Fatal(err)
	}
	if _, err := attempts.Get(ctx, "broken"); err == nil || !strings.Contains(err.Error(), "attempts cannot be read") {
		t.Errorf("what is no record: %v", err)
	}
}

func TestChange(t *testing.T) {
	tables, _ := open(t)
	ctx := context.WithoutCancel(t.Context())
	if _, err := tables.Attempts.Put(ctx, state.Record[state.Attempts]{Key: "a"}); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 10 {
				if _, err := tables.Attempts.Change(ctx, "a", func(r *state.Record[state.Attempts]) error { r.Value.Failures++; return nil }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	errStop := errors.New("stop")
	if _, err := tables.Attempts.Change(ctx, "a", func(r *state.Record[state.Attempts]) error { r.Value.Failures = 0; return errStop }); !errors.Is(err, errStop) {
		t.Error(err)
	}
	if r, err := tables.Attempts.Get(ctx, "a"); err != nil || r.Value.Failures != 80 {
		t.Errorf("%+v, %v", r.Value, err)
	}
}

func TestHash(t *testing.T) {
	if h := state.Hash("secret"); h != "K7gNU3sdo-OL0wNhqoVWhr3g6s1xYv72ol_pe_Unols" { // SHA-256, RFC 4648 section 5
		t.Error(h)
	}
}

// What moves with a store are the entries of all tables but Keys.
func TestMovableKinds(t *testing.T) {
	tables, _ := open(t)
	all, kinds := reflect.ValueOf(*tables), state.MovableKinds()
	for i := range all.NumField() {
		kind, isKey := all.Field(i).FieldByName("kind").String(), all.Type().Field(i).Name == "Keys"
		if slices.Contains(kinds, kind) == isKey {
			t.Errorf("%s moves: %t", kind, isKey)
		}
	}
	if len(kinds) != all.NumField()-1 {
		t.Error(kinds)
	}
}
