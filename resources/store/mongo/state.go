package mongo

import (
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"fhirside/resources/store"
)

// stateName is the collection of what the server itself keeps:
//
//	{_id: {kind, key}, owner, revision, expires: Date (absent: never), value: "JSON"}
const stateName = "state"

// stateGrace is how many seconds the server keeps what has expired: its clock and those of the processes may differ, and what it
// removes is decided by nobody else.
const stateGrace = 300

func stateIndexes() []driver.IndexModel {
	return []driver.IndexModel{
		{Keys: d("owner", 1, "_id", 1), Options: options.Index().SetName("owners")},
		{Keys: d("expires", 1), Options: options.Index().SetName("expiry").SetExpireAfterSeconds(stateGrace)},
	}
}

// State is kept in a collection of its own. See store.Store.
func (s *Store) State() store.State { return state{s} }

// state is a store.State. Each of its calls is one operation on one document, which MongoDB does at once.
type state struct{ s *Store }

var _ store.State = state{}

// entryDocument is an entry as it is stored.
type entryDocument struct {
	ID       entryID    `bson:"_id"`
	Owner    string     `bson:"owner"`
	Revision int64      `bson:"revision"`
	Expires  *time.Time `bson:"expires,omitempty"`
	Value    string     `bson:"value"`
}

type entryID struct {
	Kind string `bson:"kind"`
	Key  any    `bson:"key"` // a string; MinKey and MaxKey in ranges
}

// alive selects what has not expired by this process's clock: the server removes things later.
func alive(now time.Time) bson.E {
	return bson.E{Key: "$or", Value: bson.A{d("expires", nil), d("expires", d("$gt", now))}}
}

// do runs an operation on the collection.
func (s state) do(ctx context.Context, f func(context.Context, *driver.Collection) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.s.opt.Timeout)
	defer cancel()
	if err := s.s.check(ctx); err != nil {
		return err
	}
	return explain(ctx, f(ctx, s.s.db.Collection(stateName)))
}

func (s state) Get(ctx context.Context, kind, key string) (e store.Entry, err error) {
	err = s.do(ctx, func(ctx context.Context, c *driver.Collection) error {
		var document entryDocument
		err := c.FindOne(ctx, bson.D{{Key: "_id", Value: entryID{kind, key}}, alive(time.Now())}).Decode(&document)
		if errors.Is(err, driver.ErrNoDocuments) {
			return store.ErrNotFound
		}
		e = document.entry()
		return err
	})
	return e, err
}

func (d entryDocument) entry() store.Entry {
	key, _ := d.ID.Key.(string)
	e := store.Entry{Kind: d.ID.Kind, Key: key, Owner: d.Owner, Revision: d.Revision, Value: []byte(d.Value)}
	if d.Expires != nil {
		e.Expires = d.Expires.UTC()
	}
	return e
}

// Put gives each write a revision of its own, so that none is taken for one that was there before a deletion.
func (s state) Put(ctx context.Context, e store.Entry) (int64, error) {
	now := time.Now()
	document := entryDocument{ID: entryID{e.Kind, e.Key}, Owner: e.Owner, Revision: rand.Int64N(1<<53-1) + 1, Value: string(e.Value)}
	if !e.Expires.IsZero() {
		document.Expires = &e.Expires
	}
	filter := bson.D{{Key: "_id", Value: document.ID}, {Key: "revision", Value: e.Revision}, alive(now)}
	if e.Revision == 0 {
		// What has expired is replaced; where something is alive, the document that the server would make instead has its _id.
		filter = bson.D{{Key: "_id", Value: document.ID}, {Key: "expires", Value: d("$lte", now)}}
	}
	err := s.do(ctx, func(ctx context.Context, c *driver.Collection) error {
		done, err := c.ReplaceOne(ctx, filter, document, options.Replace().SetUpsert(e.Revision == 0))
		switch {
		case driver.IsDuplicateKeyError(err):
			return store.ErrConflict
		case err == nil && done.MatchedCount+done.UpsertedCount == 0:
			return store.ErrConflict
		}
		return err
	})
	return document.Revision, err
}

func (s state) Delete(ctx context.Context, kind, key string) error {
	return s.do(ctx, func(ctx context.Context, c *driver.Collection) error {
		_, err := c.DeleteOne(ctx, d("_id", entryID{kind, key}))
		return err
	})
}

func (s state) List(ctx context.Context, kind, owner string) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		var after any = bson.MinKey{}
		for {
			page, err := s.page(ctx, kind, owner, after)
			if err != nil {
				yield(store.Entry{}, err)
				return
			}
			for _, document := range page {
				if !yield(document.entry(), nil) {
					return
				}
				after = document.ID.Key
			}
			if len(page) < entriesPerFind {
				return
			}
		}
	}
}

// entriesPerFind is how many entries are read at once: no cursor is open while the caller looks at them.
const entriesPerFind = 200

func (s state) page(ctx context.Context, kind, owner string, after any) (page []entryDocument, err error) {
	filter := bson.D{
		{Key: "_id", Value: d("$gt", entryID{kind, after}, "$lt", entryID{kind, bson.MaxKey{}})},
		alive(time.Now()),
	}
	if owner != "" {
		filter = append(filter, bson.E{Key: "owner", Value: owner})
	}
	err = s.do(ctx, func(ctx context.Context, c *driver.Collection) error {
		cursor, err := c.Find(ctx, filter, options.Find().SetSort(d("_id", 1)).SetLimit(entriesPerFind))
		if err != nil {
			return err
		}
		return cursor.All(ctx, &page)
	})
	return page, err
}
