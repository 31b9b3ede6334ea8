package benchmark

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

// floorDatabase is what the floor of loading fills.
const floorDatabase = "floor"

// connect is what the floors use: the driver as it comes, with the guarantees that the server gives.
func connect(uri string) (*mongo.Client, *mongo.Database, error) {
	o := options.Client().ApplyURI(uri).SetReadConcern(readconcern.Majority()).SetWriteConcern(writeconcern.Majority())
	client, err := mongo.Connect(o)
	if err != nil {
		return nil, nil, err
	}
	return client, client.Database(databaseOf(uri)), nil
}

func databaseOf(uri string) string {
	path, _, _ := strings.Cut(uri, "?")
	return path[strings.LastIndexByte(path, '/')+1:]
}

// A transaction's file holds its documents, each behind the name of its collection.
func writeTransaction(name string, documents map[string][]bson.Raw) error {
	data, err := bson.Marshal(documents)
	if err != nil {
		return err
	}
	return os.WriteFile(name, data, 0o600)
}

// dealDocuments writes what the server has stored into one file per transaction: the same documents in the same transactions.
func dealDocuments(ctx context.Context, db *mongo.Database, folder string) error {
	cursor, err := db.Collection("history").Find(ctx, bson.D{}, options.Find().SetSort(bson.D{{Key: "commit", Value: 1}, {Key: "n", Value: 1}}))
	if err != nil {
		return err
	}
	defer cursor.Close(ctx)
	last, n := int64(-1), 0
	var documents map[string][]bson.Raw
	ids := map[string][]string{}
	flush := func() error {
		for name, list := range ids {
			if documents[name], err = currents(ctx, db.Collection(name), list); err != nil {
				return err
			}
		}
		clear(ids)
		n++
		return writeTransaction(filepath.Join(folder, fmt.Sprintf("%05d", n)), documents)
	}
	for cursor.Next(ctx) {
		if commit := cursor.Current.Lookup("commit").AsInt64(); commit != last {
			if last >= 0 {
				if err := flush(); err != nil {
					return err
				}
			}
			last, documents = commit, map[string][]bson.Raw{}
		}
		name := cursor.Current.Lookup("type").StringValue()
		documents["history"] = append(documents["history"], slices.Clone(cursor.Current))
		ids[name] = append(ids[name], cursor.Current.Lookup("id").StringValue())
	}
	if err := cursor.Err(); err != nil {
		return err
	}
	return flush()
}

func currents(ctx context.Context, c *mongo.Collection, ids []string) (list []bson.Raw, err error) {
	for part := range slices.Chunk(ids, 500) {
		cursor, err := c.Find(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: part}}}})
		if err != nil {
			return nil, err
		}
		var found []bson.Raw
		if err := cursor.All(ctx, &found); err != nil {
			return nil, err
		}
		list = append(list, found...)
	}
	return list, nil
}

// insertDocuments is the floor of loading on MongoDB: the same documents with their history and index fields into collections with
// the same indexes, in the same transactions, from as many goroutines as the loader has workers. It prints the seconds that the inserts
// took.
func insertDocuments() error {
	ctx := context.Background()
	uri, folder := os.Args[1], os.Args[2]
	client, from, err := connect(uri)
	if err != nil {
		return err
	}
	db := client.Database(floorDatabase)
	if err := copyIndexes(ctx, from, db); err != nil {
		return err
	}
	names, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil {
		return err
	}
	var all sync.WaitGroup
	var failed error
	var once sync.Once
	files := make(chan string)
	begun := time.Now()
	for range 4 {
		all.Go(func() {
			for name := range files {
				if err := insertTransaction(ctx, client, db, name); err != nil {
					once.Do(func() { failed = fmt.Errorf("%s: %w", name, err) })
				}
			}
		})
	}
	for _, name := range names {
		files <- name
	}
	close(files)
	all.Wait()
	took := time.Since(begun)
	if failed != nil {
		return failed
	}
	fmt.Println(took.Seconds())
	untilInputEnds()
	return db.Drop(ctx)
}

func copyIndexes(ctx context.Context, from, to *mongo.Database) error {
	names, err := from.ListCollectionNames(ctx, bson.D{})
	if err != nil {
		return err
	}
	for _, name := range names {
		specs, err := from.Collection(name).Indexes().ListSpecifications(ctx)
		if err != nil {
			return err
		}
		if err := to.CreateCollection(ctx, name); err != nil {
			return err
		}
		for _, spec := range specs {
			if spec.Name == "_id_" {
				continue
			}
			if _, err := to.Collection(name).Indexes().CreateOne(ctx, mongo.IndexModel{Keys: spec.KeysDocument, Options: options.Index().SetName(spec.Name)}); err != nil {
				return err
			}
		}
	}
	return nil
}

func insertTransaction(ctx context.Context, client *mongo.Client, db *mongo.Database, name string) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	var documents map[string][]bson.Raw
	if err := bson.Unmarshal(data, &documents); err != nil {
		return err
	}
	session, err := client.StartSession()
	if err != nil {
		return err
	}
	defer session.EndSession(ctx)
	_, err = session.WithTransaction(ctx, func(ctx context.Context) (any, error) {
		for collection, list := range documents {
			if _, err := db.Collection(collection).InsertMany(ctx, list); err != nil {
				return nil, err
			}
		}
		return nil, nil
	}, options.Transaction().SetReadConcern(readconcern.Snapshot()))
	return err
}

// findByID is the floor of reading: FindOne by id from as many goroutines as there are connections. The arguments are the connection
// string, a file of "Type/id" and for how long; it prints how many it got in a second.
func findByID() error {
	client, db, err := connect(os.Args[1])
	if err != nil {
		return err
	}
	if err := client.Ping(context.Background(), nil); err != nil {
		return err
	}
	data, err := os.ReadFile(os.Args[2])
	if err != nil {
		return err
	}
	d, err := time.ParseDuration(os.Args[3])
	if err != nil {
		return err
	}
	paths := strings.Fields(string(data))
	find := func() error {
		resourceType, id, _ := strings.Cut(paths[rand.IntN(len(paths))], "/")
		_, err := db.Collection(resourceType).FindOne(context.Background(), bson.D{{Key: "_id", Value: id}}).Raw()
		return err
	}
	rate, err := inTurns(mongoConnections, d, func() (func() error, error) { return find, nil })
	if err != nil {
		return err
	}
	fmt.Println(rate)
	untilInputEnds()
	return nil
}
