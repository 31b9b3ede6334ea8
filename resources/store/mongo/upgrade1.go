package mongo

import (
	"context"
	"errors"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"fhirside/resources/store"
)

// What is known here of databases of the layouts 1 and 2.
//
// In the history of layout 1 the _id was a document, {type, id, version}, and those were no fields of their own. Until all of them are
// converted, readers ask for versions of that layout first and for those of today's then: what moves from one to the other in between
// is seen twice, and never missed.
//
// In layouts 1 and 2 the clock was the document "commits" and had no number of a layout.

const (
	earlierClockID = "commits"
	firstFenced    = 3 // the first layout whose clock says by which one commits may write
)

// fenceEarlier stops the clock of the layouts 1 and 2, and makes today's go on from there. A process of these layouts begins a commit by
// adding to the time, which it cannot any more, and ends one without it.
func (c *clock) fenceEarlier(ctx context.Context) error {
	documents := c.documents.Database().Collection(clockName, options.Collection().SetWriteConcern(writeconcern.Majority()))
	running := d("_id", earlierClockID, "time", d("$type", "number"))
	stop := d("was", "$time", "time", d("$literal", "this database has been brought up to date by a newer fhirside"))
	if _, err := documents.UpdateOne(ctx, running, bson.A{d("$set", stop)}); err != nil {
		return err
	}
	if err := c.drained(ctx, earlierClockID); err != nil {
		return err
	}
	stopped, _, err := c.state(ctx, earlierClockID)
	if errors.Is(err, driver.ErrNoDocuments) {
		return nil
	}
	if err != nil {
		return err
	}
	was, err := whole(stopped.Lookup("was"))
	if err != nil {
		return err
	}
	var rules any
	if required, err := stopped.LookupErr("rules"); err == nil {
		rules = required
	}
	_, err = once(ctx, documents, newClockDocument(c.schema, was, rules))
	return err
}

// convertedAtOnce is how many versions a transaction converts, and convertedBytes when it has enough.
const (
	convertedAtOnce = 200
	convertedBytes  = 4 << 20
)

// convertHistory brings versions of layout 1 to that of layout 2, in the order of commits.
func convertHistory(ctx context.Context, s *Store, after bson.RawValue) (done batch, err error) {
	session, inside, err := s.transaction(ctx)
	if err != nil {
		return done, err
	}
	defer endSession(ctx, session)
	history := s.db.Collection(historyName)
	filter := d()
	if place, ok := after.DocumentOK(); ok {
		commit, _ := whole(place.Lookup("commit"))
		n, _ := whole(place.Lookup("n"))
		filter = behind(stamp{commit, n}, false)
	}
	cursor, err := history.Find(inside, filter, options.Find().SetSort(d("commit", 1, "n", 1)).SetLimit(convertedAtOnce))
	if err != nil {
		return done, err
	}
	defer cursor.Close(inside)
	var earlier, converted []any
	size := 0
	done.after = after
	for size < convertedBytes && cursor.Next(inside) {
		done.done++
		version := slices.Clone(cursor.Current)
		done.after = d("commit", version.Lookup("commit"), "n", version.Lookup("n"))
		if document, ok := convertVersion(version); ok {
			size += len(document)
			converted = append(converted, document)
			earlier = append(earlier, version.Lookup("_id"))
		}
	}
	if err := cursor.Err(); err != nil {
		return done, err
	}
	done.over = done.done < convertedAtOnce && size < convertedBytes
	if len(converted) == 0 {
		return done, nil
	}
	if _, err := history.InsertMany(inside, converted); err != nil {
		return done, err
	}
	if _, err := history.DeleteMany(inside, d("_id", d("$in", earlier))); err != nil {
		return done, err
	}
	return done, session.CommitTransaction(inside) // of which a lost answer harms nothing: what is converted is not converted again
}

// convertVersion is a version of layout 1 in that of layout 2; ok is false where it is not of layout 1.
func convertVersion(document bson.Raw) (converted bson.Raw, ok bool) {
	key, version, ok := earlierID(document)
	if !ok {
		return nil, false
	}
	elements, err := document.Elements()
	if err != nil {
		return nil, false
	}
	at, doc := bsoncore.AppendDocumentStart(make([]byte, 0, len(document)+64))
	doc = bsoncore.AppendStringElement(doc, "_id", versionID(key, version))
	doc = bsoncore.AppendStringElement(doc, "type", key.Type)
	doc = bsoncore.AppendStringElement(doc, "id", key.ID)
	doc = bsoncore.AppendInt64Element(doc, "version", version)
	for _, e := range elements {
		if e.Key() != "_id" {
			doc = append(doc, e...)
		}
	}
	return endDocument(doc, at), true
}

// earlierID is what the _id of a version says in layout 1; ok is false where it is of another layout.
func earlierID(document bson.Raw) (key store.Key, version int64, ok bool) {
	id, ok := document.Lookup("_id").DocumentOK()
	if !ok {
		return key, 0, false
	}
	key.Type, _ = id.Lookup("type").StringValueOK()
	key.ID, _ = id.Lookup("id").StringValueOK()
	version, err := whole(id.Lookup("version"))
	return key, version, err == nil
}

// earlierVersionID is the _id of a version in layout 1.
func earlierVersionID(key store.Key, version any) bson.D {
	return d("type", key.Type, "id", key.ID, "version", version)
}

// earlierVersionsOf selects the versions of one resource in layout 1: documents compare member by member.
func earlierVersionsOf(key store.Key) bson.D {
	return d("_id", d("$gt", earlierVersionID(key, bson.MinKey{}), "$lt", earlierVersionID(key, bson.MaxKey{})))
}
