package sqlite_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fhirside/fhir"
	"fhirside/resources/store"
	"fhirside/resources/store/sqlite"
	"fhirside/search"
	"fhirside/search/match"
	"fhirside/search/searchtest"
)

func TestQuick(t *testing.T) {
	ctx := context.Background()
	rapid.Check(t, func(t *rapid.T) {
		s, err := sqlite.Open(ctx, ":memory:", sqlite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		w := searchtest.NewWorld()
		resources := searchtest.Population().Draw(t, "resources")
		step := rapid.IntRange(1, 5).Draw(t, "step")
		for len(resources) > 0 {
			n := min(step, len(resources))
			var now time.Time
			if err := s.Commit(ctx, func(tx store.Tx) error {
				now = tx.Now()
				for _, r := range resources[:n] {
					v, err := tx.Read(r.Type(), r.ID())
					if err != nil && err != store.ErrNotFound {
						return err
					}
					body := r.Bytes()
					values, err := searchtest.Values(body)
					if err != nil {
						return err
					}
					if err := tx.Put(store.Record{Version: store.Version{Key: store.Key{Type: r.Type(), ID: r.ID()}, Version: v.Version + 1, Method: store.Updated, Body: body}, Values: values}); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			for _, r := range resources[:n] {
				w.Put(r, now)
			}
			resources = resources[n:]
		}
		_ = fhir.Parse
		for range 20 {
			q := searchtest.Searches(w).Draw(t, "search")
			query, err := search.Parse(search.R4(), q.Type, q.Params, search.Options{Base: searchtest.Base})
			if err != nil {
				t.Fatal(q, err)
			}
			want, err := w.Search(query.Types, query.Filter, query.Sort)
			if err != nil {
				t.Fatal(q, err)
			}
			var got []string
			var subjects []match.Subject
			after := ""
			size := rapid.IntRange(1, 10).Draw(t, "page")
			for {
				n := 0
				for m, err := range s.Search(ctx, store.Search{Types: query.Types, Filter: query.Filter, Sort: query.Sort, After: after, Limit: size}) {
					if err != nil {
						t.Fatalf("%s: %#v %v", q, query.Filter, err)
					}
					n++
					after = m.Position
					got = append(got, m.Type+"/"+m.ID)
					v, _ := searchtest.Values(m.Body)
					subjects = append(subjects, match.Subject{Type: m.Type, ID: m.ID, Updated: m.Updated, Values: &v})
				}
				if n < size {
					break
				}
			}
			var wanted []string
			for _, x := range want {
				wanted = append(wanted, x.Type+"/"+x.ID)
			}
			for i := 1; i < len(subjects); i++ {
				if match.Compare(query.Sort, subjects[i-1], subjects[i]) > 0 {
					t.Fatalf("%s: order %v", q, got)
				}
			}
			a, b := slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(wanted))
			if !slices.Equal(a, b) {
				t.Fatalf("%s\n%#v\n got %v\nwant %v", q, query.Filter, a, b)
			}
			c, err := s.Count(ctx, query.Types, query.Filter)
			if err != nil || int(c) != len(want) {
				t.Fatal(fmt.Sprint(q), "count", c, len(want), err)
			}
		}
	})
}
