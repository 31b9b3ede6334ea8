package mongo

import (
	"context"
	"slices"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"fhirside/resources/store"
	"fhirside/search"
)

// benchBundles are Bundles of a size that the stand-in's small cache takes in one transaction.
func benchBundles(b *testing.B) [][]store.Record {
	return slices.DeleteFunc(syntheaBundles(b, 24), func(records []store.Record) bool { return len(records) > 1000 })
}

// BenchmarkLoad commits Synthea Bundles, one after the other; BenchmarkLoadBare is its floor: the same documents, inserted by the driver
// in transactions of the same size.
func BenchmarkLoad(b *testing.B) {
	bundles := benchBundles(b)
	for b.Loop() {
		s := open(b, Options{})
		n, took := load(b, s, bundles)
		b.ReportMetric(float64(n)/took.Seconds(), "resources/s")
	}
}

func BenchmarkLoadBare(b *testing.B) {
	bundles := benchBundles(b)
	for b.Loop() {
		s := open(b, Options{})
		type transaction struct {
			types   map[string][]bson.Raw
			history []bson.Raw
		}
		var transactions []transaction
		n := 0
		for i, records := range bundles {
			t := transaction{types: map[string][]bson.Raw{}}
			for j, r := range records {
				c, err := encode(r.Body)
				if err != nil {
					b.Fatal(err)
				}
				r.Updated = time.Now()
				t.types[r.Type] = append(t.types[r.Type], (&version{Version: r.Version, content: c, index: indexDocument(r.Type, r.Values, "")}).document())
				t.history = append(t.history, historyDocument(r.Version, c, int64(i), j))
				if err := s.catalog.ensure(b.Context(), r.Type); err != nil {
					b.Fatal(err)
				}
			}
			transactions = append(transactions, t)
			n += len(records)
		}
		began := time.Now()
		for _, t := range transactions {
			session, err := s.client.StartSession()
			if err != nil {
				b.Fatal(err)
			}
			_, err = session.WithTransaction(b.Context(), func(ctx context.Context) (any, error) {
				for name, documents := range t.types {
					if _, err := s.db.Collection(name).InsertMany(ctx, documents); err != nil {
						return nil, err
					}
				}
				return s.db.Collection(historyName).InsertMany(ctx, t.history)
			}, options.Transaction().SetReadConcern(readconcern.Snapshot()).SetWriteConcern(writeconcern.Majority()))
			if err != nil {
				b.Fatal(err)
			}
			session.EndSession(b.Context())
		}
		b.ReportMetric(float64(n)/time.Since(began).Seconds(), "resources/s")
	}
}

// loaded is a store with Synthea Bundles and the patient with the most blood pressures.
func loaded(b *testing.B) (s *Store, patient string) {
	s = open(b, Options{})
	load(b, s, benchBundles(b))
	count := map[string]int{}
	for h, err := range s.Search(b.Context(), store.Search{Types: []string{"Observation"}, Filter: systolic}) {
		if err != nil {
			b.Fatal(err)
		}
		raw, err := s.db.Collection("Observation").FindOne(b.Context(), d("_id", h.ID)).Raw()
		if err != nil {
			b.Fatal(err)
		}
		id := targetsIn(raw, "Observation", "patient", "Patient")[0]
		if count[id]++; count[id] > count[patient] {
			patient = id
		}
	}
	return s, patient
}

var systolic = search.Token{Param: "code", System: "http://loinc.org", Code: "85354-9", Fold: true}

func patientIs(id string) search.Filter {
	return search.Reference{Param: "patient", Type: "Patient", ID: id}
}

func BenchmarkReadByID(b *testing.B) {
	s, patient := loaded(b)
	b.Run("store", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Read(b.Context(), "Patient", patient); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("bare", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.db.Collection("Patient").FindOne(b.Context(), d("_id", patient)).Raw(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkSearch compares searches with what the bare driver does by the same index.
func BenchmarkSearch(b *testing.B) {
	s, patient := loaded(b)
	for _, shape := range []struct {
		name   string
		search store.Search
		bare   bson.D
	}{
		{"patient and code by date", store.Search{Types: []string{"Observation"}, Filter: search.And{patientIs(patient), systolic}, Limit: 50},
			barePair(patient, "code)85354-9")},
		{"patient and category by date", store.Search{Types: []string{"Observation"},
			Filter: search.And{patientIs(patient), search.Token{Param: "category", AnySystem: true, Code: "vital-signs"}}, Limit: 50},
			barePair(patient, "category(vital-signs")},
		{"code by date", store.Search{Types: []string{"Observation"}, Filter: systolic, Limit: 50}, d(termsPath, "code)85354-9")},
	} {
		b.Run(shape.name+"/store", func(b *testing.B) {
			n := 0
			for b.Loop() {
				n = 0
				for _, err := range s.Search(b.Context(), shape.search) {
					if err != nil {
						b.Fatal(err)
					}
					n++
				}
			}
			b.ReportMetric(float64(n), "found")
		})
		b.Run(shape.name+"/bare", func(b *testing.B) {
			n := 0
			find := options.Find().SetSort(d(keyPath, -1, "_id", -1)).SetLimit(50)
			filter := append(slices.Clone(shape.bare), bson.E{Key: shapePath, Value: d("$in", bson.A{0, 1, 2})})
			for b.Loop() {
				n = bareFind(b, s.db.Collection("Observation"), filter, find)
			}
			b.ReportMetric(float64(n), "found")
		})
	}
}

func bareFind(b *testing.B, c *driver.Collection, filter bson.D, find *options.FindOptionsBuilder) (n int) {
	cursor, err := c.Find(b.Context(), filter, find)
	if err != nil {
		b.Fatal(err)
	}
	for cursor.Next(b.Context()) {
		n++
	}
	if err := cursor.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
	return n
}

func barePair(patient, code string) bson.D {
	p := pairOf("patient&Patient/"+patient, code)
	return d(pairsPath, bson.Binary{Data: p[:]})
}
