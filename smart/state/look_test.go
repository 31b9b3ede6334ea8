package state_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"fhirside/resources/store"
	"fhirside/smart/state"
)

// TestLookThatFails: who has waited for a look at a store that cannot be reached does not look as well; for one that was called off, they do.
func TestLookThatFails(t *testing.T) {
	const many = 8
	for _, c := range []struct {
		err   error
		looks int32
	}{
		{fmt.Errorf("%w: no server", store.ErrUnavailable), 1},
		{context.Canceled, many},
	} {
		var look state.Look
		var looks atomic.Int32
		var all, arrived sync.WaitGroup
		arrived.Add(many)
		for range many {
			all.Go(func() {
				asked := false
				err := look.Once(func() bool {
					if !asked {
						asked = true
						arrived.Done()
					}
					return false
				}, func() error {
					arrived.Wait()
					looks.Add(1)
					return c.err
				})
				if !errors.Is(err, c.err) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if looks.Load() != c.looks {
			t.Errorf("%v: %d looked, want %d", c.err, looks.Load(), c.looks)
		}
		if err := look.Once(func() bool { return false }, func() error { return nil }); err != nil {
			t.Errorf("who comes later: %v", err)
		}
	}
}
