package mongo

import (
	"cmp"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"iter"
	"net"
	"slices"
	"time"

	"fhirside/resources/store"
	"fhirside/search"
)

// remote is a store in another process (worker_test.go), as far as the suites for many callers ask for it. Each call has a connection of
// its own, on which the two sides send each other messages: a question and its answer, and in a commit a dialogue.
type remote struct {
	store.Store // nil: what these suites do not ask for
	address     func() string
}

// message is what one side sends. Call names the question; the rest is what it asks with, or is answered.
type message struct {
	Call     string
	Key      store.Key
	Keys     []store.Key
	Types    []string
	Filter   search.Filter
	Search   store.Search
	History  store.History
	After    string
	Record   store.Record
	Entry    store.Entry
	Now      time.Time
	Number   int64
	Version  store.Version
	Versions []store.Version
	Matches  []store.Match
	Past     []store.HistoryEntry
	Changes  []store.Change
	Entries  []store.Entry
	Failed   *failure
}

func init() {
	for _, f := range []search.Filter{
		search.All{}, search.None{}, search.And{}, search.Or{}, search.Not{}, search.ID{}, search.Type{}, search.Present{}, search.Token{},
		search.Other{}, search.String{}, search.Reference{}, search.ReferenceToOther{}, search.Date{}, search.Number{}, search.Quantity{}, search.URI{},
		search.Composite{}, search.Chain{}, search.Has{}, search.Near{},
	} {
		gob.Register(f)
	}
}

// failure is an error that says on the other side what it wraps.
type failure struct {
	Text  string
	Kinds []int // places in toldApart
}

var toldApart = []error{
	store.ErrNotFound, store.ErrUnavailable, store.ErrFull, store.ErrCursor, store.ErrTooCostly, store.ErrRules, store.ErrConflict,
	store.ErrTooLate,
}

func failureOf(err error) *failure {
	if err == nil {
		return nil
	}
	f := &failure{Text: err.Error()}
	for i, known := range toldApart {
		if errors.Is(err, known) {
			f.Kinds = append(f.Kinds, i)
		}
	}
	return f
}

func (f *failure) err() error {
	if f == nil {
		return nil
	}
	return f
}

func (f *failure) Error() string { return "in another process: " + f.Text }

// Is lets errors.Is find what the error wrapped.
func (f *failure) Is(target error) bool {
	return slices.ContainsFunc(f.Kinds, func(i int) bool { return toldApart[i] == target })
}

// line is one side of a connection.
type line struct {
	net.Conn
	out *gob.Encoder
	in  *gob.Decoder
}

func newLine(c net.Conn) *line { return &line{c, gob.NewEncoder(c), gob.NewDecoder(c)} }

// ask sends a message and returns what the other side says to it. A side that is gone is a store that is not available.
func (l *line) ask(m message) (message, error) {
	if err := l.out.Encode(m); err != nil {
		return message{}, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return l.hear()
}

func (l *line) hear() (m message, err error) {
	if err := l.in.Decode(&m); err != nil {
		return m, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return m, m.Failed.err()
}

func (r remote) dial(ctx context.Context) (*line, error) {
	var dialer net.Dialer
	c, err := dialer.DialContext(ctx, "tcp", r.address())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return newLine(c), nil
}

func (r remote) ask(ctx context.Context, m message) (message, error) {
	l, err := r.dial(ctx)
	if err != nil {
		return message{}, err
	}
	defer l.Close()
	return l.ask(m)
}

func (r remote) Read(ctx context.Context, resourceType, id string) (store.Version, error) {
	m, err := r.ask(ctx, message{Call: "read", Key: store.Key{Type: resourceType, ID: id}})
	return m.Version, err
}

func (r remote) ReadMany(ctx context.Context, keys []store.Key) ([]store.Version, error) {
	m, err := r.ask(ctx, message{Call: "read many", Keys: keys})
	return m.Versions, err
}

func (r remote) Search(ctx context.Context, s store.Search) iter.Seq2[store.Match, error] {
	m, err := r.ask(ctx, message{Call: "search", Search: s})
	return sequence(m.Matches, err)
}

func (r remote) Count(ctx context.Context, types []string, f search.Filter) (int64, error) {
	m, err := r.ask(ctx, message{Call: "count", Types: types, Filter: f})
	return m.Number, err
}

func (r remote) History(ctx context.Context, h store.History) iter.Seq2[store.HistoryEntry, error] {
	m, err := r.ask(ctx, message{Call: "history", History: h})
	return sequence(m.Past, err)
}

func (r remote) Changes(ctx context.Context, after string) iter.Seq2[store.Change, error] {
	m, err := r.ask(ctx, message{Call: "changes", After: after})
	return sequence(m.Changes, err)
}

// Follow asks for the next versions when those before were taken.
func (r remote) Follow(ctx context.Context, after string) iter.Seq2[[]store.Change, error] {
	return func(yield func([]store.Change, error) bool) {
		l, err := r.dial(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		defer l.Close() // by which the other side knows that nobody follows any more
		defer context.AfterFunc(ctx, func() { _ = l.Close() })()
		m, err := l.ask(message{Call: "follow", After: after})
		for err == nil && yield(m.Changes, nil) {
			m, err = l.ask(message{Call: "go on"})
		}
		if err != nil {
			yield(nil, cmp.Or(context.Cause(ctx), err))
		}
	}
}

func (r remote) State() store.State { return remoteState{r} }

func (remote) Close() error { return nil }

// Commit runs the function here, as often as the store in the other process wants it to run.
func (r remote) Commit(ctx context.Context, f func(store.Tx) error) error {
	l, err := r.dial(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	m, err := l.ask(message{Call: "commit"})
	var failed error
	for ; err == nil && m.Call == "run"; m, err = l.ask(message{Call: "ran", Failed: failureOf(failed)}) {
		failed = f(remoteTx{line: l, now: m.Now})
	}
	if failed != nil && m.Call == functionFailed {
		return failed
	}
	return err
}

// remoteTx is a commit that runs in another process.
type remoteTx struct {
	store.Tx // nil: what these suites do not ask for
	line     *line
	now      time.Time
}

func (t remoteTx) Now() time.Time { return t.now }

func (t remoteTx) Read(resourceType, id string) (store.Version, error) {
	m, err := t.line.ask(message{Call: "read", Key: store.Key{Type: resourceType, ID: id}})
	return m.Version, err
}

func (t remoteTx) Search(s store.Search) iter.Seq2[store.Match, error] {
	m, err := t.line.ask(message{Call: "search", Search: s})
	return sequence(m.Matches, err)
}

func (t remoteTx) Count(types []string, f search.Filter) (int64, error) {
	m, err := t.line.ask(message{Call: "count", Types: types, Filter: f})
	return m.Number, err
}

func (t remoteTx) Put(r store.Record) error {
	_, err := t.line.ask(message{Call: "put", Record: r})
	return err
}

func (t remoteTx) Delete(resourceType, id string) (store.Version, error) {
	m, err := t.line.ask(message{Call: "delete", Key: store.Key{Type: resourceType, ID: id}})
	return m.Version, err
}

func (t remoteTx) Expect(writes int) error {
	_, err := t.line.ask(message{Call: "expect", Number: int64(writes)})
	return err
}

func (t remoteTx) Retire(keys []store.Key) error {
	_, err := t.line.ask(message{Call: "retire", Keys: keys})
	return err
}

func (t remoteTx) Targets(keys []store.Key) ([]store.Version, error) {
	m, err := t.line.ask(message{Call: "targets", Keys: keys})
	return m.Versions, err
}

type remoteState struct{ remote remote }

func (s remoteState) Get(ctx context.Context, kind, key string) (store.Entry, error) {
	m, err := s.remote.ask(ctx, message{Call: "get", Entry: store.Entry{Kind: kind, Key: key}})
	return m.Entry, err
}

func (s remoteState) Put(ctx context.Context, e store.Entry) (int64, error) {
	m, err := s.remote.ask(ctx, message{Call: "set", Entry: e})
	return m.Number, err
}

func (s remoteState) Delete(ctx context.Context, kind, key string) error {
	_, err := s.remote.ask(ctx, message{Call: "unset", Entry: store.Entry{Kind: kind, Key: key}})
	return err
}

func (s remoteState) List(ctx context.Context, kind, owner string) iter.Seq2[store.Entry, error] {
	m, err := s.remote.ask(ctx, message{Call: "list", Entry: store.Entry{Kind: kind, Owner: owner}})
	return sequence(m.Entries, err)
}

// sequence yields a list, and then the error that ended it.
func sequence[E any](list []E, err error) iter.Seq2[E, error] {
	return func(yield func(E, error) bool) {
		for _, e := range list {
			if !yield(e, nil) {
				return
			}
		}
		if err != nil {
			var none E
			yield(none, err)
		}
	}
}

// listOf is what a sequence yields before it ends, and by which error.
func listOf[E any](seq iter.Seq2[E, error]) (list []E, err error) {
	for e, err := range seq {
		if err != nil {
			return list, err
		}
		list = append(list, e)
	}
	return list, nil
}
