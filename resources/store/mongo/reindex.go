package mongo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"fhirside/resources/store"
	"fhirside/search/index"
)

// rules sees to it that all documents are indexed by the rules of this process. Which rules the database is indexed by, and how far
// the one process is that computes values anew, stands in one document of the collection "schema":
//
//	{_id: "rules", rules: "2", owner, until, next: "3", type: "Observation", after: "123"}
//
// owner holds a lease until a time of the server; whoever takes it over goes on behind type and after. Writes go on meanwhile:
// a document that changes in between is indexed by whoever changes it. Processes of an older version that still run write by
// older rules; what they write is indexed anew for some time after.
type rules struct {
	mu       sync.Mutex
	behind   bool // the database is not indexed by these rules yet
	progress string
}

const (
	rulesID       = "rules"
	reindexBatch  = 200
	reindexLease  = 30 * time.Second
	reindexPause  = time.Second      // before the lease is asked for again
	stragglePause = 5 * time.Second  // between looks for what older processes wrote
	straggleTime  = 10 * time.Minute // for how long
)

// ready says how far the index is.
func (r *rules) ready() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.behind {
		return fmt.Errorf("%w: index values are computed anew (%s)", store.ErrUnavailable, r.progress)
	}
	return nil
}

// work is ready for an operator; "" where nothing is to be done.
func (r *rules) work() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.behind {
		return ""
	}
	return "index values are computed anew (" + r.progress + ")"
}

func (r *rules) set(behind bool, progress string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.behind, r.progress = behind, progress
}

// learn finds out whether the database is indexed by the rules of this process. Whoever may use the store knows it by then.
func (r *rules) learn(ctx context.Context, s *Store) error {
	if s.opt.Values == nil {
		return nil
	}
	state, err := once(ctx, s.db.Collection(schemaName), d("_id", rulesID, "rules", s.opt.Rules))
	if err != nil {
		return fmt.Errorf("read the rules of the index: %w", err)
	}
	r.set(!is(state, "rules", s.opt.Rules), "not begun")
	return nil
}

// follow begins to see to it, in the background, where the database is not.
func (r *rules) follow(s *Store) {
	if r.ready() == nil {
		return
	}
	s.background.begin(func() {
		work := reindexing{s, lease{s.db.Collection(schemaName), rulesID, rand.Int64(), reindexLease}}
		for {
			err := work.run(s.closing)
			if err == nil || s.closing.Err() != nil {
				return
			}
			s.opt.Log.LogAttrs(s.closing, slog.LevelWarn, "index values are not computed anew yet", slog.Any("error", err))
			if !sleep(s.closing, reindexPause) {
				return
			}
		}
	})
}

// reindexing is one process's part in it.
type reindexing struct {
	*Store
	lease
}

// run returns when the database is indexed by these rules and nobody writes by others.
func (w reindexing) run(ctx context.Context) error {
	began := time.Now()
	for done := false; !done; {
		var err error
		if done, err = w.step(ctx); err != nil {
			return err
		}
	}
	w.rules.set(false, "")
	return w.stragglers(ctx, began)
}

func is(doc bson.Raw, field, value string) bool {
	text, ok := doc.Lookup(field).StringValueOK()
	return ok && text == value
}

// step does all that is left if the lease is free, else it waits; done says that the database is indexed by these rules.
func (w reindexing) step(ctx context.Context) (done bool, err error) {
	state, mine, err := w.take(ctx)
	switch {
	case err != nil:
		return false, err
	case is(state, "rules", w.opt.Rules):
		if mine { // or the next upgrade waits for its end
			err = w.release(ctx)
		}
		return err == nil, err
	case !mine:
		w.rules.set(true, "by another process")
		sleep(ctx, reindexPause)
		return false, ctx.Err()
	}
	types, err := w.catalog.types(ctx)
	if err != nil {
		return false, err
	}
	from, after := "", ""
	if is(state, "next", w.opt.Rules) {
		from, _ = state.Lookup("type").StringValueOK()
		after, _ = state.Lookup("after").StringValueOK()
	} else if _, mine, err := w.take(ctx, d("next", w.opt.Rules, "type", "", "after", "")...); err != nil || !mine {
		return false, err // otherwise Reindex of an older process knows of it from now on
	}
	for i, resourceType := range types {
		if resourceType < from {
			continue
		}
		if resourceType > from {
			after = ""
		}
		w.rules.set(true, fmt.Sprintf("%d of %d types", i, len(types)))
		if err := w.all(ctx, resourceType, after); err != nil {
			return false, err
		}
	}
	// The next step finds it done, unless the lease was lost.
	return false, w.release(ctx, bson.E{Key: "$set", Value: d("rules", w.opt.Rules, "next", "")})
}

var errLease = errors.New("another process has taken over computing the index values")

// all indexes a type's documents behind an id anew.
func (w reindexing) all(ctx context.Context, resourceType, after string) error {
	for {
		last, err := w.batch(ctx, resourceType, d("_id", d("$gt", after)), d("_id", 1))
		if err != nil || last == "" {
			return err
		}
		after = last
		_, mine, err := w.take(ctx, d("next", w.opt.Rules, "type", resourceType, "after", after)...)
		if err != nil {
			return err
		}
		if !mine {
			return errLease
		}
	}
}

// batch indexes some of the documents that a filter selects and that were indexed by other rules; last is the id of the last of them,
// "" where there was none. It counts as a commit, so that Require waits for it.
func (w reindexing) batch(ctx context.Context, resourceType string, filter, order bson.D) (last string, err error) {
	ctx, cancel := context.WithTimeout(ctx, w.opt.longestCommit())
	defer cancel()
	commit, err := w.begin(ctx)
	if err != nil {
		return "", err
	}
	filter = append(filter, bson.E{Key: "index.rules", Value: d("$ne", w.opt.Rules)})
	collection := w.db.Collection(resourceType)
	changes, last, err := w.changes(ctx, collection, filter, order)
	if err == nil && len(changes) > 0 {
		_, err = collection.BulkWrite(ctx, changes, options.BulkWrite().SetOrdered(false))
	}
	if err != nil {
		w.clock.lapse(commit) // the server may still be writing
	} else {
		w.clock.end(commit)
	}
	return last, err
}

// begin gives a batch its place among the commits. Its values go by the number of rules that is required there, or a later one.
func (w reindexing) begin(ctx context.Context) (commit int64, err error) {
	for pause := time.Millisecond; ; pause = min(2*pause, time.Second) {
		number := int64(math.MaxInt64)
		if w.opt.Current != nil {
			if number, err = w.opt.Current(ctx); err != nil {
				return 0, err
			}
		}
		began, err := w.clock.begin(ctx, role{late: true})
		if err != nil || number >= began.rules {
			return began.commit, err
		}
		w.clock.end(began.commit)
		if !sleep(ctx, pause) {
			return 0, context.Cause(ctx)
		}
	}
}

// changes index the documents of a batch anew.
func (w reindexing) changes(ctx context.Context, collection *driver.Collection, filter, order bson.D) (changes []driver.WriteModel, last string, err error) {
	cursor, err := collection.Find(ctx, filter, options.Find().SetSort(order).SetLimit(reindexBatch))
	if err != nil {
		return nil, "", err
	}
	defer cursor.Close(ctx)
	resourceType := collection.Name()
	for cursor.Next(ctx) {
		last, _ = cursor.Current.Lookup("_id").StringValueOK()
		version := decodeCurrent(resourceType, cursor.Current)
		var values index.Values
		err := version.Damage
		if err == nil {
			values, err = w.opt.Values(version.Body)
		}
		if err != nil {
			w.opt.Log.LogAttrs(ctx, slog.LevelError, "a resource is not indexed anew", slog.String("resource", resourceType+"/"+version.ID), slog.Any("error", err))
			continue
		}
		change := w.reindexed(cursor.Current, version, values)
		if !change.isContainer() {
			changes = append(changes, change.model())
		} else if err := w.reindexContainer(ctx, change); err != nil {
			return nil, last, err
		}
	}
	return changes, last, cursor.Err()
}

// reindexed is a document that was read and is to be indexed anew, unless somebody has changed it or indexed it by other rules since.
type reindexed struct {
	store.Version
	unchanged bson.D // the document as it was read
	index     bson.Raw
	was       []store.Key // what it contains
	values    index.Values
}

func (s *Store) reindexed(read bson.Raw, v store.Version, values index.Values) reindexed {
	unchanged := d("_id", v.ID, "version", v.Version, "index.rules", nil)
	if rules, err := read.LookupErr("index", "rules"); err == nil {
		unchanged[2].Value = bson.RawValue{Type: rules.Type, Value: slices.Clone(rules.Value)}
	}
	values = values.At(v.Type, v.ID)
	return reindexed{v, unchanged, indexDocument(v.Type, values, s.opt.Rules), insideOf(read), values}
}

// model is the change of the document.
func (r reindexed) model() *driver.UpdateOneModel {
	return driver.NewUpdateOneModel().SetFilter(r.unchanged).SetUpdate(d("$set", d("index", r.index)))
}

// overtaken says that another version of the program indexes the database by its own rules, or has done so.
func (s *Store) overtaken(ctx context.Context) error {
	if s.opt.Values == nil {
		return nil
	}
	state, err := s.db.Collection(schemaName).FindOne(ctx, d("_id", rulesID)).Raw()
	if err != nil {
		return err
	}
	if next, _ := state.Lookup("next").StringValueOK(); !is(state, "rules", s.opt.Rules) || next != "" && next != s.opt.Rules {
		return fmt.Errorf("%w: the database is indexed by the rules of another version of this program", store.ErrUnavailable)
	}
	return nil
}

// stragglers indexes what processes of older rules write after all, as long as these rules are those of the database.
func (w reindexing) stragglers(ctx context.Context, since time.Time) error {
	recent := d("updated", d("$gte", since.Add(-w.opt.longestCommit()-grace).UnixMicro()))
	for until := time.Now().Add(straggleTime); time.Now().Before(until) && sleep(ctx, stragglePause); {
		state, err := w.db.Collection(schemaName).FindOne(ctx, d("_id", rulesID)).Raw()
		if err != nil || !is(state, "rules", w.opt.Rules) {
			return err
		}
		types, err := w.catalog.types(ctx)
		if err != nil {
			return err
		}
		for _, resourceType := range types {
			if _, err := w.batch(ctx, resourceType, recent, d("updated", 1, "_id", 1)); err != nil {
				return err
			}
		}
	}
	return nil
}
