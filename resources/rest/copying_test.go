package rest_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"fhirside/fhir"
	"fhirside/resources"
	"fhirside/resources/access"
	"fhirside/resources/demo"
	"fhirside/resources/store"
)

func serviceOn(st store.Store) *resources.Service {
	return resources.New(resources.Options{Store: st, Log: slog.New(slog.DiscardHandler)})
}

// The demo clinic goes from SQLite to MongoDB and back, with history, deletions and what a purge leaves; a copy that was cut off goes
// on, and a database with other data is refused.
func TestCopy(t *testing.T) {
	source := openSQLite(t)
	clinic := serviceOn(source)
	for b := range (demo.Clinic{Patients: 8, Seed: 7, Today: time.Date(2025, 12, 1, 0, 0, 0, 0, time.UTC)}).Bundles() {
		bundle, err := fhir.Parse(b.Body)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := clinic.Bundle(t.Context(), access.Everything, bundle, resources.Preferences{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, body := range []string{`{"resourceType":"Basic","id":"x","code":{"text":"1"}}`, `{"resourceType":"Basic","id":"x","code":{"text":"1.0"}}`, `{"resourceType":"Basic","id":"y","code":{"text":"2"}}`} {
		r, err := fhir.Parse([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := clinic.Update(t.Context(), access.Everything, "Basic", r.Get("id").Text(), r, resources.Conditions{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := clinic.Purge(t.Context(), access.Everything, "Basic", "x", "the archivist"); err != nil {
		t.Fatal(err)
	}
	if _, err := clinic.Delete(t.Context(), access.Everything, "Basic", "y", resources.Conditions{}); err != nil {
		t.Fatal(err)
	}
	target := openMongoDB(t)
	cut, cancel := context.WithCancel(t.Context())
	if _, err := clinic.CopyTo(cut, target, func(resources.Copying) { cancel() }); err == nil {
		t.Fatal("the copy was not cut off")
	}
	copied, err := clinic.CopyTo(t.Context(), target, nil)
	if err != nil || copied.Verified < 300 {
		t.Fatalf("%+v, %v", copied, err)
	}
	t.Logf("%d versions", copied.Verified)
	back := openSQLite(t)
	again, err := serviceOn(target).CopyTo(t.Context(), back, nil)
	if err != nil || again.Verified != copied.Verified {
		t.Fatalf("%+v, %v", again, err)
	}
	if _, err := clinic.CopyTo(t.Context(), back, nil); err == nil {
		t.Error("a copy of another database was taken for one's own")
	}
	if _, err := serviceOn(target).CopyTo(t.Context(), source, nil); err == nil {
		t.Error("a database with other data was copied into")
	}
	for _, query := range []string{"gender=female", "birthdate=ge1970"} {
		params, err := resources.ParseQuery(query + "&_summary=count")
		if err != nil {
			t.Fatal(err)
		}
		counts := map[int64]bool{}
		for _, st := range []store.Store{source, target, back} {
			page, err := serviceOn(st).Search(t.Context(), access.Everything, resources.Search{Type: "Patient", Params: params})
			if err != nil {
				t.Fatal(err)
			}
			counts[page.Total] = true
		}
		if len(counts) != 1 {
			t.Errorf("%s: %v", query, counts)
		}
	}
}
