package mongo

import "sync"

// background is what a store does beside its callers, until it closes.
type background struct {
	mu   sync.Mutex
	over bool
	work sync.WaitGroup
}

// begin runs f beside its caller, and not at all where the store is closing already.
func (b *background) begin(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.over {
		b.work.Go(f)
	}
}

// end waits for all that has begun. Nothing begins any more.
func (b *background) end() {
	b.mu.Lock()
	b.over = true
	b.mu.Unlock()
	b.work.Wait()
}
