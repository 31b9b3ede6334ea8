package mongo

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"fhirside/resources/store"
)

var (
	codeBlock = regexp.MustCompile("(?s)```js\n(db\\..*?)\n```")
	statement = regexp.MustCompile(`(?s)^db\.(\w+)\.(find|aggregate|countDocuments)\((.*?)\)((?:\.\w+\([^)]*\))*)$`)
	chained   = regexp.MustCompile(`\.(sort|limit)\(([^)]*)\)`)
	bareName  = regexp.MustCompile(`([{,]\s*)([A-Za-z_$][\w$]*)\s*:`)
)

// TestQuestions runs the queries that docs/mongodb.md shows for mongosh.
func TestQuestions(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(repository(t), "docs", "mongodb.md"))
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, Options{})
	load(t, s, chunks([][]store.Record{clinic()}))
	if err := s.Commit(t.Context(), func(tx store.Tx) error { return tx.Put(patient("alone", "alone", 1, tx.Now())) }); err != nil {
		t.Fatal(err)
	}
	questions := codeBlock.FindAllSubmatch(text, -1)
	if len(questions) != 10 {
		t.Errorf("%d questions", len(questions))
	}
	for _, q := range questions {
		query := string(q[1])
		t.Run(strings.SplitN(query, "(", 2)[0], func(t *testing.T) {
			command, err := shellCommand(query)
			if err != nil {
				t.Fatalf("%s: %v", query, err)
			}
			raw, err := s.db.RunCommand(t.Context(), command).Raw()
			if err != nil {
				t.Fatalf("%s: %v", query, err)
			}
			found, err := raw.Lookup("cursor", "firstBatch").Array().Values()
			if err != nil || len(found) == 0 {
				t.Errorf("%s finds nothing (%v)", query, err)
			} else {
				t.Logf("%d, the first is %v", len(found), found[0])
			}
		})
	}
}

// shellCommand is what mongosh sends for a find, an aggregate or a countDocuments.
func shellCommand(query string) (bson.D, error) {
	parts := statement.FindStringSubmatch(query)
	if parts == nil {
		return nil, fmt.Errorf("not of the form db.collection.method(…)")
	}
	var arguments struct{ A bson.A }
	if err := relaxed(`{a: [`+parts[3]+`]}`, &arguments); err != nil {
		return nil, err
	}
	var command bson.D
	switch a := arguments.A; parts[2] {
	case "aggregate":
		command = d("aggregate", parts[1], "pipeline", a[0], "cursor", bson.D{})
	case "countDocuments":
		command = d("aggregate", parts[1], "pipeline", bson.A{d("$match", a[0]), d("$count", "n")}, "cursor", bson.D{})
	default:
		command = d("find", parts[1], "filter", a[0])
		if len(a) > 1 {
			command = append(command, bson.E{Key: "projection", Value: a[1]})
		}
	}
	for _, call := range chained.FindAllStringSubmatch(parts[4], -1) {
		var value struct{ V any }
		if err := relaxed(`{v: `+call[2]+`}`, &value); err != nil {
			return nil, err
		}
		command = append(command, bson.E{Key: call[1], Value: value.V})
	}
	return command, nil
}

// relaxed reads a JavaScript literal: JSON whose names need no quotes.
func relaxed(text string, value any) error {
	return bson.UnmarshalExtJSON([]byte(bareName.ReplaceAllString(text, `$1"$2":`)), false, value)
}
