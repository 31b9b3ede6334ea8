package mongo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"fhirside/resources/store"
	"fhirside/resources/store/mongo/mongotest"
)

// putPatient commits a new patient, trying until the server is there.
func putPatient(ctx context.Context, t *testing.T, s *Store, id string) {
	t.Helper()
	for {
		err := s.Commit(ctx, func(tx store.Tx) error {
			if _, err := tx.Read("Patient", id); !errors.Is(err, store.ErrNotFound) {
				return err // an attempt before, whose answer was lost
			}
			return tx.Put(patient(id, id, 1, tx.Now()))
		})
		if err == nil || !errors.Is(err, store.ErrUnavailable) {
			if err != nil {
				t.Errorf("put %s: %v", id, err)
			}
			return
		}
	}
}

// listener follows the changes of a store until it has got a number of them.
type listener struct {
	all   sync.WaitGroup
	mu    sync.Mutex
	seen  []store.Change
	err   error
	fresh chan struct{} // has an element when something was seen
}

func listen(ctx context.Context, s *Store, after string, until int) *listener {
	l := &listener{fresh: make(chan struct{}, 1)}
	l.all.Go(func() {
		for batch, err := range s.Follow(ctx, after) {
			l.mu.Lock()
			l.seen, l.err = append(l.seen, batch...), err
			n := len(l.seen)
			l.mu.Unlock()
			select {
			case l.fresh <- struct{}{}:
			default:
			}
			if n >= until {
				return
			}
		}
	})
	return l
}

// has waits until it has got so many changes.
func (l *listener) has(t *testing.T, n int) {
	t.Helper()
	limit := time.After(20 * time.Second)
	for {
		l.mu.Lock()
		got, err := len(l.seen), l.err
		l.mu.Unlock()
		if got >= n {
			return
		}
		select {
		case <-l.fresh:
		case <-limit:
			t.Fatalf("%d of %d changes were seen; %v", got, n, err)
		}
	}
}

// sawOnce fails unless it got these patients, once each, in the order of the store.
func (l *listener) sawOnce(t *testing.T, s *Store) {
	t.Helper()
	l.all.Wait()
	if l.err != nil {
		t.Errorf("following: %v", l.err)
	}
	var want, got []string
	for c, err := range s.Changes(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, c.ID)
	}
	for _, c := range l.seen {
		got = append(got, c.ID)
	}
	if !slices.Equal(got, want) {
		t.Errorf("seen %d of %d: %v, not %v", len(got), len(want), got, want)
	}
}

// While nothing is committed a follower asks for nothing but the stream; what another process commits it has at once.
func TestFollowersDoNotPoll(t *testing.T) {
	t.Parallel()
	uri := mongotest.URI(t)
	var mu sync.Mutex
	var asked []string
	s := openAt(t, uri, Watched(func(command bson.Raw) {
		mu.Lock()
		defer mu.Unlock()
		elements, _ := command.Elements()
		asked = append(asked, elements[0].Key())
	}))
	other := openAt(t, uri, Options{})
	putPatient(t.Context(), t, other, "first")
	l := listen(t.Context(), s, "", 3)
	l.has(t, 1)
	wait(t, 500*time.Millisecond) // it looks once more when the stream is there
	mu.Lock()
	asked = nil
	mu.Unlock()
	wait(t, time.Second)
	mu.Lock()
	idle := slices.Clone(asked)
	mu.Unlock()
	if slices.ContainsFunc(idle, func(name string) bool { return name != "getMore" }) || len(idle) > 2 {
		t.Errorf("in a second without commits it asked for %v", idle)
	}
	for _, id := range []string{"second", "third"} {
		n := 2
		if id == "third" {
			n = 3
		}
		began := time.Now()
		putPatient(t.Context(), t, other, id)
		l.has(t, n)
		t.Logf("%s was seen %v after its commit began", id, time.Since(began))
	}
	l.sawOnce(t, s)
}

// Connections that are cut, silent or slow: those who follow through them miss nothing and see nothing twice.
func TestFollowingThroughNetwork(t *testing.T) {
	t.Parallel()
	direct := mongotest.URI(t)
	n, uri := mongotest.Through(t, direct)
	var resumed atomic.Bool
	watched := Watched(func(command bson.Raw) {
		if _, err := command.LookupErr("pipeline", "0", "$changeStream", "resumeAfter"); err == nil {
			resumed.Store(true)
		}
	})
	watched.Timeout = 500 * time.Millisecond
	writer, s := openAt(t, direct, Options{}), openAt(t, uri, watched)
	ctx, stop := context.WithCancel(t.Context())
	var writing sync.WaitGroup
	written := 0
	writing.Go(func() {
		for ; ctx.Err() == nil; written++ {
			putPatient(t.Context(), t, writer, fmt.Sprintf("p%04d", written))
			wait(t, 2*time.Millisecond)
		}
	})
	following, leave := context.WithCancel(t.Context())
	defer leave()
	l := listen(following, s, "", 1<<30)
	for range rounds(1, 10) {
		wait(t, 200*time.Millisecond)
		n.Cut(300 * time.Millisecond)
		wait(t, 200*time.Millisecond)
		n.Slow(300 * time.Millisecond)
		n.HalfOpen(700 * time.Millisecond)
		wait(t, 200*time.Millisecond)
		n.Break(300 * time.Millisecond)
	}
	stop()
	writing.Wait()
	l.has(t, written)
	putPatient(t.Context(), t, writer, "last") // the stream is there again
	l.has(t, written+1)
	leave()
	l.all.Wait()
	if !errors.Is(l.err, context.Canceled) {
		t.Errorf("it ended with %v", l.err)
	}
	l.err = nil
	l.sawOnce(t, writer)
	if !resumed.Load() {
		t.Error("no stream went on from its resume token")
	}
	t.Logf("%d changes", written+1)
}

// A server that is killed under followers and comes back.
func TestFollowingKilled(t *testing.T) {
	t.Parallel()
	server := mongotest.Private(t)
	uri := mongotest.WithDatabase(server.URI(), "followed")
	writer, s := openAt(t, uri, Options{}), openAt(t, uri, Options{})
	const each = 20
	total := each * (1 + rounds(2, 10))
	l := listen(t.Context(), s, "", total)
	n := 0
	put := func() {
		for range each {
			putPatient(t.Context(), t, writer, fmt.Sprintf("p%04d", n))
			n++
		}
	}
	put()
	l.has(t, 1)
	for n < total {
		if err := server.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := server.Restart(); err != nil {
			t.Fatal(err)
		}
		put()
		l.has(t, n)
	}
	l.sawOnce(t, writer)
}

// Where the server has forgotten what a stream was about to tell, the history has it.
func TestFollowingLostStream(t *testing.T) {
	fault, uri := mongotest.Faulty(t)
	s, writer := openAt(t, uri, Options{}), openAt(t, uri, Options{})
	putPatient(t.Context(), t, writer, "first")
	l := listen(t.Context(), s, "", 3)
	l.has(t, 1)
	wait(t, 300*time.Millisecond) // there is a stream
	fault.Fail(1, []string{"getMore"}, bson.E{Key: "errorCode", Value: 286})
	putPatient(t.Context(), t, writer, "second")
	l.has(t, 2)
	for began := time.Now(); s.bell.next().gaps == 0; wait(t, 10*time.Millisecond) {
		if time.Since(began) > 10*time.Second {
			t.Fatal("the stream was not lost")
		}
	}
	putPatient(t.Context(), t, writer, "third")
	l.has(t, 3)
	l.sawOnce(t, writer)
}

// A backup from before is restored under those who follow: they are told that their position is gone.
func TestFollowingRestored(t *testing.T) {
	t.Parallel()
	uri := mongotest.URI(t)
	s := openAt(t, uri, Options{})
	putPatient(t.Context(), t, s, "backed up")
	history := s.db.Collection(historyName)
	backup, err := history.FindOne(t.Context(), bson.D{}).Raw()
	if err != nil {
		t.Fatal(err)
	}
	putPatient(t.Context(), t, s, "lost")
	l := listen(t.Context(), s, "", 1<<30)
	l.has(t, 2)
	wait(t, 300*time.Millisecond) // there is a stream
	if err := history.Drop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := history.InsertOne(t.Context(), backup); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { l.all.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Fatal("it does not notice")
	}
	if !errors.Is(l.err, store.ErrTooLate) {
		t.Errorf("it ended with %v", l.err)
	}
}

// Positions of another database are none of this one, though it has the same records.
func TestPositionsOfAnotherDatabase(t *testing.T) {
	one, two := open(t, Options{}), open(t, Options{})
	putPatient(t.Context(), t, one, "a")
	position, err := one.Position(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range two.Changes(t.Context(), position) {
		if !errors.Is(err, store.ErrCursor) {
			t.Errorf("%v", err)
		}
	}
}
