package store

import (
	"context"
	"errors"
	"iter"
	"time"
)

// ErrConflict says that an entry of a State is not at the revision that the caller knows: somebody else has written it.
var ErrConflict = errors.New("somebody else has changed it")

// State keeps the server's own small entries beside the resources: accounts, clients, grants and the like. They are no FHIR, no
// search finds them and no history keeps them. An entry is changed by comparing its revision, so that of several callers, also in
// several processes, one wins. It is safe for concurrent use; what a returned call wrote is durable, and seen by every call, of
// any process, that begins afterwards.
type State interface {
	// Get is the entry of that kind and key. ErrNotFound where there is none, or where it has expired.
	Get(ctx context.Context, kind, key string) (Entry, error)
	// Put writes an entry and returns its new revision. Revision 0 is for one that must not be there yet (one that has expired
	// is not there), any other must be the stored one; else ErrConflict.
	Put(ctx context.Context, e Entry) (revision int64, err error)
	// Delete removes an entry, whatever its revision; it is no error if there is none.
	Delete(ctx context.Context, kind, key string) error
	// List yields the entries of a kind that have not expired, by key; owner "" is for those of all owners.
	List(ctx context.Context, kind, owner string) iter.Seq2[Entry, error]
}

// Entry is an entry of a State.
type Entry struct {
	Kind, Key string    // Key of at most 512 bytes
	Owner     string    // what List selects by: the account of a session, say; may be ""
	Revision  int64     // above 0 for what is stored
	Expires   time.Time // by the millisecond; zero: never. The store removes it some time after.
	Value     []byte    // JSON, of at most 1 MiB
}
