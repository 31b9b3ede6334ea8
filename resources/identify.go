package resources

import (
	"errors"
	"maps"
	"slices"
	"strconv"

	"fhirside/fhir"
	"fhirside/resources/store"
)

// identities are what the names and criteria of a transaction stand for.
type identities struct {
	ids        []string          // per write: the id that it concerns; "" for deletions, which find theirs themselves
	matched    []bool            // per write: a conditional create found this id and writes nothing
	references map[string]string // a conditional reference and what it resolves to: "Patient/1"
	versions   map[int]int64     // the version that a write makes or finds, where links name it
}

func (ids identities) found(i int, w *write) bool { return w.action == creates && ids.matched[i] }

func (ids identities) equal(other identities) bool {
	return slices.Equal(ids.ids, other.ids) && slices.Equal(ids.matched, other.matched) &&
		maps.Equal(ids.references, other.references) && maps.Equal(ids.versions, other.versions)
}

// target is what a link to a write becomes: "Patient/1", or "Patient/1/_history/2".
func (ids identities) target(i int, w *write, versioned bool) string {
	target := w.resourceType + "/" + ids.ids[i]
	if versioned {
		target += versionInfix + strconv.FormatInt(ids.versions[i], 10)
	}
	return target
}

// isConditional says whether anything has to be looked up.
func (t *transaction) isConditional() bool {
	return t.links != nil && (len(t.links.conditional) > 0 || len(t.links.versioned) > 0) ||
		slices.ContainsFunc(t.writes, func(w *write) bool { return w.criteria != nil && w.action != deletes })
}

// identify looks up the criteria of creates, updates, changes and references, each distinct one once, in the state before any of them
// is written. Equal criteria of two entries mean one resource: the first creates it, the second finds it.
func (t *transaction) identify(v view) (identities, error) {
	ids := identities{ids: make([]string, len(t.writes)), matched: make([]bool, len(t.writes)), references: map[string]string{}}
	looked := map[string]string{}
	lookUp := func(c *criteria) (string, error) {
		if id, ok := looked[c.text]; ok {
			return id, nil
		}
		id, err := c.find(v)
		if err == nil {
			looked[c.text] = id
		}
		return id, err
	}
	if t.links != nil { // first: a reference means what was there before, not what this Bundle creates
		for _, c := range t.links.conditional {
			id, err := lookUp(c.criteria)
			if err == nil && id == "" {
				err = fhir.Errorf(fhir.PreconditionFailed, fhir.CodeNotFound, "nothing matches the conditional reference %s", clip(c.text))
			}
			if err != nil {
				return ids, in(c.at, asError(err).At(c.path))
			}
			ids.references[c.text] = c.criteria.typ + "/" + id
		}
	}
	for _, a := range []action{creates, updates, changes} {
		for i, w := range t.writes {
			if w.action != a {
				continue
			}
			ids.ids[i] = w.id
			if w.criteria == nil {
				continue
			}
			id, err := lookUp(w.criteria)
			switch {
			case err != nil:
			case id != "":
				ids.ids[i], ids.matched[i] = id, true
				err = w.agrees(id)
			case a == changes:
				err = fhir.Errorf(fhir.NotFound, fhir.CodeNotFound, "nothing matches the criteria %s", clip(w.criteria.text))
			}
			if err != nil {
				return ids, in(w.at, err)
			}
			looked[w.criteria.text] = ids.ids[i]
		}
	}
	return ids, t.number(v, &ids)
}

// number finds the versions that links name: the next one of what is written, the current one of what is found.
func (t *transaction) number(v view, ids *identities) error {
	if t.links == nil || len(t.links.versioned) == 0 {
		return nil
	}
	ids.versions = make(map[int]int64, len(t.links.versioned))
	for i := range t.links.versioned {
		w := t.writes[i]
		last, err := v.Read(w.resourceType, ids.ids[i])
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		ids.versions[i] = last.Version
		if !ids.found(i, w) || last.Version == 0 { // what another entry creates is found as well
			ids.versions[i]++
		}
	}
	return nil
}

// agrees holds that a conditional update finds the resource whose id was sent, if one was (http.html#cond-update).
func (w *write) agrees(found string) error {
	if w.action == updates && w.sent.ID() != "" && w.sent.ID() != found {
		return fhir.Errorf(fhir.Invalid, fhir.CodeInvalid, "the criteria find the id %q, but the resource says %q", found, w.sent.ID()).At(w.resourceType + ".id")
	}
	return nil
}

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
