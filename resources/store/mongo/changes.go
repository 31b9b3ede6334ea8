package mongo

import (
	"context"
	"encoding/hex"
	"errors"
	"iter"
	"slices"

	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"fhirside/resources/store"
)

// Changes yields every version in the order of its commit, up to now: where a commit that is open hides later ones, it waits for its end.
// They come from the history, which is never trimmed but by purges.
func (s *Store) Changes(ctx context.Context, after string) iter.Seq2[store.Change, error] {
	return func(yield func(store.Change, error) bool) {
		r, err := s.changes(ctx, after)
		if err != nil {
			yield(store.Change{}, explain(ctx, err))
			return
		}
		for all, left := false, false; !all && !left; {
			all, err = r.batches(func(batch []store.Change) bool {
				left = slices.ContainsFunc(batch, func(c store.Change) bool { return !yield(c, nil) })
				return !left
			})
			if err == nil && !all && !left {
				all, err = r.untilMore()
			}
			if err != nil {
				yield(store.Change{}, explain(ctx, err))
				return
			}
		}
	}
}

// Follow reads the changes, and reads again whenever the bell rings. See store.Store.
func (s *Store) Follow(ctx context.Context, after string) iter.Seq2[[]store.Change, error] {
	return func(yield func([]store.Change, error) bool) {
		s.bell.join()
		defer s.bell.leave()
		f := follower{ctx: ctx, s: s, after: after, yield: yield}
		for {
			rung := s.bell.next() // before reading: what is committed from here on rings it
			switch again, err := f.read(rung.gaps); {
			case f.left:
				return
			case ctx.Err() != nil:
				yield(nil, context.Cause(ctx))
				return
			case s.closing.Err() != nil:
				yield(nil, errClosed)
				return
			case err != nil && !errors.Is(err, store.ErrUnavailable):
				yield(nil, err)
				return
			case err != nil:
				sleep(ctx, retryAfter)
				continue
			case again:
				continue
			}
			select {
			case <-rung.done:
			case <-ctx.Done():
			case <-s.closing.Done():
			}
		}
	}
}

// follower is how far somebody who follows the changes is.
type follower struct {
	ctx   context.Context
	s     *Store
	after string
	gaps  int64    // of the bell, when after was found to be a position
	r     *changes // nil: after has to be looked at
	yield func([]store.Change, error) bool
	left  bool // yield wants no more
}

// read yields what is there, and says whether to read again without waiting: a commit that may yet become visible hides those after it,
// and need not ring when it ends. Where the bell may have missed something, a backup may have been restored: then the position is
// looked at anew.
func (f *follower) read(gaps int64) (again bool, err error) {
	if f.r == nil || f.gaps != gaps {
		if f.r, err = f.s.changes(f.ctx, f.after); err != nil {
			return false, explain(f.ctx, err)
		}
		f.gaps = gaps
	}
	all, err := f.r.batches(func(batch []store.Change) bool {
		f.after = batch[len(batch)-1].Position
		f.left = !f.yield(batch, nil)
		return !f.left
	})
	return !all, explain(f.ctx, err)
}

// Position is that of the newest version up to the horizon. See store.Store.
func (s *Store) Position(ctx context.Context) (string, error) {
	r, err := s.changes(ctx, "")
	if err != nil {
		return "", explain(ctx, err)
	}
	newest, err := r.newest()
	if err != nil || newest == nil {
		return "", explain(ctx, err)
	}
	return sealStamp(r.list, *newest), nil
}

// changes reads the history in the order of commits.
type changes struct {
	versions
	list    string // what its positions are of
	after   *stamp
	reached int64 // the horizon when they were read last
}

// changes begins behind a position.
func (s *Store) changes(ctx context.Context, after string) (*changes, error) {
	r := &changes{versions: s.versions(ctx)}
	var err error
	if r.list, err = s.listOfChanges(ctx); err != nil {
		return nil, err
	}
	if r.after, err = openStamp(after, r.list); err != nil || r.after == nil {
		return r, err
	}
	return r, r.stillThere()
}

// listOfChanges names the changes of this database, so that positions of another one are told from theirs.
func (s *Store) listOfChanges(ctx context.Context) (string, error) {
	if known := s.identity.Load(); known != nil {
		return *known, nil
	}
	secret, err := s.Secret(ctx, "changes")
	if err != nil {
		return "", err
	}
	list := "changes/" + hex.EncodeToString(secret[:])
	s.identity.Store(&list)
	return list, nil
}

// stillThere looks for the commit of the position that the changes begin behind.
func (r *changes) stillThere() error {
	found, err := r.has(r.after.commit)
	if err == nil && !found {
		err = store.ErrTooLate
	}
	return err
}

// untilMore says whether nothing was committed behind the horizon, or waits a while.
func (r *changes) untilMore() (nothing bool, err error) {
	hidden, err := r.has(d("$gt", r.reached))
	if err == nil && hidden && !sleep(r.ctx, retryAfter) {
		err = context.Cause(r.ctx)
	}
	return !hidden, err
}

// has says whether there is a version of such a commit.
func (r *changes) has(commit any) (bool, error) {
	ctx, cancel := context.WithTimeout(r.ctx, r.s.opt.Timeout)
	defer cancel()
	v := &view{s: r.s, ctx: ctx, outside: ctx}
	err := v.retried(func() error {
		return v.collection(historyName).FindOne(ctx, d("commit", commit), options.FindOne().SetProjection(d("_id", 1))).Err()
	})
	if errors.Is(err, driver.ErrNoDocuments) {
		return false, nil
	}
	return err == nil, err
}

// newest is the place of the newest version; nil where there is none.
func (r *changes) newest() (*stamp, error) {
	horizon, _, err := r.horizon()
	if err != nil {
		return nil, err
	}
	lists := r.lists(store.Key{}, bounds{unbounded.lo, horizon}, true)
	page, err := r.page(lists, nil, true, 1)
	if err != nil || len(page) == 0 {
		return nil, err
	}
	return &page[0].stamp, nil
}

// batches yields what is there, and goes on behind it the next time. all says whether that is everything that was acknowledged
// before.
func (r *changes) batches(yield func([]store.Change) bool) (all bool, err error) {
	horizon, all, err := r.horizon()
	if err != nil {
		return false, err
	}
	r.reached = horizon
	lists := r.lists(store.Key{}, bounds{unbounded.lo, horizon}, false)
	for {
		page, err := r.page(lists, r.after, false, historyBatch)
		if err != nil || len(page) == 0 {
			return all, err
		}
		batch := make([]store.Change, len(page))
		for i, e := range page {
			batch[i] = store.Change{Version: e.Version, Position: sealStamp(r.list, e.stamp)}
		}
		r.after = &page[len(page)-1].stamp
		if !yield(batch) || len(page) < historyBatch {
			return all, nil
		}
	}
}
