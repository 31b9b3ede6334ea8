package mongotest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// ReplicaSet is a replica set of the test's own, whose primary can be killed.
type ReplicaSet struct {
	nodes []Server
	uri   string
}

// Nodes is a replica set of that many nodes. Of more than one it needs a mongod, on the PATH or named by FHIRSIDE_MONGOD: where there is
// none the test is skipped with a notice, since no stand-in elects a primary.
func Nodes(t testing.TB, n int) *ReplicaSet {
	t.Helper()
	if n == 1 {
		node := Private(t)
		return &ReplicaSet{nodes: []Server{node}, uri: node.URI()}
	}
	binary := findMongod()
	if binary == "" {
		t.Skipf("NO MONGOD, so elections ARE NOT TESTED: install one, or name it by %s", mongodVariable)
	}
	r := &ReplicaSet{}
	var addresses []string
	for range n {
		p, err := newMongod(binary, setName)
		require(t, err)
		p.query = "?directConnection=true"
		node, err := p.begin()
		require(t, err)
		t.Cleanup(node.Stop)
		r.nodes, addresses = append(r.nodes, node), append(addresses, p.address())
	}
	r.uri = "mongodb://" + strings.Join(addresses, ",") + "/?replicaSet=" + setName
	require(t, initiate(r.nodes[0].URI(), setName, addresses...))
	require(t, ready(r.uri, time.Minute)) // the first election takes its time
	return r
}

// URI is a connection string that names all nodes.
func (r *ReplicaSet) URI() string { return r.uri }

// KillPrimary ends the primary as kill -9 does, waits until the others have elected one of them, and starts it again.
func (r *ReplicaSet) KillPrimary() error {
	node, err := r.primary()
	if err == nil {
		err = node.Kill()
	}
	if err == nil && len(r.nodes) > 1 {
		err = ready(r.uri, patience)
	}
	if err != nil {
		return err
	}
	return node.Restart()
}

// primary is the node that says that it is.
func (r *ReplicaSet) primary() (Server, error) {
	for began := time.Now(); time.Since(began) < patience; time.Sleep(50 * time.Millisecond) {
		for _, node := range r.nodes {
			if isPrimary(node) {
				return node, nil
			}
		}
	}
	return nil, fmt.Errorf("none of %s is the primary", r.uri)
}

func isPrimary(node Server) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	client, err := mongo.Connect(options.Client().ApplyURI(node.URI()).SetServerSelectionTimeout(time.Second))
	if err != nil {
		return false
	}
	defer func() { _ = client.Disconnect(context.Background()) }()
	hello, err := client.Database("admin").RunCommand(ctx, bson.D{{Key: "hello", Value: 1}}).Raw()
	if err != nil {
		return false
	}
	primary, _ := hello.Lookup("isWritablePrimary").BooleanOK()
	return primary
}
