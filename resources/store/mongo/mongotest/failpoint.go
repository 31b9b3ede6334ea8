package mongotest

import (
	"context"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// Faulty is a server that fails commands on demand, and the connection string of a database on it. The test is skipped where there is
// none.
func Faulty(t testing.TB) (Fault, string) {
	t.Helper()
	uri := URI(t)
	if shared.server.Kind() == "secantusd-rs" {
		binary := tool("secantusd-py", pythonVariable)
		if binary == "" {
			t.Skip("secantusd-rs has no fail points, and neither mongod nor secantusd-py is installed")
		}
		server, err := startSecantus(binary, "--enable-test-commands")
		require(t, err)
		t.Cleanup(server.Stop)
		uri = WithDatabase(server.URI(), "faulty")
	}
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	require(t, err)
	t.Cleanup(func() { _ = client.Disconnect(context.Background()) })
	fault := Fault{t, client}
	if err := fault.set(bson.D{{Key: "configureFailPoint", Value: "failCommand"}, {Key: "mode", Value: "off"}}); err != nil {
		t.Skipf("the server has no fail points: %v", err)
	}
	return fault, uri
}

// Fault makes commands fail.
type Fault struct {
	t      testing.TB
	client *mongo.Client
}

// Fail makes the next commands of these names fail as data says: errorCode, errorLabels, closeConnection, blockTimeMS.
func (f Fault) Fail(times int, commands []string, data ...bson.E) {
	f.t.Helper()
	err := f.set(bson.D{
		{Key: "configureFailPoint", Value: "failCommand"},
		{Key: "mode", Value: bson.D{{Key: "times", Value: times}}},
		{Key: "data", Value: append(bson.D{{Key: "failCommands", Value: commands}}, data...)},
	})
	if err != nil {
		f.t.Fatal(err)
	}
}

// Off ends it.
func (f Fault) Off() {
	f.t.Helper()
	if err := f.set(bson.D{{Key: "configureFailPoint", Value: "failCommand"}, {Key: "mode", Value: "off"}}); err != nil {
		f.t.Fatal(err)
	}
}

func (f Fault) set(command bson.D) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return f.client.Database("admin").RunCommand(ctx, command).Err()
}
