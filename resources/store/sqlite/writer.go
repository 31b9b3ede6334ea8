package sqlite

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"fhirside/resources/store"
)

// writer is the one connection that writes. Commits take turns on it and run in their callers' goroutines; those that are
// waiting join the transaction of the one before them, and whoever finds nobody waiting makes it durable for all. So N
// concurrent commits cost one fsync, and a lone one waits for nobody.
type writer struct {
	s *db
	// Only whose turn it is touches these:
	conn   *conn
	group  *group  // the open transaction
	known  *memory // what the database is known to hold
	packer packer
	// others changes whenever another process has written.
	others int64
	// truncate: the write-ahead log may hold what was purged.
	truncate bool

	mu     sync.Mutex
	taken  bool            // it is somebody's turn
	queue  []chan struct{} // those waiting for theirs
	closed bool
}

// A group is a transaction of SQLite with the commits in it.
type group struct {
	millis  int64 // the time of its commits
	begun   time.Time
	place   int   // of the next version in it
	next    int64 // number of the next new resource
	commits int
	written int   // versions
	rules   int64 // the least number of rules that records may have, see rules.go
	failed  error // the transaction cannot be saved any more

	pending []*version             // written, but not yet in the database
	current map[store.Key]*version // the latest pending of each resource
	known   *memory

	done chan struct{} // closed when durable, or not (err)
	err  error
}

// A group is made durable at the latest when it has this many commits or versions, or is this old.
const (
	maxCommits  = 128
	maxVersions = 4096
	maxAge      = 20 * time.Millisecond
)

func newWriter(s *db, c *conn) *writer {
	return &writer{s: s, conn: c, known: newMemory(nil), packer: packer{codec: s.codec}}
}

// commit runs f in its turn. See store.Store.
func (w *writer) commit(ctx context.Context, f func(store.Tx) error) error {
	if err := w.take(ctx, false); err != nil {
		return err
	}
	g, err := w.turn(ctx, f)
	if g == nil {
		return err
	}
	<-g.done // not given up on when ctx ends: the commit may be durable already
	if g.err != nil {
		return g.err
	}
	return err
}

// turn runs f in the group and ends the caller's turn, whatever f does. The error is that of f.
func (w *writer) turn(ctx context.Context, f func(store.Tx) error) (g *group, err error) {
	defer w.pass() // also when f panics or ends its goroutine
	g, err = w.begin(ctx)
	if err != nil {
		return nil, err
	}
	t := &tx{w: w, g: g, ctx: ctx, mark: len(g.pending)}
	defer t.end()
	err = f(t)
	t.ok = err == nil
	return g, err
}

// take waits for the caller's turn; the last one is that of whoever closes the writer.
func (w *writer) take(ctx context.Context, last bool) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return errClosed
	}
	w.closed = last
	if !w.taken {
		w.taken = true
		w.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	w.queue = append(w.queue, turn)
	w.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	w.mu.Lock()
	if i := slices.Index(w.queue, turn); i >= 0 {
		w.queue = slices.Delete(w.queue, i, i+1)
		w.mu.Unlock()
	} else { // the turn came at the same moment, and others may rely on it being taken
		w.mu.Unlock()
		w.pass()
	}
	return context.Cause(ctx)
}

// pass ends a turn: the next in the queue goes on with the group, or it is made durable.
func (w *writer) pass() {
	w.mu.Lock()
	waiting := len(w.queue) > 0
	w.mu.Unlock()
	if g := w.group; g != nil && (!waiting || g.full()) {
		w.group = nil
		g.err = w.durable(g)
		close(g.done)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) == 0 {
		w.taken = false
		return
	}
	close(w.queue[0])
	w.queue = w.queue[1:]
}

func (g *group) full() bool {
	return g.failed != nil || g.commits >= maxCommits || g.written >= maxVersions || time.Since(g.begun) > maxAge
}

// begin is the open group, or a new one.
func (w *writer) begin(ctx context.Context) (g *group, err error) {
	if w.group != nil {
		return w.group, nil
	}
	if w.conn.broken {
		w.conn.discard()
		if w.conn, err = w.s.connectWriter(ctx); err != nil {
			return nil, explain(ctx, err)
		}
	}
	defer w.conn.guard(&err)
	done := w.conn.interruptible(ctx) // while another process writes
	err = w.conn.exec("BEGIN IMMEDIATE")
	done()
	if err != nil {
		return nil, explain(ctx, err)
	}
	others, _, err := w.conn.integer(`PRAGMA data_version`)
	if err != nil {
		w.conn.rollback()
		return nil, explain(ctx, err)
	}
	if others != w.others { // what is known may have been purged
		w.known, w.others = newMemory(nil), others
	}
	g = &group{begun: time.Now(), current: map[store.Key]*version{}, known: newMemory(w.known), done: make(chan struct{})}
	if g.millis, g.next, err = w.position(); err == nil {
		g.rules, _, err = w.conn.integer(`SELECT value FROM setting WHERE name='required rules'`)
	}
	if err != nil {
		w.conn.rollback()
		return nil, explain(ctx, err)
	}
	w.group = g
	return g, nil
}

// position is the time of the next transaction, later than that of any before it, and the next free number. Both are read from
// the database each time: another process may have written.
func (w *writer) position() (millis, number int64, err error) {
	number, _, err = w.conn.integer(`SELECT max(number) FROM resource`)
	if err != nil {
		return 0, 0, err
	}
	last, _, err := w.conn.integer(`SELECT max(stamp) FROM resource`) // a current version is the latest one
	if err != nil {
		return 0, 0, err
	}
	least := last>>placeBits + 1
	now := w.s.opt.Now()
	if now.UnixMilli() == least-1 { // rather wait for the next millisecond than run ahead of the clock
		time.Sleep(now.Truncate(time.Millisecond).Add(time.Millisecond).Sub(now))
		now = w.s.opt.Now()
	}
	return max(now.UnixMilli(), least), number + 1, nil
}

// durable commits the group's transaction.
func (w *writer) durable(g *group) (err error) {
	defer w.conn.guard(&err)
	err = g.failed
	if w.conn.broken {
		return fmt.Errorf("%w: it ran out of memory", store.ErrUnavailable) // the transaction ends with the connection
	}
	if err == nil {
		err = w.flush(g, len(g.pending))
	}
	if err == nil {
		err = w.conn.exec("COMMIT")
	}
	if err != nil {
		w.conn.rollback()
		return explain(context.Background(), err)
	}
	g.known.keep()
	if g.written > 0 {
		w.s.news.wake()
	}
	w.empty()
	return nil
}

// empty empties the write-ahead log behind a purge. It waits for no reader who still needs it: the next commit tries again, and
// the last process to close the file removes the log.
func (w *writer) empty() {
	if !w.truncate || w.conn.db.BusyTimeout(patience) != nil {
		return
	}
	busy, ok, err := w.conn.integer(`PRAGMA wal_checkpoint(TRUNCATE)`)
	w.truncate = err != nil || ok && busy != 0
	if err := w.conn.db.BusyTimeout(busyTimeout); err != nil {
		w.conn.broken = true
	}
}

// patience is how long a commit after a purge waits for readers.
const patience = 50 * time.Millisecond

// shut waits for the turns before it and closes the connection.
func (w *writer) shut() error {
	if err := w.take(context.Background(), true); err != nil {
		return err
	}
	return w.conn.close()
}
