package resources_test

import (
	"context"
	"errors"
	"iter"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"fhirside/resources"
	"fhirside/resources/access"
	"fhirside/resources/store"
	"fhirside/search"
)

// remote is a store that takes a while to count.
type remote struct {
	store.Store
	counts   atomic.Int32
	counting func(ctx context.Context) error // what happens while it counts
	search   func() error                    // what happens before it finds anything
}

func (r *remote) Count(ctx context.Context, types []string, f search.Filter) (int64, error) {
	r.counts.Add(1)
	time.Sleep(time.Millisecond)
	if err := r.counting(ctx); err != nil {
		return 0, err
	}
	return r.Store.Count(ctx, types, f)
}

func (r *remote) Search(ctx context.Context, s store.Search) iter.Seq2[store.Match, error] {
	if err := r.search(); err != nil {
		return func(yield func(store.Match, error) bool) { yield(store.Match{}, err) }
	}
	return r.Store.Search(ctx, s)
}

// TestTotals: where the last page of a kind was full, matches are counted while the next one is found.
func TestTotals(t *testing.T) {
	h := newHouse(t)
	r := &remote{Store: h.Store}
	s := resources.New(resources.Options{Store: r})
	errLost := errors.New("lost")
	const patience = 10 * time.Second
	begun := make(chan struct{}, 1)
	nothing, never := func() error { return nil }, func(context.Context) error { return nil }
	begins := func(context.Context) error { begun <- struct{}{}; return nil }
	afterIt := func() error {
		select {
		case <-begun:
			return nil
		case <-time.After(patience):
			return errors.New("nobody counts")
		}
	}
	for _, step := range []struct {
		name     string
		count    int
		family   string
		counting func(context.Context) error
		search   func() error
		counts   int32
		total    int64
		err      error
	}{
		{"a full page for the first time", 1, "", never, nothing, 1, 2, nil},
		{"another one", 1, "", begins, afterIt, 1, 2, nil},
		{"another size", 2, "", never, nothing, 0, 2, nil},
		{"other criteria, and a page that is not full", 1, "A", never, nothing, 0, 1, nil},
		{"a count that fails", 1, "", func(context.Context) error { return errLost }, nothing, 1, 0, errLost},
		{"a search that fails", 1, "", func(ctx context.Context) error { begun <- struct{}{}; <-ctx.Done(); return ctx.Err() }, func() error { return errors.Join(afterIt(), errLost) }, 1, 0, errLost},
		{"a full page again", 1, "", begins, afterIt, 1, 2, nil},
	} {
		r.counting, r.search = step.counting, step.search
		r.counts.Store(0)
		params := []search.Parameter{{Name: "_count", Value: strconv.Itoa(step.count)}}
		if step.family != "" {
			params = append(params, search.Parameter{Name: "family", Value: step.family})
		}
		page, err := s.Search(t.Context(), access.Everything, resources.Search{Type: "Patient", Params: params})
		switch {
		case !errors.Is(err, step.err):
			t.Fatalf("%s: %v, want %v", step.name, err, step.err)
		case err == nil && page.Total != step.total:
			t.Errorf("%s: total %d, want %d", step.name, page.Total, step.total)
		}
		if n := r.counts.Load(); n != step.counts {
			t.Errorf("%s: counted %d times, want %d", step.name, n, step.counts)
		}
	}
}

// TestTotalsOfFewer: a page that is no longer full is not counted beside any more.
func TestTotalsOfFewer(t *testing.T) {
	h := newHouse(t)
	r := &remote{Store: h.Store, counting: func(context.Context) error { return nil }, search: func() error { return nil }}
	s := resources.New(resources.Options{Store: r})
	for i, step := range []struct {
		family string
		total  int64
		counts int32
	}{{"a,b", 2, 1}, {"nobody", 0, 1}, {"nobody", 0, 0}, {"a,b", 2, 1}} {
		r.counts.Store(0)
		params := []search.Parameter{{Name: "_count", Value: "1"}, {Name: "family", Value: step.family}}
		page, err := s.Search(t.Context(), access.Everything, resources.Search{Type: "Patient", Params: params})
		if err != nil {
			t.Fatal(err)
		}
		if page.Total != step.total || r.counts.Load() != step.counts {
			t.Errorf("%d: total %d, counted %d times; want %d and %d", i, page.Total, r.counts.Load(), step.total, step.counts)
		}
	}
}
