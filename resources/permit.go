package resources

import (
	"errors"
	"iter"

	"fhirside/fhir"
	"fhirside/resources/access"
	"fhirside/resources/store"
	"fhirside/search"
	"fhirside/search/match"
)

// may is the policy's answer for a type; what the policy leaves unsaid is no.
func may(p access.Policy, resourceType string, i access.Interaction) search.Filter {
	f := p.May(resourceType, i)
	switch {
	case f == nil:
		return search.None{}
	case resourceType == binary:
		return search.AllOf(f, standIn(p))
	}
	return f
}

func isAll(f search.Filter) bool  { _, ok := f.(search.All); return ok }
func isNone(f search.Filter) bool { _, ok := f.(search.None); return ok }

// permits says whether a version satisfies a policy's answer. A deletion has no content to judge, and a damaged one has none that
// counts: they satisfy only "always". Nor does what can be judged only by a damaged one.
func (s *Service) permits(v view, f search.Filter, version store.Version) (bool, error) {
	switch {
	case isAll(f):
		return true, nil
	case isNone(f) || version.Body == nil:
		return false, nil
	}
	ok := false
	subject, err := s.subject(version)
	if err == nil {
		ok, err = match.Matches(f, subject, world{s, v, subject})
	}
	if errors.Is(err, errDamaged) {
		s.Log.Error("what a policy looks at cannot be read, and grants nothing", "error", err)
		return false, nil
	}
	return ok, err
}

// permitsDraft says whether what is about to be stored satisfies a policy's answer.
func (s *Service) permitsDraft(v view, f search.Filter, key store.Key, d *draft) (bool, error) {
	if isAll(f) || isNone(f) {
		return isAll(f), nil
	}
	values := d.values.At(key.Type, key.ID)
	subject := match.Subject{Type: key.Type, ID: key.ID, Values: &values}
	return match.Matches(f, subject, world{s, v, subject})
}

// subject is a stored version as filters see it.
func (s *Service) subject(v store.Version) (match.Subject, error) {
	r, err := parseStored(v)
	if err != nil {
		return match.Subject{}, err
	}
	values := s.rules().extractor.Extract(r).At(v.Type, v.ID)
	return match.Subject{Type: v.Type, ID: v.ID, Updated: v.Updated, Values: &values}, nil
}

// world is where the chains of a policy's filter lead.
type world struct {
	s      *Service
	v      view
	judged match.Subject // which may not be stored yet
}

func (w world) Resource(resourceType, id string) (match.Subject, bool, error) {
	if w.judged.Type == resourceType && w.judged.ID == id {
		return w.judged, true, nil
	}
	if search.IsContained(resourceType) {
		return w.contained(resourceType, id)
	}
	version, err := w.v.Read(resourceType, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && version.Deleted() {
		return match.Subject{}, false, nil
	}
	if err != nil {
		return match.Subject{}, false, err
	}
	subject, err := w.s.subject(version)
	return subject, err == nil, err
}

// contained is what a resource contains: what it has in common with that is known there only.
func (w world) contained(searchedType, id string) (match.Subject, bool, error) {
	containerType, containerID, _ := search.ContainerOf(id)
	container, found, err := w.Resource(containerType, containerID)
	if !found || err != nil {
		return match.Subject{}, false, err
	}
	for _, c := range container.Values.Contained {
		if c.ID == id {
			return match.Subject{Type: searchedType, ID: id, Updated: container.Updated, Values: &c.Values}, true, nil
		}
	}
	return match.Subject{}, false, nil
}

func (w world) Find(resourceType string, f search.Filter) iter.Seq2[match.Subject, error] {
	return func(yield func(match.Subject, error) bool) {
		for found, err := range w.v.Search(store.Search{Types: []string{resourceType}, Filter: f}) {
			var subject match.Subject
			switch {
			case err == nil && search.IsContained(resourceType):
				subject, _, err = w.contained(resourceType, found.ID)
			case err == nil:
				subject, err = w.s.subject(found.Version)
			}
			if !yield(subject, err) || err != nil {
				return
			}
		}
	}
}

// parseStored parses what is stored.
func parseStored(v store.Version) (*fhir.Resource, error) {
	if v.Damage != nil {
		return nil, damaged(v.Key, v.Damage)
	}
	r, err := fhir.Parse(v.Body)
	if err != nil {
		return nil, damaged(v.Key, err)
	}
	return r, nil
}

func forbidden(i access.Interaction, resourceType string) error {
	return fhir.Errorf(fhir.Forbidden, fhir.CodeForbidden, "you may not %s this %s", verbs[i], resourceType)
}

var verbs = map[access.Interaction]string{
	access.Create: "create", access.Read: "read", access.Update: "update", access.Delete: "delete", access.Search: "search",
}
