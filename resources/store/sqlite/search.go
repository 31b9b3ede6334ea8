package sqlite

import (
	"context"
	"errors"
	"iter"

	"fhirside/resources/store"
	"fhirside/search"
)

type runner func(ctx context.Context, types []string, f func(*conn) error) error

func (s *db) Search(ctx context.Context, q store.Search) iter.Seq2[store.Match, error] {
	return s.search(ctx, s.run, q)
}

func (s *db) Count(ctx context.Context, types []string, f search.Filter) (int64, error) {
	return s.count(ctx, s.run, types, f)
}

func (s *db) run(ctx context.Context, _ []string, f func(*conn) error) error { return s.read(ctx, f) }

func (s *db) search(ctx context.Context, run runner, q store.Search) iter.Seq2[store.Match, error] {
	return func(yield func(store.Match, error) bool) { yield(store.Match{}, errors.New("later")) }
}

func (s *db) count(ctx context.Context, run runner, types []string, f search.Filter) (int64, error) {
	return 0, errors.New("later")
}
