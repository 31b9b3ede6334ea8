package mongo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"fhirside/resources/store"
)

// The layout of documents has a number. That of a database, and how far the one process is that brings it up to date, stands in one
// document of the collection "schema":
//
//	{_id: "schema", version: 4, from: 1, owner, until, after: {commit, n}, done: 1200, total: 90000}
//
// A process that knows a newer layout takes the lease (owner, until), fences off older processes, and sets version: from then on they
// neither start nor write (fence). Documents of the older layout are converted in the background while everybody reads and writes;
// as long as from is there, readers look for both. Whoever takes the lease over goes on behind after. See
// docs/decisions/0017-mongodb-upgrades.md.

// schemaVersion is the layout of documents that this code writes. Layout 1 had documents as _id in the history; layout 2 let no clock
// say by which layout commits may write; in layout 3 commits did not look for what others may delete (targets.go).
const schemaVersion = 4

// conversions bring the documents of a layout to the next one, by its number. Those that are not here had none to convert.
var conversions = map[int64]func(ctx context.Context, s *Store, after bson.RawValue) (batch, error){1: convertHistory}

// batch is what a conversion has done in one go.
type batch struct {
	after any // where it goes on
	done  int // documents looked at
	over  bool
}

const (
	schemaID       = "schema"
	upgradeLease   = 30 * time.Second
	upgradePause   = time.Second // before the lease is asked for again
	conflictPause  = 20 * time.Millisecond
	upgradeReports = 10 * time.Second // between lines of the log
	watchEvery     = 5 * time.Second  // between looks for a newer layout
)

// upgrade is what this process knows of bringing the database up to date.
type upgrade struct {
	old      atomic.Bool // documents of older layouts may be there
	mu       sync.Mutex
	progress string
}

func (u *upgrade) tell(progress string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.progress = progress
}

// work is how far it is; "" where nothing is to be done.
func (u *upgrade) work() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.progress
}

// admit lets this process read and write the database, which it makes or brings up to date first, or says why it must not.
func (s *Store) admit(ctx context.Context) error {
	documents := s.db.Collection(schemaName)
	state, err := once(ctx, documents, d("_id", schemaID, "version", s.opt.schema))
	if err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	version, err := whole(state.Lookup("version"))
	switch {
	case err != nil:
		return fmt.Errorf("read the schema's version: %w", err)
	case version > int64(s.opt.schema):
		return unfit{fmt.Sprintf("this database was written by a newer fhirside (schema %d, this one knows %d): use that one", version, s.opt.schema)}
	case version < int64(s.opt.schema):
		if state, err = s.takeOver(ctx); err != nil {
			return err
		}
	}
	if _, err := once(ctx, s.db.Collection(clockName), newClockDocument(s.opt.schema, 0, nil)); err != nil {
		return fmt.Errorf("make the clock: %w", err)
	}
	if _, err := state.LookupErr("from"); err == nil {
		s.upgrade.old.Store(true)
		s.upgrade.tell("the database is brought up to date")
	}
	return nil
}

// catchUp moves the clock to the newest commit of the history where it is behind it: a backup was restored without the clock, or with an
// older one. A version whose commit somebody has made something else than a number has no place in the order, and does not count.
func (s *Store) catchUp(ctx context.Context) error {
	missing, err := s.catalog.missing(ctx, historyName, historyIndexes())
	if err != nil || len(missing) > 0 { // without its index the newest commit cannot be found in time
		return err
	}
	numbered := d("commit", d("$gte", int64(0), "$lte", int64(math.MaxInt64)))
	newest, err := s.db.Collection(historyName).FindOne(ctx, numbered, options.FindOne().SetSort(d("commit", -1, "n", -1)).SetProjection(d("commit", 1))).Raw()
	if errors.Is(err, driver.ErrNoDocuments) {
		return nil
	}
	if err != nil {
		return err
	}
	commit, err := whole(newest.Lookup("commit"))
	if err != nil {
		return err
	}
	_, err = s.clock.documents.UpdateOne(ctx, d("_id", clockID, "time", d("$lt", timeOf(commit))), d("$set", d("time", timeOf(commit))))
	return err
}

// takeOver sets the database's layout to that of this process, once no older process writes any more. It returns the schema's document.
func (s *Store) takeOver(ctx context.Context) (bson.Raw, error) {
	documents := s.db.Collection(schemaName)
	alone := lease{documents, schemaID, rand.Int64(), upgradeLease}
	state, mine, err := alone.take(ctx)
	if err != nil {
		return nil, err
	}
	version, err := whole(state.Lookup("version"))
	switch {
	case err != nil:
		return nil, err
	case !mine:
		return nil, fmt.Errorf("%w: another process brings the database up to date", store.ErrUnavailable)
	case version >= int64(s.opt.schema): // somebody else has just done it
		return state, alone.release(ctx)
	}
	s.opt.Log.LogAttrs(ctx, slog.LevelInfo, "the database is brought up to date: older servers write no more", slog.Int64("from", version), slog.Int("to", int(s.opt.schema)))
	if err := s.clock.fence(ctx, version); err != nil {
		_ = alone.release(context.WithoutCancel(ctx)) // it ends by itself otherwise
		return nil, err
	}
	from := int64(0) // an upgrade that is under way goes on
	if raw, err := state.LookupErr("from"); err == nil {
		from, _ = whole(raw)
	}
	for v := version; v < int64(s.opt.schema) && from == 0; v++ {
		if conversions[v] != nil {
			from = v
		}
	}
	set := d("version", s.opt.schema)
	if from > 0 {
		set = append(set, bson.E{Key: "from", Value: from})
	}
	return documents.FindOneAndUpdate(ctx, d("_id", schemaID, "owner", alone.owner), d("$set", set, "$unset", d("owner", "", "until", "")),
		options.FindOneAndUpdate().SetReturnDocument(options.After)).Raw()
}

// isCurrent says whether the database still has the layout that this process knows.
func (s *Store) isCurrent(ctx context.Context) error {
	state, err := s.db.Collection(schemaName).FindOne(ctx, d("_id", schemaID)).Raw()
	if err != nil {
		return err
	}
	version, err := whole(state.Lookup("version"))
	if err == nil && version > int64(s.opt.schema) {
		s.clock.overtaken.Store(true)
		err = errOvertaken
	}
	return err
}

// watch looks again and again whether a newer process has taken over: commits are told so by the clock, but reads and entries of State
// are not.
func (s *Store) watch() {
	for sleep(s.closing, s.opt.watch) && !s.clock.overtaken.Load() {
		ctx, cancel := context.WithTimeout(s.closing, s.opt.Timeout)
		_ = s.isCurrent(ctx) // where it cannot be asked it cannot be written either
		cancel()
	}
}

// convert takes part in converting documents until all are.
func (s *Store) convert() {
	work := converting{s, lease{s.db.Collection(schemaName), schemaID, rand.Int64(), upgradeLease}, time.Now()}
	for {
		err := work.run(s.closing)
		if err == nil || s.closing.Err() != nil {
			return
		}
		pause := upgradePause
		if isConflict(err) { // somebody has purged what was being converted
			pause = conflictPause
		} else {
			s.opt.Log.LogAttrs(s.closing, slog.LevelWarn, "the database is not brought up to date yet", slog.Any("error", err))
		}
		if !sleep(s.closing, pause) {
			return
		}
	}
}

// converting is one process's part in it.
type converting struct {
	*Store
	lease
	told time.Time
}

// run returns when all documents are of this layout.
func (w *converting) run(ctx context.Context) error {
	var fields []bson.E
	for {
		state, mine, err := w.take(ctx, fields...)
		if err != nil {
			return err
		}
		from, _ := whole(state.Lookup("from"))
		w.report(ctx, state)
		switch {
		case from == 0:
			w.upgrade.old.Store(false)
			w.upgrade.tell("")
			if mine {
				return w.release(ctx)
			}
			return nil
		case !mine:
			fields = nil
			if !sleep(ctx, upgradePause) {
				return ctx.Err()
			}
			continue
		}
		if fields, err = w.step(ctx, from, state); err != nil {
			return err
		}
	}
}

// step converts a batch, and returns what is then noted beside the lease.
func (w *converting) step(ctx context.Context, from int64, state bson.Raw) ([]bson.E, error) {
	ctx, cancel := context.WithTimeout(ctx, upgradeLease/2)
	defer cancel()
	after, err := state.LookupErr("after")
	if err != nil {
		total, err := w.db.Collection(historyName).EstimatedDocumentCount(ctx)
		if err != nil {
			return nil, err
		}
		return d("after", nil, "done", int64(0), "total", total), nil
	}
	made, err := conversions[from](ctx, w.Store, after)
	if err != nil {
		return nil, err
	}
	if !made.over {
		done, _ := whole(state.Lookup("done"))
		return d("after", made.after, "done", done+int64(made.done)), nil
	}
	next := from + 1
	for next < int64(w.opt.schema) && conversions[next] == nil {
		next++
	}
	change := d("$unset", d("from", "", "after", "", "done", "", "total", ""))
	if next < int64(w.opt.schema) {
		change = d("$set", d("from", next), "$unset", d("after", "", "done", "", "total", ""))
	}
	_, err = w.documents.UpdateOne(ctx, d("_id", schemaID, "owner", w.owner), change)
	w.opt.Log.LogAttrs(ctx, slog.LevelInfo, "documents are brought up to date", slog.Int64("from", from), slog.Int("to", int(w.opt.schema)))
	return nil, err
}

// report says how far it is.
func (w *converting) report(ctx context.Context, state bson.Raw) {
	done, _ := whole(state.Lookup("done"))
	total, _ := whole(state.Lookup("total"))
	w.upgrade.tell(fmt.Sprintf("the database is brought up to date: %d of some %d versions of the history", done, total))
	if time.Since(w.told) > upgradeReports {
		w.told = time.Now()
		w.opt.Log.LogAttrs(ctx, slog.LevelInfo, "the database is brought up to date", slog.Int64("done", done), slog.Int64("total", total))
	}
}

// fence keeps processes that know only an older layout from beginning commits, and waits for those that they have begun.
func (c *clock) fence(ctx context.Context, version int64) error {
	if version < firstFenced {
		return c.fenceEarlier(ctx)
	}
	if _, err := c.documents.UpdateOne(ctx, d("_id", clockID, "schema", d("$lt", c.schema)), d("$set", d("schema", c.schema))); err != nil {
		return err
	}
	return c.drained(ctx, clockID)
}

// drained waits until no commit is open.
func (c *clock) drained(ctx context.Context, id string) error {
	left := 0
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		_, open, err := c.state(ctx, id)
		switch {
		case errors.Is(err, driver.ErrNoDocuments), err == nil && len(open) == 0:
			return nil
		case err == nil:
			left = len(open)
		case ctx.Err() == nil || left == 0:
			return err
		}
		if !sleep(ctx, pause) {
			return fmt.Errorf("%w: %d commits of servers of an older version are not over yet", store.ErrUnavailable, left)
		}
	}
}
