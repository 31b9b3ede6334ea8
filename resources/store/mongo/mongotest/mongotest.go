package mongotest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// shared is the server of this process, started by the first test that asks.
var shared struct {
	once   sync.Once
	server Server
	err    error
}

// Main runs the tests of a package and ends the server that they used. A package's TestMain calls nothing else:
//
//	func TestMain(m *testing.M) { mongotest.Main(m) }
func Main(m *testing.M) {
	code := m.Run()
	if shared.server != nil {
		shared.server.Stop()
	}
	os.Exit(code)
}

// URI is a connection string with a fresh database in it, which is dropped when the test ends.
func URI(t testing.TB) string {
	t.Helper()
	shared.once.Do(func() { shared.server, shared.err = start() })
	require(t, shared.err)
	uri := WithDatabase(shared.server.URI(), "fhirside_test_"+random())
	t.Cleanup(func() { drop(t, uri) })
	return uri
}

// Private is a server of the test's own, to be killed and started again. It is skipped where the tests use a server that
// somebody else runs.
func Private(t testing.TB) Server {
	t.Helper()
	if os.Getenv(uriVariable) != "" {
		t.Skipf("%s names a server that is not ours to kill", uriVariable)
	}
	server, err := start()
	require(t, err)
	t.Cleanup(server.Stop)
	return server
}

// Standalone is a server that is no replica set, which the store must refuse.
func Standalone(t testing.TB) Server {
	t.Helper()
	server, err := startStandalone()
	if errors.Is(err, errNoStandalone) {
		t.Skip(err)
	}
	require(t, err)
	t.Cleanup(server.Stop)
	return server
}

// Kind says what server the tests run on: "uri", "mongod", "docker" or "secantusd-rs"; "" before the first URI.
func Kind() string {
	if shared.server == nil {
		return ""
	}
	return shared.server.Kind()
}

func require(t testing.TB, err error) {
	t.Helper()
	switch {
	case err == nil:
	case os.Getenv("FHIRSIDE_REQUIRE_MONGODB") == "1":
		t.Fatalf("NO MONGODB SERVER: %v", err)
	default:
		t.Skipf("NO MONGODB SERVER, this test is skipped: %v", err)
	}
}

// WithDatabase is the connection string with another database in its path.
func WithDatabase(uri, database string) string {
	u, err := url.Parse(uri)
	if err != nil { // several hosts with ports are no URL to net/url
		head, query, _ := strings.Cut(uri, "?")
		scheme, rest, _ := strings.Cut(head, "://")
		hosts, _, _ := strings.Cut(rest, "/")
		return scheme + "://" + hosts + "/" + database + "?" + query
	}
	u.Path = "/" + database
	return u.String()
}

func database(uri string) string {
	head, _, _ := strings.Cut(uri, "?")
	return head[strings.LastIndexByte(head, '/')+1:]
}

func random() string {
	var b [6]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

func drop(t testing.TB, uri string) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	if err == nil {
		err = client.Database(database(uri)).Drop(ctx)
		_ = client.Disconnect(ctx)
	}
	if err != nil {
		t.Logf("the test's database could not be dropped: %v", err)
	}
}

// Shell is a database as somebody with a shell has it, who does things behind the server's back.
func Shell(t testing.TB, uri string) *mongo.Database {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Disconnect(context.Background()) })
	return client.Database(database(uri))
}

// Edit changes a document by hand.
func Edit(t testing.TB, uri, collection, id string, update any) {
	t.Helper()
	done, err := Shell(t, uri).Collection(collection).UpdateByID(t.Context(), id, update)
	if err != nil || done.MatchedCount != 1 {
		t.Fatalf("%s/%s was not edited: %+v, %v", collection, id, done, err)
	}
}

// Garble makes the first version of a resource, which is the current one, something that is no FHIR.
func Garble(t testing.TB, uri, resourceType, id string) {
	t.Helper()
	set(t, uri, resourceType, id, bson.E{Key: "resource.text", Value: time.Now()})
}

// Swap gives the first version of a resource, which is the current one, the content of another one of its type.
func Swap(t testing.TB, uri, resourceType, id, other string) {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Disconnect(context.Background()) }()
	document, err := client.Database(database(uri)).Collection(resourceType).FindOne(t.Context(), bson.D{{Key: "_id", Value: other}}).Raw()
	if err != nil {
		t.Fatal(err)
	}
	set(t, uri, resourceType, id, bson.E{Key: "resource", Value: document.Lookup("resource")})
}

func set(t testing.TB, uri, resourceType, id string, field bson.E) {
	t.Helper()
	update := bson.D{{Key: "$set", Value: bson.D{field}}}
	Edit(t, uri, resourceType, id, update)
	Edit(t, uri, "history", resourceType+"/"+id+"/0000000001", update)
}

// ready waits until the server accepts writes.
func ready(uri string, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	client, err := mongo.Connect(options.Client().ApplyURI(uri).SetServerSelectionTimeout(patience))
	if err != nil {
		return err
	}
	defer func() { _ = client.Disconnect(context.Background()) }()
	if err := client.Ping(ctx, nil); err != nil {
		return fmt.Errorf("the server at %s does not answer: %w", uri, err)
	}
	return nil
}
