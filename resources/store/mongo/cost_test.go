package mongo

import (
	"slices"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"fhirside/fhir"
	"fhirside/resources/store"
	"fhirside/search"
	"fhirside/search/index"
)

// chunks are the resources of Bundles in commits of a size that the stand-in's small cache takes.
func chunks(bundles [][]store.Record) (list [][]store.Record) {
	for _, records := range bundles {
		list = slices.AppendSeq(list, slices.Chunk(records, 500))
	}
	return list
}

// BenchmarkIndexCost measures what each index of the resources' collections costs, for docs/decisions/0004-mongodb-indexes.md: the
// Synthea set is loaded with all of them and with each of them left out.
func BenchmarkIndexCost(b *testing.B) {
	records := chunks(syntheaBundles(b, 20))
	for _, without := range []string{"", termsIndex, pairsIndex, updatedIndex, "history"} {
		name := "without " + without
		if without == "" {
			name = "all"
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				measureLoad(b, records, without)
			}
		})
	}
}

func measureLoad(b *testing.B, records [][]store.Record, without string) {
	s := open(b, Options{})
	for _, list := range records {
		for _, r := range list {
			if s.catalog.has(r.Type) {
				continue
			}
			if err := s.catalog.ensure(b.Context(), r.Type); err != nil {
				b.Fatal(err)
			}
			if without == termsIndex || without == pairsIndex || without == updatedIndex {
				if err := s.db.Collection(r.Type).Indexes().DropOne(b.Context(), without); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	if without == "history" {
		for _, index := range []string{"commits", "types"} {
			if err := s.db.Collection(historyName).Indexes().DropOne(b.Context(), index); err != nil {
				b.Fatal(err)
			}
		}
	}
	n, took := load(b, s, records)
	b.ReportMetric(float64(took.Microseconds())/float64(n), "µs/resource")
}

// BenchmarkDocumentSize measures keys and bytes per resource, without words (--text-search) and with them.
func BenchmarkDocumentSize(b *testing.B) {
	b.Run("plain", func(b *testing.B) { measureDocuments(b, search.R4()) })
	b.Run("words", func(b *testing.B) { measureDocuments(b, search.R4().WithWords()) })
}

func measureDocuments(b *testing.B, registry *search.Registry) {
	extractor := index.New(registry, "http://localhost/fhir")
	var n, keys, pairs, json, resource, values int
	for b.Loop() {
		for _, records := range syntheaBundles(b, 20) {
			for _, r := range records {
				parsed, err := fhir.Parse(r.Body)
				if err != nil {
					b.Fatal(err)
				}
				c, err := encode(r.Body)
				if err != nil {
					b.Fatal(err)
				}
				doc := bson.Raw(indexDocument(r.Type, extractor.Extract(parsed), ""))
				n++
				keys += lengthOf(doc, "t")
				pairs += lengthOf(doc, "p")
				json += len(r.Body)
				resource += len(c.resource)
				values += len(doc)
			}
		}
	}
	for unit, total := range map[string]int{"terms": keys, "pairs": pairs, "B-json": json, "B-resource": resource, "B-index": values} {
		b.ReportMetric(float64(total)/float64(n), unit)
	}
}

func lengthOf(doc bson.Raw, array string) int {
	list, _ := doc.Lookup(array).ArrayOK()
	values, _ := list.Values()
	return len(values)
}

// BenchmarkLoadWords is BenchmarkLoad with words.
func BenchmarkLoadWords(b *testing.B) {
	extractor := index.New(search.R4().WithWords(), "http://localhost/fhir")
	bundles := benchBundles(b)
	for _, records := range bundles {
		for i := range records {
			r, err := fhir.Parse(records[i].Body)
			if err != nil {
				b.Fatal(err)
			}
			records[i].Values = extractor.Extract(r)
		}
	}
	for b.Loop() {
		n, took := load(b, open(b, Options{}), bundles)
		b.ReportMetric(float64(n)/took.Seconds(), "resources/s")
	}
}
