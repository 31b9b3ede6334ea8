package sqlite_test

import (
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

const orderWithMedication = `{"resourceType":"MedicationRequest","id":"m","status":"active","intent":"order","subject":{"reference":"Patient/b"},"medicationReference":{"reference":"#m"},` +
	`"contained":[{"resourceType":"Medication","id":"m","code":{"coding":[{"code":"a"}]}}]}`

// TestDamagedRowsGo: with a damaged record go its index rows, and no others: a contained resource has the same key here.
func TestDamagedRowsGo(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "rows.db")
	s := open(t, path, sqlite.Options{})
	if err := put(ctx, s, patient("a", "Berg"), patient("b", "Berg"), orderWithMedication); err != nil {
		t.Fatal(err)
	}
	medications := func(want int) {
		t.Helper()
		q, err := search.Parse(search.R4(), "Medication", []search.Parameter{{Name: "code", Value: "a"}}, search.Options{Base: searchtest.Base})
		if err != nil {
			t.Fatal(err)
		}
		n, err := s.Count(ctx, []string{search.ContainedType("Medication")}, search.OnContained(q.Filter))
		if err != nil || int(n) != want {
			t.Errorf("%d contained medications (%v), not %d", n, err, want)
		}
	}
	finds := func(family string, want ...string) {
		t.Helper()
		if ids, err := find(ctx, s, "Patient", 0, search.Parameter{Name: "family", Value: family}); err != nil || !slices.Equal(ids, want) {
			t.Errorf("found %v (%v), not %v", ids, err, want)
		}
	}
	replace := func(key store.Key, body string) {
		t.Helper()
		err := s.Commit(ctx, func(tx store.Tx) error {
			v, err := tx.Read(key.Type, key.ID)
			if err != nil {
				return err
			}
			if v.Damage == nil {
				t.Errorf("%+v", v)
			}
			if body == "" {
				_, err = tx.Delete(key.Type, key.ID)
				return err
			}
			next := store.Version{Key: key, Version: v.Version + 1, Updated: tx.Now(), Method: store.Updated, Body: []byte(body)}
			values, err := searchtest.Values(next.Body)
			if err != nil {
				return err
			}
			return tx.Put(store.Record{Version: next, Values: values})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	medications(1)
	sqlitetest.Garble(t, path, "Patient", "a")
	finds("berg", "b", "a")
	replace(store.Key{Type: "Patient", ID: "a"}, patient("a", "New"))
	finds("berg", "b")
	finds("new", "a")
	medications(1)
	sqlitetest.Swap(t, path, "Patient", "a", "b")
	replace(store.Key{Type: "Patient", ID: "a"}, "")
	finds("new")
	finds("berg", "b")
	medications(1)
	sqlitetest.Garble(t, path, "MedicationRequest", "m")
	replace(store.Key{Type: "MedicationRequest", ID: "m"}, strings.ReplaceAll(orderWithMedication, `"code":"a"`, `"code":"b"`))
	medications(0)
	finds("berg", "b")
	if result, err := sqlite.Check(path); err != nil || result != "ok" {
		t.Errorf("%s %v", result, err)
	}
}
