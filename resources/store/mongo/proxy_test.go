package mongo

import (
	"context"
	"sync"
	"testing"
	"time"

	"fhirside/resources/store/mongo/mongotest"
)

// TestNetwork: connections that are cut, slow and half-open under writing clients. Each is answered in time, and what was acknowledged is
// there.
func TestNetwork(t *testing.T) {
	t.Parallel()
	n, uri := mongotest.Through(t, mongotest.URI(t))
	s := openAt(t, uri, Options{})
	j := &journal{slots: map[string]int{}}
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	for i := range 8 {
		writers.Go(func() { j.writePairs(ctx, s, i) })
	}
	for range rounds(1, 10) {
		j.goesOn(t)
		wait(t, 100*time.Millisecond)
		n.Cut(100 * time.Millisecond)
		j.goesOn(t)
		n.Slow(500 * time.Millisecond)
		n.HalfOpen(400 * time.Millisecond)
		n.Break(400 * time.Millisecond)
	}
	j.goesOn(t)
	stop()
	writers.Wait()
	until(t, "it is ready after all that", func() bool { return isReady(t, s) })
	settled(t, s)
	j.check(t, s)
}

// rounds is how often something is done, in short and in full.
func rounds(short, full int) int {
	if soak() {
		return full
	}
	return short
}
