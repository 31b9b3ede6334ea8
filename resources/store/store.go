package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"fhirside/search"
	"fhirside/search/index"
)

// Errors that callers tell apart. Anything else is a fault of the database; Unavailable and full disks are wrapped so that
// errors.Is finds these.
var (
	ErrNotFound    = errors.New("no such resource")         // never existed, or no such version
	ErrUnavailable = errors.New("the store is unavailable") // may work later; nothing was committed
	ErrFull        = errors.New("the store is full")        // no room; nothing was committed
	ErrCursor      = errors.New("not a position of this search")
	ErrTooLate     = errors.New("the history has nothing of this position any more")                  // begin anew, see Store.Position
	ErrTooCostly   = errors.New("too costly a search")                                                // no index bounds it
	ErrUnordered   = fmt.Errorf("%w: too many resources and no index with their order", ErrTooCostly) // many match, and all would have to be sorted
	ErrRules       = errors.New("the index values were computed by rules that are over")
	// ErrUndecided is in the Damage of a Match of which nobody can tell whether it is one.
	ErrUndecided = errors.New("whether it matches cannot be told")
)

// Store keeps the current version of each resource with its index values, and every version in a history. It is safe for
// concurrent use. What a returned Commit wrote is seen by every read that begins afterwards.
//
// A version that cannot be read, or that is not the one under its key, is the error of no read: it is given with its Damage, so that
// lists go on behind it.
//
// What a resource contains (index.Values.Contained) is found by searches and counts of the types of search.ContainedType, with the
// version, time and method of the resource around it. It has no versions of its own and is not read by its key.
type Store interface {
	// Read is the current version, which may be a deletion (Deleted set, no Body). ErrNotFound where there never was one.
	Read(ctx context.Context, resourceType, id string) (Version, error)
	// ReadMany are the current versions of those that exist and are not deleted, in no order.
	ReadMany(ctx context.Context, keys []Key) ([]Version, error)
	// ReadVersion is one version, current or not.
	ReadVersion(ctx context.Context, resourceType, id string, version int64) (Version, error)
	// Search yields the resources that match, in order, at most s.Limit; without types, none that others contain. An error ends the
	// sequence. Where damage leaves open whether a resource matches, it is among them, with ErrUndecided.
	Search(ctx context.Context, s Search) iter.Seq2[Match, error]
	// Count is the number of resources that match, without those of which that cannot be told.
	Count(ctx context.Context, types []string, f search.Filter) (int64, error)
	// History yields versions, newest first.
	History(ctx context.Context, h History) iter.Seq2[HistoryEntry, error]
	// Changes yields every version in the order of its commit, beginning behind a position ("" is the beginning), up to now. It is
	// ErrCursor where that is no position in the changes of this database, and ErrTooLate where the versions of its commit are gone:
	// a backup from before it was restored, or they were purged.
	Changes(ctx context.Context, after string) iter.Seq2[Change, error]
	// Follow is Changes that goes on: when it has yielded what is there, some versions at a time and at least one, it waits for what is
	// committed next, by any process. It ends when the context does, with its error, or with one that waiting does not mend; while the
	// database is unavailable it waits.
	Follow(ctx context.Context, after string) iter.Seq2[[]Change, error]
	// Position is that of the newest change, "" where there is none. Who takes it first, then searches, and follows from it has a
	// snapshot with no gap behind it: what was committed meanwhile may be in both.
	Position(ctx context.Context) (string, error)
	// Commit runs the function and makes all of its writes durable at once, or none if it returns an error, which Commit then
	// returns. The function may run again when the store retries: it must have no effects outside Tx.
	Commit(ctx context.Context, f func(Tx) error) error
	// Secret is a random key of that name, kept beside the data and made when it is first asked for. Every process that has the
	// store open gets the same.
	Secret(ctx context.Context, name string) (*[SecretSize]byte, error)
	// State keeps the server's own small entries in the same database.
	State() State
	// Require makes a number of rules for index values the least that records may have: from then on Put refuses others with
	// ErrRules. When it returns, nothing computed by lower rules becomes visible any more, from any process. A number below the
	// one required changes nothing.
	Require(ctx context.Context, rules int64) error
	// Reindex computes index values of current resources anew. Versions stay as they are.
	Reindex(ctx context.Context, r Reindex) (Reindexed, error)
	// Ready says whether the store can serve now. work is what it does in the background meanwhile, for an operator: "" for nothing.
	Ready(ctx context.Context) (work string, err error)
	Close() error
}

// SecretSize is the length of a Secret in bytes.
const SecretSize = 32

// Tx is a commit in progress. It sees its own writes, also in Search and Count. Nobody else's commit comes between what it
// reads and what it writes.
type Tx interface {
	Read(resourceType, id string) (Version, error)
	Search(s Search) iter.Seq2[Match, error]
	Count(types []string, f search.Filter) (int64, error)
	// Retire says what the commit may delete that others refer to: from then on its searches find all that has it as Targets, and other
	// commits that ask for it as that wait, or see it deleted. It comes before anything is read or written; where it comes later the
	// store may end the function's run here, with an error to be returned, and run it again.
	Retire(keys []Key) error
	// Targets are those of the resources, which the commit's writes refer to, that exist and are not deleted, in no order. They stay
	// until the commit has ended, as far as whoever deletes them retires them first. A big commit asks when it has made its writes.
	Targets(keys []Key) ([]Version, error)
	// Now is the time of the commit, in UTC and whole milliseconds. The times of commits never go backwards in the order in
	// which they become visible.
	Now() time.Time
	// Expect says how many writes are to come. A store that lets big commits wait for each other may end the function's run here, with
	// an error to be returned, and run it again when it is its turn. Who does not call it may be interrupted later.
	Expect(writes int) error
	// Put makes the record the current version. Its Version must follow that of the current version (1 where there is none;
	// deletions count).
	Put(Record) error
	// Delete records a deletion as the next version.
	Delete(resourceType, id string) (Version, error)
	// Purge records a deletion as the next version and erases all versions before it: of what the resource held nothing is left,
	// in the history, in the indexes or in what the database has freed, but its versions go on from there. ErrNotFound where
	// there never was one.
	Purge(resourceType, id string) (Version, error)
	// Import writes a version as it was in another store, which may be a deletion: with its number, above that of the current
	// version, and its time, in whole milliseconds and not before that of any version that is there. Nothing else may be written
	// meanwhile, and a commit that imports does nothing else.
	Import(Record) error
}

// Key names a resource.
type Key struct{ Type, ID string }

// Version is one state of a resource.
type Version struct {
	Key
	Version int64
	Updated time.Time
	Method  Method
	Body    []byte // canonical JSON; nil for a deletion, or with Damage. Callers must not change it.
	// Damage is why the content cannot be given though the version is no deletion: the database holds something else than was put
	// there. It is for the log, and names no values. What else of the version could not be read is zero.
	Damage error
}

// Deleted says whether the version is a deletion.
func (v Version) Deleted() bool { return v.Method == Deleted }

// Method is how a version came about, for Bundle.entry.request in a history.
type Method uint8

const (
	Created Method = iota + 1 // POST
	Updated                   // PUT or PATCH
	Deleted                   // DELETE
)

// Record is a version to be written, with the index values that searches find it by.
type Record struct {
	Version
	Values index.Values // not yet at the version's id (index.Values.At)
	Rules  int64        // the number of the rules that they were computed by, see Store.Require
}

// Reindex asks for some resources to be indexed anew, in an order of the store's own.
type Reindex struct {
	Types []string // and what contains resources of these types; empty: all
	After string   // Reindexed.Last of the batch before; "" is the beginning
	Limit int      // how many at most; above 0
	Rules int64    // the number of the rules that Values goes by; ErrRules where a higher one is required
	// Values computes the index values of a current version. Where it cannot, as of one with Damage, they stay as they are.
	Values func(Version) (index.Values, error)
}

// Reindexed is what a batch did.
type Reindexed struct {
	Last string // where the next goes on; "" where nothing is left
	Done int    // resources looked at
	Kept []Key  // of these, those whose values could not be computed
}

// Search asks for resources in order.
type Search struct {
	Types  []string // empty: all
	Filter search.Filter
	Sort   []search.SortKey // empty: the store's own order
	After  string           // Position of a Match of the same search: go on behind it. ErrCursor where it is none.
	Limit  int              // 0: no limit
	// KeysOnly leaves out bodies.
	KeysOnly bool
}

// Match is a resource found.
type Match struct {
	Version
	Position string // opaque; where the search goes on behind this match
}

// History asks for versions, newest first.
type History struct {
	Type, ID string // both empty: of all resources; ID empty: of a type
	Since    time.Time
	At       Span   // zero: not asked; else only versions that were current at some time of it
	After    string // Position of an entry: go on behind it
	Limit    int
}

// Span is the time from one moment to another, both included.
type Span struct{ From, To time.Time }

// IsZero says whether there is none.
func (s Span) IsZero() bool { return s == Span{} }

// HistoryEntry is a version in a history.
type HistoryEntry struct {
	Version
	Position string
}

// Change is a version in the order of commits.
type Change struct {
	Version
	Position string
}
