package mongo

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"fhirside/resources/store"
)

// TestReadsGoTogether: reads that have to wait share commands, and each gets its own answer.
func TestReadsGoTogether(t *testing.T) {
	s := open(t, Options{})
	const patients = 40
	for i := range patients {
		id := fmt.Sprint(i)
		write := func(tx store.Tx) error { return tx.Put(patient(id, id, 1, tx.Now())) }
		if err := s.Commit(t.Context(), write); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.db.Collection("Patient").UpdateByID(t.Context(), "7", d("$set", d("resource", "damaged"))); err != nil {
		t.Fatal(err)
	}
	before := sent(t, s)["find"]
	s.together.mu.Lock()
	s.together.running += 100 // as if others were under way
	s.together.mu.Unlock()
	var all sync.WaitGroup
	for round := range 2 {
		for i := range patients + 5 {
			all.Go(func() {
				id := fmt.Sprint(i)
				v, err := s.Read(t.Context(), "Patient", id)
				switch {
				case i >= patients && !errors.Is(err, store.ErrNotFound):
					t.Errorf("%s, which is not there: %v", id, err)
				case i == 7 && (err != nil || v.Damage == nil):
					t.Errorf("the damaged one: %+v, %v", v, err)
				case i < patients && i != 7 && (err != nil || v.ID != id || v.Version != 1):
					t.Errorf("%d %s: %v, %v", round, id, v.Key, err)
				}
			})
		}
	}
	all.Wait()
	s.together.mu.Lock()
	s.together.running -= 100
	if s.together.running != 0 || len(s.together.waiting) != 0 {
		t.Errorf("%d are under way and %d wait", s.together.running, len(s.together.waiting))
	}
	s.together.mu.Unlock()
	// Ten are for histories of what is not there.
	if n := sent(t, s)["find"] - before; n > 10+patients {
		t.Errorf("%d finds for %d reads", n, 2*(patients+5))
	}
}

// TestReadGivenUp: who gives up while others' commands are under way is told at once, and leaves nothing behind; who leads then still reads
// for the others.
func TestReadGivenUp(t *testing.T) {
	s := open(t, Options{})
	if err := s.Commit(t.Context(), func(tx store.Tx) error { return tx.Put(patient("1", "1", 1, tx.Now())) }); err != nil {
		t.Fatal(err)
	}
	s.together.running = 100
	key := store.Key{Type: "Patient", ID: "1"}
	gone, cancel := context.WithCancel(t.Context())
	first, second := &sharer{ctx: gone, key: key}, &sharer{ctx: t.Context(), key: key}
	if s.together.begin(first) || s.together.begin(second) {
		t.Fatal("they need not wait")
	}
	cancel()
	if _, _, err := s.together.read(gone, key); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	s.together.end() // one command has ended: the first leads
	if !s.together.giveUp(first) {
		t.Fatal("the first does not lead")
	}
	s.together.run(first.lead)
	select {
	case <-second.woken:
		if !second.found || second.err != nil || second.version.ID != "1" {
			t.Errorf("the second is %v, %v, %v", second.version.Key, second.found, second.err)
		}
	case <-time.After(limit):
		t.Error("the second was left behind")
	}
	if n := len(s.together.waiting); n != 0 || s.together.running != 99 {
		t.Errorf("%d wait, %d are under way", n, s.together.running)
	}
}
