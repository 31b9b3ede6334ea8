package mongo

import (
	"context"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"fhirside/resources/store"
	"fhirside/search"
	"fhirside/search/index"
)

// What a resource contains has documents of its own, in a collection for each type, "contained.Medication". They are laid out and
// indexed as those of resources are,
//
//	{_id: "MedicationRequest/23#m1", version: 2, updated: 1700000000000000, method: 2, resource: {…}, index: {…}}
//
// with version, time and method of the resource around them, and are written in the same transaction. That one's document lists them,
//
//	contained: ["contained.Medication/MedicationRequest/23#m1"]
//
// so that whoever replaces it knows what goes.

const insideName = "contained"

// contained is a document of a contained resource.
type contained struct {
	key      store.Key
	document bson.Raw
}

// contained are the documents of what a version contains; its values are located.
func (s *Store) contained(v store.Version, values index.Values) (inside []contained, err error) {
	for _, c := range values.Contained {
		inner := version{Version: v}
		inner.Key = store.Key{Type: search.ContainedType(c.Type), ID: c.ID}
		if inner.content, err = encode(c.Body); err != nil {
			return nil, err
		}
		inner.index = indexDocument(inner.Type, c.Values, s.opt.Rules)
		inside = append(inside, contained{inner.Key, inner.document()})
	}
	return inside, nil
}

func insideTexts(inside []contained) []string {
	texts := make([]string, len(inside))
	for i, c := range inside {
		texts[i] = c.key.Type + "/" + c.key.ID
	}
	return texts
}

// insideOf are the keys of what a document's resource contains.
func insideOf(document bson.Raw) (keys []store.Key) {
	list, _ := document.Lookup(insideName).ArrayOK()
	values, _ := list.Values()
	for _, value := range values {
		text, _ := value.StringValueOK()
		typ, id, _ := strings.Cut(text, "/")
		keys = append(keys, store.Key{Type: typ, ID: id})
	}
	return keys
}

// containing selects the documents of resources that contain some of the types.
func containing(types []string) bson.D {
	var terms []string
	for _, t := range types {
		token := search.Containing(t)
		terms = append(terms, codeTerm(token.Param, token.Code, token.Fold))
	}
	return anyTerm(termsPath, terms)
}

// writeContained brings the documents of contained resources in line with the last version of each resource.
func (v *view) writeContained(keys []store.Key) error {
	changes := containedChanges{}
	for _, key := range keys {
		w := v.tx.writes[key]
		changes.add(w.inside, w.last.inside)
		w.inside = nil
		for _, c := range w.last.inside {
			w.inside = append(w.inside, c.key)
		}
	}
	return changes.write(v.ctx, v.s.db)
}

// containedChanges are writes by collection.
type containedChanges map[string][]driver.WriteModel

// add notes what has to be done where a resource that contained these contains those.
func (changes containedChanges) add(was []store.Key, is []contained) {
	for _, key := range was {
		if !slices.ContainsFunc(is, func(c contained) bool { return c.key == key }) {
			changes[key.Type] = append(changes[key.Type], driver.NewDeleteOneModel().SetFilter(d("_id", key.ID)))
		}
	}
	for _, c := range is {
		var change driver.WriteModel = driver.NewInsertOneModel().SetDocument(c.document)
		if slices.Contains(was, c.key) {
			change = driver.NewReplaceOneModel().SetFilter(d("_id", c.key.ID)).SetReplacement(c.document).SetUpsert(true)
		}
		changes[c.key.Type] = append(changes[c.key.Type], change)
	}
}

func (changes containedChanges) write(ctx context.Context, db *driver.Database) error {
	for name, list := range changes {
		if _, err := db.Collection(name).BulkWrite(ctx, list, options.BulkWrite().SetOrdered(false)); err != nil {
			return err
		}
	}
	return nil
}

// isContainer says whether the resource contains others, or is not known to do so no more.
func (r reindexed) isContainer() bool { return len(r.was) > 0 || len(r.values.Contained) > 0 }

// reindexContainer indexes a resource anew together with what it contains.
func (s *Store) reindexContainer(ctx context.Context, r reindexed) error {
	inside, err := s.contained(r.Version, r.values)
	if err != nil {
		return err
	}
	for _, c := range inside {
		if err := s.catalog.ensure(ctx, c.key.Type); err != nil {
			return err
		}
	}
	update := d("$set", d("index", r.index, insideName, insideTexts(inside)))
	if len(inside) == 0 {
		update = d("$set", d("index", r.index), "$unset", d(insideName, ""))
	}
	changes := containedChanges{}
	changes.add(r.was, inside)
	for attempt := 0; ; attempt++ {
		err := s.reindexTogether(ctx, r, update, changes)
		if err == nil || !isConflict(err) || attempt == maxReindexAttempts || !sleep(ctx, reindexRetry) {
			return err
		}
	}
}

// maxReindexAttempts and reindexRetry are for resources that somebody writes at the same time.
const (
	maxReindexAttempts = 10
	reindexRetry       = 20 * time.Millisecond
)

// reindexTogether does so in one transaction, which does nothing where the resource has changed.
func (s *Store) reindexTogether(ctx context.Context, r reindexed, update bson.D, changes containedChanges) error {
	session, inside, err := s.transaction(ctx)
	if err != nil {
		return err
	}
	defer endSession(ctx, session)
	done, err := s.db.Collection(r.Type).UpdateOne(inside, r.unchanged, update)
	if err != nil || done.MatchedCount == 0 {
		return err
	}
	if err := changes.write(inside, s.db); err != nil {
		return err
	}
	return session.CommitTransaction(inside)
}
