package sqlite

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"fhirside/resources/store"
	"fhirside/search"
	"fhirside/search/index"
)

// Commit makes the writes of f durable. See store.Store.
func (s *db) Commit(ctx context.Context, f func(store.Tx) error) error {
	return whereFull(s.path, s.writer.commit(ctx, f))
}

// tx is one commit in a group. Its writes wait in the group, and are put into the database only when the group is made durable,
// or when a search of a commit asks for what they may belong to.
type tx struct {
	w   *writer
	g   *group
	ctx context.Context

	mark      int // where its pending versions begin
	places    []undo
	savepoint bool // it wrote to the database
	ok        bool
	over      bool
}

// undo is what a pending version replaced among the pending ones.
type undo struct {
	key      store.Key
	previous *version
}

// version is one to be written.
type version struct {
	store.Version
	stamp  int64
	number int64
	after  *version // the version before it is pending too
	stored bool     // the version before it, or before those in after, is in the database
	values index.Values
	record []byte // for the body column; nil for a deletion
}

// end undoes a commit that failed.
func (t *tx) end() {
	t.over = true
	defer t.w.conn.guard(&t.g.failed)
	if t.ok {
		t.g.commits++
		if t.savepoint {
			t.note(t.w.conn.exec("RELEASE own"))
			t.g.known.keep()
			t.g.known = t.g.known.below
		}
		return
	}
	for i := len(t.places) - 1; i >= 0; i-- {
		if u := t.places[i]; u.previous != nil {
			t.g.current[u.key] = u.previous
		} else {
			delete(t.g.current, u.key)
		}
	}
	t.g.pending = t.g.pending[:min(t.mark, len(t.g.pending))]
	if t.savepoint {
		t.g.known = t.g.known.below
		t.note(t.w.conn.exec("ROLLBACK TO own"))
		t.note(t.w.conn.exec("RELEASE own"))
	}
}

// note keeps an error that leaves the transaction in doubt: nothing of the group is committed then.
func (t *tx) note(err error) {
	if err != nil && t.g.failed == nil {
		t.g.failed = err
	}
}

// try notes an error and explains it.
func (t *tx) try(err error) error {
	t.note(err)
	return explain(t.ctx, err)
}

var errOver = errors.New("the commit is over")

func (t *tx) Now() time.Time { return time.UnixMilli(t.g.millis).UTC() }

func (t *tx) Read(resourceType, id string) (v store.Version, err error) {
	if t.over {
		return v, errOver
	}
	k := store.Key{Type: resourceType, ID: id}
	if p := t.g.current[k]; p != nil {
		return p.Version, nil
	}
	defer t.w.conn.guard(&err)
	v, err = t.w.s.current(t.w.conn, k)
	return v, explain(t.ctx, err)
}

// Expect: commits take turns anyway.
func (t *tx) Expect(int) error { return nil }

// Retire: see Expect.
func (t *tx) Retire([]store.Key) error { return nil }

// Targets are those that are alive: nobody writes meanwhile.
func (t *tx) Targets(keys []store.Key) (found []store.Version, err error) {
	for _, key := range keys {
		switch v, err := t.Read(key.Type, key.ID); {
		case errors.Is(err, store.ErrNotFound) || err == nil && v.Deleted():
		case err != nil:
			return nil, err
		default:
			found = append(found, v)
		}
	}
	return found, nil
}

func (t *tx) Put(r store.Record) error {
	if r.Method != store.Created && r.Method != store.Updated || r.Body == nil {
		return fmt.Errorf("put %s/%s: a version that is put is created or updated, with a body", r.Type, r.ID)
	}
	v, err := t.next(r.Key)
	if err != nil {
		return err
	}
	if r.Rules < t.g.rules {
		return fmt.Errorf("put %s/%s: %w: %d, not %d", r.Type, r.ID, store.ErrRules, r.Rules, t.g.rules)
	}
	if r.Version.Version != v.Version.Version {
		return fmt.Errorf("put %s/%s: version %d does not follow version %d", r.Type, r.ID, r.Version.Version, v.Version.Version-1)
	}
	v.Method, v.Body, v.values = r.Method, r.Body, r.Values.At(r.Type, r.ID)
	v.record = t.w.packer.pack(v.values, r.Body)
	t.add(v)
	return nil
}

// Import gives a version the stamp that it would have had. See store.Tx.
func (t *tx) Import(r store.Record) error {
	v, err := t.next(r.Key)
	if err != nil {
		return err
	}
	if r.Version.Version < v.Version.Version {
		return fmt.Errorf("import %s/%s: version %d does not follow version %d", r.Type, r.ID, r.Version.Version, v.Version.Version-1)
	}
	last, err := t.lastStamp()
	if err != nil {
		return err
	}
	stamp := max(makeStamp(r.Updated.UnixMilli(), 0), last+1)
	if !stampTime(stamp).Equal(r.Updated) {
		return fmt.Errorf("import %s/%s: its time %v lies before that of a version that is there", r.Type, r.ID, r.Updated)
	}
	v.Version = r.Version
	if !r.Deleted() {
		v.values = r.Values.At(r.Type, r.ID)
		v.record = t.w.packer.pack(v.values, r.Body)
	}
	t.add(v)
	v.stamp = stamp
	t.g.millis = max(t.g.millis, r.Updated.UnixMilli()+1) // what others write next comes later
	return nil
}

// lastStamp is that of the version that was written last.
func (t *tx) lastStamp() (stamp int64, err error) {
	if n := len(t.g.pending); n > 0 {
		return t.g.pending[n-1].stamp, nil
	}
	defer t.w.conn.guard(&err)
	stamp, _, err = t.w.conn.integer(`SELECT max(stamp) FROM resource`)
	return stamp, explain(t.ctx, err)
}

func (t *tx) Delete(resourceType, id string) (store.Version, error) {
	v, err := t.next(store.Key{Type: resourceType, ID: id})
	if err != nil {
		return store.Version{}, err
	}
	if v.Version.Version == 1 {
		return store.Version{}, store.ErrNotFound
	}
	v.Method = store.Deleted
	t.add(v)
	return v.Version, nil
}

// next is the version after the current one.
func (t *tx) next(k store.Key) (v *version, err error) {
	if t.over {
		return nil, errOver
	}
	if t.g.place == 1<<placeBits-1 {
		return nil, fmt.Errorf("%w: a commit cannot write more than %d versions", store.ErrUnavailable, t.g.place)
	}
	v = &version{Version: store.Version{Key: k, Updated: t.Now()}}
	if p := t.g.current[k]; p != nil {
		v.after, v.number, v.stored = p, p.number, p.stored
		v.Version.Version = p.Version.Version + 1
		return v, nil
	}
	defer t.w.conn.guard(&err)
	h, err := t.w.s.head(t.w.conn, k)
	if err != nil {
		return nil, explain(t.ctx, err)
	}
	v.number, v.stored = h.number, h.number != 0
	v.Version.Version = h.version + 1
	return v, nil
}

func (t *tx) add(v *version) {
	if v.number == 0 {
		v.number = t.g.next
		t.g.next++
	}
	v.stamp = makeStamp(t.g.millis, t.g.place)
	t.g.place++
	t.g.written++
	t.places = append(t.places, undo{v.Key, t.g.current[v.Key]})
	t.g.current[v.Key] = v
	t.g.pending = append(t.g.pending, v)
}

func (t *tx) Search(s store.Search) iter.Seq2[store.Match, error] {
	return t.w.s.search(t.ctx, t.run, s)
}

func (t *tx) Count(types []string, f search.Filter) (int64, error) {
	return t.w.s.count(t.ctx, t.run, types, f)
}

// run runs a read on the writer's connection, when the database holds all pending versions that it may concern.
func (t *tx) run(ctx context.Context, types []string, f func(*conn) error) (err error) {
	if t.over {
		return errOver
	}
	defer t.w.conn.guard(&err)
	if t.concerns(types) {
		if err := t.flush(); err != nil {
			return err
		}
	}
	return explain(ctx, f(t.w.conn))
}

// concerns says whether a version of one of the types is pending; no types are all, and any may contain others.
func (t *tx) concerns(types []string) bool {
	if len(types) == 0 || anyContained(types) {
		return len(t.g.pending) > 0
	}
	for _, v := range t.g.pending {
		for _, typ := range types {
			if v.Type == typ {
				return true
			}
		}
	}
	return false
}

// flush writes what is pending: that of other commits for good, its own so that it can be undone.
func (t *tx) flush() error {
	if t.g.failed != nil {
		return explain(t.ctx, t.g.failed)
	}
	if t.mark > 0 {
		if err := t.try(t.w.flush(t.g, t.mark)); err != nil {
			return err
		}
		t.mark = 0
	}
	if !t.savepoint {
		if err := t.try(t.w.conn.exec("SAVEPOINT own")); err != nil {
			return err
		}
		t.savepoint = true
		t.g.known = newMemory(t.g.known)
	}
	err := t.try(t.w.flush(t.g, len(t.g.pending)))
	t.places = nil // none of its own is pending now
	return err
}
