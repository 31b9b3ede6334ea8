package resources

import (
	"maps"
	"strings"

	"fhirside/fhir"
	"fhirside/fhir/definitions"
	"fhirside/resources/access"
	"fhirside/resources/store"
)

// conditionalLink is a reference by criteria: "Patient?identifier=…".
type conditionalLink struct {
	text     string
	at       string // the entry of its first occurrence, and the path in that entry's resource
	path     string
	criteria *criteria
}

// addConditional takes in the conditional references of the write that was added last.
func (b *bundleLinks) addConditional(s *Service, p access.Policy, w *write) error {
	for _, l := range b.links[len(b.links)-1] {
		text := l.element.Text()
		typ := conditionalType(text)
		if l.kind != isReference || typ == "" || b.known[text] {
			continue
		}
		path := l.path()
		c, err := s.criteriaIn(p, b, typ, text)
		if err != nil {
			return asError(err).At(path)
		}
		b.known[text] = true
		b.conditional = append(b.conditional, conditionalLink{text, w.at, path, c})
	}
	return nil
}

// conditionalType is the resource type that a conditional reference searches, "" if it is none.
func conditionalType(reference string) string {
	if typ, _, ok := strings.Cut(reference, "?"); ok && definitions.IsResource(typ) {
		return typ
	}
	return ""
}

// conditionalReferences finds what conditional references refer to, after all writes are known: R4 resolves them last, so that they
// also find what the transaction creates, and updates as they will be. Patches are seen as what they are made on.
func (n *identification) conditionalReferences() error {
	for _, link := range n.t.links.conditional {
		key, err := n.referredTo(link.criteria)
		if err != nil {
			return in(link.at, asError(err).At(link.path))
		}
		n.references[link.text] = key.Type + "/" + key.ID
	}
	return nil
}

func (n *identification) referredTo(c *criteria) (store.Key, error) {
	c, err := n.s.settled(n.policy, n.t, c, n.identities)
	if err != nil {
		return store.Key{}, err
	}
	found, err := n.leftAsStored(c)
	if err != nil {
		return store.Key{}, err
	}
	for _, a := range []action{creates, updates} {
		written, err := n.among(c, a)
		if err != nil {
			return store.Key{}, err
		}
		for _, i := range written {
			found = append(found, n.ids[i])
		}
	}
	switch len(found) {
	case 1:
		return store.Key{Type: c.typ, ID: found[0]}, nil
	case 0:
		return store.Key{}, c.unmatched()
	}
	return store.Key{}, c.ambiguous()
}

// leftAsStored is what matches of what is stored and not updated by the transaction; of several, two.
func (n *identification) leftAsStored(c *criteria) (found []string, err error) {
	updated := n.updated(c.typ)
	if len(updated) == 0 {
		id, err := n.lookUp(c)
		if id != "" {
			found = []string{id}
		}
		return found, err
	}
	for id, err := range c.matches(n.view, len(updated)+2) {
		if err == nil {
			err = compare(&n.compared, 1)
		}
		if err != nil {
			return nil, err
		}
		if !updated[id] {
			found = append(found, id)
		}
		if len(found) > 1 {
			break
		}
	}
	return found, nil
}

// updated are the ids of a type that the transaction updates.
func (n *identification) updated(resourceType string) map[string]bool {
	if n.updates == nil {
		n.updates = map[string]map[string]bool{}
		for i, w := range n.t.writes {
			if w.action != updates {
				continue
			}
			if n.updates[w.resourceType] == nil {
				n.updates[w.resourceType] = map[string]bool{}
			}
			n.updates[w.resourceType][n.ids[i]] = true
		}
	}
	return n.updates[resourceType]
}

// patchedReferences adds what the conditional references that a patch makes refer to. Patches come last, so that what the transaction
// writes is found where everything else is.
func (r *run) patchedReferences(links []link, ids identities) (identities, error) {
	for _, l := range links {
		text := l.element.Text()
		typ := conditionalType(text)
		if _, known := ids.references[text]; known || l.kind != isReference || typ == "" {
			continue
		}
		c, err := r.s.criteriaIn(r.policy, r.t.links, typ, text)
		if err == nil {
			c, err = r.s.settled(r.policy, r.t, c, ids)
		}
		id := ""
		if err == nil {
			id, err = c.find(r.view)
		}
		if err == nil && id == "" {
			err = c.unmatched()
		}
		if err != nil {
			return ids, asError(err).At(l.path())
		}
		references := map[string]string{text: typ + "/" + id}
		maps.Copy(references, ids.references) // which stay as they are: the commit may run again
		ids.references = references
	}
	return ids, nil
}

// unmatched is the refusal of a conditional reference that finds nothing.
func (c *criteria) unmatched() error {
	return fhir.Errorf(fhir.PreconditionFailed, fhir.CodeNotFound, "nothing matches the conditional reference %s", clip(c.text))
}
