package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Loader sends resources to one server.
type Loader struct {
	// Base is the server's FHIR base URL, "http://127.0.0.1:8080/fhir".
	Base   string
	Client *http.Client
	// Workers is how many requests are under way at once; 0: two for each processor.
	Workers int
	// Copies is how often everything is loaded; each copy has ids and identifiers of its own. 0 is 1.
	Copies int
	// Refused is told what the server would not take, one at a time. It may be nil.
	Refused func(Refusal)
	// Progress is told how far it is, one call at a time, after each answer. It may be nil.
	Progress func(Progress)
	// Waits is told now and then why the server is waited for. It may be nil.
	Waits func(error)
}

// Refusal is a resource, or a transaction as a whole, that was not stored.
type Refusal struct {
	Source  string // the file
	Entry   int    // line of NDJSON or entry of a Bundle, from 1; 0: all of it
	What    string // "Patient/1", "a transaction of 12 entries"
	Reason  string // what the server, or the parser, said
	Entries int    // resources not stored
}

func (r Refusal) String() string {
	place := r.Source
	if r.Entry > 0 {
		place = fmt.Sprintf("%s:%d", r.Source, r.Entry)
	}
	return strings.Join(slices.DeleteFunc([]string{place, r.What, r.Reason}, func(s string) bool { return s == "" }), ": ")
}

// Progress is how far a load is.
type Progress struct {
	Read, Bytes int64 // of the files, as they are on disk
	Stored      int64
	Refused     int64 // for good
}

// Report is what came of a load.
type Report struct {
	Types   map[string]Count // by resource type
	Stored  int64
	Refused int64
	Took    time.Duration
}

// Count of resources of one type.
type Count struct {
	Created int64 // did not exist before
	Present int64 // existed: updated, unchanged, or found by the conditional create's criteria
	Refused int64
}

// Load sends what is in the files and folders. Refusals are no errors: they are reported, when all else is stored and trying
// again has not helped. An error means that it was given up: a file cannot be read, the server is not to be reached or lets
// nobody in.
func (l Loader) Load(ctx context.Context, paths ...string) (Report, error) {
	start := time.Now()
	r := &run{Loader: l, report: Report{Types: map[string]Count{}}}
	r.Client = cmp.Or(r.Client, http.DefaultClient)
	r.Workers = cmp.Or(r.Workers, 2*runtime.GOMAXPROCS(0))
	r.Copies = cmp.Or(r.Copies, 1)
	err := r.all(ctx, paths)
	r.report.Took = time.Since(start)
	return r.report, err
}

// run is one load.
type run struct {
	Loader
	deferred *spool // refused so far; nil: nothing

	mu       sync.Mutex // guards what follows, and calls of Refused, Progress and Waits
	told     time.Time  // when Waits was last called
	report   Report
	progress Progress
}

func (r *run) all(ctx context.Context, paths []string) error {
	sources, err := find(paths)
	if err != nil {
		return err
	}
	if err := r.greet(ctx); err != nil {
		return err
	}
	for _, s := range sources {
		r.progress.Bytes += s.size
	}
	if err := rank(sources); err != nil {
		return err
	}
	r.deferred = &spool{}
	defer func() { r.deferred.discard() }()
	for phase := range chunks(sources) {
		if err := r.phase(ctx, func(ctx context.Context, out chan<- unit) error { return r.read(ctx, phase, out) }); err != nil {
			return err
		}
	}
	return r.tryAgain(ctx)
}

// chunks are the sources of one rank after the other.
func chunks(sources []source) func(yield func([]source) bool) {
	return func(yield func([]source) bool) {
		for len(sources) > 0 {
			n := 1
			for n < len(sources) && sources[n].rank == sources[0].rank {
				n++
			}
			if !yield(sources[:n]) {
				return
			}
			sources = sources[n:]
		}
	}
}

// phase sends what the feed gives, and returns when all of it was answered.
func (r *run) phase(ctx context.Context, feed func(context.Context, chan<- unit) error) error {
	units := make(chan unit)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(units)
		return feed(ctx, units)
	})
	for range r.Workers {
		g.Go(func() error {
			for u := range units {
				if err := r.send(ctx, u); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// tryAgain sends what was refused once more, because what it refers to may have come after it, as long as that helps.
func (r *run) tryAgain(ctx context.Context) error {
	for !r.deferred.empty() {
		before := r.progress.Stored
		last := r.deferred
		r.deferred = &spool{}
		err := r.phase(ctx, last.replay)
		last.discard()
		if err != nil {
			return err
		}
		if r.progress.Stored == before {
			return r.deferred.each(func(u unit) error {
				r.refuse(u)
				return nil
			})
		}
	}
	return nil
}

// refuse reports a unit as refused for good.
func (r *run) refuse(u unit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range u.Entries {
		c := r.report.Types[e.Type]
		c.Refused++
		r.report.Types[e.Type] = c
		r.report.Refused++
		r.progress.Refused++
		if !u.Whole && r.Refused != nil {
			r.Refused(Refusal{Source: e.Source, Entry: e.Number, What: e.what(), Reason: e.Reason, Entries: 1})
		}
	}
	if u.Whole && r.Refused != nil {
		r.Refused(Refusal{
			Source: u.Entries[0].Source, What: fmt.Sprintf("a transaction of %d entries", len(u.Entries)), Reason: u.Entries[0].Reason,
			Entries: len(u.Entries),
		})
	}
	r.tell()
}

// tell reports the progress; the caller holds mu.
func (r *run) tell() {
	if r.Progress != nil {
		r.Progress(r.progress)
	}
}

// refuseText reports a piece of a file that is no resource.
func (r *run) refuseText(source string, number int, err error) {
	r.refuse(unit{Entries: []entry{{Source: source, Number: number, Reason: err.Error()}}})
}

// stored counts an entry that the server took.
func (r *run) stored(e entry, status int) {
	c := r.report.Types[e.Type]
	if status == http.StatusCreated {
		c.Created++
	} else {
		c.Present++
	}
	r.report.Types[e.Type] = c
	r.report.Stored++
	r.progress.Stored++
}

func (r *run) advance(bytes int64) {
	r.mu.Lock()
	r.progress.Read += bytes
	r.mu.Unlock()
}

var errNothing = errors.New("there is nothing to load: no .json or .ndjson file, plain or compressed (.gz, .bz2, .zst)")
