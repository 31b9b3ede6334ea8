package resources

import (
	"context"
	"slices"

	"fhirside/resources/access"
	"fhirside/resources/store"
)

// A page that is reached by previous is found by walking forward from the nearest place before it that its cursor knows, to where the
// page behind it begins: it is the last matches of this way. What was added meanwhile is on it, or on the one before it, and what was
// not changed is on one of them.

// backSlack is how many matches may have been added to a page before it is no longer looked for where it ended.
const backSlack = 1000

// near is how many pages before the one that is shown are noted on the way.
const near = 8

// way is what was passed on the way to a page.
type way[M any] struct {
	from     cursor
	count    int // of a page
	position func(M) string
	passed   []M
	before   int // so many others were passed before these
	// stop is the match that the way ends before, if it is known, and met says that its end has been.
	stop string
	met  bool
}

// pass passes a match; false where the way ends with it, or before it.
func (w *way[M]) pass(m M) bool {
	position := w.position(m)
	if w.met = position == w.from.Next || position == w.stop; w.met {
		return false
	}
	w.passed = append(w.passed, m)
	if keep := (near + 1) * w.count; len(w.passed) > 2*keep {
		w.before += len(w.passed) - keep
		w.passed = slices.Delete(w.passed, 0, len(w.passed)-keep)
	}
	w.met = position == w.from.Until
	return !w.met
}

// page are the matches at the end of the way, and the cursor of the page that they are. Where the end was not met, since the matches
// there are gone, the page ends where it ought to.
func (w *way[M]) page() ([]M, cursor) {
	if end := w.from.Matches - w.before; !w.met && end >= 0 && end < len(w.passed) {
		w.passed = w.passed[:end]
	}
	at := w.from
	at.Until, at.Next, at.Matches = "", "", 0
	begin := max(len(w.passed)-w.count, 0)
	shown := w.passed[begin:]
	if begin == 0 { // and nothing is before it, since more than one page is kept
		return shown, at
	}
	at.After = w.position(w.passed[begin-1])
	var marks []mark
	place := begin - 1 - w.count
	for ; place >= 0 && len(marks) < near; place -= w.count {
		marks = append(marks, mark{w.position(w.passed[place]), w.count})
	}
	slices.Reverse(marks)
	toMark := w.before + place + w.count + 1 // from where the way began to the first mark, or to the page
	at.Back = append(append(slices.Clone(at.Back), mark{w.from.After, toMark}), marks...)
	return shown, at.thinned()
}

// fillBack runs a search for a page that is reached by previous.
func (s *Service) fillBack(v view, find store.Search, at cursor, count int, page *Page) (cursor, string, error) {
	find.KeysOnly = page.window.limit > 0
	var w way[store.Match]
	for attempt := 0; attempt < 3 && !w.met; attempt++ { // what the way ends before may change while it is gone
		var err error
		if w, err = wayBack(v, find, at, count); err != nil {
			return at, "", err
		}
	}
	shown, at := w.page()
	last := at.After
	for i, match := range shown {
		if i == 0 {
			at.first = match.Position
		}
		page.take(match.Version)
		last = match.Position
	}
	return at, last, page.window.full()
}

// wayBack goes to where the page behind begins: before the first match behind its position, whatever has become of the matches there.
func wayBack(v view, find store.Search, at cursor, count int) (way[store.Match], error) {
	w := way[store.Match]{from: at, count: count, position: func(m store.Match) string { return m.Position }}
	behind := find
	behind.After, behind.Limit, behind.KeysOnly = at.Until, 1, true
	for match, err := range v.Search(behind) {
		if err != nil {
			return w, err
		}
		w.stop = match.Position
	}
	find.After, find.Limit = at.After, at.enough()
	n := 0
	for match, err := range v.Search(find) {
		if err != nil {
			return w, err
		}
		if n++; !w.pass(match) {
			break
		}
	}
	w.met = w.met || w.stop == "" && n < find.Limit
	return w, nil
}

// enough are the matches that are passed at most on the way to a page.
func (c cursor) enough() int { return 2*c.Matches + backSlack }

// fillHistoryBack reads a page of a history that is reached by previous.
func (s *Service) fillHistoryBack(ctx context.Context, p access.Policy, q *historyQuery, page *HistoryPage) (last string, err error) {
	find := q.find
	if p == access.Everything {
		find.Limit = q.at.enough()
	}
	w := way[store.HistoryEntry]{from: q.at, count: q.count, position: func(e store.HistoryEntry) string { return e.Position }}
	if _, err := q.versions(ctx, p, find, func(e store.HistoryEntry) bool {
		if page.window.limit > 0 {
			e.Body = nil // most entries are not of the page; those that are are read again
		}
		return w.pass(e)
	}); err != nil {
		return "", err
	}
	shown, at := w.page()
	q.at, last = at, at.After
	for i, e := range shown {
		if i == 0 {
			q.at.first = e.Position
		}
		page.Entries = append(page.Entries, page.window.holdVersion(e.Version))
		last = e.Position
	}
	return last, page.window.full()
}
