package mongo

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	driver "go.mongodb.org/mongo-driver/v2/mongo"

	"fhirside/fhir"
	"fhirside/resources/store"
	"fhirside/search"
	"fhirside/search/index"
)

// tx is one attempt of a commit. Its writes are collected and sent together, at the end or before a search that has to see them;
// the transaction of MongoDB begins with the first thing that is sent.
type tx struct {
	s         *Store
	ctx       context.Context
	committer *committer
	session   *driver.Session
	inside    context.Context // of the session; nil until the transaction begins
	catalog   int64           // the size of the catalog when it began
	number    int64           // by the clock; 0 until it is asked for
	reference int64           // another number by which it refers to what is there, or 0; see targets.go
	late      bool            // it will take that
	deleting  []deletion      // what commits of lower numbers may delete
	looked    bool            // the transaction had begun before, so that it shows an earlier moment
	rules     int64           // the least number of rules that records may have, known with the number
	now       time.Time
	known     map[store.Key]current // what is current without this commit's writes; Version 0 where nothing ever was
	writes    map[store.Key]*write  // by resource
	order     []*version            // all versions in the order in which they were put
	sent      int                   // versions of order that were sent
	bytes     int
	locks     locks
	failed    error // the first error of the database, or reason to start again
	ended     bool
}

// write is what a commit makes of one resource.
type write struct {
	before  store.Version // current without this commit; Version 0 where nothing ever was
	last    *version
	present bool        // the document that was sent last is in the type's collection
	inside  []store.Key // what that contains
}

// version is one version that a commit writes.
type version struct {
	store.Version
	content content
	values  index.Values
	index   []byte      // of the values; nil for a deletion
	inside  []contained // what it contains
	at      *stamp      // of one that is imported: its place in the order of commits; else that of its commit
}

// fail keeps the first error of the database, whatever the function makes of it.
func (t *tx) fail(err error) error {
	if err != nil && t.failed == nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrCursor) {
		t.failed = err
	}
	return err
}

// view reads inside of the transaction, which it begins if need be.
func (t *tx) view() (*view, error) {
	if t.failed != nil {
		return nil, t.failed
	}
	if t.inside == nil {
		session, inside, err := t.s.transaction(t.ctx)
		if err != nil {
			return nil, t.fail(err)
		}
		t.session, t.inside = session, inside
		t.catalog = t.s.catalog.size.Load()
	}
	return &view{s: t.s, ctx: t.inside, outside: t.ctx, tx: t}, nil
}

// Read is the current version, this commit's own writes included.
func (t *tx) Read(resourceType, id string) (store.Version, error) {
	key := store.Key{Type: resourceType, ID: id}
	if w := t.writes[key]; w != nil {
		return w.last.Version, nil
	}
	found, err := t.current(key)
	return found.Version, err
}

// current is what is current without this commit.
func (t *tx) current(key store.Key) (current, error) {
	found, ok := t.known[key]
	if !ok {
		v, err := t.view()
		if err != nil {
			return current{}, err
		}
		found, err = v.current(key)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return current{}, t.fail(err)
		}
		t.known[key] = found
	}
	if found.Version.Version == 0 {
		return current{}, store.ErrNotFound
	}
	return found, nil
}

// Search finds what matches, this commit's own writes included. Criteria that find nothing are locked until the commit ends where
// only keys are asked for: of two commits that both find nothing by the same criteria and write, one runs again.
func (t *tx) Search(q store.Search) iter.Seq2[store.Match, error] {
	return func(yield func(store.Match, error) bool) {
		found := false
		for match, err := range t.search(q) {
			if err != nil {
				yield(store.Match{}, t.fail(err))
				return
			}
			found = true
			if !yield(match, nil) {
				return
			}
		}
		if !found && q.KeysOnly && q.After == "" {
			t.locks.foundNothing(q.Types, q.Filter)
		}
	}
}

// Count is the number of resources that match, this commit's own writes included. None is locked as for Search.
func (t *tx) Count(types []string, f search.Filter) (int64, error) {
	if replaced, added := t.unsent(types, f); replaced || added {
		if err := t.send(); err != nil {
			return 0, err
		}
	}
	v, err := t.view()
	if err != nil {
		return 0, err
	}
	n, err := v.count(types, f)
	if err == nil && n == 0 {
		t.locks.foundNothing(types, f)
	}
	return n, t.fail(err)
}

// Now is the time of the commit.
func (t *tx) Now() time.Time {
	if t.number == 0 && t.failed == nil {
		if _, err := t.begin(role{late: t.committer.admitted > 0}); err != nil {
			return time.Now().UTC().Truncate(time.Millisecond) // of no meaning: the attempt has failed
		}
	}
	return t.now
}

// Put makes the record the current version.
func (t *tx) Put(r store.Record) error {
	if t.Now(); t.failed != nil {
		return t.failed
	}
	if r.Rules < t.rules {
		return fmt.Errorf("put %s/%s: %w: %d, not %d", r.Type, r.ID, store.ErrRules, r.Rules, t.rules)
	}
	v, err := t.s.version(r)
	if err != nil {
		return err
	}
	return t.add(v)
}

// version is a record on its way into the database.
func (s *Store) version(r store.Record) (*version, error) {
	content, err := encode(r.Body)
	if err != nil {
		return nil, err
	}
	values := r.Values.At(r.Type, r.ID)
	v := &version{Version: r.Version, content: content, values: values, index: indexDocument(r.Type, values, s.opt.Rules)}
	v.inside, err = s.contained(r.Version, values)
	return v, err
}

// Delete records a deletion as the next version.
func (t *tx) Delete(resourceType, id string) (store.Version, error) {
	now := t.Now()
	if t.failed != nil {
		return store.Version{}, t.failed
	}
	before, err := t.Read(resourceType, id)
	if err != nil {
		return store.Version{}, err
	}
	deletion := store.Version{Key: before.Key, Version: before.Version + 1, Updated: now, Method: store.Deleted}
	return deletion, t.add(&version{Version: deletion})
}

// add appends a version to what the commit writes.
func (t *tx) add(v *version) error {
	w := t.writes[v.Key]
	if w == nil {
		before, err := t.before(v)
		if err != nil {
			return err
		}
		w = &write{before: before.Version, inside: before.inside, present: before.Version.Version > 0 && !before.Deleted()}
	}
	last := w.before
	if w.last != nil {
		last = w.last.Version
	}
	if v.Version.Version != last.Version+1 && (v.at == nil || v.Version.Version <= last.Version) {
		return fmt.Errorf("version %d of %s/%s does not follow version %d", v.Version.Version, v.Type, v.ID, last.Version)
	}
	if v.Updated.Equal(t.now) && v.Updated.Before(last.Updated) {
		return t.fail(errBehind)
	}
	if err := t.measure(v); err != nil {
		return err
	}
	w.last = v
	t.writes[v.Key] = w
	t.order = append(t.order, v)
	return nil
}

// before is the version that the first write to a resource follows. A resource that is new is not looked for: should it be there,
// the history has that version already and the commit fails, and looks when it runs again.
func (t *tx) before(v *version) (current, error) {
	known, ok := t.known[v.Key]
	if ok || v.Version.Version == 1 && t.committer.duplicates == 0 && !t.s.upgrade.old.Load() {
		return known, nil
	}
	before, err := t.current(v.Key)
	if errors.Is(err, store.ErrNotFound) {
		return current{}, nil
	}
	return before, err
}

// measure holds the commit to its limits.
func (t *tx) measure(v *version) error {
	t.bytes += len(v.content.resource) + len(v.index)
	for _, c := range v.inside {
		t.bytes += len(c.document)
	}
	n := len(t.order) + 1
	switch {
	case n > t.s.opt.MaxCommitEntries:
		return fhir.Errorf(fhir.TooLarge, fhir.CodeTooCostly, "one transaction writes at most %d resources", t.s.opt.MaxCommitEntries)
	case t.bytes > t.s.opt.MaxCommitBytes:
		return fhir.Errorf(fhir.TooLarge, fhir.CodeTooCostly, "one transaction writes at most %d MiB, as the database keeps it", t.s.opt.MaxCommitBytes>>20)
	}
	return nil
}

// Expect lets a big commit wait for its turn before it begins its work.
func (t *tx) Expect(writes int) error {
	if t.failed != nil {
		return t.failed
	}
	return t.admit(writes)
}

// admit lets a big commit wait for its turn before it presses on the database. It starts again for that, since a transaction
// must not wait.
func (t *tx) admit(writes int) error {
	if n := int64(writes); n >= bigCommit && n > t.committer.admitted {
		return t.fail(admission{n})
	}
	return nil
}

// send writes what has been put since it was last called.
func (t *tx) send() error {
	if t.failed != nil {
		return t.failed
	}
	fresh := t.order[t.sent:]
	if len(fresh) == 0 {
		return nil
	}
	if err := t.admit(len(t.order)); err != nil {
		return err
	}
	if err := t.collections(fresh); err != nil {
		return t.fail(err)
	}
	v, err := t.view()
	if err != nil {
		return err
	}
	if err := v.insertHistory(fresh, t.number, t.sent); err != nil {
		return t.fail(err)
	}
	keys := map[string][]store.Key{}
	for _, version := range fresh {
		if !slices.Contains(keys[version.Type], version.Key) {
			keys[version.Type] = append(keys[version.Type], version.Key)
		}
	}
	for resourceType, list := range keys {
		if err := v.writeCurrent(resourceType, list); err != nil {
			return t.fail(err)
		}
		if err := v.writeContained(list); err != nil {
			return t.fail(err)
		}
	}
	t.sent = len(t.order)
	return nil
}

// collections makes sure that the collections are there. Where the transaction is open already they cannot be made now.
func (t *tx) collections(fresh []*version) error {
	for _, v := range fresh {
		if err := t.collection(v.Type); err != nil {
			return err
		}
		for _, c := range v.inside {
			if err := t.collection(c.key.Type); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *tx) collection(name string) error {
	switch {
	case t.inside != nil && t.s.catalog.had(name, t.catalog):
	case t.inside != nil:
		return missingCollection{name}
	case !t.s.catalog.has(name):
		return t.s.catalog.ensure(t.ctx, name)
	}
	return nil
}

// finish ends the attempt, once.
func (t *tx) finish(err error) {
	var numbers []int64
	for _, number := range []*int64{&t.number, &t.reference} {
		if *number != 0 {
			numbers = append(numbers, *number)
		}
		*number = 0
	}
	if len(numbers) > 0 && errors.Is(err, errUnknown) {
		t.ended = true
		t.s.outlive(t.session, numbers)
		return
	}
	t.abort(err)
	for _, number := range numbers {
		t.s.clock.end(number)
	}
}

// abort ends the transaction if it is open, and the session. A server that cannot be reached ends it by itself, so nobody waits
// for it.
func (t *tx) abort(err error) {
	if t.session == nil || t.ended {
		return
	}
	t.ended = true
	if err != nil && isUnreachable(err) {
		go endSession(t.ctx, t.session)
		return
	}
	endSession(t.ctx, t.session)
}
