package resources

import (
	"errors"
	"maps"
	"slices"
	"strconv"

	"fhirside/fhir"
	"fhirside/resources/access"
	"fhirside/resources/store"
)

// identities are what the names and criteria of a transaction stand for.
type identities struct {
	ids        []string          // per write: the id that it concerns; "" for deletions, which find theirs themselves
	matched    []bool            // per write: criteria found this id; a create writes nothing then
	criteria   []*criteria       // per write: its criteria as they were looked up; nil where there are none
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

// identification is the work on identities, in the state that the view shows: before any write but the deletions.
type identification struct {
	s      *Service
	view   view
	policy access.Policy
	t      *transaction
	identities
	states   []identifyState            // per write
	looked   map[string]string          // by the text of criteria: what is stored, "" for nothing
	made     map[string]int             // by the text of criteria: the write of what they stand for
	fresh    map[store.Key]bool         // ids that the server has just made up: nothing stored refers to them
	written  map[poolKey]*pool          // what creates and updates will leave behind
	updates  map[string]map[string]bool // by type: the ids that updates are about; nil until it is asked for
	compared int                        // resources of pools that criteria were compared with one by one
}

type identifyState uint8

const (
	underWay   identifyState = iota + 1 // entries that its criteria name are looked for
	identified                          // its id is known
)

// identify finds out what the writes are about, each distinct criteria looked up once, and then what conditional references refer to.
// Equal criteria of two entries mean one resource: the first creates it, the second finds it.
func (s *Service) identify(v view, p access.Policy, t *transaction) (identities, error) {
	n := len(t.writes)
	if !t.isConditional() {
		return t.asSaid(), nil
	}
	find := &identification{
		s: s, view: v, policy: p, t: t,
		identities: identities{ids: make([]string, n), matched: make([]bool, n), criteria: make([]*criteria, n), references: map[string]string{}},
		states:     make([]identifyState, n), looked: map[string]string{}, made: map[string]int{}, fresh: map[store.Key]bool{}, written: map[poolKey]*pool{},
	}
	if err := find.writes(); err != nil {
		return find.identities, err
	}
	if err := find.overlaps(); err != nil {
		return find.identities, err
	}
	if t.links != nil {
		if err := find.conditionalReferences(); err != nil {
			return find.identities, err
		}
	}
	return find.identities, t.number(v, &find.identities)
}

// asSaid are the identities where nothing has to be looked up.
func (t *transaction) asSaid() identities {
	ids := identities{ids: make([]string, len(t.writes)), matched: make([]bool, len(t.writes))}
	for i, w := range t.writes {
		if w.action != deletes {
			ids.ids[i] = w.id
		}
	}
	return ids
}

// writes settles all but the deletions in the order in which they are carried out, but before each one those that its criteria name.
func (n *identification) writes() error {
	for _, a := range []action{creates, updates, changes} {
		for i, w := range n.t.writes {
			if w.action != a {
				continue
			}
			if err := n.find(i); err != nil {
				return err
			}
		}
	}
	return nil
}

func (n *identification) find(i int) error {
	w := n.t.writes[i]
	switch {
	case n.states[i] == identified:
		return nil
	case w.criteria == nil:
		n.settle(i, w.id)
		return nil
	case n.states[i] == underWay:
		return in(w.at, fhir.Errorf(fhir.Invalid, fhir.CodeInvalid, "the criteria %s and those of the entries that they name wait for each other", clip(w.criteria.sent)))
	}
	n.states[i] = underWay
	for _, name := range w.criteria.names {
		if err := n.find(name); err != nil {
			return err
		}
	}
	if err := n.byCriteria(i); err != nil {
		return in(w.at, err)
	}
	return nil
}

func (n *identification) settle(i int, id string) {
	n.ids[i], n.states[i] = id, identified
	if w := n.t.writes[i]; w.action == creates && id == w.id {
		n.fresh[store.Key{Type: w.resourceType, ID: id}] = true
	}
}

// byCriteria settles a write by its criteria.
func (n *identification) byCriteria(i int) error {
	w := n.t.writes[i]
	c, err := n.s.settled(n.policy, n.t, w.criteria, n.identities)
	if err != nil {
		return err
	}
	n.criteria[i] = c
	id, err := n.lookUp(c)
	if err != nil {
		return err
	}
	first, again := n.made[c.text]
	if !again {
		n.made[c.text] = i
	}
	switch {
	case id != "":
		n.matched[i] = true
		n.settle(i, id)
		return w.agrees(id)
	case again: // a create finds what another one creates; anything else writes the same resource twice (see distinct)
		n.matched[i] = w.action != creates || n.t.writes[first].action == creates
		n.settle(i, n.ids[first])
		return w.agrees(n.ids[first])
	case w.action == changes:
		return fhir.Errorf(fhir.NotFound, fhir.CodeNotFound, "nothing matches the criteria %s", clip(c.text))
	}
	n.settle(i, w.id)
	return nil
}

// lookUp gives the id of what is stored, "" for nothing.
func (n *identification) lookUp(c *criteria) (string, error) {
	if id, ok := n.looked[c.text]; ok {
		return id, nil
	}
	if never(c.filter, n.fresh) {
		return "", nil
	}
	id, err := c.find(n.view)
	if err == nil {
		n.looked[c.text] = id
	}
	return id, err
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
