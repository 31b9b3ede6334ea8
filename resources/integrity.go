package resources

import (
	"errors"
	"slices"
	"strings"
	"sync"

	"fhirside/fhir"
	"fhirside/fhir/definitions"
	"fhirside/resources/access"
	"fhirside/resources/store"
	"fhirside/search"
)

// retiring are the resources that a transaction is going to delete: those that it names, and those that its criteria find now. In the
// commit they may find others, for which it begins anew.
func (s *Service) retiring(v view, t *transaction) (keys []store.Key, err error) {
	if s.Integrity != CheckReferences {
		return nil, nil
	}
	for _, w := range t.writes {
		ids := []string{w.id}
		switch {
		case w.action != deletes:
			continue
		case w.criteria != nil:
			if ids, err = w.criteria.list(v, s.MaxDelete); errors.Is(err, store.ErrUnavailable) {
				return nil, in(w.at, err)
			}
		}
		keys = append(keys, keysOf(w.resourceType, ids)...)
	}
	return keys, nil
}

// retire tells a commit what it is going to delete, before it reads anything: no reference to that comes up meanwhile.
func (s *Service) retire(tx store.Tx, keys []store.Key) error {
	keys = slices.DeleteFunc(keys, func(k store.Key) bool { return !fhir.ValidID(k.ID) })
	if s.Integrity != CheckReferences || len(keys) == 0 {
		return nil
	}
	return tx.Retire(keys)
}

func keysOf(resourceType string, ids []string) []store.Key {
	keys := make([]store.Key, len(ids))
	for i, id := range ids {
		keys[i] = store.Key{Type: resourceType, ID: id}
	}
	return keys
}

// checkWritten holds that what was written refers to nothing that does not exist.
func (r *run) checkWritten() error {
	if r.s.Integrity != CheckReferences {
		return nil
	}
	exists, err := r.targets()
	if err != nil {
		return err
	}
	for i, w := range r.t.writes {
		if d := r.written(i); d != nil {
			if err := r.checkTargets(d, r.before[i], exists); err != nil {
				return in(w.at, err)
			}
		}
	}
	return nil
}

// written is the draft of which a write has made a version; nil where it has made none.
func (r *run) written(i int) *draft {
	if r.results[i].Done == Unchanged {
		return nil
	}
	return r.drafts[i]
}

// checkDeletions holds that nothing refers to what was deleted. It asks for many at once, and for each by itself only where something is
// found.
func (r *run) checkDeletions() error {
	if r.s.Integrity != CheckReferences {
		return nil
	}
	deleted := map[string][]store.Key{}
	for _, result := range r.results {
		for _, key := range result.deleted() {
			deleted[key.Type] = append(deleted[key.Type], key)
		}
	}
	suspects := map[store.Key]bool{}
	for _, keys := range deleted {
		for chunk := range slices.Chunk(keys, keysAtOnce) {
			if len(chunk) > 1 {
				found, err := r.referrersOf(chunk, 1)
				if err != nil {
					return err
				}
				if len(found) == 0 {
					continue
				}
			}
			for _, key := range chunk {
				suspects[key] = true
			}
		}
	}
	for i, w := range r.t.writes {
		for _, key := range r.results[i].deleted() {
			if !suspects[key] {
				continue
			}
			if err := r.checkUnreferenced(key); err != nil {
				return in(w.at, err)
			}
		}
	}
	return nil
}

func (r *run) checkTargets(d *draft, before *store.Version, exists map[store.Key]bool) error {
	for _, l := range d.links {
		if l.kind != isReference {
			continue
		}
		text := l.text()
		if conditionalType(text) != "" {
			return fhir.Errorf(fhir.Unprocessable, fhir.CodeNotSupported, "the conditional reference %s: only a transaction resolves those", clip(text)).At(l.path())
		}
		if err := r.checkEntry(l, before); err != nil {
			return err
		}
		ref, local := r.s.localTarget(text)
		if !local {
			continue
		}
		key := store.Key{Type: ref.Type, ID: ref.ID}
		if !exists[key] {
			switch kept, err := r.keeps(before, key, text); {
			case err != nil:
				return err
			case kept:
				continue
			}
			return fhir.Errorf(fhir.Unprocessable, fhir.CodeNotFound, "there is no %s, which this refers to", key.Type+"/"+key.ID).At(l.path())
		}
	}
	return nil
}

// targets are the resources of this server that what was written refers to and that exist, as far as the caller may know. Of a type that
// the caller may not read at all nothing is told: any reference to it passes.
func (r *run) targets() (exists map[store.Key]bool, err error) {
	exists = map[store.Key]bool{}
	var asked []store.Key
	for i := range r.t.writes {
		d := r.written(i)
		if d == nil {
			continue
		}
		for _, l := range d.links {
			ref, local := r.s.localTarget(l.text())
			key := store.Key{Type: ref.Type, ID: ref.ID}
			if _, known := exists[key]; l.kind != isReference || !local || known {
				continue
			}
			alive, written := r.alive[key]
			exists[key] = alive
			switch {
			case written || !definitions.IsResource(key.Type):
			case isNone(may(r.policy, key.Type, access.Read)):
				exists[key] = true
			default:
				asked = append(asked, key)
			}
		}
	}
	if len(asked) == 0 {
		return exists, nil
	}
	found, err := r.tx.Targets(asked)
	if err != nil {
		return nil, err
	}
	for _, version := range found {
		if exists[version.Key], err = r.s.knowsOf(r.view, may(r.policy, version.Type, access.Read), version); err != nil {
			return nil, err
		}
	}
	return exists, nil
}

// keeps says whether the version before had the same reference, to what this commit leaves alone. Then it was allowed to those who
// made it, who may see more than this caller, who cannot be expected to take it out, nor be told where it leads.
func (r *run) keeps(before *store.Version, key store.Key, text string) (bool, error) {
	if _, written := r.alive[key]; written {
		return false, nil
	}
	return refers(before, text)
}

// checkEntry refuses a reference of a transaction's entry to another one that is not there: stored, it would lead nowhere for ever.
// What names a resource by UUID or OID means an entry; only what the version before had already may stay.
func (r *run) checkEntry(l link, before *store.Version) error {
	text := l.text()
	if r.t.links == nil || r.t.links.outside || !isURN(text) {
		return nil
	}
	switch had, err := refers(before, text); {
	case err != nil || had:
		return err
	}
	return fhir.Errorf(fhir.Invalid, fhir.CodeNotFound, "no entry of the Bundle that writes a resource has the fullUrl %s, which this refers to", clip(text)).At(l.path())
}

// refers says whether a version has the reference; there may be none.
func refers(before *store.Version, text string) (bool, error) {
	if before == nil || before.Damage != nil {
		return false, nil
	}
	was, err := parseStored(*before)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(linksOf(was), func(l link) bool { return l.kind == isReference && l.element.Is(text) }), nil
}

// referrers maps a resource type to the reference parameters that may point to it.
type referrers func() map[string][]referrer

type referrer struct {
	source string   // the type that holds the reference
	params []string // codes
}

func newReferrers(registry *search.Registry) referrers {
	return sync.OnceValue(func() map[string][]referrer {
		all := map[string][]referrer{}
		for _, source := range definitions.ResourceTypes() {
			params := map[string][]string{}
			for _, p := range registry.Params(source) {
				if p.Type != search.TypeReference {
					continue
				}
				targets := p.Targets
				if len(targets) == 0 {
					targets = definitions.ResourceTypes()
				}
				for _, target := range targets {
					params[target] = append(params[target], p.Code)
				}
			}
			for target, codes := range params {
				all[target] = append(all[target], referrer{source, codes})
			}
		}
		return all
	})
}

// keysAtOnce is how many resources one search asks for the referrers of.
const keysAtOnce = 50

// referrersOf finds resources that refer to some of the resources, which are of one type; at least so many, if there are so many.
func (r *run) referrersOf(keys []store.Key, enough int) (found []store.Version, err error) {
	for _, from := range r.s.rules().referrers()[keys[0].Type] {
		refers := make(search.Or, 0, len(from.params)*len(keys))
		for _, code := range from.params {
			for _, key := range keys {
				refers = append(refers, search.Reference{Param: code, Type: key.Type, ID: key.ID})
			}
		}
		for match, err := range r.tx.Search(store.Search{Types: []string{from.source}, Filter: refers, Limit: enough}) {
			if err != nil {
				return nil, err
			}
			found = append(found, match.Version)
		}
		if len(found) >= enough {
			break
		}
	}
	return found, nil
}

// maxNamed is how many referring resources a refusal names.
const maxNamed = 5

// checkUnreferenced refuses a deletion that would leave references behind. It finds what a search parameter indexes; it names
// what the caller may read.
func (r *run) checkUnreferenced(key store.Key) error {
	found, err := r.referrersOf([]store.Key{key}, maxNamed+1)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return nil
	}
	var names []string
	for _, v := range found[:min(len(found), maxNamed)] {
		ok, err := r.s.knowsOf(r.view, may(r.policy, v.Type, access.Read), v)
		if err != nil {
			return err
		}
		if ok {
			names = append(names, v.Type+"/"+v.ID)
		}
	}
	by := strings.Join(names, ", ")
	if len(names) < len(found) {
		by = strings.TrimPrefix(by+" and others", " and ")
	}
	return fhir.Errorf(fhir.Conflict, fhir.CodeConflict, "%s/%s is referred to by %s: change or delete these first, or all in one transaction", key.Type, key.ID, by)
}
