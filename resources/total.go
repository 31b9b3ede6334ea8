package resources

import (
	"context"
	"strconv"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"fhirside/resources/store"
	"fhirside/search"
)

// A first page that is not full tells the total of its search. Behind others all that match are counted, which takes as long as the
// search itself where the store is a server of its own. Where the last page of the same kind had to be counted, that begins with the
// search, beside it and its includes.

// kinds are kinds of searches whose last page was full and took a while to count.
type kinds struct{ *lru.Cache[string, struct{}] }

const (
	maxKinds = 1000
	// worthwhile is how long counting must have taken to be begun before it is known to be needed: in an embedded store it is over
	// before another goroutine has begun.
	worthwhile = 200 * time.Microsecond
)

func newKinds() kinds {
	cache, err := lru.New[string, struct{}](maxKinds)
	if err != nil {
		panic("resources: " + err.Error()) // only for a size below 1
	}
	return kinds{cache}
}

// kindOf is what searches have in common that differ in what they look for only.
func kindOf(q Search, parsed *search.Query) string {
	var b strings.Builder
	b.WriteString(q.Type)
	if q.Compartment != nil {
		b.WriteString(" " + q.Compartment.Type)
	}
	for _, p := range parsed.Applied {
		b.WriteString(" " + p.Name)
	}
	b.WriteString(" " + strconv.Itoa(parsed.Count))
	return b.String()
}

// total counts what a search finds.
type total struct {
	s     *Service
	kind  string
	view  view
	find  store.Search
	known int64 // -1: not yet
	// beside is closed when what was begun beside the search has ended; nil where nothing was.
	beside   chan struct{}
	cancel   context.CancelFunc
	took     time.Duration
	n        int64
	err      error
	panicked any
}

// total of a search whose page begins at a cursor. It may be counted already: end has to be called.
func (s *Service) total(v view, q Search, parsed *search.Query, find store.Search, at cursor) *total {
	t := &total{s: s, view: v, find: find, known: at.Total}
	if parsed.Total == search.TotalNone {
		t.known = -1
		return t
	}
	if at.Total >= 0 {
		return t
	}
	t.kind = kindOf(q, parsed)
	outside, ok := v.(storeView) // a commit does one thing at a time
	if ok && (at.After != "" || s.counted.Contains(t.kind)) {
		t.begin(outside)
	}
	return t
}

func (t *total) begin(v storeView) {
	v.ctx, t.cancel = context.WithCancel(v.ctx)
	t.view, t.beside = v, make(chan struct{})
	go func() {
		defer close(t.beside)
		defer func() { t.panicked = recover() }()
		t.count()
	}()
}

func (t *total) count() {
	begun := time.Now()
	t.n, t.err = t.view.Count(t.find.Types, t.find.Filter)
	t.took = time.Since(begun)
}

// of the page: -1 where nobody wants to know. More says whether there are more matches behind it.
func (t *total) of(page *Page, at cursor, more bool) (int64, error) {
	switch {
	case t.kind == "":
		return t.known, nil
	case at.After == "" && !more:
		t.s.counted.Remove(t.kind)
		return int64(page.found), nil
	}
	if t.beside == nil {
		t.count()
	} else {
		t.wait()
	}
	if t.err != nil {
		return -1, t.err
	}
	if t.took < worthwhile {
		t.s.counted.Remove(t.kind)
	} else {
		t.s.counted.Add(t.kind, struct{}{})
	}
	if at.After == "" {
		t.n = max(t.n, int64(page.found)+1) // it was counted at another moment
	}
	return t.n, nil
}

// wait until what was begun beside has ended. It fails here where it has failed there.
func (t *total) wait() {
	<-t.beside
	if v := t.panicked; v != nil {
		t.panicked = nil
		panic(v)
	}
}

// end lets go of what was begun, which nobody may wait for any more where the search has failed. A count that turned out not to be
// needed ends by itself: a store may have to close the connection of one that is given up.
func (t *total) end(failed bool) {
	if t.beside == nil {
		return
	}
	if failed {
		t.cancel()
	}
	t.wait()
	t.cancel()
}
