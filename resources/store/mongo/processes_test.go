package mongo

import (
	"context"
	"errors"
	"iter"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fhirside/resources/store"
	"fhirside/resources/store/mongo/mongotest"
	"fhirside/resources/store/storetest"
	"fhirside/search"
)

// processes are stores in several processes on one database, of which each call takes the next, as a load balancer does.
type processes struct {
	store.Store // nil: what these suites do not ask for
	workers     []*worker
	stores      []store.Store
	calls       atomic.Uint64
}

// threeProcesses are those of a test, on a database of its own.
func threeProcesses(t *testing.T) *processes {
	t.Helper()
	p := &processes{workers: make([]*worker, 3)}
	uri := mongotest.URI(t)
	var starting sync.WaitGroup
	for i := range p.workers {
		starting.Go(func() { p.workers[i] = startWorker(t, uri) })
	}
	starting.Wait()
	for _, w := range p.workers {
		p.stores = append(p.stores, w.store())
	}
	return p
}

func (p *processes) next() store.Store { return p.stores[p.calls.Add(1)%uint64(len(p.stores))] }

func (p *processes) Read(ctx context.Context, resourceType, id string) (store.Version, error) {
	return p.next().Read(ctx, resourceType, id)
}

func (p *processes) ReadMany(ctx context.Context, keys []store.Key) ([]store.Version, error) {
	return p.next().ReadMany(ctx, keys)
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

func (p *processes) Follow(ctx context.Context, after string) iter.Seq2[[]store.Change, error] {
	return p.next().Follow(ctx, after)
}

func (p *processes) Commit(ctx context.Context, f func(store.Tx) error) error {
	return p.next().Commit(ctx, f)
}

func (p *processes) State() store.State { return storetest.StateOf(p.next) }

// TestThreeProcesses: what holds for many callers of one process holds for those of three.
func TestThreeProcesses(t *testing.T) {
	t.Parallel()
	storetest.Concurrency(t, func(t *testing.T) store.Store { return threeProcesses(t) })
}

func TestStateOfThreeProcesses(t *testing.T) {
	t.Parallel()
	storetest.State(t, func(t *testing.T) store.Store { return threeProcesses(t) })
}

// TestProcessKilled: processes are killed with -9 and replaced while clients write and poll through all of them. Readers wait for what a
// process that died may have begun until its time is over, so this takes a minute.
func TestProcessKilled(t *testing.T) {
	if !soak() {
		t.Skip("FHIRSIDE_SOAK is not set")
	}
	t.Parallel()
	p := threeProcesses(t)
	j := &journal{slots: map[string]int{}}
	ctx, stop := context.WithCancel(t.Context())
	var writers, pollers sync.WaitGroup
	for i := range 8 {
		writers.Go(func() { j.writePairs(ctx, p, i) })
	}
	clients := storetest.Pollers()
	over := make(chan struct{})
	for _, client := range clients {
		pollers.Go(func() {
			for last := false; !last; {
				select {
				case <-over:
					last = true // then once more, for what was committed in between
				default:
				}
				if err := client.Ask(t.Context(), p); err != nil && (last || !errors.Is(err, store.ErrUnavailable)) {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range 6 {
		wait(t, 700*time.Millisecond)
		p.workers[i%len(p.workers)].replace()
	}
	wait(t, 500*time.Millisecond)
	stop()
	writers.Wait()
	settled(t, p)
	close(over)
	pollers.Wait()
	j.check(t, p)
	for _, client := range clients {
		for _, pair := range j.pairs {
			for _, side := range []string{"left-", "right-"} {
				if !client.Seen[side+pair+"/1"] {
					t.Errorf("whoever asks by %s missed %s", client.Name, side+pair)
				}
			}
		}
	}
}

// settled waits until readers see what was committed last: everything that began before has ended, or its time is over.
func settled(t *testing.T, s store.Store) {
	t.Helper()
	putPatients(t.Context(), t, s, "left-last", "right-last")
	position := ""
	until(t, "readers see what was committed last", func() bool {
		for c, err := range s.Changes(t.Context(), position) {
			if err != nil {
				t.Fatal(err)
			}
			if position = c.Position; c.ID == "right-last" {
				return true
			}
		}
		return false
	})
}
