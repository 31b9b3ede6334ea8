package mongo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"fhirside/resources/store"
	"fhirside/resources/store/mongo/mongotest"
)

// putPatient commits a new patient, trying until the server is there.
func putPatient(ctx context.Context, t *testing.T, s store.Store, id string) {
	t.Helper()
	putPatients(ctx, t, s, id)
}

// putPatients commits new patients together.
func putPatients(ctx context.Context, t *testing.T, s store.Store, ids ...string) {
	t.Helper()
	for {
		err := s.Commit(ctx, func(tx store.Tx) error {
			if _, err := tx.Read("Patient", ids[0]); !errors.Is(err, store.ErrNotFound) {
				return err // an attempt before, whose answer was lost
			}
			for _, id := range ids {
				if err := tx.Put(patient(id, id, 1, tx.Now())); err != nil {
					return err
				}
			}
			return nil
		})
		if err == nil || !errors.Is(err, store.ErrUnavailable) {
			if err != nil {
				t.Errorf("put %v: %v", ids, err)
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
	late := time.After(limit)
	for {
		l.mu.Lock()
		got, err := len(l.seen), l.err
		l.mu.Unlock()
		if got >= n {
			return
		}
		select {
		case <-l.fresh:
		case <-late:
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

// streams waits until a change stream was begun behind the first n commands, and listened to.
func (a *asked) streams(t *testing.T, n int) {
	t.Helper()
	until(t, "there is a stream", func() bool {
		names := a.since(n)
		begun := slices.Index(names, "aggregate "+historyName)
		return begun >= 0 && slices.Contains(names[begun:], "getMore")
	})
}

// While nothing is committed a follower asks for nothing but the stream; what another process commits it has at once.
func TestFollowersDoNotPoll(t *testing.T) {
	t.Parallel()
	uri := mongotest.URI(t)
	var sent asked
	watched := Watched(sent.note)
	watched.watch = time.Hour // or it looks for a newer layout
	s := openAt(t, uri, watched)
	other := openAt(t, uri, Options{})
	putPatient(t.Context(), t, other, "first")
	l := listen(t.Context(), s, "", 3)
	l.has(t, 1)
	// It looks once more when the stream is there; then the server holds back its answers for a second each.
	until(t, "it asks for nothing but the stream", func() bool {
		names := sent.since(0)
		return len(names) > 2 && slices.Equal(names[len(names)-2:], []string{"getMore", "getMore"})
	})
	began := time.Now()
	before := len(sent.since(0))
	until(t, "it asks for the stream", func() bool { return len(sent.since(before)) > 1 })
	idle, took := sent.since(before), time.Since(began)
	if slices.ContainsFunc(idle, func(name string) bool { return name != "getMore" }) || took < awaitTime/2 {
		t.Errorf("in %v without commits it asked for %v", took, idle)
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
	var sent asked
	watched := Watched(sent.note)
	watched.Timeout = time.Second
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
	sent.streams(t, 0)
	for range rounds(1, 10) {
		before := len(sent.since(0))
		n.Cut(300 * time.Millisecond)
		sent.streams(t, before)
		n.Slow(300 * time.Millisecond)
		n.HalfOpen(1200 * time.Millisecond)
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
	if !sent.resumed {
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
	var sent asked
	s, writer := openAt(t, uri, Watched(sent.note)), openAt(t, uri, Options{})
	putPatient(t.Context(), t, writer, "first")
	l := listen(t.Context(), s, "", 3)
	l.has(t, 1)
	sent.streams(t, 0)
	gaps := s.bell.next().gaps
	fault.Fail(1, []string{"getMore"}, bson.E{Key: "errorCode", Value: 286})
	putPatient(t.Context(), t, writer, "second")
	l.has(t, 2)
	until(t, "the stream is lost", func() bool { return s.bell.next().gaps > gaps })
	putPatient(t.Context(), t, writer, "third")
	l.has(t, 3)
	l.sawOnce(t, writer)
}

// A backup from before is restored under those who follow: they are told that their position is gone.
func TestFollowingRestored(t *testing.T) {
	t.Parallel()
	var sent asked
	restoredUnder(t, Watched(sent.note), func() { sent.streams(t, 0) }, func() {})
}

// The same, where that happens just before there is a stream that would tell of it.
func TestFollowingRestoredBeforeStream(t *testing.T) {
	t.Parallel()
	begins, restored := make(chan struct{}), make(chan struct{})
	begin := sync.OnceFunc(func() { close(begins) })
	held := Watched(func(command bson.Raw) {
		if _, err := command.LookupErr("pipeline", "0", "$changeStream"); err == nil {
			begin()
			<-restored
		}
	})
	restoredUnder(t, held, func() { <-begins }, sync.OnceFunc(func() { close(restored) }))
}

// restoredUnder restores a backup under a follower of a store with these options.
func restoredUnder(t *testing.T, follows Options, before, after func()) {
	t.Helper()
	uri := mongotest.URI(t)
	s := openAt(t, uri, follows)
	t.Cleanup(after) // before the store is closed
	putPatient(t.Context(), t, s, "backed up")
	history := s.db.Collection(historyName)
	backup, err := history.FindOne(t.Context(), bson.D{}).Raw()
	if err != nil {
		t.Fatal(err)
	}
	putPatient(t.Context(), t, s, "lost")
	l := listen(t.Context(), s, "", 1<<30)
	l.has(t, 2)
	before()
	if err := history.Drop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := history.InsertOne(t.Context(), backup); err != nil {
		t.Fatal(err)
	}
	after()
	ended := make(chan struct{})
	go func() { l.all.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(limit):
		t.Fatal("it does not notice")
	}
	if !errors.Is(l.err, store.ErrTooLate) {
		t.Errorf("it ended with %v", l.err)
	}
}

// Changes go up to now, also where a commit that a process left open hides what was committed after it: they wait until it lapses.
func TestChangesBehindOpenCommit(t *testing.T) {
	t.Parallel()
	s := open(t, Options{})
	putPatient(t.Context(), t, s, "before")
	orphan := d("commit", time.Now().UnixMicro(), "owner", int64(1), "until", time.Now().Add(horizonPatience+time.Second).UnixMilli())
	if _, err := s.db.Collection(clockName).UpdateByID(t.Context(), clockID, d("$push", d("open", orphan))); err != nil {
		t.Fatal(err)
	}
	wait(t, 2*time.Millisecond) // the next commit has a later number
	putPatient(t.Context(), t, s, "after")
	if all := changesOf(t, s); len(all) != 2 {
		t.Errorf("%d of 2 changes: %v", len(all), all)
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
