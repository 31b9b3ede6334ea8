package mongotest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// setName is the replica set's.
const setName = "fhirside"

// findMongod is the path of a mongod, "" where none is.
func findMongod() string {
	if path := os.Getenv(mongodVariable); path != "" {
		return path
	}
	path, _ := exec.LookPath("mongod")
	return path
}

// startMongod starts one as a replica set of one node, or on its own.
func startMongod(binary, set string) (Server, error) {
	p, err := newMongod(binary, set)
	if err != nil {
		return nil, err
	}
	if set != "" {
		p.query = "?replicaSet=" + set
		p.initiate = func() error { return initiate("mongodb://"+p.address(), set, p.address()) }
	}
	return p.begin()
}

// newMongod is one that does not run yet.
func newMongod(binary, set string, more ...string) (*process, error) {
	dir, err := os.MkdirTemp("", "fhirside-mongodb-")
	if err != nil {
		return nil, err
	}
	arguments := append(more, "--bind_ip", "127.0.0.1", "--dbpath", dir,
		"--wiredTigerCacheSizeGB", cacheGB(), "--setParameter", "enableTestCommands=1", "--quiet")
	if set != "" {
		arguments = append(arguments, "--replSet", set)
	}
	p := &process{kind: "mongod", dir: dir}
	p.start = func() *exec.Cmd {
		return exec.Command(binary, append(arguments[:len(arguments):len(arguments)], "--port", p.port)...)
	}
	return p, nil
}

func cacheGB() string { return fmt.Sprintf("%.2f", float64(Cache)/1024) }

// initiate makes a replica set of the nodes at these addresses, by one of them.
func initiate(uri, set string, addresses ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	client, err := mongo.Connect(options.Client().ApplyURI(uri).SetDirect(true))
	if err != nil {
		return err
	}
	defer func() { _ = client.Disconnect(context.Background()) }()
	return client.Database("admin").RunCommand(ctx, bson.D{{Key: "replSetInitiate", Value: setConfig(set, addresses)}}).Err()
}

// setConfig is the configuration of a replica set, in which a primary that is gone is soon missed.
func setConfig(set string, addresses []string) bson.D {
	var members bson.A
	for i, address := range addresses {
		members = append(members, bson.D{{Key: "_id", Value: i}, {Key: "host", Value: address}})
	}
	settings := bson.D{{Key: "electionTimeoutMillis", Value: 5000}}
	return bson.D{{Key: "_id", Value: set}, {Key: "members", Value: members}, {Key: "settings", Value: settings}}
}

// freePort is a port at which nothing listens. It is none of those that systems give away by themselves, to servers of other tests or to
// connections: a server that was killed must get it again.
func freePort() (port string, err error) {
	const first, last, attempts = 20000, 26999, 50
	for range attempts {
		var l net.Listener
		port = strconv.Itoa(first + rand.IntN(last-first))
		if l, err = net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			return port, l.Close()
		}
	}
	return "", err
}
