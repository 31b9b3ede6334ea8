package benchmark

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"fhirside/resources/store/mongo/mongotest"
)

const (
	mongoConnections = 16
	searchTimes      = 4 // how often each search is asked
)

// onMongoDB measures the server on MongoDB. The floors use the same server process and the same documents.
func onMongoDB(b *bench) {
	mongotest.Cache = 4096 // the floor has four big transactions under way at once
	uri := mongotest.URI(b.T)
	client, db, err := connect(uri)
	b.must(err)
	defer func() { _ = client.Disconnect(context.Background()) }()
	server, _ := b.serve(uri)
	defer server.stop()
	took := b.send(server, 1)
	n := b.count(server)
	b.insertFloor(uri, db, n, took)
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

// clinicalSearches compares searches over HTTP, one at a time, with the commands that the server sends for them, by the bare driver.
func (b *bench) clinicalSearches(uri string, db *mongo.Database, server *process) {
	patients := b.sample(server, "Patient?_count=60")
	codes := []string{"8302-2", "29463-7", "8867-4", "2339-0", "6690-2"}
	shapes := []struct {
		name string
		of   func(patient string) string
	}{
		{"patient and code, newest first", func(p string) string {
			return "Observation?patient=" + p + "&code=" + url.QueryEscape("http://loinc.org|"+codes[rand.IntN(len(codes))]) + "&_sort=-date"
		}},
		{"patient, category and dates", func(p string) string {
			return "Observation?patient=" + p + "&category=vital-signs&date=ge2015&_sort=-date"
		}},
		{"Encounters of a patient, newest first", func(p string) string { return "Encounter?patient=" + p + "&_sort=-date" }},
		{"Patient by identifier", func(p string) string {
			return "Patient?identifier=" + url.QueryEscape("https://github.com/synthetichealth/synthea|"+strings.TrimPrefix(p, "Patient/"))
		}},
	}
	var commands [][][]bson.D // of each search of each shape
	var served, compressed []float64
	for _, shape := range shapes {
		var queries []string
		for _, p := range patients {
			queries = append(queries, shape.of(p))
		}
		commands = append(commands, b.commandsOf(db, server, queries))
		served = append(served, b.ask(server, queries, ""))
		compressed = append(compressed, b.ask(server, queries, "gzip"))
	}
	data, err := bson.MarshalExtJSON(bson.M{"shapes": commands}, true, false)
	b.must(err)
	file := filepath.Join(b.dir, "commands")
	b.must(os.WriteFile(file, data, 0o600))
	floor := b.floor("mongodb-search", uri, file)
	defer floor.stop()
	var bare []float64
	b.must(json.Unmarshal([]byte(floor.said), &bare))
	for i, shape := range shapes {
		b.row(shape.name+", p50 over HTTP", fmt.Sprintf("%.2f ms", served[i]), fmt.Sprintf("%.2f ms", bare[i]), fmt.Sprintf("%.2f", served[i]/bare[i]))
		b.row("the same with gzip", fmt.Sprintf("%.2f ms", compressed[i]), fmt.Sprintf("%.2f ms", bare[i]), fmt.Sprintf("%.2f", compressed[i]/bare[i]))
	}
}

// commandsOf are the finds that the server sends for each of searches of one type, as the database's profiler notes them.
func (b *bench) commandsOf(db *mongo.Database, server *process, queries []string) [][]bson.D {
	resourceType, _, _ := strings.Cut(queries[0], "?")
	var commands []bson.D
	ctx := b.Context()
	profile := func(level int) {
		b.must(db.RunCommand(ctx, bson.D{{Key: "profile", Value: level}, {Key: "slowms", Value: 0}}).Err())
	}
	b.must(db.Collection("system.profile").Drop(ctx))
	profile(2)
	for _, query := range queries {
		b.get(server.base + "/" + query)
	}
	profile(0)
	cursor, err := db.Collection("system.profile").Find(ctx, bson.D{{Key: "op", Value: "query"}})
	b.must(err)
	defer cursor.Close(ctx)
	for cursor.Next(ctx) {
		var noted struct{ Command bson.D }
		b.must(cursor.Decode(&noted))
		command := slices.DeleteFunc(noted.Command, func(e bson.E) bool {
			return strings.HasPrefix(e.Key, "$") || slices.Contains([]string{"lsid", "txnNumber", "startTransaction", "autocommit", "readConcern", "maxTimeMS"}, e.Key)
		})
		if len(command) > 0 && command[0].Key == "find" && command[0].Value == resourceType {
			commands = append(commands, command)
		}
	}
	b.must(cursor.Err())
	each := len(commands) / len(queries)
	if each == 0 || len(commands)%len(queries) > 0 {
		b.Fatalf("the profiler has noted %d finds for %d searches", len(commands), len(queries))
	}
	return slices.Collect(slices.Chunk(commands, each))
}
