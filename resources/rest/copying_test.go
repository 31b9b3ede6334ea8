package rest_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
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
	for b := range (demo.Clinic{Patients: 1, Seed: 7, Today: time.Date(2025, 12, 1, 0, 0, 0, 0, time.UTC)}).Bundles() {
		if strings.Contains(b.Name, "slots") {
			continue // there are thousands
		}
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
	if _, err := source.State().Put(t.Context(), store.Entry{Kind: "account", Key: "maria", Owner: "o", Expires: time.Date(2125, 1, 1, 0, 0, 0, 0, time.UTC), Value: []byte(`{"name":"maria"}`)}); err != nil {
		t.Fatal(err)
	}
	target := openMongoDB(t)
	accounts := resources.CopyOptions{Kinds: []string{"account"}}
	cut, cancel := context.WithCancel(t.Context())
	if _, err := clinic.CopyTo(cut, target, resources.CopyOptions{Progress: func(resources.Copying) { cancel() }}); err == nil {
		t.Fatal("the copy was not cut off")
	}
	copied, err := clinic.CopyTo(t.Context(), target, accounts)
	if err != nil || copied.Verified < 10 {
		t.Fatalf("%+v, %v", copied, err)
	}
	account, err := target.State().Get(t.Context(), "account", "maria")
	if err != nil || account.Owner != "o" || account.Expires.Year() != 2125 || string(account.Value) != `{"name":"maria"}` || copied.Entries != 1 {
		t.Errorf("%+v, %v", account, err)
	}
	if _, err := target.State().Put(t.Context(), store.Entry{Kind: "account", Key: "later", Value: []byte("{}")}); err != nil {
		t.Fatal(err)
	}
	if again, err := clinic.CopyTo(t.Context(), target, accounts); err != nil || again.Verified != copied.Verified {
		t.Errorf("%+v, %v", again, err)
	}
	if _, err := target.State().Get(t.Context(), "account", "later"); !errors.Is(err, store.ErrNotFound) {
		t.Error("an account that the source does not have is still there:", err)
	}
	t.Logf("%d versions", copied.Verified)
	back := openSQLite(t)
	again, err := serviceOn(target).CopyTo(t.Context(), back, accounts)
	if err != nil || again.Verified != copied.Verified {
		t.Fatalf("%+v, %v", again, err)
	}
	if _, err := clinic.CopyTo(t.Context(), back, resources.CopyOptions{}); err == nil {
		t.Error("a copy of another database was taken for one's own")
	}
	if _, err := serviceOn(target).CopyTo(t.Context(), source, resources.CopyOptions{}); err == nil {
		t.Error("a database with other data was copied into")
	}
	staffed := openSQLite(t)
	if _, err := staffed.State().Put(t.Context(), store.Entry{Kind: "account", Key: "somebody", Value: []byte("{}")}); err != nil {
		t.Fatal(err)
	}
	if _, err := clinic.CopyTo(t.Context(), staffed, accounts); err == nil {
		t.Error("a database with other accounts was copied into")
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

// A copy that follows its source brings what others write meanwhile, and all is the same in the end.
func TestCopyFollows(t *testing.T) {
	source, target := openMongoDB(t), openSQLite(t)
	clinic := serviceOn(source)
	const writes = 40
	wrote := 0
	write := func() {
		r, err := fhir.Parse(fmt.Appendf(nil, `{"resourceType":"Basic","id":"x","code":{"text":"%d"}}`, wrote))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := clinic.Update(t.Context(), access.Everything, "Basic", "x", r, resources.Conditions{}); err != nil {
			t.Fatal(err)
		}
		wrote++
	}
	write()
	until, copied := make(chan struct{}), make(chan int64, writes)
	var result resources.Copying
	var failed error
	var copying sync.WaitGroup
	copying.Go(func() {
		result, failed = serviceOn(source).CopyTo(t.Context(), target, resources.CopyOptions{Until: until, Progress: func(c resources.Copying) { copied <- c.Versions }})
		close(copied)
	})
	for n := range copied {
		switch {
		case n < int64(wrote):
		case wrote < writes:
			write() // it is waiting now
		default:
			write()
			write()
			close(until)
		}
		if wrote > writes {
			break
		}
	}
	go func() {
		for range copied { //nolint:revive // what it tells after that does not matter
		}
	}()
	copying.Wait()
	if failed != nil || result.Verified != int64(wrote) {
		t.Errorf("%+v of %d, %v", result, wrote, failed)
	}
}
