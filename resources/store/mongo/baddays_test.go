package mongo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"fhirside/fhir"
	"fhirside/resources/store"
	"fhirside/resources/store/mongo/mongotest"
	"fhirside/search"
)

// soak is whether the suite runs in full.
func soak() bool { return os.Getenv("FHIRSIDE_SOAK") != "" }

// patient is a record of a patient with an identifier.
func patient(id, identifier string, version int64, now time.Time) store.Record {
	r, err := fhir.Parse(fmt.Appendf(nil, `{"resourceType":"Patient","id":"%s","identifier":[{"system":"urn:x","value":"%s"}]}`, id, identifier))
	if err != nil {
		panic(err)
	}
	v := store.Version{Key: store.Key{Type: "Patient", ID: id}, Version: version, Updated: now, Method: store.Created, Body: r.Bytes()}
	return store.Record{Version: v, Values: sharedExtractor().Extract(r)}
}

func identified(value string) search.Filter {
	return search.Token{Param: "identifier", System: "urn:x", Code: value, Fold: true}
}

const (
	// longestAnswer is by when every commit is answered: ten seconds, and what a busy machine takes beside.
	longestAnswer = 30 * time.Second
	// limit is when a test gives up waiting for what must happen.
	limit = 2 * time.Minute
)

// until waits until something holds.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for began := time.Now(); !holds(); wait(t, 5*time.Millisecond) {
		if time.Since(began) > limit {
			t.Fatalf("after %v it still does not hold: %s", limit, what)
		}
	}
}

// journal is what clients were told.
type journal struct {
	mu      sync.Mutex
	pairs   []string // both of them were acknowledged
	slots   map[string]int
	failed  int
	slowest time.Duration
	odd     []error
}

func (j *journal) note(took time.Duration, err error, acknowledged func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.slowest = max(j.slowest, took)
	switch {
	case err == nil:
		acknowledged()
	case errors.Is(err, store.ErrUnavailable):
		j.failed++
	default:
		j.odd = append(j.odd, err)
	}
}

// goesOn waits until more is acknowledged: writers are in the middle of things.
func (j *journal) goesOn(t *testing.T) {
	t.Helper()
	acknowledged := func() (pairs, slots int) {
		j.mu.Lock()
		defer j.mu.Unlock()
		return len(j.pairs), len(j.slots)
	}
	pairs, slots := acknowledged()
	until(t, "pairs and slots are written", func() bool {
		p, s := acknowledged()
		return p > pairs && s > slots
	})
}

// writePairs commits two resources at once, again and again; and, by criteria, one that other writers want to create too.
func (j *journal) writePairs(ctx context.Context, s store.Store, writer int) {
	for n := 0; ctx.Err() == nil; n++ {
		id := fmt.Sprintf("%d-%d", writer, n)
		began := time.Now()
		err := s.Commit(context.Background(), func(tx store.Tx) error {
			now := tx.Now()
			if err := tx.Put(patient("left-"+id, "left-"+id, 1, now)); err != nil {
				return err
			}
			return tx.Put(patient("right-"+id, "right-"+id, 1, now))
		})
		j.note(time.Since(began), err, func() { j.pairs = append(j.pairs, id) })
		slot := fmt.Sprintf("slot-%d", n)
		began = time.Now()
		err = s.Commit(context.Background(), func(tx store.Tx) error {
			found, err := tx.Count([]string{"Patient"}, identified(slot))
			if err != nil || found > 0 {
				return err
			}
			return tx.Put(patient(slot+"-"+fmt.Sprint(writer), slot, 1, tx.Now()))
		})
		j.note(time.Since(began), err, func() { j.slots[slot]++ })
	}
}

// check holds the store to what the clients were told.
func (j *journal) check(t *testing.T, s store.Store) {
	t.Helper()
	for _, err := range j.odd {
		t.Errorf("an error that is not %v: %v", store.ErrUnavailable, err)
	}
	if j.slowest > longestAnswer {
		t.Errorf("a client waited %v", j.slowest)
	}
	sides := map[string]int{}
	slots := map[string]int{}
	versions := map[store.Key]int64{}
	for m, err := range s.Search(t.Context(), store.Search{Types: []string{"Patient"}}) {
		if err != nil {
			t.Fatal(err)
		}
		var side, pair, slot string
		if n, _ := fmt.Sscanf(m.ID, "slot-%s", &slot); n == 1 {
			var number, writer int
			if _, err := fmt.Sscanf(slot, "%d-%d", &number, &writer); err != nil {
				t.Fatal(err)
			}
			slots[fmt.Sprintf("slot-%d", number)]++
		} else {
			side, pair = m.ID[:len(m.ID)-len(afterDash(m.ID))], afterDash(m.ID)
			if side != "" {
				sides[pair]++
			}
		}
		versions[m.Key] = m.Version.Version
	}
	for _, id := range j.pairs {
		if sides[id] != 2 {
			t.Errorf("the commit %s was acknowledged, and %d of 2 resources are there", id, sides[id])
		}
	}
	for id, n := range sides {
		if n != 2 {
			t.Errorf("half of the commit %s is there", id)
		}
	}
	for slot := range j.slots {
		if slots[slot] != 1 {
			t.Errorf("%s was acknowledged, and is there %d times", slot, slots[slot])
		}
	}
	for slot, n := range slots {
		if n != 1 {
			t.Errorf("%s is there %d times", slot, n)
		}
	}
	history := 0
	for c, err := range s.Changes(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if versions[c.Key] != 1 {
			t.Errorf("%v is in the history and not in its collection", c.Key)
		}
		history++
	}
	if history != len(versions) {
		t.Errorf("%d versions in the history of %d resources", history, len(versions))
	}
	t.Logf("%d pairs and %d slots acknowledged, %d refused, the slowest answer after %v", len(j.pairs), len(j.slots), j.failed, j.slowest)
}

// afterDash is what follows the first dash.
func afterDash(s string) string {
	for i := range s {
		if s[i] == '-' {
			return s[i+1:]
		}
	}
	return ""
}

// TestKilled kills the server again and again under writing clients.
func TestKilled(t *testing.T) {
	t.Parallel()
	server := mongotest.Private(t)
	s := openAt(t, mongotest.WithDatabase(server.URI(), "killed"), Options{})
	j := &journal{slots: map[string]int{}}
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	for i := range 16 {
		writers.Go(func() { j.writePairs(ctx, s, i) })
	}
	for range rounds(2, 10) {
		j.goesOn(t)
		wait(t, 500*time.Millisecond)
		if err := server.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := server.Restart(); err != nil {
			t.Fatal(err)
		}
	}
	j.goesOn(t)
	stop()
	writers.Wait()
	settled(t, s)
	j.check(t, s)
}

// wait lets the writers work: the test needs them in the middle of things.
func wait(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-t.Context().Done():
	case <-time.After(d):
	}
}

// TestUnreachable: a store opens without a server, says so, and serves when the server comes.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	server := mongotest.Private(t)
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	uri := mongotest.WithDatabase(server.URI(), "late")
	if strings.Contains(uri, "?") {
		uri += "&serverSelectionTimeoutMS=300"
	} else {
		uri += "?serverSelectionTimeoutMS=300"
	}
	s := openAt(t, uri, Options{})
	if _, err := s.Ready(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("ready: %v", err)
	}
	if _, err := s.Read(t.Context(), "Patient", "a"); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("read: %v", err)
	}
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	until(t, "the store finds the server that came back", func() bool { return isReady(t, s) })
	putPatient(t.Context(), t, s, "a")
}
