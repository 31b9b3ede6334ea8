package resources

import (
	"bytes"
	"context"
	"errors"

	"fhirside/fhir"
	"fhirside/resources/access"
	"fhirside/resources/store"
	"fhirside/search"
)

// Change makes the next version of a resource out of its current one. *patch.Patch is one.
type Change interface {
	// Apply is the resource after the change, with what the client should be told beside. It may run several times, and leaves
	// the resource that it is given as it is.
	Apply(*fhir.Resource) (*fhir.Resource, []fhir.Issue, error)
	// Tests says whether success tells the caller something about the resource, so that the change takes the right to read.
	Tests() bool
}

// Patch changes the current version of a resource (http.html#patch). The change is applied inside the commit: no other write
// comes between what it reads and what it makes. What changes nothing makes no version.
func (s *Service) Patch(ctx context.Context, p access.Policy, resourceType, id string, change Change, c Conditions) (Result, error) {
	w, err := s.newChange(p, resourceType, id, change, c)
	if err != nil {
		return Result{}, err
	}
	return s.commitOne(ctx, p, w)
}

// PatchWhere changes the one resource that matches the criteria; it is NotFound where none does (http.html#cond-patch).
func (s *Service) PatchWhere(ctx context.Context, p access.Policy, resourceType, where string, change Change, c Conditions) (Result, error) {
	w, err := s.newChangeWhere(p, nil, resourceType, where, change, c)
	if err != nil {
		return Result{}, err
	}
	return s.commitOne(ctx, p, w)
}

func (s *Service) newChange(p access.Policy, resourceType, id string, change Change, c Conditions) (*write, error) {
	w, err := s.newWrite(p, changes, resourceType, id, nil, c)
	if err == nil && !fhir.ValidID(id) {
		err = notFound(resourceType, id)
	}
	if err != nil {
		return nil, err
	}
	w.change = change
	return w, nil
}

func (s *Service) newChangeWhere(p access.Policy, links *bundleLinks, resourceType, where string, change Change, c Conditions) (*write, error) {
	w, err := s.newWrite(p, changes, resourceType, "", nil, c)
	if err != nil {
		return nil, err
	}
	w.change = change
	w.criteria, err = s.criteriaIn(p, links, resourceType, where)
	return w, err
}

// change stores what follows from the current version.
func (r *run) change(i int, w *write, ids identities) error {
	key := store.Key{Type: w.resourceType, ID: ids.ids[i]}
	current, last, err := r.meet(w, key)
	if err != nil {
		return err
	}
	readable, err := r.s.permits(r.view, may(r.policy, key.Type, access.Read), *current)
	if err != nil {
		return err
	}
	if w.change.Tests() && !readable {
		return forbidden(access.Read, key.Type)
	}
	draft, issues, err := r.changed(w, *current, ids)
	switch {
	case err != nil && !readable:
		return withheld(err)
	case err != nil:
		return err
	case readable:
		r.results[i].Issues = issues
	}
	r.drafts[i] = draft
	if !readable {
		if err := r.keepsHidden(*current, draft); err != nil {
			return err
		}
	}
	if err := r.store(i, w, key, current, last); err != nil {
		return err
	}
	if readable {
		readable, err = r.s.permitsDraft(r.view, may(r.policy, key.Type, access.Read), key, r.drafts[i])
	}
	if !readable { // the result holds what the caller did not send
		r.results[i].Version.Body = nil
	}
	return err
}

// keepsHidden refuses a change by which its sender would come to see what others have written, and what they themselves may only change:
// a category that is granted, say, on a resource of another one. An update says all of the new content, and shows nothing.
func (r *run) keepsHidden(current store.Version, after *draft) error {
	shown := func(judge func(search.Filter) (bool, error)) (bool, error) {
		for _, i := range []access.Interaction{access.Read, access.Search} {
			if ok, err := judge(may(r.policy, current.Type, i)); ok || err != nil {
				return ok, err
			}
		}
		return false, nil
	}
	was, err := shown(func(f search.Filter) (bool, error) { return r.s.permits(r.view, f, current) })
	if was || err != nil {
		return err
	}
	is, err := shown(func(f search.Filter) (bool, error) { return r.s.permitsDraft(r.view, f, current.Key, after) })
	if err == nil && is {
		err = fhir.Errorf(fhir.Forbidden, fhir.CodeForbidden, "the change would show you this %s, which you may not read as it is", current.Type)
	}
	return err
}

// withheld is a refusal of a change to who may not read what it was made on: what R4 forbids about the result may have been copied
// from there.
func withheld(err error) error {
	e := asError(err)
	if e.Reason == fhir.Internal {
		return err
	}
	return fhir.Errorf(e.Reason, fhir.CodeProcessing, "the change cannot be made; why is only for those who may read the resource").Because(err)
}

// changed is the draft of the version after the current one. A change that breaks a rule of R4 is Unprocessable: the request
// itself was readable.
func (r *run) changed(w *write, current store.Version, ids identities) (*draft, []fhir.Issue, error) {
	before, err := parseStored(current)
	if err != nil {
		return nil, nil, err
	}
	after, issues, err := w.change.Apply(before)
	if err != nil {
		return nil, nil, err
	}
	var links []link
	switch {
	case r.t.links != nil:
		links = linksOf(after)
		if ids, err = r.patchedReferences(links, ids); err != nil {
			return nil, nil, err
		}
		if after, links, err = r.t.links.resolvedIn(after, links, "", r.t.writes, ids); err != nil {
			return nil, nil, err
		}
	case r.s.Integrity == CheckReferences:
		links = linksOf(after)
	}
	if !bytes.Equal(before.Bytes(), after.Bytes()) {
		if err := r.s.check(after); err != nil {
			if e := (*fhir.Error)(nil); errors.As(err, &e) {
				e.Reason = fhir.Unprocessable
			}
			return nil, nil, err
		}
	}
	return r.s.newDraft(after, links), issues, nil
}
