package resources

import (
	"context"
	"errors"

	"fhirside/fhir"
	"fhirside/resources/access"
	"fhirside/resources/store"
)

// Purge erases a resource with all of its versions: by order of a court, or because it was the wrong patient's. What is left is
// a deletion without content, the version that is returned, so that the resource is Gone and its versions go on from there. It
// takes the right to delete, and what others refer to is not purged, as it is not deleted. What was deleted before can be purged
// yet.
func (s *Service) Purge(ctx context.Context, p access.Policy, resourceType, id string) (purged store.Version, err error) {
	w, err := s.newWrite(p, deletes, resourceType, id, nil, Conditions{})
	if err != nil {
		return purged, err
	}
	err = s.Store.Commit(ctx, func(tx store.Tx) error {
		r := &run{s: s, ctx: ctx, policy: p, tx: tx, view: commitView{tx}}
		purged, err = r.purge(w)
		return err
	})
	return purged, err
}

func (r *run) purge(w *write) (purged store.Version, err error) {
	key := store.Key{Type: w.resourceType, ID: w.id}
	if !fhir.ValidID(w.id) {
		return purged, notFound(w.resourceType, w.id)
	}
	before, err := r.tx.Read(key.Type, key.ID)
	if errors.Is(err, store.ErrNotFound) {
		return purged, notFound(key.Type, key.ID)
	}
	if err != nil {
		return purged, err
	}
	before, err = r.s.content(r.ctx, may(r.policy, key.Type, w.action.interaction()), before)
	if err != nil {
		return purged, err
	}
	switch visible, err := r.mayChange(w.action, &before); {
	case err != nil:
		return purged, err
	case !visible:
		return purged, notFound(key.Type, key.ID)
	}
	if purged, err = r.tx.Purge(key.Type, key.ID); err != nil {
		return purged, err
	}
	if r.s.Integrity == CheckReferences {
		err = r.checkUnreferenced(key)
	}
	return purged, err
}
