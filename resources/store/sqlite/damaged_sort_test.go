package sqlite_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fhirside/resources/store"
	"fhirside/resources/store/sqlite"
	"fhirside/resources/store/sqlite/sqlitetest"
	"fhirside/search"
	"fhirside/search/searchtest"
)

// TestDamagedKeepItsPlace: a record that cannot be read stays where the tables have it in an order, and pages that end with it go on
// behind it.
func TestDamagedKeepItsPlace(t *testing.T) {
	for _, c := range []struct{ typ, by, with string }{
		{"Observation", "value-quantity", `"valueQuantity":{"value":%d,"unit":"kg"}`},
		{"RiskAssessment", "probability", `"prediction":[{"probabilityDecimal":0.%d}]`},
		{"Patient", "birthdate", `"birthDate":"200%d-01-01"`},
		{"Patient", "family", `"name":[{"family":"n%d"}]`},
		{"Observation", "date", `"effectiveDateTime":"200%d-01-01"`},
	} {
		t.Run(c.by, func(t *testing.T) {
			ctx := t.Context()
			path := filepath.Join(t.TempDir(), "damaged.db")
			s := open(t, path, sqlite.Options{})
			sqlite.ClimbFrom(s, 0)
			bodies := []string{fmt.Sprintf(`{"resourceType":%q,"id":"none"}`, c.typ)}
			for i := 1; i < 10; i++ {
				bodies = append(bodies, fmt.Sprintf(`{"resourceType":%q,"id":"r%d",%s}`, c.typ, i, fmt.Sprintf(c.with, i)))
			}
			if err := put(ctx, s, bodies...); err != nil {
				t.Fatal(err)
			}
			sorts := []string{c.by, "-" + c.by, c.by + ",_id"}
			want := map[string][]string{}
			for _, sort := range sorts {
				want[sort] = inPages(t, s, c.typ, sort, 100)
			}
			sqlitetest.Garble(t, path, c.typ, "r4")
			for _, sort := range sorts {
				for size := 1; size < 5; size++ {
					if ids := inPages(t, s, c.typ, sort, size); !slices.Equal(ids, want[sort]) {
						t.Errorf("_sort=%s in pages of %d: %v, not %v", sort, size, ids, want[sort])
					}
				}
			}
		})
	}
}

// inPages are the ids of a type's resources in an order, read page by page.
func inPages(t *testing.T, s store.Store, typ, sort string, size int) (ids []string) {
	t.Helper()
	q, err := search.Parse(search.R4(), typ, []search.Parameter{{Name: "_sort", Value: sort}}, search.Options{Base: searchtest.Base})
	if err != nil {
		t.Fatal(err)
	}
	after := ""
	for n := size; n == size && len(ids) < 100; {
		n = 0
		for m, err := range s.Search(t.Context(), store.Search{Types: q.Types, Filter: q.Filter, Sort: q.Sort, Limit: size, After: after}) {
			if err != nil {
				t.Fatalf("_sort=%s behind %s: %v", sort, strings.Join(ids, " "), err)
			}
			ids, after = append(ids, m.ID), m.Position
			n++
		}
	}
	return ids
}
