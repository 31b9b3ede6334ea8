package mongo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	driver "go.mongodb.org/mongo-driver/v2/mongo"

	"fhirside/fhir"
	"fhirside/resources/store"
)

// Commit runs the function in a transaction of MongoDB, and again where another one came between or the server was lost.
func (s *Store) Commit(ctx context.Context, f func(store.Tx) error) error {
	if err := s.check(ctx); err != nil {
		return explain(ctx, err)
	}
	c := committer{s: s, began: time.Now(), retired: map[store.Key]bool{}}
	defer c.leave()
	for attempt := 0; ; attempt++ {
		err := c.attempt(ctx, f)
		if err == nil {
			return nil
		}
		if again, wait := c.again(err, attempt); !again || time.Until(c.deadline()) < wait || !sleep(ctx, wait) {
			return explain(ctx, c.last(err))
		}
	}
}

// deadline is when the commit gives up.
func (c *committer) deadline() time.Time {
	return c.began.Add(c.s.opt.CommitTimeout + time.Duration(c.admitted)*perEntry)
}

// sleep waits, or says that the context ended.
func sleep(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// committer is one commit with all of its attempts.
type committer struct {
	s          *Store
	began      time.Time
	admitted   int64              // entries it may write beside others, once it turned out to be big
	room       int64              // what it takes of the room for big commits
	duplicates int                // attempts that met a resource that was not there before
	written    extent             // by the last attempt that got to writing
	pressed    int                // attempts of a huge one that were rolled back by a conflict
	retired    map[store.Key]bool // what it may delete that others refer to
}

// admission says that an attempt turned out to be big: it starts again when it may.
type admission struct{ entries int64 }

func (a admission) Error() string {
	return fmt.Sprintf("a commit of %d entries waits for others", a.entries)
}

// missingCollection says that an attempt needs a collection that is not there yet and cannot be made while its transaction is
// open.
type missingCollection struct{ resourceType string }

func (m missingCollection) Error() string {
	return "the collection of " + m.resourceType + " is made first"
}

var (
	// errBehind says that a commit's time lies before that of a version it follows: it starts again with a later one.
	errBehind = errors.New("the time of the commit lies before that of the version it follows")
	// errUnknown says that nobody can tell whether the commit is durable: the connection was lost at its end and the server did
	// not come back in time.
	errUnknown = fmt.Errorf("%w: it is not known whether the commit became durable", store.ErrUnavailable)
)

// beginsAnew says whether an attempt has ended itself, to be run again knowing more.
func beginsAnew(err error) bool {
	return errors.As(err, &admission{}) || errors.As(err, &missingCollection{}) || errors.Is(err, errBehind) || errors.Is(err, errRetires) || errors.Is(err, errOutdated)
}

// again says whether an attempt that failed is to be repeated, and after how long.
func (c *committer) again(err error, attempt int) (bool, time.Duration) {
	backoff := time.Duration(rand.Int64N(int64(min(time.Millisecond<<min(attempt, 6), 50*time.Millisecond)))) + time.Millisecond/2
	var known *fhir.Error
	switch {
	case errors.Is(err, errUnknown):
		return false, 0
	case beginsAnew(err):
		return true, 0
	case errors.As(err, &known):
		return false, 0
	case isTooLarge(err):
		return c.isBeside(), backoff
	case hasCode(err, codeWriteConflict) && c.isHuge():
		c.pressed++
		return c.pressed < maxPressed, backoff
	case driver.IsDuplicateKeyError(err):
		c.duplicates++ // the next attempt looks before it writes
		return c.duplicates <= 3, backoff
	case isUnreachable(err):
		return time.Since(c.began) < c.s.opt.Patience, backoff + 50*time.Millisecond
	}
	return isConflict(err), backoff
}

// last is the error that the caller is told when there is no other attempt.
func (c *committer) last(err error) error {
	if beginsAnew(err) {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	if isTooLarge(err) && c.written.isHeavy() || !errors.Is(err, errUnknown) && c.isStuck() {
		return tooHeavy(c.written).Because(err)
	}
	if isTooLarge(err) || c.pressed == maxPressed {
		return c.s.largest.refusal(c.written, c.pressed).Because(err)
	}
	if c.written.entries >= bigCommit && time.Until(c.deadline()) <= 0 && !errors.Is(err, errUnknown) {
		return c.s.largest.delay(c.written).Because(fmt.Errorf("%w: %w", store.ErrUnavailable, err))
	}
	return err
}

// attempt runs the function once. An error of the database counts more than what the function makes of it.
func (c *committer) attempt(ctx context.Context, f func(store.Tx) error) (err error) {
	inTime, cancel := context.WithDeadline(ctx, c.deadline())
	defer cancel()
	t := &tx{s: c.s, ctx: inTime, committer: c, writes: map[store.Key]*write{}, known: map[store.Key]current{}}
	defer func() { t.finish(err) }() // also where the function panics
	if len(c.retired) > 0 {
		err = t.retire()
	}
	if err == nil {
		err = f(t)
	}
	if err == nil && t.failed == nil {
		err = t.commit()
	}
	if t.failed != nil {
		err = t.failed
	}
	c.s.meters.attempted(err)
	if written := (extent{len(t.order), t.bytes}); err == nil {
		c.s.largest.note(written)
	} else if written.entries > 0 {
		c.written = written
	}
	t.finish(err) // what is prepared for the next attempt may take time
	return c.prepare(ctx, err)
}

// prepare does what the next attempt needs; it returns what failed.
func (c *committer) prepare(ctx context.Context, failed error) error {
	var missing missingCollection
	var big admission
	switch {
	case errors.As(failed, &missing):
		if err := c.s.catalog.ensure(ctx, missing.resourceType); err != nil {
			return err
		}
	case errors.As(failed, &big):
		if err := c.enter(ctx, big.entries, min(big.entries, int64(c.s.opt.MaxEntriesAtOnce))); err != nil {
			return err
		}
	case (isConflict(failed) || isTooLarge(failed)) && c.isBeside():
		// A server whose cache is pressed says so by a conflict: the next attempt has it alone.
		if err := c.enter(ctx, c.admitted, int64(c.s.opt.MaxEntriesAtOnce)); err != nil {
			return err
		}
	}
	return failed
}

// isBeside says whether it is a big commit that others may run beside.
func (c *committer) isBeside() bool {
	return c.room > 0 && c.room < int64(c.s.opt.MaxEntriesAtOnce)
}

// maxPressed is how often a huge commit may meet a conflict: a server need not say that its cache is too small (SERVER-84007), and then it
// will be too small the next time.
const maxPressed = 6

// isHuge says whether it is a commit of which no two fit, and no other big one runs beside it.
func (c *committer) isHuge() bool {
	return c.room > 0 && !c.isBeside() && c.admitted > int64(c.s.opt.MaxEntriesAtOnce/2)
}

// bigCommit is from how many entries on a commit queues with others.
const bigCommit = 200

// enter waits until the big commits that run leave so much room for this one.
func (c *committer) enter(ctx context.Context, entries, room int64) error {
	c.leave()
	ctx, cancel := context.WithTimeout(ctx, c.s.opt.QueueTime)
	defer cancel()
	if err := c.s.big.Acquire(ctx, room); err != nil {
		return fmt.Errorf("%w: other big commits take too long: %w", store.ErrUnavailable, err)
	}
	c.room, c.admitted = room, entries
	c.began = time.Now() // its own time begins now
	return nil
}

func (c *committer) leave() {
	if c.room > 0 {
		c.s.big.Release(c.room)
		c.room, c.admitted = 0, 0
	}
}
