package mongo

import (
	"context"
	"log/slog"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.opentelemetry.io/otel/trace"

	"fhirside/search/index"
)

// Options of a store. The zero value is ready for use. Pool sizes, TLS and credentials are in the connection string, and timeouts can be:
// timeoutMS is Timeout and CommitTimeout, and the other times in proportion.
type Options struct {
	// Timeout of a read or of one batch of a search; 0 is 9 s.
	Timeout time.Duration
	// CommitTimeout is how long a commit may take with all of its retries; 0 is 9 s. A big commit may take 4 ms more for each of
	// its entries. Both together must stay below the server's transactionLifetimeLimitSeconds (60 s).
	CommitTimeout time.Duration
	// Patience is how long a commit goes on trying while the server cannot be reached; 0 is 6 s.
	Patience time.Duration
	// SearchTime bounds the server's work for one search or count before it fails with store.ErrTooCostly; 0 is 5 s.
	SearchTime time.Duration
	// MaxSorted is how many resources of a type a search may have to sort that no condition bounds by an index; 0 is 100,000.
	// With more it fails with store.ErrTooCostly at once.
	MaxSorted int64
	// MaxCommitEntries and MaxCommitBytes bound one commit; 0 is 10,000 writes and 64 MiB of BSON, history not counted.
	MaxCommitEntries int
	MaxCommitBytes   int
	// MaxEntriesAtOnce bounds the writes of all big commits of this process that run at the same time; others wait, or run alone if
	// they are bigger. 0 is 2,000: each entry takes some 200 KB of the server's cache until it is durable.
	MaxEntriesAtOnce int
	// QueueTime is how long a big commit waits for its turn; 0 is 30 s.
	QueueTime time.Duration
	// Values computes index values from a body, and Rules names the version of how it does. Where the database was indexed by other
	// rules, one process computes all values anew in the background; until then Ready says how far it is. Values nil: what is there
	// is taken as it is.
	Values func(body []byte) (index.Values, error)
	Rules  string
	// Current makes Values go by the latest number of rules (see store.Store.Require) and says which that is. Nil: it is of no
	// concern.
	Current func(ctx context.Context) (int64, error)
	// schema is the layout of documents; 0 is schemaVersion. Tests of upgrades take others.
	schema int32
	// watch is how long a process may not know that a newer one has taken over; 0 is watchEvery.
	watch time.Duration
	// diagnosis bounds what is asked of a host that cannot be reached; 0 is diagnosisTime.
	diagnosis time.Duration
	// started is shown each command as it is sent. Tests ask MongoDB how it runs them.
	started func(command bson.Raw)
	// Log is where the store says what an operator should know; nil is slog.Default.
	Log *slog.Logger
	// Tracer makes a span of each command that a traced context sends; nil: there are none.
	Tracer trace.Tracer
}

// within fits the times that are not set to a timeout, if it is one.
func (o Options) within(timeout time.Duration) Options {
	if timeout <= 0 {
		return o
	}
	fit := func(value *time.Duration, ninths time.Duration) {
		if *value == 0 {
			*value = max(timeout*ninths/9, time.Millisecond)
		}
	}
	fit(&o.Timeout, 9)
	fit(&o.CommitTimeout, 9)
	fit(&o.Patience, 6)
	fit(&o.SearchTime, 5)
	return o
}

func (o Options) withDefaults() Options {
	fill := func(value *time.Duration, standard time.Duration) {
		if *value == 0 {
			*value = standard
		}
	}
	fill(&o.Timeout, 9*time.Second)
	fill(&o.CommitTimeout, 9*time.Second)
	fill(&o.Patience, 6*time.Second)
	fill(&o.SearchTime, 5*time.Second)
	fill(&o.QueueTime, 30*time.Second)
	if o.MaxSorted == 0 {
		o.MaxSorted = 100_000
	}
	if o.MaxCommitEntries == 0 {
		o.MaxCommitEntries = 10_000
	}
	if o.MaxCommitBytes == 0 {
		o.MaxCommitBytes = 64 << 20
	}
	if o.MaxEntriesAtOnce == 0 {
		o.MaxEntriesAtOnce = 2_000
	}
	fill(&o.watch, watchEvery)
	fill(&o.diagnosis, diagnosisTime)
	if o.schema == 0 {
		o.schema = schemaVersion
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

// perEntry is how much longer a big commit may take for each of its entries.
const perEntry = 4 * time.Millisecond

// longestCommit is how long any commit may take.
func (o Options) longestCommit() time.Duration {
	return o.CommitTimeout + time.Duration(o.MaxCommitEntries)*perEntry
}
