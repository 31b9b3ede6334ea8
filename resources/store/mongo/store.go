package mongo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
	"golang.org/x/sync/semaphore"
	"golang.org/x/sync/singleflight"

	"fhirside/resources/store"
)

// Store keeps resources in one database of a MongoDB deployment. Any number of processes may use the same database.
type Store struct {
	opt        Options
	meters     meters
	client     *driver.Client
	db         *driver.Database
	catalog    catalog
	clock      *clock
	together   together
	bell       bell
	identity   atomic.Pointer[string] // the name of the list of this database's changes, once it was asked for
	big        *semaphore.Weighted    // entries of big commits that run
	largest    largest                // commit that was made
	checks     singleflight.Group
	checked    atomic.Bool // the deployment can do what the store needs
	rules      rules
	upgrade    upgrade
	builder    builder
	strange    sync.Once // documents without index values were met
	background background
	closing    context.Context // ends when the store is closed
	close      context.CancelFunc
}

var _ store.Store = (*Store)(nil)

// unindexed tells an operator, once, of documents that no search finds.
func (s *Store) unindexed() {
	s.strange.Do(func() {
		s.opt.Log.Warn("the database has documents without index values, which fhirside has not written: no search finds them; fhirside reindex takes in those that are whole otherwise")
	})
}

// Ready says whether the deployment answers, can do what the store needs, and is laid out as this process knows it. While index values
// are computed anew searches would not find all that matches, so it is not ready; while documents are converted or indexes built it is.
func (s *Store) Ready(ctx context.Context) (work string, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.opt.Timeout)
	defer cancel()
	err = s.check(ctx)
	if err == nil {
		err = s.isCurrent(ctx)
	}
	behind := s.rules.ready()
	for _, part := range []string{s.rules.work(), s.upgrade.work(), s.builder.work()} {
		if part != "" && work != "" {
			work += "; "
		}
		work += part
	}
	return work, explain(ctx, cmp.Or(err, behind))
}

// Close ends the connections. Commits that are still running fail.
func (s *Store) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), s.opt.Timeout)
	defer cancel()
	s.close()
	s.background.end()
	s.clock.close(ctx)
	return s.client.Disconnect(ctx)
}

// Read is the current version of a resource.
func (s *Store) Read(ctx context.Context, resourceType, id string) (store.Version, error) {
	v, cancel, err := s.view(ctx)
	if err != nil {
		return store.Version{}, err
	}
	defer cancel()
	key := store.Key{Type: resourceType, ID: id}
	version, found, err := s.together.read(v.ctx, key)
	if err == nil && !found {
		version, err = v.last(key)
	}
	return version, explain(ctx, err)
}

// ReadMany are the current versions of those that exist.
func (s *Store) ReadMany(ctx context.Context, keys []store.Key) ([]store.Version, error) {
	v, cancel, err := s.view(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	versions, err := v.readMany(keys)
	return versions, explain(ctx, err)
}

// ReadVersion is one version of a resource.
func (s *Store) ReadVersion(ctx context.Context, resourceType, id string, version int64) (store.Version, error) {
	v, cancel, err := s.view(ctx)
	if err != nil {
		return store.Version{}, err
	}
	defer cancel()
	found, err := v.readVersion(store.Key{Type: resourceType, ID: id}, version)
	return found, explain(ctx, err)
}

// view is for one read outside of commits.
func (s *Store) view(ctx context.Context) (*view, context.CancelFunc, error) {
	ctx, cancel := context.WithTimeout(ctx, s.opt.Timeout)
	if err := s.check(ctx); err != nil {
		cancel()
		return nil, nil, err
	}
	return &view{s: s, ctx: ctx, outside: ctx}, cancel, nil
}

// view reads: document by document, or within a transaction, which shows it one moment.
type view struct {
	s       *Store
	ctx     context.Context // of the transaction's session, if there is one
	outside context.Context // without it: in a transaction neither the catalog nor the clock can be asked
	tx      *tx             // nil outside of commits
	moment
	// unlimited: of the documents that a search finds some have no place, so that it cannot say how many it wants.
	unlimited bool
}

// inTransaction says whether reads are those of a transaction.
func (v *view) inTransaction() bool { return v.ctx != v.outside }

// transaction begins one that reads one moment, and with majority makes durable what it writes. It begins with its first command.
func (s *Store) transaction(ctx context.Context) (*driver.Session, context.Context, error) {
	session, err := s.client.StartSession()
	if err != nil {
		return nil, nil, err
	}
	o := options.Transaction().SetReadConcern(readconcern.Snapshot()).SetWriteConcern(writeconcern.Majority())
	if err := session.StartTransaction(o); err != nil {
		session.EndSession(ctx)
		return nil, nil, err
	}
	return session, driver.NewSessionContext(ctx, session), nil
}

// endSession ends a session and aborts what is open in it. What the server does not hear it ends by itself.
func endSession(ctx context.Context, session *driver.Session) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	session.EndSession(ctx)
}

func (v *view) collection(name string) *driver.Collection { return v.s.db.Collection(name) }

// retried runs a read, and once more where the connection was lost or the primary changed: reads have no effects. Inside of a
// commit the whole commit is what runs again.
func (v *view) retried(read func() error) error {
	err := read()
	if !v.inTransaction() && err != nil && isUnreachable(err) && v.ctx.Err() == nil {
		err = read()
	}
	return err
}

// current is a version with what it contains.
type current struct {
	store.Version
	inside []store.Key
}

func (v *view) current(key store.Key) (found current, err error) {
	raw, err := v.findOne(key)
	switch {
	case err != nil:
	case raw == nil:
		found.Version, err = v.last(key)
	default:
		found.inside = insideOf(raw)
		found.Version = decodeCurrent(key.Type, raw)
		if found.Damage != nil {
			err = v.numbered(&found.Version)
		}
	}
	return found, err
}

// numbered has a damaged version go by the number that the history ends with, so that the next one follows that.
func (v *view) numbered(damaged *store.Version) error {
	last, err := v.last(damaged.Key)
	if errors.Is(err, store.ErrNotFound) {
		damaged.Version = max(damaged.Version, 1)
		return nil
	}
	damaged.Version = last.Version
	return err
}

// findOne is the document of a current version, nil if there is none.
func (v *view) findOne(key store.Key) (bson.Raw, error) {
	filter := bsoncore.BuildDocument(nil, bsoncore.AppendStringElement(nil, "_id", key.ID))
	raw, err := v.collection(key.Type).FindOne(v.ctx, bson.Raw(filter)).Raw()
	if errors.Is(err, driver.ErrNoDocuments) {
		return nil, nil
	}
	return raw, err
}

// last is the newest version in the history.
func (v *view) last(key store.Key) (store.Version, error) {
	return v.version(options.FindOne().SetSort(d("_id", -1)), versionsOf(key), earlierVersionsOf(key))
}

// version is the newest version that a filter finds first, and where there may be documents of layout 1 another one among those.
func (v *view) version(find *options.FindOneOptionsBuilder, filter, earlier bson.D) (found store.Version, err error) {
	filters := []bson.D{filter}
	if v.s.upgrade.old.Load() {
		filters = []bson.D{earlier, filter}
	}
	for _, filter := range filters {
		raw, err := v.collection(historyName).FindOne(v.ctx, filter, find).Raw()
		if errors.Is(err, driver.ErrNoDocuments) {
			continue
		}
		if err != nil {
			return store.Version{}, err
		}
		one := decodeHistory(raw)
		if one.Version > found.Version {
			found = one
		}
	}
	if found.Version == 0 {
		return found, store.ErrNotFound
	}
	return found, nil
}

// versionsOf selects the versions of one resource by the range of their _id, which is in the order of the versions.
func versionsOf(key store.Key) bson.D {
	begin := key.Type + "/" + key.ID
	return d("_id", d("$gt", begin+"/", "$lt", begin+"0")) // "0" comes behind "/"
}

// versionID is the _id of a version in the history. It is one text, since not every server finds documents by a document.
func versionID(key store.Key, version int64) string {
	return fmt.Sprintf("%s/%s/%010d", key.Type, key.ID, version)
}

// parseVersionID is what the _id of a document of the history says.
func parseVersionID(document bson.Raw) (key store.Key, version int64, ok bool) {
	id, ok := document.Lookup("_id").StringValueOK()
	parts := strings.Split(id, "/")
	if !ok || len(parts) != 3 {
		return key, 0, false
	}
	version, err := strconv.ParseInt(parts[2], 10, 64)
	return store.Key{Type: parts[0], ID: parts[1]}, version, err == nil
}

func (v *view) readVersion(key store.Key, version int64) (store.Version, error) {
	return v.version(options.FindOne(), d("_id", versionID(key, version)), d("_id", earlierVersionID(key, version)))
}

// idsPerFind keeps a query by ids well below the size of a message.
const idsPerFind = 1000

func (v *view) readMany(keys []store.Key) (found []store.Version, err error) {
	ids := map[string][]string{}
	for _, key := range keys {
		ids[key.Type] = append(ids[key.Type], key.ID)
	}
	for resourceType, list := range ids {
		for len(list) > 0 {
			n := min(len(list), idsPerFind)
			if found, err = v.appendMany(found, resourceType, list[:n]); err != nil {
				return nil, err
			}
			list = list[n:]
		}
	}
	return found, nil
}

func (v *view) appendMany(found []store.Version, resourceType string, ids []string) ([]store.Version, error) {
	for raw, err := range v.byIDs(resourceType, ids) {
		if err != nil {
			return nil, err
		}
		found = append(found, decodeCurrent(resourceType, raw))
	}
	return found, nil
}

// byIDs yields the documents of a type that there are. Each is valid until the next one.
func (v *view) byIDs(resourceType string, ids []string) iter.Seq2[bson.Raw, error] {
	return func(yield func(bson.Raw, error) bool) {
		at, filter := bsoncore.AppendDocumentStart(nil)
		in, filter := bsoncore.AppendDocumentElementStart(filter, "_id")
		list, filter := bsoncore.AppendArrayElementStart(filter, "$in")
		for i, id := range ids {
			filter = bsoncore.AppendStringElement(filter, arrayKey(i), id)
		}
		filter = endDocument(endDocument(endDocument(filter, list), in), at)
		cursor, err := v.collection(resourceType).Find(v.ctx, bson.Raw(filter))
		if err != nil {
			yield(nil, err)
			return
		}
		defer cursor.Close(v.ctx)
		for cursor.Next(v.ctx) {
			if !yield(cursor.Current, nil) {
				return
			}
		}
		if err := cursor.Err(); err != nil {
			yield(nil, err)
		}
	}
}
