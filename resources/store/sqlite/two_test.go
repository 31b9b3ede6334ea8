package sqlite_test

import (
	"context"
	"errors"
	"iter"
	"sync/atomic"

	"fhirside/resources/store"
	"fhirside/resources/store/storetest"
	"fhirside/search"
)

// two asks one of two stores on the same file, in turns.
type two struct {
	stores [2]store.Store
	turn   atomic.Int64
}

func (s *two) one() store.Store { return s.stores[s.turn.Add(1)%2] }

func (s *two) Read(ctx context.Context, resourceType, id string) (store.Version, error) {
	return s.one().Read(ctx, resourceType, id)
}

func (s *two) ReadMany(ctx context.Context, keys []store.Key) ([]store.Version, error) {
	return s.one().ReadMany(ctx, keys)
}

func (s *two) ReadVersion(ctx context.Context, resourceType, id string, version int64) (store.Version, error) {
	return s.one().ReadVersion(ctx, resourceType, id, version)
}

func (s *two) Search(ctx context.Context, q store.Search) iter.Seq2[store.Match, error] {
	return s.one().Search(ctx, q)
}

func (s *two) Count(ctx context.Context, types []string, f search.Filter) (int64, error) {
	return s.one().Count(ctx, types, f)
}

func (s *two) History(ctx context.Context, h store.History) iter.Seq2[store.HistoryEntry, error] {
	return s.one().History(ctx, h)
}

func (s *two) Changes(ctx context.Context, after string) iter.Seq2[store.Change, error] {
	return s.one().Changes(ctx, after)
}

func (s *two) Follow(ctx context.Context, after string) iter.Seq2[[]store.Change, error] {
	return s.one().Follow(ctx, after)
}

func (s *two) Position(ctx context.Context) (string, error) { return s.one().Position(ctx) }

func (s *two) Commit(ctx context.Context, f func(store.Tx) error) error {
	return s.one().Commit(ctx, f)
}

func (s *two) Secret(ctx context.Context, name string) (*[store.SecretSize]byte, error) {
	return s.one().Secret(ctx, name)
}

func (s *two) Require(ctx context.Context, rules int64) error { return s.one().Require(ctx, rules) }

func (s *two) Reindex(ctx context.Context, r store.Reindex) (store.Reindexed, error) {
	return s.one().Reindex(ctx, r)
}

func (s *two) State() store.State { return storetest.StateOf(s.one) }

func (s *two) Ready(ctx context.Context) (string, error) {
	_, first := s.stores[0].Ready(ctx)
	work, second := s.stores[1].Ready(ctx)
	return work, errors.Join(first, second)
}

func (s *two) Close() error { return errors.Join(s.stores[0].Close(), s.stores[1].Close()) }
