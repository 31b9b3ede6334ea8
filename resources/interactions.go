package resources

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"fhirside/fhir"
	"fhirside/resources/access"
	"fhirside/resources/store"
	"fhirside/search"
)

// Done says what came of a write.
type Done uint8

const (
	Created   Done = iota + 1
	Updated        // a new version
	Unchanged      // the same content is the current version already
	Found          // a conditional create found the resource
	Deleted
	Absent // there was nothing to delete
)

// Result of a write: what was done and the version that is current now. An Absent one has no version; one that the caller may
// not read has no Body.
type Result struct {
	Done    Done
	Version store.Version
	More    []store.Version // what a conditional delete has deleted beside Version
	Issues  []fhir.Issue    // what the client should know beside
}

// deleted are the resources that the write has deleted.
func (r Result) deleted() (keys []store.Key) {
	if r.Done != Deleted {
		return nil
	}
	keys = append(keys, r.Version.Key)
	for _, v := range r.More {
		keys = append(keys, v.Key)
	}
	return keys
}

// Status is the HTTP status of what was done.
func (d Done) Status() int {
	switch d {
	case Created:
		return http.StatusCreated
	case Deleted, Absent:
		return http.StatusNoContent
	}
	return http.StatusOK
}

// Outcome says what was done, for clients that ask for an OperationOutcome.
func (r Result) Outcome() []fhir.Issue {
	return append([]fhir.Issue{{Severity: fhir.SeverityInformation, Code: fhir.CodeInformational, Diagnostics: r.summary()}}, r.Issues...)
}

func (r Result) summary() string {
	switch {
	case r.Done == Absent:
		return "there was nothing to delete"
	case len(r.More) > 0:
		return fmt.Sprintf("deleted: %d resources", len(r.More)+1)
	}
	done := map[Done]string{Created: "created", Updated: "updated", Unchanged: "unchanged", Found: "found", Deleted: "deleted"}[r.Done]
	return done + ": " + Location(r.Version)
}

// Location is where a version is read, relative to the server's base: "Patient/1/_history/2".
func Location(v store.Version) string {
	return v.Type + "/" + v.ID + "/_history/" + strconv.FormatInt(v.Version, 10)
}

// Read is the current version of a resource: fhir.Gone where it was deleted, fhir.NotFound where it never was, or where the
// caller may not see it (http.html#read). The version of a Gone one is returned beside the error.
func (s *Service) Read(ctx context.Context, p access.Policy, resourceType, id string) (store.Version, error) {
	return s.read(ctx, storeView{ctx, s.Store}, p, resourceType, id)
}

func (s *Service) read(ctx context.Context, v view, p access.Policy, resourceType, id string) (store.Version, error) {
	f, err := mayRead(p, resourceType)
	if err != nil {
		return store.Version{}, err
	}
	if !fhir.ValidID(id) {
		return store.Version{}, notFound(resourceType, id)
	}
	version, err := v.Read(resourceType, id)
	if errors.Is(err, store.ErrNotFound) {
		return version, notFound(resourceType, id)
	}
	if err != nil {
		return version, err
	}
	if version.Damage != nil {
		ok, err := s.knowsOf(v, f, version)
		if err == nil && ok {
			err = damaged(version.Key, version.Damage)
		}
		return store.Version{}, cmp.Or(err, notFound(resourceType, id))
	}
	return s.seen(ctx, v, f, version)
}

// ReadVersion is one version of a resource, current or not (http.html#vread).
func (s *Service) ReadVersion(ctx context.Context, p access.Policy, resourceType, id, versionID string) (store.Version, error) {
	f, err := mayRead(p, resourceType)
	if err != nil {
		return store.Version{}, err
	}
	number, ok := versionNumber(versionID)
	if !ok {
		return store.Version{}, noVersion(resourceType, id, versionID)
	}
	version, err := s.Store.ReadVersion(ctx, resourceType, id, number)
	if errors.Is(err, store.ErrNotFound) {
		return version, noVersion(resourceType, id, versionID)
	}
	if err != nil {
		return version, err
	}
	version, err = s.seen(ctx, storeView{ctx, s.Store}, f, version)
	return version, asNoVersion(err, resourceType, id, versionID)
}

// asNoVersion is the error of reading a version: what is hidden is refused in the words for one that never was.
func asNoVersion(err error, resourceType, id, versionID string) error {
	if err != nil && asError(err).Reason == fhir.NotFound {
		return noVersion(resourceType, id, versionID)
	}
	return err
}

func mayRead(p access.Policy, resourceType string) (f search.Filter, err error) {
	if err := checkType(resourceType); err != nil {
		return nil, err
	}
	if f = may(p, resourceType, access.Read); isNone(f) {
		return nil, forbidden(access.Read, resourceType)
	}
	return f, nil
}

// seen is the version as the caller may see it. A deletion is judged by the content that it ended.
func (s *Service) seen(ctx context.Context, v view, f search.Filter, version store.Version) (store.Version, error) {
	judged, err := s.content(ctx, f, version)
	if err != nil {
		return store.Version{}, err
	}
	ok, err := s.permits(v, f, judged)
	switch {
	case err != nil:
		return store.Version{}, err
	case !ok:
		return store.Version{}, notFound(version.Type, version.ID)
	case version.Damage != nil:
		return store.Version{}, damaged(version.Key, version.Damage)
	case version.Deleted():
		return version, missing(version.Key, version)
	}
	return version, nil
}

// content is what a version is judged by: itself, or for a deletion the version before it. Where everything is allowed nothing
// is read.
func (s *Service) content(ctx context.Context, f search.Filter, version store.Version) (store.Version, error) {
	for version.Deleted() && version.Version > 1 && !isAll(f) {
		before, err := s.Store.ReadVersion(ctx, version.Type, version.ID, version.Version-1)
		if errors.Is(err, store.ErrNotFound) { // purged: nothing left to judge by
			return version, nil
		}
		if err != nil {
			return version, err
		}
		version = before
	}
	return version, nil
}

// Create stores a resource under a new id (http.html#create). With criteria (ifNoneExist is not nil) it is stored only if
// nothing matches them; what matches is Found.
func (s *Service) Create(ctx context.Context, p access.Policy, resourceType string, r *fhir.Resource, ifNoneExist *string) (Result, error) {
	w, err := s.newCreate(p, nil, resourceType, r, ifNoneExist)
	if err != nil {
		return Result{}, err
	}
	return s.commitOne(ctx, p, w)
}

func (s *Service) newCreate(p access.Policy, links *bundleLinks, resourceType string, r *fhir.Resource, ifNoneExist *string) (*write, error) {
	w, err := s.newWrite(p, creates, resourceType, s.NewID(), r, Conditions{})
	if err == nil && ifNoneExist != nil {
		w.criteria, err = s.criteriaIn(p, links, resourceType, *ifNoneExist)
	}
	return w, err
}

// Update stores a new version of a resource, or creates it under the id that the client chose (http.html#update). The same
// content again makes no version.
func (s *Service) Update(ctx context.Context, p access.Policy, resourceType, id string, r *fhir.Resource, c Conditions) (Result, error) {
	w, err := s.newUpdate(p, resourceType, id, r, c)
	if err != nil {
		return Result{}, err
	}
	return s.commitOne(ctx, p, w)
}

func (s *Service) newUpdate(p access.Policy, resourceType, id string, r *fhir.Resource, c Conditions) (*write, error) {
	w, err := s.newWrite(p, updates, resourceType, id, r, c)
	if err == nil {
		err = checkUpdateID(r, id)
	}
	return w, err
}

// UpdateWhere updates the one resource that matches the criteria; where none does it creates one (http.html#cond-update).
func (s *Service) UpdateWhere(ctx context.Context, p access.Policy, resourceType, where string, r *fhir.Resource, c Conditions) (Result, error) {
	w, err := s.newUpdateWhere(p, nil, resourceType, where, r, c)
	if err != nil {
		return Result{}, err
	}
	return s.commitOne(ctx, p, w)
}

func (s *Service) newUpdateWhere(p access.Policy, links *bundleLinks, resourceType, where string, r *fhir.Resource, c Conditions) (*write, error) {
	w, err := s.newWrite(p, updates, resourceType, r.ID(), r, c)
	if err != nil {
		return nil, err
	}
	if w.id == "" {
		w.id = s.NewID()
	} else if err := checkUpdateID(r, w.id); err != nil {
		return nil, err
	}
	w.criteria, err = s.criteriaIn(p, links, resourceType, where)
	return w, err
}

// Delete records that a resource is no more (http.html#delete). One that does not exist is Absent, without error.
func (s *Service) Delete(ctx context.Context, p access.Policy, resourceType, id string, c Conditions) (Result, error) {
	w, err := s.newWrite(p, deletes, resourceType, id, nil, c)
	if err != nil {
		return Result{}, err
	}
	return s.commitOne(ctx, p, w)
}

// DeleteWhere deletes what matches the criteria, one resource or as many as Options.MaxDelete says (http.html#3.1.0.7.1).
func (s *Service) DeleteWhere(ctx context.Context, p access.Policy, resourceType, where string, c Conditions) (Result, error) {
	w, err := s.newDeleteWhere(p, nil, resourceType, where, c)
	if err != nil {
		return Result{}, err
	}
	return s.commitOne(ctx, p, w)
}

func (s *Service) newDeleteWhere(p access.Policy, links *bundleLinks, resourceType, where string, c Conditions) (*write, error) {
	w, err := s.newWrite(p, deletes, resourceType, "", nil, c)
	if err == nil {
		w.criteria, err = s.criteriaIn(p, links, resourceType, where)
	}
	if err == nil {
		err = refuseNames(w.criteria)
	}
	return w, err
}

func (s *Service) commitOne(ctx context.Context, p access.Policy, w *write) (Result, error) {
	t := &transaction{writes: []*write{w}, found: -1}
	if err := s.commit(ctx, p, t); err != nil {
		return Result{}, err
	}
	return t.results[0], nil
}

// versionNumber reads a version id of this server: a number from 1.
func versionNumber(versionID string) (int64, bool) {
	n, err := strconv.ParseInt(versionID, 10, 64)
	return n, err == nil && n > 0 && strconv.FormatInt(n, 10) == versionID
}

func noVersion(resourceType, id, versionID string) error {
	return fhir.Errorf(fhir.NotFound, fhir.CodeNotFound, "there is no version %s of %s/%s", clip(versionID), resourceType, clip(id))
}
