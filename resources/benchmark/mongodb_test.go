package benchmark

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"

	"fhirside/resources/store/mongo/mongotest"
)

// mongoConnections is how many read at once.
const mongoConnections = 16

// onMongoDB measures the server on MongoDB. The floors use the same server process and the same documents.
func onMongoDB(b *bench) {
	mongotest.Cache = 4096 // the floor has four big transactions under way at once
	uri := *database
	if uri == "" {
		uri = mongotest.URI(b.T)
	}
	client, db, err := connect(uri)
	b.must(err)
	defer func() { _ = client.Disconnect(context.Background()) }()
	server, _ := b.serve(uri)
	defer server.stop()
	if b.count(server) == 0 {
		took := b.send(server, 1)
		b.insertFloor(uri, db, b.count(server), took)
	}
	b.readDocuments(uri, server)
	b.clinicalSearches(uri, db, server)
}

// insertFloor compares loading with a program that inserts what the server has stored.
func (b *bench) insertFloor(uri string, db *mongo.Database, n int, took time.Duration) {
	folder := filepath.Join(b.dir, "transactions")
	b.must(os.Mkdir(folder, 0o700))
	b.must(dealDocuments(b.Context(), db, folder))
	floor := b.floor("mongodb-insert", uri, folder)
	seconds, err := strconv.ParseFloat(floor.said, 64)
	b.must(err)
	floor.stop()
	rate, bare := float64(n)/took.Seconds(), float64(n)/seconds
	b.row(fmt.Sprintf("Synthea loaded over HTTP by four workers, %d resources", n), fmt.Sprintf("%.0f/s", rate), fmt.Sprintf("%.0f/s", bare), fmt.Sprintf("%.2f", rate/bare))
}

// readDocuments compares reads by id over HTTP with FindOne by the driver, without HTTP and with it, in turns.
func (b *bench) readDocuments(uri string, server *process) {
	ids := append(b.sample(server, "Observation?_count=1000"), b.sample(server, "Condition?_count=1000")...)
	file := filepath.Join(b.dir, "ids")
	b.must(os.WriteFile(file, []byte(strings.Join(ids, "\n")), 0o600))
	handler := b.floor("mongodb-serve", uri)
	defer handler.stop()
	var served, found, handled []float64
	for range *rounds {
		served = append(served, b.hammer(server.base, ids, mongoConnections, *round))
		floor := b.floor("mongodb-read", uri, file, round.String())
		rate, err := strconv.ParseFloat(floor.said, 64)
		b.must(err)
		floor.stop()
		found = append(found, rate)
		handled = append(handled, b.hammer(handler.base, ids, mongoConnections, *round))
	}
	for _, floor := range []struct {
		name  string
		rates []float64
	}{{"FindOne by the driver, without HTTP", found}, {"a bare HTTP handler over FindOne", handled}} {
		rate, bare := median(served), median(floor.rates)
		b.row("read by id, 16 connections, against "+floor.name, fmt.Sprintf("%.0f/s", rate), fmt.Sprintf("%.0f/s", bare), fmt.Sprintf("%.2f", rate/bare))
	}
}
