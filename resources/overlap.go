package resources

import (
	"fhirside/fhir"
	"fhirside/resources/store"
)

// A transaction in which identities overlap fails (http.html#trules): those of what it deletes, creates, and updates or patches, by id or
// by criteria.

// distinct refuses a transaction that writes one resource twice (http.html#trules). The deletions' results tell what they
// were about.
func (t *transaction) distinct(ids identities, deleted []Result) error {
	if len(t.writes) == 1 {
		return nil
	}
	seen := make(map[store.Key]*write, len(t.writes))
	for i, w := range t.writes {
		key := store.Key{Type: w.resourceType, ID: ids.ids[i]}
		keys := []store.Key{key}
		if w.action == deletes {
			keys[0].ID = w.id
			if deleted[i].Done == Deleted {
				keys = deleted[i].deleted()
			}
		}
		if ids.found(i, w) {
			continue
		}
		for _, key := range keys {
			if first := seen[key]; first != nil {
				return in(w.at, fhir.Errorf(fhir.Invalid, fhir.CodeInvalid, "%s/%s is written by %s already: a transaction writes a resource once", key.Type, key.ID, first.at))
			}
			if key.ID != "" {
				seen[key] = w
			}
		}
	}
	return nil
}

// overlaps refuses updates by criteria that a create of the transaction, which comes first, satisfies (http.html#trules).
func (n *identification) overlaps() error {
	for i, w := range n.t.writes {
		if w.action != updates || w.criteria == nil {
			continue
		}
		found, err := n.among(n.criteria[i], creates)
		if err != nil {
			return in(w.at, err)
		}
		if len(found) > 0 {
			return in(w.at, fhir.Errorf(fhir.Invalid, fhir.CodeInvalid, "%s creates what the criteria %s find: a transaction writes a resource once", n.t.writes[found[0]].at, clip(n.criteria[i].text)))
		}
	}
	return nil
}

// refuseReplacements refuses updates by criteria that found what the transaction deletes and would make a new resource now.
func (r *run) refuseReplacements(ids identities) error {
	if len(r.ended) == 0 {
		return nil
	}
	pools, compared := map[string]*pool{}, 0
	for i, w := range r.t.writes {
		if w.action != updates || w.criteria == nil || ids.matched[i] {
			continue
		}
		deleted, made := pools[w.resourceType]
		if !made {
			var err error
			if deleted, err = r.deletedOf(w.resourceType); err != nil {
				return err
			}
			pools[w.resourceType] = deleted
		}
		found, err := deleted.find(ids.criteria[i], &compared, world{s: r.s, v: r.view})
		if err != nil {
			return in(w.at, err)
		}
		if len(found) > 0 {
			return in(w.at, fhir.Errorf(fhir.Invalid, fhir.CodeInvalid, "the criteria %s find what %s deletes: a transaction writes a resource once", clip(ids.criteria[i].text), r.t.writes[found[0]].at))
		}
	}
	return nil
}

// deletedOf are the resources of a type that the transaction has deleted.
func (r *run) deletedOf(resourceType string) (*pool, error) {
	p := newPool()
	for _, e := range r.ended {
		if e.version.Type != resourceType || e.version.Damage != nil { // nobody knows what that matched
			continue
		}
		subject, err := r.s.subject(e.version)
		if err != nil {
			return nil, err
		}
		p.add(e.write, subject)
	}
	return p, nil
}
