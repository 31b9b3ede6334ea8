package resources_test

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"testing"

	"fhirside/fhir"
	"fhirside/resources"
	"fhirside/resources/access"
	"fhirside/resources/store"
	"fhirside/resources/store/sqlite"
	"fhirside/search"
)

// crowded is a store with so many versions of other people's records before what is there.
type crowded struct {
	store.Store
	others int
}

func (c crowded) History(ctx context.Context, h store.History) iter.Seq2[store.HistoryEntry, error] {
	return func(yield func(store.HistoryEntry, error) bool) {
		at := 0
		_, _ = fmt.Sscanf(h.After, "others %d", &at)
		for ; at < c.others && (h.After == "" || at > 0); at++ {
			other := store.Version{Key: store.Key{Type: "Patient", ID: "b"}, Version: int64(c.others - at), Method: store.Updated, Body: []byte(`{"resourceType":"Patient","id":"b"}`)}
			if !yield(store.HistoryEntry{Version: other, Position: fmt.Sprintf("others %d", at+1)}, nil) {
				return
			}
		}
		h.After = ""
		for e, err := range c.Store.History(ctx, h) {
			if !yield(e, err) {
				return
			}
		}
	}
}

// A page does not look for ever for what its caller may see among what others have changed: it ends, and the next goes on.
func TestHistoryAmongOthers(t *testing.T) {
	st, err := sqlite.Open(t.Context(), sqlite.Memory, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	h := house{t, resources.New(resources.Options{Store: crowded{st, 50_000}})}
	h.put(access.Everything, `{"resourceType":"Patient","id":"a","active":true}`)

	query, pages := "", 0
	for found := 0; found == 0; pages++ {
		params, err := resources.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		page, err := h.History(t.Context(), alice, resources.History{Type: "Patient", Params: params})
		if err != nil {
			t.Fatal(err)
		}
		body, err := page.Bundle("")
		if err != nil {
			t.Fatal(err)
		}
		if found = len(page.Entries); found == 0 {
			next := nextLink(t, body)
			_, query, _ = strings.Cut(next, "?")
		}
	}
	if pages != 3 {
		t.Errorf("found on page %d, want 3", pages)
	}
	_, err = h.History(t.Context(), alice, resources.History{Type: "Patient", Params: []search.Parameter{{Name: "_count", Value: "0"}}})
	h.wants("counting among others", err, fhir.TooCostly)
	_, err = h.History(t.Context(), access.Everything, resources.History{Type: "Patient", Params: []search.Parameter{{Name: "_count", Value: "0"}}})
	h.wants("counting too many", err, fhir.TooCostly)
}

func nextLink(t *testing.T, bundle []byte) string {
	t.Helper()
	r, err := fhir.Parse(bundle)
	if err != nil {
		t.Fatal(err)
	}
	for l := range r.Get("link").Each() {
		if l.Get("relation").Is("next") {
			return l.Get("url").Text()
		}
	}
	t.Fatalf("no next page: %s", bundle)
	return ""
}
