package sqlite_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"fhirside/fhir"
	"fhirside/resources/store"
	"fhirside/resources/store/sqlite"
	"fhirside/search/searchtest"
)

// crowded is a file with 200 patients and what belongs to them, 5,200 resources.
func crowded(b *testing.B) (s store.Store, path string) {
	b.Helper()
	path = filepath.Join(b.TempDir(), "crowded.db")
	s, err := sqlite.Open(b.Context(), path, sqlite.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	crowd(b, s, 0, 200)
	return s, path
}

func BenchmarkOpen(b *testing.B) {
	s, path := crowded(b)
	s.Close()
	for b.Loop() {
		s, err := sqlite.Open(b.Context(), path, sqlite.Options{})
		if err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
}

func BenchmarkRead(b *testing.B) {
	s, _ := crowded(b)
	for b.Loop() {
		if _, err := s.Read(b.Context(), "Patient", "p7"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSearch(b *testing.B) {
	s, _ := crowded(b)
	for _, url := range shapes {
		b.Run(url, func(b *testing.B) {
			for b.Loop() {
				ask(b, s, url)
			}
		})
	}
}

// BenchmarkCommit is durable commits of so many new resources, one after the other and eight at once.
func BenchmarkCommit(b *testing.B) {
	body := func(id int) []byte {
		return fmt.Appendf(nil, `{"resourceType":"Observation","id":"b%d","status":"final","category":[{"coding":[{"system":"urn:k","code":"lab"}]}],"code":{"coding":[{"system":"urn:c","code":"%d"}]},"subject":{"reference":"Patient/p%d"},"effectiveDateTime":"2020-01-01T10:00:00Z","valueQuantity":{"value":%d,"unit":"mg"}}`,
			id, id%50, id%200, id%90)
	}
	commit := func(b *testing.B, s store.Store, first, n int) {
		err := s.Commit(b.Context(), func(tx store.Tx) error {
			for i := first; i < first+n; i++ {
				r, err := fhir.Parse(body(i))
				if err != nil {
					return err
				}
				v := store.Version{Key: store.Key{Type: "Observation", ID: r.ID()}, Version: 1, Updated: tx.Now(), Method: store.Created, Body: r.Bytes()}
				if err := tx.Put(store.Record{Version: v, Values: searchtest.Extract(r)}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Error(err)
		}
	}
	for _, n := range []int{1, 500} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s, _ := crowded(b)
			for i := 0; b.Loop(); i++ {
				commit(b, s, i*n, n)
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "resources/s")
		})
	}
	b.Run("1 of 8", func(b *testing.B) {
		s, _ := crowded(b)
		next := make(chan int)
		go func() {
			for i := range b.N {
				next <- i
			}
			close(next)
		}()
		b.SetParallelism(8)
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				commit(b, s, <-next, 1)
			}
		})
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "resources/s")
	})
}
