package benchmark

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"fhirside/resources/store/mongo"
	"fhirside/resources/store/mongo/mongotest"
)

// inDatabase is the set in a database.
func (b *bench) inDatabase(copies int) *site {
	uri := b.holding(copies)
	client, db, err := connect(uri)
	b.must(err)
	b.Cleanup(func() { _ = client.Disconnect(context.Background()) })
	patient := mongo.Options{Timeout: time.Minute, SearchTime: time.Minute} // until what is asked for is in the server's cache
	s, err := mongo.Open(b.Context(), uri, patient)
	b.must(err)
	b.Cleanup(func() { s.Close() })
	c := b.clinic(s)
	_, mongod := b.serverStatus(client).LookupErr("secantus")
	return &site{clinic: c, secantusDB: mongod == nil, watch: func(query string) (w work) {
		run := func() {
			_, err := c.run(query)
			b.must(err)
		}
		before := b.engineSteps(client)
		run()
		w.examined = b.engineSteps(client) - before
		commands := b.profiled(db, run)
		finds := slices.DeleteFunc(slices.Clone(commands), isCount)
		if len(finds) == 0 {
			finds = commands
		}
		w.again = func() error { return repeat(b.Context(), db, finds) }
		return w
	}}
}

// engineSteps is how often the storage engine went to an entry of an index or to a document since the server was started.
func (b *bench) engineSteps(client *driver.Client) (n int64) {
	status := b.serverStatus(client)
	for _, name := range []string{"cursor next calls", "cursor prev calls", "cursor search calls", "cursor search near calls"} {
		value, err := status.LookupErr("wiredTiger", "cursor", name)
		b.must(err)
		calls, _ := value.AsInt64OK()
		n += calls
	}
	return n
}

func (b *bench) serverStatus(client *driver.Client) bson.Raw {
	raw, err := client.Database("admin").RunCommand(b.Context(), bson.D{{Key: "serverStatus", Value: 1}}).Raw()
	b.must(err)
	return raw
}

// holding is a database that holds the set so many times.
func (b *bench) holding(copies int) (uri string) {
	mongotest.Cache = 4096
	if *database != "" {
		uri = mongotest.WithDatabase(*database, fmt.Sprintf("%s-%d", databaseOf(*database), copies))
	} else {
		uri = mongotest.URI(b.T)
	}
	client, db, err := connect(uri)
	b.must(err)
	defer func() { _ = client.Disconnect(context.Background()) }()
	n, err := db.Collection("Patient").EstimatedDocumentCount(b.Context())
	b.must(err)
	if n == 0 {
		b.stock(uri, copies)
	}
	return uri
}

// profiled are the commands to collections of resources while f runs, as the database's profiler notes them, without what makes them part
// of a session. What was noted before stays: SecantusDB reads all indexes again after a collection was dropped.
func (b *bench) profiled(db *driver.Database, f func()) (commands []bson.D) {
	ctx := b.Context()
	profile := func(level int) {
		b.must(db.RunCommand(ctx, bson.D{{Key: "profile", Value: level}, {Key: "slowms", Value: 0}}).Err())
	}
	notes := db.Collection("system.profile")
	var last struct{ Ts time.Time }
	if err := notes.FindOne(ctx, bson.D{}, options.FindOne().SetSort(bson.D{{Key: "$natural", Value: -1}})).Decode(&last); !errors.Is(err, driver.ErrNoDocuments) {
		b.must(err)
	}
	for !time.Now().After(last.Ts.Add(time.Millisecond)) { // times are whole milliseconds
		runtime.Gosched()
	}
	profile(2)
	f()
	profile(0)
	cursor, err := notes.Find(ctx, bson.D{{Key: "ts", Value: bson.D{{Key: "$gt", Value: last.Ts}}}})
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
