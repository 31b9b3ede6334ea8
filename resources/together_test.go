package resources_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"strings"
	"testing"

	"fhirside/fhir"
	"fhirside/resources"
	"fhirside/resources/access"
	"fhirside/resources/store"
	"fhirside/resources/store/sqlite"
)

// counted is a store that counts how often it searches, outside of commits, and runs the functions of commits.
type counted struct {
	store.Store
	searches, runs, commits int
	fails                   error             // instead of commits and searches
	put                     func(n int) error // instead of the write, for the n-th of a commit; nil where it is done
}

type countedTx struct {
	store.Tx
	s      *counted
	writes int
}

func (c *counted) Search(ctx context.Context, s store.Search) iter.Seq2[store.Match, error] {
	c.searches++
	if c.fails != nil {
		return func(yield func(store.Match, error) bool) { yield(store.Match{}, c.fails) }
	}
	return c.Store.Search(ctx, s)
}

func (c *counted) Commit(ctx context.Context, f func(store.Tx) error) error {
	c.commits++
	if c.fails != nil {
		return c.fails
	}
	return c.Store.Commit(ctx, func(tx store.Tx) error {
		c.runs++
		return f(&countedTx{Tx: tx, s: c})
	})
}

func (t *countedTx) Put(r store.Record) error {
	if err := t.write(); err != nil {
		return err
	}
	return t.Tx.Put(r)
}

func (t *countedTx) Delete(resourceType, id string) (store.Version, error) {
	if err := t.write(); err != nil {
		return store.Version{}, err
	}
	return t.Tx.Delete(resourceType, id)
}

func (t *countedTx) write() error {
	t.writes++
	if t.s.put == nil {
		return nil
	}
	return t.s.put(t.writes)
}

// batchOf is a batch of the entries, each a method, a URL, criteria or "", and a resource or "".
func (h house) batchOf(entries ...[4]string) *fhir.Resource {
	var list []string
	for _, e := range entries {
		request := fmt.Sprintf(`"request":{"method":%q,"url":%q`, e[0], e[1])
		if e[2] != "" {
			request += fmt.Sprintf(`,"ifNoneExist":%q`, e[2])
		}
		if e[3] != "" {
			request = `"resource":` + e[3] + "," + request
		}
		list = append(list, "{"+request+"}}")
	}
	return h.parse(`{"resourceType":"Bundle","type":"batch","entry":[` + strings.Join(list, ",") + `]}`)
}

func TestBatchesTogether(t *testing.T) {
	const n = 100
	create := func(i int, patient string) [4]string {
		return [4]string{"POST", "Observation", fmt.Sprintf("identifier=o%d", i),
			fmt.Sprintf(`{"resourceType":"Observation","identifier":[{"value":"o%d"}],"status":"final","code":{"text":"c"},"subject":{"reference":"Patient/%s"}}`, i, patient)}
	}
	alternately := func(one, other func(i int) [4]string) (list [][4]string) {
		for i := range n / 2 {
			list = append(list, one(2*i), other(2*i+1))
		}
		return list
	}
	good := func(i int) [4]string { return create(i, "a") }
	for _, test := range []struct {
		name          string
		entries       [][4]string
		store         counted
		statuses      map[string]int
		commits, runs int // at most
		searches      int // outside of commits, at most
	}{
		{"all are taken", alternately(good, good), counted{}, map[string]int{"201": n}, 1, 1, n},
		{"every second refers to nobody", alternately(good, func(i int) [4]string { return create(i, "nobody") }), counted{}, map[string]int{"201": n / 2, "422": n / 2}, 1, 1, n},
		// What is deleted is looked for when it is written. Those before it are committed then, and those behind it go on.
		{"every second is referred to", alternately(good, func(int) [4]string { return [4]string{"DELETE", "Patient/b"} }), counted{}, map[string]int{"201": n / 2, "409": n / 2}, n + 1, n + 1, n},
		{"every second cannot be read", alternately(good, func(int) [4]string { return [4]string{"POST", "Observation"} }), counted{}, map[string]int{"201": n / 2, "400": n / 2}, 1, 1, n},
		{"the store is not there", alternately(good, good), counted{fails: store.ErrUnavailable}, map[string]int{"503": n}, 1, 0, 1},
		{"only forty go at once", alternately(good, good), counted{put: func(n int) error {
			if n > 40 {
				return fhir.Errorf(fhir.TooLarge, fhir.CodeTooCostly, "too large a transaction")
			}
			return nil
		}}, map[string]int{"201": n}, 5, 5, n},
		{"only forty-one go at once, and then a deletion", alternately(
			func(i int) [4]string {
				return [4]string{"PUT", fmt.Sprintf("Patient/p%d", i), "", fmt.Sprintf(`{"resourceType":"Patient","id":"p%d"}`, i)}
			},
			func(i int) [4]string { return [4]string{"DELETE", fmt.Sprintf("Patient/p%d", i-1)} },
		), counted{put: func(n int) error {
			if n > 41 {
				return fhir.Errorf(fhir.TooLarge, fhir.CodeTooCostly, "too large a transaction")
			}
			return nil
		}}, map[string]int{"201": n / 2, "204": n / 2}, 5, 5, n},
		{"the first of those behind is too much by itself", alternately(good, good), counted{put: func(int) error {
			return fhir.Errorf(fhir.TooLarge, fhir.CodeTooCostly, "too large a transaction")
		}}, map[string]int{"413": n}, n, n, n},
		{"too costly criteria", alternately(good, good), counted{put: func(n int) error {
			if n == 40 {
				return errors.Join(store.ErrTooCostly)
			}
			return nil
		}}, map[string]int{"201": n - 2, "403": 2}, 10, 10, n},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHouse(t)
			st, err := sqlite.Open(t.Context(), sqlite.Memory, sqlite.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { st.Close() })
			s := test.store
			s.Store, s.fails, s.put = st, nil, nil
			ids := 0
			h.Service = resources.New(resources.Options{Store: &s, Log: slog.New(slog.DiscardHandler), NewID: func() string { ids++; return fmt.Sprintf("new-%d", ids) }})
			for _, r := range []string{`{"resourceType":"Patient","id":"a"}`, `{"resourceType":"Patient","id":"b"}`, observationOf("ob", "b", "")} {
				h.put(access.Everything, r)
			}
			s.searches, s.runs, s.commits, s.fails, s.put = 0, 0, 0, test.store.fails, test.store.put
			answer, err := h.Bundle(t.Context(), access.Everything, h.batchOf(test.entries...), resources.Preferences{})
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]int{}
			for e := range h.parse(string(answer)).Get("entry").Each() {
				got[e.Get("response").Get("status").Text()[:3]]++
			}
			if fmt.Sprint(got) != fmt.Sprint(test.statuses) {
				t.Errorf("answers %v, want %v", got, test.statuses)
			}
			if s.commits > test.commits || s.runs > test.runs || s.searches > test.searches {
				t.Errorf("%d commits, %d runs and %d searches before them, want at most %d, %d and %d", s.commits, s.runs, s.searches, test.commits, test.runs, test.searches)
			}
		})
	}
}
