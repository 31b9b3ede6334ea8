package mongo

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// lease lets one process at a time do something: a document of the collection "schema" names its owner, until a time by the server's
// clock.
type lease struct {
	documents *driver.Collection
	id        string
	owner     int64
	time      time.Duration
}

// take takes the lease if it is free, or keeps it, and then sets further fields of the document. It returns the document and whether
// the lease is this owner's. The document must be there.
func (l lease) take(ctx context.Context, fields ...bson.E) (state bson.Raw, mine bool, err error) {
	free := d("$or", bson.A{
		d("$eq", bson.A{d("$ifNull", bson.A{"$owner", l.owner}), l.owner}),
		d("$lt", bson.A{"$until", serverNow}),
	})
	ours := func(value any, otherwise string) bson.D { return d("$cond", bson.A{"$free", value, otherwise}) }
	set := d("owner", ours(l.owner, "$owner"), "until", ours(d("$add", bson.A{serverNow, l.time.Milliseconds()}), "$until"))
	for _, e := range fields {
		set = append(set, bson.E{Key: e.Key, Value: ours(d("$literal", e.Value), "$"+e.Key)})
	}
	update := bson.A{d("$set", d("free", free)), d("$set", set), d("$unset", bson.A{"free"})}
	state, err = l.documents.FindOneAndUpdate(ctx, d("_id", l.id), update, options.FindOneAndUpdate().SetReturnDocument(options.After)).Raw()
	if err != nil {
		return nil, false, err
	}
	owner, _ := whole(state.Lookup("owner"))
	return state, owner == l.owner, nil
}

// release gives the lease back.
func (l lease) release(ctx context.Context, changes ...bson.E) error {
	update := append(bson.D(changes), bson.E{Key: "$unset", Value: d("owner", "", "until", "")})
	_, err := l.documents.UpdateOne(ctx, d("_id", l.id, "owner", l.owner), update)
	return err
}
