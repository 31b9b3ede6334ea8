package mongo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"fhirside/resources/store"
)

// Require keeps the number in the clock, where each commit reads it as it begins, and waits for those that began before. See
// store.Store.
func (s *Store) Require(ctx context.Context, rules int64) error {
	if err := s.check(ctx); err != nil {
		return explain(ctx, err)
	}
	raw, err := s.db.Collection(clockName).FindOneAndUpdate(ctx, d("_id", clockID), d("$max", d("rules", rules)),
		options.FindOneAndUpdate().SetReturnDocument(options.After)).Raw()
	if err != nil {
		return explain(ctx, err)
	}
	latest, err := whole(raw.Lookup("time"))
	if err != nil {
		return err
	}
	_, open, err := s.clock.read(ctx)
	if err != nil {
		return explain(ctx, err)
	}
	open = slices.DeleteFunc(open, func(e entry) bool { return timeOf(e.Commit) > latest })
	for len(open) > 0 && err == nil {
		open, err = s.clock.over(ctx, open, time.Now().Add(s.clock.patience))
	}
	return explain(ctx, err)
}

// Reindex writes the index fields of documents anew, by type and id. A document that changes meanwhile has the values of whoever
// changed it. While the index is computed anew by other rules altogether (reindex.go), and for processes of an older version
// afterwards, the store is not available for it. See store.Store.
func (s *Store) Reindex(ctx context.Context, r store.Reindex) (done store.Reindexed, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.opt.longestCommit())
	defer cancel()
	if err := s.check(ctx); err != nil {
		return done, explain(ctx, err)
	}
	if err := s.rules.ready(); err != nil {
		return done, err
	}
	// It counts as a commit, so that Require waits for it.
	began, err := s.clock.begin(ctx, role{late: true})
	if err != nil {
		return done, explain(ctx, err)
	}
	defer func() {
		if err == nil || errors.Is(err, store.ErrRules) {
			s.clock.end(began.commit)
		} else {
			s.clock.lapse(began.commit) // the server may still be writing
		}
	}()
	if r.Rules < began.rules {
		return done, fmt.Errorf("reindex: %w: %d, not %d", store.ErrRules, r.Rules, began.rules)
	}
	if err := s.overtaken(ctx); err != nil {
		return done, explain(ctx, err)
	}
	types, err := s.catalog.types(ctx)
	if err != nil {
		return done, explain(ctx, err)
	}
	from, after, _ := strings.Cut(r.After, "/")
	for _, resourceType := range types {
		if resourceType < from {
			continue
		}
		if resourceType > from {
			after = ""
		}
		last, err := s.reindexSome(ctx, resourceType, after, r, &done)
		if err != nil {
			return done, explain(ctx, err)
		}
		if done.Done == r.Limit {
			done.Last = resourceType + "/" + last
			return done, nil
		}
	}
	return done, nil
}

// reindexSome indexes documents of a type behind an id, as many as the limit leaves; last is the id of the last.
func (s *Store) reindexSome(ctx context.Context, resourceType, after string, r store.Reindex, done *store.Reindexed) (last string, err error) {
	collection := s.db.Collection(resourceType)
	filter := d("_id", d("$gt", after))
	if len(r.Types) > 0 && !slices.Contains(r.Types, resourceType) {
		filter = append(filter, containing(r.Types)...)
	}
	cursor, err := collection.Find(ctx, filter, options.Find().SetSort(d("_id", 1)).SetLimit(int64(r.Limit-done.Done)))
	if err != nil {
		return "", err
	}
	defer cursor.Close(ctx)
	var changes []driver.WriteModel
	for cursor.Next(ctx) {
		done.Done++
		last, _ = cursor.Current.Lookup("_id").StringValueOK()
		version := decodeCurrent(resourceType, cursor.Current)
		values, err := r.Values(version)
		if err != nil {
			done.Kept = append(done.Kept, version.Key)
			continue
		}
		change := s.reindexed(cursor.Current, version, values)
		if !change.isContainer() {
			changes = append(changes, change.model())
		} else if err := s.reindexContainer(ctx, change); err != nil {
			return last, err
		}
	}
	if err := cursor.Err(); err != nil || len(changes) == 0 {
		return last, err
	}
	_, err = collection.BulkWrite(ctx, changes, options.BulkWrite().SetOrdered(false))
	return last, err
}
