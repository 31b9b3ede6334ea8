package benchmark

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"

	"fhirside/resources/store/mongo"
	"fhirside/resources/store/mongo/mongotest"
)

// inDatabase is the set in a database.
func (b *bench) inDatabase(copies int) *site {
	uri := b.database(copies)
	client, db, err := connect(uri)
	b.must(err)
	b.Cleanup(func() { _ = client.Disconnect(context.Background()) })
	s, err := mongo.Open(b.Context(), uri, mongo.Options{})
	b.must(err)
	b.Cleanup(func() { s.Close() })
	c := b.clinic(s)
	return &site{clinic: c, watch: func(query string) (w work) {
		commands := b.profiled(db, func() {
			_, err := c.run(query)
			b.must(err)
		})
		for _, command := range commands {
			w.examined += b.examined(db, command)
		}
		finds := slices.DeleteFunc(slices.Clone(commands), isCount)
		if len(finds) == 0 {
			finds = commands
		}
		w.again = func() error { return repeat(b.Context(), db, finds) }
		return w
	}}
}

// database holds the set so many times.
func (b *bench) database(copies int) (uri string) {
	mongotest.Cache = 4096
	uri = mongotest.URI(b.T)
	if *keep != "" && mongotest.Kind() == "uri" {
		uri = mongotest.WithDatabase(uri, fmt.Sprintf("synthea-%d", copies))
	}
	client, db, err := connect(uri)
	b.must(err)
	defer func() { _ = client.Disconnect(context.Background()) }()
	if n, err := db.Collection("Patient").EstimatedDocumentCount(b.Context()); err != nil || n == 0 {
		b.must(err)
		b.stock(uri, copies)
	}
	return uri
}

// profiled are the commands to collections of resources while f runs, as the database's profiler notes them, without what makes them part
// of a session.
func (b *bench) profiled(db *driver.Database, f func()) (commands []bson.D) {
	ctx := b.Context()
	profile := func(level int) {
		b.must(db.RunCommand(ctx, bson.D{{Key: "profile", Value: level}, {Key: "slowms", Value: 0}}).Err())
	}
	b.must(db.Collection("system.profile").Drop(ctx))
	profile(2)
	f()
	profile(0)
	cursor, err := db.Collection("system.profile").Find(ctx, bson.D{})
	b.must(err)
	defer cursor.Close(ctx)
	for cursor.Next(ctx) {
		var noted struct{ Command bson.D }
		b.must(cursor.Decode(&noted))
		command := slices.DeleteFunc(noted.Command, func(e bson.E) bool {
			return strings.HasPrefix(e.Key, "$") || slices.Contains([]string{"lsid", "txnNumber", "startTransaction", "autocommit", "readConcern", "maxTimeMS"}, e.Key)
		})
		if len(command) > 0 && slices.Contains([]string{"find", "aggregate", "count"}, command[0].Key) && isOfResources(command[0].Value) {
			commands = append(commands, command)
		}
	}
	b.must(cursor.Err())
	return commands
}

// isOfResources says whether a collection holds resources of a type, or what such contain: others have names in lower case.
func isOfResources(collection any) bool {
	name, _ := collection.(string)
	name = strings.TrimPrefix(name, "contained.")
	return name != "" && strings.ToLower(name[:1]) != name[:1]
}

// isCount says whether a command counts only.
func isCount(command bson.D) bool {
	pipeline, _ := command[1].Value.(bson.A)
	if len(pipeline) == 0 {
		return command[0].Key == "count"
	}
	last, _ := pipeline[len(pipeline)-1].(bson.D)
	return len(last) > 0 && last[0].Key == "$count"
}

// examined is how many keys and documents MongoDB examines for a command.
func (b *bench) examined(db *driver.Database, command bson.D) int64 {
	raw, err := db.RunCommand(b.Context(), bson.D{{Key: "explain", Value: command}, {Key: "verbosity", Value: "executionStats"}}).Raw()
	b.must(err)
	return examinedIn(raw)
}

// examinedIn adds up what is examined in a plan, which an aggregation has within its stages.
func examinedIn(doc bson.Raw) (n int64) {
	elements, _ := doc.Elements()
	for _, e := range elements {
		switch value := e.Value(); {
		case e.Key() == "executionStats":
			keys, _ := value.Document().Lookup("totalKeysExamined").AsInt64OK()
			documents, _ := value.Document().Lookup("totalDocsExamined").AsInt64OK()
			n += keys + documents
		case e.Key() == "stages" && value.Type == bson.TypeArray:
			n += examinedIn(bson.Raw(value.Array()))
		case value.Type == bson.TypeEmbeddedDocument && e.Key() != "command" && e.Key() != "queryPlanner":
			n += examinedIn(value.Document())
		}
	}
	return n
}

// repeat is the floor of a search: the commands that find what is on its page, by the bare driver, which reads the documents.
func repeat(ctx context.Context, db *driver.Database, commands []bson.D) error {
	for _, command := range commands {
		if command[0].Key == "count" {
			if err := db.RunCommand(ctx, command).Err(); err != nil {
				return err
			}
			continue
		}
		cursor, err := db.RunCommandCursor(ctx, command)
		if err != nil {
			return err
		}
		var documents []bson.Raw
		if err := cursor.All(ctx, &documents); err != nil {
			return err
		}
	}
	return nil
}
