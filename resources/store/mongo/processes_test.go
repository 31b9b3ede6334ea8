package mongo

import (
	"context"
	"iter"
	"sync/atomic"
	"testing"

	"fhirside/resources/store"
	"fhirside/resources/store/mongo/mongotest"
	"fhirside/resources/store/storetest"
	"fhirside/search"
)

// processes are several stores on one database, of which each call takes the next, as a load balancer does. They share nothing
// but the database, as processes do.
type processes struct {
	stores []*Store
	calls  atomic.Uint64
}

var _ store.Store = (*processes)(nil)

func (p *processes) next() *Store { return p.stores[p.calls.Add(1)%uint64(len(p.stores))] }

func (p *processes) Read(ctx context.Context, resourceType, id string) (store.Version, error) {
	return p.next().Read(ctx, resourceType, id)
}

func (p *processes) ReadMany(ctx context.Context, keys []store.Key) ([]store.Version, error) {
	return p.next().ReadMany(ctx, keys)
}

func (p *processes) ReadVersion(ctx context.Context, resourceType, id string, version int64) (store.Version, error) {
	return p.next().ReadVersion(ctx, resourceType, id, version)
}

func (p *processes) Search(ctx context.Context, s store.Search) iter.Seq2[store.Match, error] {
	return p.next().Search(ctx, s)
}

func (p *processes) Count(ctx context.Context, types []string, f search.Filter) (int64, error) {
	return p.next().Count(ctx, types, f)
}

func (p *processes) History(ctx context.Context, h store.History) iter.Seq2[store.HistoryEntry, error] {
	return p.next().History(ctx, h)
}

func (p *processes) Changes(ctx context.Context, after string) iter.Seq2[store.Change, error] {
	return p.next().Changes(ctx, after)
}

func (p *processes) Commit(ctx context.Context, f func(store.Tx) error) error {
	return p.next().Commit(ctx, f)
}

func (p *processes) Secret(ctx context.Context, name string) (*[store.SecretSize]byte, error) {
	return p.next().Secret(ctx, name)
}

func (p *processes) Require(ctx context.Context, rules int64) error {
	return p.next().Require(ctx, rules)
}

func (p *processes) Reindex(ctx context.Context, r store.Reindex) (store.Reindexed, error) {
	return p.next().Reindex(ctx, r)
}

func (p *processes) State() store.State {
	return storetest.StateOf(func() store.Store { return p.next() })
}

func (p *processes) Ready(ctx context.Context) (string, error) { return p.next().Ready(ctx) }

// Close does nothing: each store is closed by the test that opened it.
func (p *processes) Close() error { return nil }

// TestThreeProcesses: what holds for many callers of one process holds for those of three.
func TestThreeProcesses(t *testing.T) {
	storetest.Concurrency(t, func(t *testing.T) store.Store {
		uri := mongotest.URI(t)
		return &processes{stores: []*Store{openAt(t, uri, Options{}), openAt(t, uri, Options{}), openAt(t, uri, Options{})}}
	})
}

func TestStateOfThreeProcesses(t *testing.T) {
	storetest.State(t, func(t *testing.T) store.Store {
		uri := mongotest.URI(t)
		return &processes{stores: []*Store{openAt(t, uri, Options{}), openAt(t, uri, Options{}), openAt(t, uri, Options{})}}
	})
}
