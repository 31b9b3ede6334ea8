package sqlite

import (
	"context"
	"iter"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/ncruces/go-sqlite3"

	"fhirside/resources/store"
)

// State is kept in a table beside the resources. See store.Store.
func (s *db) State() store.State { return &s.state }

// state is a store.State. Its writes take turns with the commits and become durable with them.
type state struct {
	s     *db
	swept atomic.Int64 // when what has expired was removed last, in milliseconds
}

// sweeping is how often a process removes what has expired, in milliseconds.
const sweeping = 60_000

const aliveState = ` AND (expires IS NULL OR expires > ?)`

func (s *state) now() int64 { return s.s.opt.Now().UnixMilli() }

func (s *state) Get(ctx context.Context, kind, key string) (e store.Entry, err error) {
	found := false
	err = s.s.read(ctx, func(c *conn) error {
		return c.each(func(st *sqlite3.Stmt) error {
			e, found = entryOf(kind, st), true
			return nil
		}, `SELECT key, owner, revision, expires, value FROM state WHERE kind=? AND key=?`+aliveState, text(kind), text(key), integer(s.now()))
	})
	if err == nil && !found {
		err = store.ErrNotFound
	}
	return e, err
}

func entryOf(kind string, st *sqlite3.Stmt) store.Entry {
	e := store.Entry{
		Kind: kind, Key: st.ColumnText(0), Owner: st.ColumnText(1), Revision: st.ColumnInt64(2), Value: st.ColumnBlob(4, nil),
	}
	if st.ColumnType(3) != sqlite3.NULL {
		e.Expires = time.UnixMilli(st.ColumnInt64(3)).UTC()
	}
	return e
}

// Put gives each write a revision of its own, so that none is taken for one that was there before a deletion.
func (s *state) Put(ctx context.Context, e store.Entry) (int64, error) {
	expires := arg{}
	if !e.Expires.IsZero() {
		expires = integer(e.Expires.UnixMilli())
	}
	revision, now := rand.Int64N(1<<53-1)+1, s.now()
	err := s.write(ctx, func(c *conn) error {
		if err := s.sweep(c, now); err != nil {
			return err
		}
		values := []arg{text(e.Owner), integer(revision), expires, blob(e.Value), text(e.Kind), text(e.Key), integer(now)}
		sql := `INSERT INTO state(owner, revision, expires, value, kind, key) VALUES(?1, ?2, ?3, ?4, ?5, ?6)
			ON CONFLICT(kind, key) DO UPDATE SET owner=?1, revision=?2, expires=?3, value=?4 WHERE state.expires <= ?7`
		if e.Revision != 0 {
			sql = `UPDATE state SET owner=?1, revision=?2, expires=?3, value=?4 WHERE kind=?5 AND key=?6 AND (expires IS NULL OR expires > ?7) AND revision=?8`
			values = append(values, integer(e.Revision))
		}
		if err := c.exec(sql, values...); err != nil {
			return err
		}
		if c.db.Changes() == 0 {
			return store.ErrConflict
		}
		return nil
	})
	return revision, err
}

// sweep removes what has expired, now and then.
func (s *state) sweep(c *conn, now int64) error {
	last := s.swept.Load()
	if now-last < sweeping || !s.swept.CompareAndSwap(last, now) {
		return nil
	}
	return c.exec(`DELETE FROM state WHERE expires <= ?`, integer(now))
}

func (s *state) Delete(ctx context.Context, kind, key string) error {
	return s.write(ctx, func(c *conn) error {
		return c.exec(`DELETE FROM state WHERE kind=? AND key=?`, text(kind), text(key))
	})
}

// write runs f in a commit. Each statement of f holds for itself: it is not undone when f fails.
func (s *state) write(ctx context.Context, f func(*conn) error) error {
	return s.s.Commit(ctx, func(t store.Tx) (err error) {
		c := t.(*tx).w.conn
		defer c.guard(&err)
		return explain(ctx, f(c))
	})
}

func (s *state) List(ctx context.Context, kind, owner string) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		for after, more := "", true; more; {
			page, err := s.page(ctx, kind, owner, after)
			if err != nil {
				yield(store.Entry{}, err)
				return
			}
			for _, e := range page {
				if !yield(e, nil) {
					return
				}
				after = e.Key
			}
			more = len(page) == listed
		}
	}
}

// listed is how many entries are read at once: no connection is held while they are looked at.
const listed = 200

func (s *state) page(ctx context.Context, kind, owner, after string) (page []store.Entry, err error) {
	sql, args := `SELECT key, owner, revision, expires, value FROM state WHERE kind=? AND key>?`+aliveState, []arg{text(kind), text(after), integer(s.now())}
	if owner != "" {
		sql, args = sql+` AND owner=?`, append(args, text(owner))
	}
	err = s.s.read(ctx, func(c *conn) error {
		page = page[:0]
		return c.each(func(st *sqlite3.Stmt) error {
			page = append(page, entryOf(kind, st))
			return nil
		}, sql+` ORDER BY key LIMIT ?`, append(args, integer(listed))...)
	})
	return page, err
}
