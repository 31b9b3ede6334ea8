package mongo

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"

	"fhirside/resources/store"
	"fhirside/search"
)

// hit is a document that a search found, and its place in the order of the search.
type hit struct {
	document bson.Raw
	position position
}

// finder runs a search on one resource type.
type finder struct {
	*view
	compiler
	sorting   sorting
	only      []int32 // shapes of the key; nil: all
	horizon   int64
	limit     int // 0: none
	keysOnly  bool
	withTerms bool // documents come with their terms
}

// isCapped says whether the server ends the search at its limit.
func (f finder) isCapped() bool { return f.limit > 0 && !f.unlimited }

// maxBatch is how many documents come at once.
const maxBatch = 500

func (f finder) batch() int32 {
	if f.limit > 0 {
		return int32(min(f.limit, maxBatch))
	}
	return maxBatch
}

// find yields what the filter finds, behind a position.
func (f finder) find(filter search.Filter, after *position) iter.Seq2[hit, error] {
	return func(yield func(hit, error) bool) {
		followed, links, err := f.follow(filter)
		if err != nil {
			yield(hit{}, err)
			return
		}
		found := f.ordered(followed, after)
		if len(links) > 0 {
			found = f.walk(followed, links, after)
		}
		for h, err := range found {
			if !yield(h, err) || err != nil {
				return
			}
		}
	}
}

// ordered yields what a filter without chains finds. In the direction that is not the type's own, resources with several values
// have other keys than their documents: they are few, are sorted by themselves, and merged with the others.
func (f finder) ordered(filter search.Filter, after *position) iter.Seq2[hit, error] {
	if !f.sorting.reversed {
		return f.run(filter, after)
	}
	single, several := f, f
	single.only = slices.DeleteFunc(f.order.shapes(), func(shape int32) bool { return shape == severalShape })
	several.only = []int32{severalShape}
	several.sorting.rekey = sortValue(search.SortKey{Param: f.order.param, Kind: f.order.kind, Descending: f.sorting.idDescending})
	return mergedHits([]stream{{single.run(filter, after), f.sorting}, {several.run(filter, after), f.sorting}})
}

// run yields what a filter without chains finds in the order of documents or of what is computed of them.
func (f finder) run(filter search.Filter, after *position) iter.Seq2[hit, error] {
	return func(yield func(hit, error) bool) {
		p, err := f.planFor(filter, after)
		if err != nil {
			yield(hit{}, err)
			return
		}
		commands := f.commands(p)
		if len(commands) > 1 || f.sorting.reversed {
			if err := f.severalCommands(); err != nil {
				yield(hit{}, err)
				return
			}
		}
		found := make([]stream, 0, len(commands))
		for _, command := range commands {
			found = append(found, stream{f.hits(command), f.sorting})
		}
		all := inTurn(found)
		if len(found) > 1 && !f.sorting.unordered {
			all = mergedHits(found)
		}
		for h, err := range all {
			if !yield(h, err) || err != nil {
				return
			}
		}
	}
}

// hits are the documents that a command finds.
func (f finder) hits(command bson.D) iter.Seq2[hit, error] {
	return func(yield func(hit, error) bool) {
		for document, err := range f.documents(command) {
			if err != nil {
				yield(hit{}, err)
				return
			}
			h, ok := f.hit(document)
			if !ok {
				f.s.unindexed()
				if f.isCapped() { // in place of which another one might have come
					yield(hit{}, errUnplaced)
					return
				}
				continue
			}
			if !yield(h, nil) {
				return
			}
		}
	}
}

func (f finder) count(filter search.Filter) (n int64, err error) {
	followed, links, err := f.follow(filter)
	if err != nil {
		return 0, err
	}
	if len(links) > 0 {
		for _, err := range f.walk(followed, links, nil) {
			if err != nil {
				return 0, err
			}
			n++
		}
		return n, nil
	}
	p, err := f.planFor(followed, nil)
	if err != nil || p.branches == nil {
		return 0, err
	}
	if p.counted != nil && !f.inTransaction() {
		return f.countDirectly(p.counted)
	}
	f.limit = 1 // one document says it
	pipeline := bson.A{d("$match", p.filter()), d("$count", "n")}
	for document, err := range f.documents(d("aggregate", f.resourceType, "pipeline", pipeline, "cursor", bson.D{})) {
		if err != nil {
			return 0, err
		}
		if n, err = whole(document.Lookup("n")); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// countDirectly counts by the command for that, which reads no documents where an index decides; a transaction cannot run it.
func (f finder) countDirectly(filter bson.D) (n int64, err error) {
	command := d("count", f.resourceType, "query", filter, "readConcern", d("level", f.level()), "maxTimeMS", f.searchTime().Milliseconds())
	err = f.patiently(func(ctx context.Context) error {
		return f.retried(func() error {
			raw, err := f.s.db.RunCommand(ctx, command).Raw()
			if err != nil {
				return err
			}
			n, err = whole(raw.Lookup("n"))
			return err
		})
	})
	return n, err
}

func (f finder) planFor(filter search.Filter, after *position) (plan, error) {
	root, err := f.compile(filter)
	if err != nil {
		return plan{}, err
	}
	p := planner{compiler: f.compiler, sorting: f.sorting, only: f.only, after: after, horizon: f.horizon}.plan(root)
	if p.branches == nil || p.bounded || f.sorting.computed == nil {
		return p, nil
	}
	n, err := f.collection(f.resourceType).EstimatedDocumentCount(f.outside)
	if err == nil && n > f.s.opt.MaxSorted {
		err = fmt.Errorf("%w: %d of type %s", store.ErrUnordered, n, f.resourceType)
	}
	return p, err
}

// commands are a plan as commands of MongoDB: a find for each branch, or one aggregation where the values to sort by have to be
// computed.
func (f finder) commands(p plan) (commands []bson.D) {
	if p.branches == nil {
		return nil
	}
	if f.sorting.isComputed() {
		return []bson.D{f.aggregation(p)}
	}
	for _, branch := range p.branches {
		command := d("find", f.resourceType, "filter", branch, "batchSize", f.batch())
		if !f.sorting.unordered {
			command = append(command, bson.E{Key: "sort", Value: f.sorting.document()})
		}
		if f.keysOnly {
			command = append(command, bson.E{Key: "projection", Value: f.projection()})
		}
		if f.isCapped() {
			command = append(command, bson.E{Key: "limit", Value: int64(f.limit)})
		}
		commands = append(commands, command)
	}
	return commands
}

func (f finder) aggregation(p plan) bson.D {
	pipeline := bson.A{d("$match", p.filter())}
	for _, stage := range f.sorting.stages() {
		pipeline = append(pipeline, stage)
	}
	if p.behind != nil {
		pipeline = append(pipeline, d("$match", p.behind))
	}
	pipeline = append(pipeline, d("$sort", f.sorting.document()))
	if f.isCapped() {
		pipeline = append(pipeline, d("$limit", int64(f.limit)))
	}
	if f.keysOnly {
		pipeline = append(pipeline, d("$project", f.projection()))
	}
	return d("aggregate", f.resourceType, "pipeline", pipeline, "cursor", d("batchSize", f.batch()))
}

// projection are the fields of a search for keys. One for resources takes documents as they are: leaving out the index values costs
// a server more than sending them.
func (f finder) projection() bson.D {
	fields := d("version", 1, "updated", 1, "method", 1, keyPath, 1, computedPath, 1)
	if f.withTerms {
		fields = append(fields, bson.E{Key: termsPath, Value: 1}, bson.E{Key: apartPath, Value: 1})
	}
	return fields
}

// documents runs a command that answers with a cursor. They are valid until the next one.
func (f finder) documents(command bson.D) iter.Seq2[bson.Raw, error] {
	return func(yield func(bson.Raw, error) bool) {
		if !f.inTransaction() {
			command = append(command, bson.E{Key: "readConcern", Value: d("level", f.level())})
		}
		// A search without end is limited batch by batch, since the server adds up the time of all.
		if f.isCapped() || f.sorting.isComputed() {
			command = append(command, bson.E{Key: "maxTimeMS", Value: f.searchTime().Milliseconds()})
		}
		var cursor *driver.Cursor
		err := f.patiently(func(ctx context.Context) (err error) {
			return f.retried(func() error {
				cursor, err = f.s.db.RunCommandCursor(ctx, command)
				return err
			})
		})
		if err != nil {
			yield(nil, err)
			return
		}
		cursor.SetBatchSize(f.batch())
		defer func() { _ = cursor.Close(context.WithoutCancel(f.ctx)) }()
		for f.next(cursor) {
			if !yield(cursor.Current, nil) {
				return
			}
		}
		if err := cursor.Err(); err != nil {
			yield(nil, err)
		}
	}
}

// searchTime is what the server may take.
func (f finder) searchTime() time.Duration {
	limit := f.s.opt.SearchTime
	if deadline, ok := f.ctx.Deadline(); ok {
		limit = max(min(limit, time.Until(deadline)), time.Millisecond)
	}
	return limit
}

// next goes to the next document; only a new batch takes time.
func (f finder) next(cursor *driver.Cursor) (ok bool) {
	if cursor.RemainingBatchLength() > 0 || cursor.ID() == 0 {
		return cursor.Next(f.ctx)
	}
	_ = f.patiently(func(ctx context.Context) error {
		ok = cursor.Next(ctx)
		return nil
	})
	return ok
}

var errNoAnswer = errors.New("no answer in time")

// patiently waits for an answer as long as the store's timeout allows. The deadline is hidden from the driver, which would make
// it a limit of the server's time: that is for the command to say.
func (f finder) patiently(do func(ctx context.Context) error) error {
	ctx, cancel := context.WithCancelCause(f.ctx)
	defer cancel(nil)
	timer := time.AfterFunc(max(f.s.opt.Timeout, f.s.opt.SearchTime+time.Second), func() { cancel(errNoAnswer) })
	defer timer.Stop()
	err := do(undated{ctx})
	if err != nil && errors.Is(context.Cause(ctx), errNoAnswer) {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return err
}

// undated is a context that does not tell its deadline.
type undated struct{ context.Context }

func (undated) Deadline() (time.Time, bool) { return time.Time{}, false }

// hit is a document in its place; ok is false where it has none. Such a document was not written by fhirside, or somebody has taken
// its index values away: no search finds it until it is indexed anew.
func (f finder) hit(document bson.Raw) (h hit, ok bool) {
	h = hit{document: document, position: position{resourceType: f.resourceType}}
	if h.position.id, ok = document.Lookup("_id").StringValueOK(); !ok {
		return h, false
	}
	for _, field := range f.sorting.fields {
		value := document.Lookup(strings.Split(field.path, ".")...)
		if value.Type == 0 {
			return h, false
		}
		value.Value = slices.Clone(value.Value) // the driver reads the next document into the same memory
		h.position.values = append(h.position.values, value)
	}
	return h, true
}

// errUnplaced says that a search with a limit met a document without a place: it goes on without one.
var errUnplaced = errors.New("a document has no value to be ordered by")
