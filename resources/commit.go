package resources

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"fhirside/fhir"
	"fhirside/resources/access"
	"fhirside/resources/store"
)

// transaction is what becomes durable at once or not at all: one write, or those of a transaction Bundle.
type transaction struct {
	writes []*write
	links  *bundleLinks // what the entries of a Bundle call each other; nil outside of one
	// reads are the Bundle's GET entries, which see the writes and are told what the entries have become; nil for none.
	reads func(view, func(fullURL string) (string, bool)) error
	// found is how many bytes of what creates have found the results may hold: of one big resource many criteria may find, and who asks
	// for nothing is to get nothing. -1: all.
	found int
	// results are those of the run that was committed, one per write.
	results []Result
}

// commit checks, prepares and writes. Drafts are made before the store's commit begins and made again inside it only where
// what the criteria find has changed in between.
func (s *Service) commit(ctx context.Context, p access.Policy, t *transaction) error {
	return s.byCurrentRules(ctx, func() error {
		prepared, err := s.prepare(storeView{ctx, s.Store}, p, t)
		if err != nil {
			return err
		}
		retiring, err := s.retiring(storeView{ctx, s.Store}, t)
		if err != nil {
			return err
		}
		return s.Store.Commit(ctx, func(tx store.Tx) error {
			if err := tx.Expect(len(t.writes)); err != nil {
				return err
			}
			if err := s.retire(tx, retiring); err != nil {
				return err
			}
			_, err := s.runIn(ctx, tx, p, t, prepared)
			return err
		})
	})
}

// runIn carries out a transaction in the store's commit. It says whether it has written to that, also where it fails.
func (s *Service) runIn(ctx context.Context, tx store.Tx, p access.Policy, t *transaction, prepared *preparation) (wrote bool, err error) {
	r := &run{
		s: s, ctx: ctx, policy: p, tx: tx, view: commitView{tx},
		t: t, results: make([]Result, len(t.writes)), before: make([]*store.Version, len(t.writes)), alive: make(map[store.Key]bool, len(t.writes)),
	}
	err = r.do(prepared)
	t.results = r.results
	return r.wrote, err
}

// preparation is what the criteria found and the drafts that follow from it.
type preparation struct {
	identities
	drafts []*draft // of creates and updates; those of changes follow from the current version
}

// prepare looks the criteria up and makes the drafts. Criteria that do not hold refuse the transaction right away, unless its
// deletions may yet change what matches.
func (s *Service) prepare(v view, p access.Policy, t *transaction) (*preparation, error) {
	ids, err := s.identify(v, p, t)
	if err != nil {
		if t.hasDeletes() {
			return nil, nil
		}
		return nil, err
	}
	return s.draft(t, ids)
}

func (s *Service) draft(t *transaction, ids identities) (*preparation, error) {
	made := &preparation{ids, make([]*draft, len(t.writes))}
	for i, w := range t.writes {
		if w.sent == nil || ids.found(i, w) {
			continue
		}
		r, links := w.sent, []link(nil)
		switch {
		case t.links != nil:
			var err error
			if r, links, err = t.links.resolved(i, t.writes, ids); err != nil {
				return nil, in(w.at, err)
			}
		case s.Integrity == CheckReferences:
			links = linksOf(r)
		}
		made.drafts[i] = s.newDraft(r, links)
	}
	return made, nil
}

func (t *transaction) hasDeletes() bool {
	for _, w := range t.writes {
		if w.action == deletes {
			return true
		}
	}
	return false
}

// run is one attempt of a commit.
type run struct {
	s       *Service
	ctx     context.Context
	policy  access.Policy
	tx      store.Tx
	view    view
	t       *transaction
	drafts  []*draft // per write; nil for a delete, or where nothing is written
	results []Result
	before  []*store.Version   // per write: the version that it ended; nil where there was none
	alive   map[store.Key]bool // what this commit wrote (true) and deleted (false)
	ended   []ending           // what it deleted, as that was
	found   int                // bytes of what creates have found, in the results
	wrote   bool               // the store's commit has writes of this one
}

// ending is what a write has deleted.
type ending struct {
	write   int
	version store.Version
}

// do processes the writes in the order of http.html#trules: deletions, creates, updates and patches, reads. References are judged by the
// state at the end.
func (r *run) do(prepared *preparation) error {
	if err := r.each(deletes, func(i int, w *write) error { return r.remove(i, w) }); err != nil {
		return err
	}
	prepared, err := r.confirm(prepared)
	if err != nil {
		return err
	}
	r.drafts = slices.Clone(prepared.drafts)
	for _, a := range []action{creates, updates} {
		if err := r.each(a, func(i int, w *write) error { return r.put(i, w, prepared.identities) }); err != nil {
			return err
		}
	}
	if err := r.each(changes, func(i int, w *write) error { return r.change(i, w, prepared.identities) }); err != nil {
		return err
	}
	if r.t.links != nil {
		if err := r.checkWritten(); err != nil {
			return err
		}
	}
	if err := r.checkDeletions(); err != nil {
		return err
	}
	if r.t.reads != nil {
		return r.t.reads(r.view, r.t.entry(prepared.identities))
	}
	return nil
}

func (r *run) each(a action, do func(i int, w *write) error) error {
	for i, w := range r.t.writes {
		if w.action != a {
			continue
		}
		if err := do(i, w); err != nil {
			return in(w.at, err)
		}
	}
	return nil
}

// confirm looks the criteria up again, now that nobody else's commit can come between, and makes new drafts if need be.
func (r *run) confirm(prepared *preparation) (*preparation, error) {
	if prepared != nil && !r.t.isConditional() {
		return prepared, r.t.distinct(prepared.identities, r.results)
	}
	ids, err := r.s.identify(r.view, r.policy, r.t)
	if err != nil {
		return nil, err
	}
	if err := r.refuseReplacements(ids); err != nil {
		return nil, err
	}
	if err := r.t.distinct(ids, r.results); err != nil {
		return nil, err
	}
	if prepared != nil && prepared.equal(ids) {
		return prepared, nil
	}
	return r.s.draft(r.t, ids)
}

// current is the version that a write meets; nil where there is none or it is deleted. last is the number of the newest
// version, deletions included.
func (r *run) current(key store.Key) (current *store.Version, last store.Version, err error) {
	last, err = r.tx.Read(key.Type, key.ID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, store.Version{}, nil
	case err != nil:
		return nil, last, err
	case last.Deleted():
		return nil, last, nil
	}
	return &last, last, nil
}

// remove deletes what the write names or its criteria find. What the caller cannot see is Absent, as if it did not exist.
func (r *run) remove(i int, w *write) error {
	ids := []string{w.id}
	if w.criteria != nil {
		var err error
		if ids, err = w.criteria.list(r.view, r.s.MaxDelete); err != nil {
			return err
		}
		if err := r.s.retire(r.tx, keysOf(w.resourceType, ids)); err != nil {
			return err
		}
	}
	result := Result{Done: Absent}
	if len(ids) == 0 {
		r.results[i] = result
		return w.conditions.hold(nil)
	}
	for _, id := range ids {
		deleted, err := r.removeOne(i, w, store.Key{Type: w.resourceType, ID: id})
		switch {
		case err != nil:
			return err
		case deleted == nil:
		case result.Done == Absent:
			result.Done, result.Version = Deleted, *deleted
		default:
			result.More = append(result.More, *deleted)
		}
	}
	r.results[i] = result
	return nil
}

// removeOne deletes a resource. It gives nil where there is none that the caller can see.
func (r *run) removeOne(i int, w *write, key store.Key) (*store.Version, error) {
	if !fhir.ValidID(key.ID) {
		return nil, w.conditions.hold(nil)
	}
	current, _, err := r.current(key)
	if err != nil {
		return nil, err
	}
	visible, err := r.mayChange(w.action, current)
	if err != nil {
		return nil, err
	}
	if !visible {
		current = nil
	}
	if err := w.conditions.hold(current); err != nil || current == nil {
		return nil, err
	}
	deleted, err := r.tx.Delete(key.Type, key.ID)
	if err != nil {
		return nil, err
	}
	r.alive[key], r.wrote = false, true
	r.ended = append(r.ended, ending{i, *current})
	return &deleted, nil
}

// mayChange asks the policy about the version that a write ends. What the caller may read but not change is Forbidden; what it
// may not read either is not visible.
func (r *run) mayChange(a action, current *store.Version) (visible bool, err error) {
	if current == nil {
		return false, nil
	}
	if current.Damage != nil && !isAll(may(r.policy, current.Type, a.interaction())) {
		known, err := r.s.knowsOf(r.view, may(r.policy, current.Type, access.Read), *current)
		if err == nil && known { // whether it may be changed its content would say
			err = damaged(current.Key, current.Damage)
		}
		return false, err
	}
	ok, err := r.s.permits(r.view, may(r.policy, current.Type, a.interaction()), *current)
	if ok || err != nil {
		return ok, err
	}
	readable, err := r.s.permits(r.view, may(r.policy, current.Type, access.Read), *current)
	if err != nil || !readable {
		return false, err
	}
	return true, forbidden(a.interaction(), current.Type)
}

// put stores what a create or an update sent.
func (r *run) put(i int, w *write, ids identities) (err error) {
	if ids.found(i, w) {
		return r.find(i, w, ids.ids[i])
	}
	key := store.Key{Type: w.resourceType, ID: ids.ids[i]}
	var current *store.Version
	var last store.Version
	if w.action == updates {
		// First: whether somebody else's resource has that id already must not show in how a forbidden content is refused.
		if err := r.mayStore(w, key, r.drafts[i]); err != nil {
			return err
		}
		if current, last, err = r.meet(w, key); err != nil {
			return err
		}
		if current != nil && w.criteria != nil && !ids.matched[i] {
			return fhir.Errorf(fhir.Conflict, fhir.CodeConflict, "nothing matches the criteria %s, but %s/%s is there already", clip(w.criteria.text), key.Type, key.ID)
		}
	}
	return r.store(i, w, key, current, last)
}

// store makes the write's draft the version after last, unless it is the current one already and no link of the Bundle counts on
// a new one.
func (r *run) store(i int, w *write, key store.Key, current *store.Version, last store.Version) error {
	d, result := r.drafts[i], &r.results[i]
	r.before[i] = current
	if versioned := r.t.links != nil && r.t.links.versioned[i]; current != nil && !versioned && bytes.Equal(stamped(d.resource, key.ID, current.Version, current.Updated), current.Body) {
		result.Done, result.Version = Unchanged, *current
		return nil
	}
	if w.action != updates { // which are judged before they meet anything
		if err := r.mayStore(w, key, d); err != nil {
			return err
		}
	}
	version := store.Version{Key: key, Version: last.Version + 1, Updated: r.tx.Now(), Method: store.Updated}
	switch {
	case current != nil:
		result.Done = Updated
	case w.action == creates:
		result.Done, version.Method = Created, store.Created
	default:
		result.Done = Created
	}
	version.Body = stamped(d.resource, key.ID, version.Version, version.Updated)
	result.Version = version
	r.alive[key] = true
	if r.t.links == nil { // by itself: what is refused has then written nothing
		if err := r.checkWritten(); err != nil {
			return err
		}
	}
	r.wrote = true
	return r.tx.Put(store.Record{Version: version, Values: d.values, Rules: d.rules})
}

// mayStore asks the policy about what a write leaves behind.
func (r *run) mayStore(w *write, key store.Key, d *draft) error {
	ok, err := r.s.permitsDraft(r.view, may(r.policy, key.Type, w.action.interaction()), key, d)
	if err == nil && !ok {
		err = forbidden(w.action.interaction(), key.Type)
	}
	return err
}

// meet is the version that an update or a change ends, with policy and preconditions checked on it. The content before a deletion counts
// for the policy as well: whoever writes on goes on with that resource's history.
func (r *run) meet(w *write, key store.Key) (current *store.Version, last store.Version, err error) {
	if current, last, err = r.current(key); err != nil {
		return nil, last, err
	}
	judged := current
	if f := may(r.policy, key.Type, w.action.interaction()); last.Deleted() && !isAll(f) {
		before, err := r.s.content(r.ctx, f, last)
		if err != nil {
			return nil, last, err
		}
		judged = &before
	}
	if judged != nil {
		switch visible, err := r.mayChange(w.action, judged); {
		case err != nil:
			return nil, last, err
		case !visible:
			if err := w.conditions.hold(nil); err != nil && w.action == updates { // as where there never was one
				return nil, last, err
			}
			return nil, last, notFound(key.Type, key.ID)
		}
	}
	if current == nil && w.action == changes {
		return nil, last, missing(key, last)
	}
	return current, last, w.conditions.hold(current)
}

// find answers a conditional create with the resource that its criteria matched, which may be one that this commit made.
func (r *run) find(i int, w *write, id string) error {
	version, err := r.tx.Read(w.resourceType, id)
	if err == nil && version.Damage != nil {
		err = damaged(version.Key, version.Damage)
	}
	if r.found += len(version.Body); r.t.found >= 0 && r.found > r.t.found {
		r.found -= len(version.Body)
		version.Body = nil
	}
	r.results[i] = Result{Done: Found, Version: version}
	return err
}
