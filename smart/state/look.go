package state

import (
	"errors"
	"sync"
	"sync/atomic"

	"fhirside/resources/store"
)

// Look is a look-up that one makes for all who want its result at once. Its zero value is ready, and safe for concurrent use.
type Look struct {
	turn   sync.Mutex
	failed atomic.Pointer[failure] // the latest time that the store could not be reached
}

type failure struct{ err error }

// Once calls look unless the result is known, which it asks again when others have looked meanwhile. Who has waited while the store could
// not be reached (store.ErrUnavailable) gets the same error, so that no queue forms in which each waits as long again.
func (l *Look) Once(known func() bool, look func() error) error {
	before := l.failed.Load()
	if known() {
		return nil
	}
	l.turn.Lock()
	defer l.turn.Unlock()
	if known() {
		return nil
	}
	if now := l.failed.Load(); now != before {
		return now.err
	}
	err := look()
	if errors.Is(err, store.ErrUnavailable) {
		l.failed.Store(&failure{err})
	}
	return err
}
