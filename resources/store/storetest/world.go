package storetest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"fhirside/fhir"
	"fhirside/resources/store"
	"fhirside/search"
	"fhirside/search/searchtest"
)

// world is a test with a store in it. What fails ends the test.
type world struct {
	*testing.T
	ctx context.Context
	store.Store
}

// doc is a resource's JSON as the store gets it: what makes it valid beyond type and id does not matter to a store.
func doc(resourceType, id, members string) string {
	if members != "" {
		members = "," + members
	}
	return fmt.Sprintf(`{"resourceType":%q,"id":%q%s}`, resourceType, id, members)
}

// record is a version of a resource to be put.
func record(now time.Time, version int64, body string) store.Record {
	r, err := fhir.Parse([]byte(body))
	if err != nil {
		panic("storetest: " + body + ": " + err.Error())
	}
	v := store.Version{Key: store.Key{Type: r.Type(), ID: r.ID()}, Version: version, Updated: now, Method: store.Updated, Body: r.Bytes()}
	if version == 1 {
		v.Method = store.Created
	}
	return store.Record{Version: v, Values: searchtest.Extract(r)}
}

// putNext puts a resource as the version after the current one.
func putNext(tx store.Tx, body string) (store.Version, error) {
	r := record(tx.Now(), 1, body)
	current, err := tx.Read(r.Type, r.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return store.Version{}, err
	}
	r = record(tx.Now(), current.Version+1, body)
	return r.Version, tx.Put(r)
}

// put commits resources, all at once.
func (w *world) put(bodies ...string) (written []store.Version) {
	w.Helper()
	w.commit(func(tx store.Tx) error {
		written = nil
		for _, body := range bodies {
			v, err := putNext(tx, body)
			if err != nil {
				return err
			}
			written = append(written, v)
		}
		return nil
	})
	return written
}

// delete commits the deletion of a resource.
func (w *world) delete(resourceType, id string) (deleted store.Version) {
	w.Helper()
	w.commit(func(tx store.Tx) (err error) {
		deleted, err = tx.Delete(resourceType, id)
		return err
	})
	return deleted
}

func (w *world) commit(f func(store.Tx) error) {
	w.Helper()
	if err := w.Commit(w.ctx, f); err != nil {
		w.Fatalf("commit: %v", err)
	}
}

// read is the current version, which must exist.
func (w *world) read(resourceType, id string) store.Version {
	w.Helper()
	v, err := w.Read(w.ctx, resourceType, id)
	if err != nil {
		w.Fatalf("read %s/%s: %v", resourceType, id, err)
	}
	return v
}

// is fails unless a version is the one wanted.
func (w *world) is(what string, got, want store.Version) {
	w.Helper()
	switch {
	case got.Key != want.Key, got.Version != want.Version, got.Method != want.Method:
		w.Fatalf("%s: got version %d of %v by method %d, not %d of %v by %d", what, got.Version, got.Key, got.Method, want.Version, want.Key, want.Method)
	case !got.Updated.Equal(want.Updated):
		w.Fatalf("%s: got updated %v, not %v", what, got.Updated, want.Updated)
	case string(got.Body) != string(want.Body):
		w.Fatalf("%s: got %s, not %s", what, got.Body, want.Body)
	}
}

// fails fails unless the error is, or wraps, the one wanted.
func (w *world) fails(what string, got, want error) {
	w.Helper()
	if !errors.Is(got, want) {
		w.Fatalf("%s: got %v, not %v", what, got, want)
	}
}

// query is a search given as in a URL, without percent-encoding.
func (w *world) query(url string) store.Search {
	w.Helper()
	resourceType, criteria, _ := strings.Cut(url, "?")
	var params []search.Parameter
	for pair := range strings.SplitSeq(criteria, "&") {
		if name, value, ok := strings.Cut(pair, "="); ok {
			params = append(params, search.Parameter{Name: name, Value: value})
		}
	}
	q, err := search.Parse(search.R4(), resourceType, params, search.Options{Base: searchtest.Base})
	if err != nil {
		w.Fatalf("%s: %v", url, err)
	}
	return store.Search{Types: q.Types, Filter: q.Filter, Sort: q.Sort}
}

// all takes a sequence to its end.
func all[E any](w *world, what string, seq iter.Seq2[E, error]) (list []E) {
	w.Helper()
	for e, err := range seq {
		if err != nil {
			w.Fatalf("%s: %v", what, err)
		}
		list = append(list, e)
	}
	return list
}

// end is the error that ends a sequence, nil if none does.
func end[E any](seq iter.Seq2[E, error]) error {
	for _, err := range seq {
		if err != nil {
			return err
		}
	}
	return nil
}

// ids are what a search finds, as Type/id in order.
func (w *world) ids(s store.Search) []string {
	w.Helper()
	return names(all(w, fmt.Sprintf("%+v", s), w.Search(w.ctx, s)))
}

func names(matches []store.Match) (list []string) {
	for _, m := range matches {
		list = append(list, m.Type+"/"+m.ID)
	}
	return list
}

// finds fails unless a search finds exactly these ids, in any order.
func (w *world) finds(url string, want ...string) {
	w.Helper()
	got := w.ids(w.query(url))
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		w.Errorf("%s: found %v, not %v", url, got, want)
	}
}
