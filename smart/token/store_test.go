package token_test

import (
	"context"
	"iter"
	"sync/atomic"

	"fhirside/resources/store"
)

// counting counts how often what it keeps is listed, and fails on demand.
type counting struct {
	store.State
	lists atomic.Int64
	fail  atomic.Bool
}

func (s *counting) List(ctx context.Context, kind, owner string) iter.Seq2[store.Entry, error] {
	s.lists.Add(1)
	if s.fail.Load() {
		return func(yield func(store.Entry, error) bool) { yield(store.Entry{}, store.ErrUnavailable) }
	}
	return s.State.List(ctx, kind, owner)
}
