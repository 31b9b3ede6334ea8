package sqlite

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"fhirside/resources/store"
)

// Changes yields versions in the order of commits. See store.Store.
func (s *db) Changes(ctx context.Context, after string) iter.Seq2[store.Change, error] {
	return func(yield func(store.Change, error) bool) {
		last, err := s.openChange(ctx, after)
		if err != nil {
			yield(store.Change{}, err)
			return
		}
		for more := true; more; {
			var page []store.Change
			page, last, more, err = s.changesPage(ctx, last)
			for _, c := range page {
				if !yield(c, nil) {
					return
				}
			}
			if err != nil {
				yield(store.Change{}, err)
				return
			}
		}
	}
}

// lookAgain is how long what another process has written to the file may stay unseen by those who follow the changes.
const lookAgain = 250 * time.Millisecond

// Follow reads the changes, and reads again after each commit of this process, and now and then for those of others. See store.Store.
func (s *db) Follow(ctx context.Context, after string) iter.Seq2[[]store.Change, error] {
	return func(yield func([]store.Change, error) bool) {
		others := time.NewTicker(lookAgain)
		defer others.Stop()
		f := follower{s: s, after: after, yield: yield}
		for {
			news := s.news.next() // before reading: what is committed from here on is news
			err := f.read(ctx)
			switch {
			case f.left:
				return
			case ctx.Err() != nil:
				yield(nil, context.Cause(ctx))
				return
			case err != nil && (!errors.Is(err, store.ErrUnavailable) || errors.Is(err, errClosed)):
				yield(nil, err)
				return
			}
			select {
			case <-news:
			case <-others.C:
			case <-ctx.Done():
			}
		}
	}
}

// follower is how far somebody who follows the changes is.
type follower struct {
	s     *db
	after string
	begun bool  // after is a position; from there on:
	last  int64 // the stamp of the version that was yielded last
	yield func([]store.Change, error) bool
	left  bool // yield wants no more
}

// read yields what is there.
func (f *follower) read(ctx context.Context) (err error) {
	if !f.begun {
		if f.last, err = f.s.openChange(ctx, f.after); err != nil {
			return err
		}
		f.begun = true
	}
	for more := true; more && !f.left; {
		var page []store.Change
		if page, f.last, more, err = f.s.changesPage(ctx, f.last); len(page) > 0 {
			f.left = !f.yield(page, nil)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Position is that of the newest version. See store.Store.
func (s *db) Position(ctx context.Context) (position string, err error) {
	err = s.read(ctx, func(c *conn) error {
		last, found, err := c.integer(`SELECT max(stamp) FROM resource`) // a current version is the latest one
		if found && last > 0 {
			position = s.writeStamp(last, "changes")
		}
		return err
	})
	return position, err
}

// openChange is the stamp that a position is behind; -1 for the beginning.
func (s *db) openChange(ctx context.Context, after string) (last int64, err error) {
	if after == "" {
		return -1, nil
	}
	if last, err = s.readStamp(after, "changes"); err != nil {
		return 0, err
	}
	first := makeStamp(stampTime(last).UnixMilli(), 0)
	err = s.read(ctx, func(c *conn) error {
		n, _, err := c.integer(`SELECT EXISTS(SELECT 1 FROM resource WHERE stamp BETWEEN ? AND ?) OR EXISTS(SELECT 1 FROM history WHERE stamp BETWEEN ? AND ?)`,
			integer(first), integer(last), integer(first), integer(last))
		if err == nil && n == 0 {
			err = store.ErrTooLate
		}
		return err
	})
	return last, err
}

const newVersions = `SELECT r.type, r.id, v.version, v.stamp, v.method, v.body FROM (
	SELECT number, version, stamp, method, body FROM resource WHERE stamp>?1
	UNION ALL SELECT number, version, stamp, method, body FROM history WHERE stamp>?1
	ORDER BY stamp LIMIT ?2) v CROSS JOIN resource r ON r.number=v.number`

// changesPage are the next versions behind a stamp, the stamp of the last of them, and whether there may be more.
func (s *db) changesPage(ctx context.Context, behind int64) (page []store.Change, last int64, more bool, err error) {
	var versions []stamped
	err = s.read(ctx, func(c *conn) error {
		return s.versions(ctx, c, &versions, newVersions, integer(behind), integer(int64(s.limits.page)))
	})
	last = behind
	for _, v := range versions {
		last = v.stamp
		page = append(page, store.Change{Version: v.Version, Position: s.writeStamp(v.stamp, "changes")})
	}
	return page, last, len(versions) == s.limits.page, err
}

// broadcast wakes all who wait. The zero value is ready for use.
type broadcast struct {
	mu   sync.Mutex
	wait chan struct{} // nil while nobody waits
}

// next is closed when something happens from now on.
func (b *broadcast) next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.wait == nil {
		b.wait = make(chan struct{})
	}
	return b.wait
}

func (b *broadcast) wake() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.wait != nil {
		close(b.wait)
		b.wait = nil
	}
}
