package mongo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"fhirside/search"
)

// Names of the collections beside those of the resource types.
const (
	historyName = "history" // every version of every resource
	clockName   = "clock"   // see clock.go
	locksName   = "locks"   // criteria that found nothing, see locks.go
	schemaName  = "schema"  // how documents are laid out
)

// Names of the indexes of a resource type's collection; docs/decisions/0004-mongodb-indexes.md says what each is for.
const (
	termsIndex   = "terms"
	pairsIndex   = "pairs"
	updatedIndex = "updated"
)

// Names of the indexes of the history.
const (
	commitsIndex = "commits"
	typesIndex   = "types"
)

func resourceIndexes() []driver.IndexModel {
	return []driver.IndexModel{
		{Keys: d("index.t", 1, "index.shape", 1, "index.key", 1, "_id", 1), Options: options.Index().SetName(termsIndex)},
		{Keys: d("index.p", 1, "index.shape", 1, "index.key", 1, "_id", 1), Options: options.Index().SetName(pairsIndex)},
		{Keys: d("updated", 1, "_id", 1), Options: options.Index().SetName(updatedIndex)},
	}
}

func historyIndexes() []driver.IndexModel {
	return []driver.IndexModel{
		{Keys: d("commit", 1, "n", 1), Options: options.Index().SetName(commitsIndex)},
		{Keys: d("type", 1, "commit", 1, "n", 1), Options: options.Index().SetName(typesIndex)},
	}
}

// lockSeconds is how long a lock document stays. It only has to outlive the transactions that may still read what was before
// it: the server ends those after a minute.
const lockSeconds = 3600

func lockIndexes() []driver.IndexModel {
	return []driver.IndexModel{{Keys: d("at", 1), Options: options.Index().SetName("expiry").SetExpireAfterSeconds(lockSeconds)}}
}

// catalog knows which collections are there with their indexes. They are made at the first write of a type: R4 has 148 types,
// and most databases need few of them.
type catalog struct {
	db    *driver.Database
	known sync.Map // name → the size of the catalog when it was found, as int64
	size  atomic.Int64
	mu    sync.Mutex
	awake chan struct{} // has an element when indexes may be missing
}

func (c *catalog) has(name string) bool { return c.had(name, c.size.Load()) }

// had says whether a collection was known when the catalog had that size. A transaction that began before must not write to it: it
// may not know the indexes.
func (c *catalog) had(name string, size int64) bool {
	found, ok := c.known.Load(name)
	return ok && found.(int64) <= size
}

// wake lets the background look for missing indexes.
func (c *catalog) wake() {
	select {
	case c.awake <- struct{}{}:
	default:
	}
}

// ensure makes a resource type's collection and indexes. It must not run while a transaction of the caller is open: the two
// would wait for each other.
func (c *catalog) ensure(ctx context.Context, resourceType string) error {
	return c.create(ctx, resourceType, resourceIndexes())
}

const (
	catalogID    = "catalog"
	catalogLease = 10 * time.Second
	catalogPause = 10 * time.Millisecond
)

// create makes a collection with its indexes if it has not got them all. One process at a time does: an index that a process asks
// for while another one already writes would be built beside those writes, for nothing.
func (c *catalog) create(ctx context.Context, name string, indexes []driver.IndexModel) error {
	if c.has(name) {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.has(name) {
		return nil
	}
	for {
		missing, err := c.missing(ctx, name, indexes)
		if err != nil {
			return err
		}
		later := false
		if len(missing) > 0 {
			if later, err = c.createAlone(ctx, name, indexes); err != nil {
				return err
			}
		}
		if later {
			c.wake()
		}
		if later || len(missing) == 0 {
			c.known.Store(name, c.size.Add(1))
			return nil
		}
	}
}

// missing are the indexes that a collection has not got, or has with other keys.
func (c *catalog) missing(ctx context.Context, name string, indexes []driver.IndexModel) (missing []driver.IndexModel, err error) {
	specs, err := c.db.Collection(name).Indexes().ListSpecifications(ctx)
	if hasCode(err, codeNamespaceNotFound) {
		return indexes, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the indexes of %s: %w", name, err)
	}
	for _, index := range indexes {
		if !slices.ContainsFunc(specs, func(spec driver.IndexSpecification) bool {
			return spec.Name == nameOf(index) && sameKeys(spec.KeysDocument, index)
		}) {
			missing = append(missing, index)
		}
	}
	return missing, nil
}

// sameKeys compares the names of an index's fields: all are ascending.
func sameKeys(keys bson.Raw, index driver.IndexModel) bool {
	elements, err := keys.Elements()
	return err == nil && slices.EqualFunc(elements, index.Keys.(bson.D), func(a bson.RawElement, b bson.E) bool { return a.Key() == b.Key })
}

// nameOf is the name that an index was given.
func nameOf(index driver.IndexModel) string {
	var o options.IndexOptions
	for _, set := range index.Options.List() {
		_ = set(&o) // setters of a name cannot fail
	}
	return *o.Name
}

// createAlone makes what is missing once nobody else does; where somebody else did, it leaves it at that. Indexes of documents that are
// there already take time: they are made later, in the background.
func (c *catalog) createAlone(ctx context.Context, name string, indexes []driver.IndexModel) (later bool, err error) {
	alone := lease{c.db.Collection(schemaName), catalogID, rand.Int64(), catalogLease}
	if _, err := once(ctx, alone.documents, d("_id", catalogID)); err != nil {
		return false, err
	}
	switch _, mine, err := alone.take(ctx); {
	case err != nil:
		return false, err
	case !mine:
		sleep(ctx, catalogPause)
		return false, ctx.Err()
	}
	defer func() { _ = alone.release(context.WithoutCancel(ctx)) }() // it ends by itself otherwise
	if missing, err := c.missing(ctx, name, indexes); len(missing) == 0 || err != nil {
		return false, err
	}
	if err := c.db.CreateCollection(ctx, name); err != nil && !hasCode(err, codeNamespaceExists) {
		return false, fmt.Errorf("make the collection %s: %w", name, err)
	}
	if empty, err := c.isEmpty(ctx, name); err != nil || !empty {
		return !empty, err
	}
	if _, err := c.db.Collection(name).Indexes().CreateMany(ctx, indexes); err != nil {
		return false, fmt.Errorf("make the indexes of %s: %w", name, err)
	}
	return false, nil
}

// isEmpty says whether a collection has no documents.
func (c *catalog) isEmpty(ctx context.Context, name string) (bool, error) {
	err := c.db.Collection(name).FindOne(ctx, d(), options.FindOne().SetProjection(d("_id", 1))).Err()
	if errors.Is(err, driver.ErrNoDocuments) {
		return true, nil
	}
	return false, err
}

// prepare makes the collections that every database has.
func (c *catalog) prepare(ctx context.Context) error {
	if err := c.create(ctx, historyName, historyIndexes()); err != nil {
		return err
	}
	if err := c.create(ctx, locksName, lockIndexes()); err != nil {
		return err
	}
	return c.create(ctx, stateName, stateIndexes())
}

// once is the document of that _id, which is made if it is not there; of several processes that make it at the same time one
// decides for all.
func once(ctx context.Context, c *driver.Collection, document bson.D) (bson.Raw, error) {
	filter := d("_id", document[0].Value)
	for pause := time.Millisecond; ; pause *= 2 {
		raw, err := c.FindOne(ctx, filter).Raw()
		if !errors.Is(err, driver.ErrNoDocuments) {
			return raw, err
		}
		// What another process has just made may not be seen yet by a majority: then it is looked for again.
		if _, err := c.InsertOne(ctx, document); err != nil && !driver.IsDuplicateKeyError(err) {
			return nil, err
		} else if err != nil && !sleep(ctx, pause) {
			return nil, context.Cause(ctx)
		}
	}
}

// types are the resource types that have a collection, in order.
func (c *catalog) types(ctx context.Context) ([]string, error) { return c.named(ctx, "^[A-Z]") }

// collections are those of resource types, and of what resources contain, in order.
func (c *catalog) collections(ctx context.Context) ([]string, error) {
	return c.named(ctx, "^([A-Z]|"+regexp.QuoteMeta(search.ContainedType(""))+")")
}

func (c *catalog) named(ctx context.Context, pattern string) ([]string, error) {
	names, err := c.db.ListCollectionNames(ctx, d("name", d("$regex", pattern)))
	slices.Sort(names)
	return names, err
}
