package mongotest_test

import (
	"context"
	"fmt"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"fhirside/resources/store/mongo/mongotest"
)

func TestMain(m *testing.M) { mongotest.Main(m) }

// What a majority acknowledged outlives a kill -9 of the primary.
func TestKillAndRestart(t *testing.T) {
	for _, nodes := range []int{1, 3} {
		t.Run(fmt.Sprint(nodes, " nodes"), func(t *testing.T) { killAndRestart(t, mongotest.Nodes(t, nodes)) })
	}
}

func killAndRestart(t *testing.T, set *mongotest.ReplicaSet) {
	client, err := mongo.Connect(options.Client().ApplyURI(set.URI()).SetWriteConcern(writeconcern.Majority()))
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	defer func() { _ = client.Disconnect(ctx) }()
	c := client.Database("x").Collection("x")
	for i := range 3 {
		if _, err := c.InsertOne(ctx, bson.D{{Key: "_id", Value: i}}); err != nil {
			t.Fatal(err)
		}
		if err := set.KillPrimary(); err != nil {
			t.Fatal(err)
		}
		if n, err := c.CountDocuments(ctx, bson.D{}); err != nil || n != int64(i+1) {
			t.Fatalf("%d documents, %v; want %d", n, err, i+1)
		}
	}
}

func TestWithDatabase(t *testing.T) {
	for uri, want := range map[string]string{
		"mongodb://h:1/":                          "mongodb://h:1/d",
		"mongodb://u:p@h:1/old?replicaSet=x":      "mongodb://u:p@h:1/d?replicaSet=x",
		"mongodb://h:1,i:2/?replicaSet=x":         "mongodb://h:1,i:2/d?replicaSet=x",
		"mongodb+srv://u:p%40@cluster.example/?a": "mongodb+srv://u:p%40@cluster.example/d?a",
	} {
		if got := mongotest.WithDatabase(uri, "d"); got != want {
			t.Errorf("%s becomes %s, want %s", uri, got, want)
		}
	}
}
