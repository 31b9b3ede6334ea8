package sqlite_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"fhirside/resources/store"
	"fhirside/resources/store/sqlite"
)

func TestSmoke(t *testing.T) {
	ctx := context.Background()
	for _, path := range []string{":memory:", filepath.Join(t.TempDir(), "a b%c.db")} {
		s, err := sqlite.Open(ctx, path, sqlite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				for j := range 5 {
					err := s.Commit(ctx, func(tx store.Tx) error {
						id := fmt.Sprint("p", i)
						if j == 3 {
							_, err := tx.Delete("Patient", id)
							return err
						}
						return tx.Put(store.Record{Version: store.Version{Key: store.Key{"Patient", id}, Version: int64(j + 1), Method: store.Created, Body: []byte(`{"resourceType":"Patient"}`)}})
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		v, err := s.Read(ctx, "Patient", "p3")
		t.Log(v, err)
		v, err = s.ReadVersion(ctx, "Patient", "p3", 4)
		t.Log(v, err)
		n := 0
		for e, err := range s.History(ctx, store.History{Type: "Patient", Limit: 3}) {
			t.Log(e, err)
			n++
		}
		n = 0
		for _, err := range s.Changes(ctx, "") {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		t.Log(n)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
