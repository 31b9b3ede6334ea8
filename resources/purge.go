package resources

import (
	"context"
	"encoding/json"
	"errors"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"fhirside/fhir"
	"fhirside/resources/access"
	"fhirside/resources/store"
)

// Purge erases a resource with all of its versions: by order of a court, or because it was the wrong patient's. What is left is
// a deletion without content, the version that is returned, so that the resource is Gone and its versions go on from there. It
// takes the right to delete, and what others refer to is not purged, as it is not deleted. What was deleted before can be purged
// yet. The same commit records an AuditEvent of who did it, by name.
func (s *Service) Purge(ctx context.Context, p access.Policy, resourceType, id, by string) (purged store.Version, err error) {
	w, err := s.newWrite(p, deletes, resourceType, id, nil, Conditions{})
	if err != nil {
		return purged, err
	}
	audit := store.Key{Type: "AuditEvent", ID: s.NewID()}
	err = s.byCurrentRules(ctx, func() error {
		return s.Store.Commit(ctx, func(tx store.Tx) error {
			if err := s.retire(tx, keysOf(resourceType, []string{id})); err != nil {
				return err
			}
			r := &run{s: s, ctx: ctx, policy: p, tx: tx, view: commitView{tx}}
			if purged, err = r.purge(w); err != nil {
				return err
			}
			return s.recordPurge(tx, audit, purged.Key, by)
		})
	})
	return purged, err
}

// recordPurge stores an AuditEvent that tells what was erased, but nothing of what it held. It names the record by an identifier:
// a reference would have to lead somewhere.
func (s *Service) recordPurge(tx store.Tx, audit, purged store.Key, by string) error {
	destroy := models.Coding{
		System: ptr("http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle"), Code: ptr("destroy"), Display: ptr("Destroy/Delete Record Lifecycle Event"),
	}
	body, err := json.Marshal(models.AuditEvent{
		Type:     destroy,
		Action:   ptr(models.AuditEventActionD),
		Recorded: fhir.FormatInstant(tx.Now()),
		Outcome:  ptr(models.AuditEventOutcome0),
		Agent:    []models.AuditEventAgent{{Name: &by, Requestor: true}},
		Source:   models.AuditEventSource{Observer: models.Reference{Display: ptr("fhirside purge")}},
		Entity: []models.AuditEventEntity{{
			What:      &models.Reference{Type: &purged.Type, Identifier: &models.Identifier{Value: ptr(purged.Type + "/" + purged.ID)}},
			Lifecycle: &destroy,
		}},
	})
	if err != nil {
		return err
	}
	r, err := fhir.Parse(body)
	if err != nil {
		return err
	}
	v := store.Version{Key: audit, Version: 1, Updated: tx.Now(), Method: store.Created}
	v.Body = stamped(r, audit.ID, v.Version, v.Updated)
	d := s.newDraft(r, nil)
	return tx.Put(store.Record{Version: v, Values: d.values, Rules: d.rules})
}

func ptr[T any](v T) *T { return &v }

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
