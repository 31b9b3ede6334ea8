package sqlite

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"fhirside/resources/store"
	"fhirside/search/index"
	"fhirside/search/match"
)

// datesInKeys says whether the keys of the type have the order of its sort date: not where a resource has several dates or one
// that no key can hold.
func (p *pager) datesInKeys() (bool, error) {
	several, _, err := p.c.integer(`SELECT several FROM span WHERE param=?`, integer(p.sortDate()))
	return several == 0, err
}

func (p *pager) sortDate() int64 { return p.s.index.sum(kindDates, p.types[0], p.q.Sort[0].Param) }

// dated is a match with the beginning of its date, which a key tells to the second.
type dated struct {
	found
	lo int64
}

// dated is the order of a type's sort date; a place is a key and the beginning of the date. The order is that of the keys, but
// resources that begin within the same second are put in order by the date table.
func (p *pager) dated() (page []store.Match, err error) {
	o := order{ascending: !p.q.Sort[0].Descending}
	last, after := dated{}, o.start()
	if p.after != nil {
		place := decoder{rest: string(p.after)}
		last.key, last.lo = place.varint(), place.varint()
		if place.bad {
			return nil, store.ErrCursor
		}
		after = o.beforeFractions(last.key)
	}
	w, err := p.s.finder(p.ctx, p.c, p.types[0], p.q.Filter, o)
	if err != nil {
		return nil, err
	}
	next := stream{w: w, after: after, size: p.n, want: p.want}
	for len(page) < p.n {
		run, err := p.second(&next)
		if err != nil || len(run) == 0 {
			return page, err
		}
		slices.SortFunc(run, o.compareDated)
		for _, f := range run {
			if p.after != nil && sameFractions(f.key, last.key) && o.compareDated(f, last) <= 0 {
				continue
			}
			place := binary.AppendVarint(binary.AppendVarint(nil, f.key), f.lo)
			if page = append(page, p.match(f.found, place)); len(page) == p.n {
				break
			}
		}
	}
	return page, nil
}

// second is the next match, together with all that follow within the same second where the keys do not tell their order.
func (p *pager) second(next *stream) (run []dated, err error) {
	for {
		f, ok, err := next.peek()
		if err != nil || !ok || len(run) > 0 && !sameFractions(run[0].key, f.key) {
			return run, err
		}
		next.skip()
		d := dated{found: f}
		if keyShape(f.key) == fraction {
			if d.lo, _, err = p.c.integer(`SELECT min(lo) FROM date WHERE param=? AND key=?`, integer(p.sortDate()), integer(f.key)); err != nil {
				return nil, err
			}
		}
		run = append(run, d)
	}
}

func sameFractions(a, b int64) bool {
	return keyShape(a) == fraction && keyShape(b) == fraction && keySeconds(a) == keySeconds(b)
}

// beforeFractions is the place of the key, or that before all fractions of its second.
func (o order) beforeFractions(key int64) int64 {
	switch {
	case keyShape(key) != fraction:
		return key
	case o.ascending:
		return makeKey(keySeconds(key), fraction, 0) - 1
	}
	return makeKey(keySeconds(key), fraction+1, 0)
}

func (o order) compareDated(a, b dated) int {
	n := cmp.Or(cmp.Compare(a.lo, b.lo), cmp.Compare(a.key, b.key))
	if o.ascending {
		return n
	}
	return -n
}

// stream gives a finder's matches one by one.
type stream struct {
	w     *finder
	after int64
	size  int
	want  wants
	list  []found
	end   bool
}

func (s *stream) peek() (f found, ok bool, err error) {
	if len(s.list) == 0 && !s.end {
		if s.list, err = s.w.next(s.after, s.size, s.want); err != nil {
			return f, false, err
		}
		s.end = len(s.list) < s.size
		if n := len(s.list); n > 0 {
			s.after = s.w.plan.order.place(s.list[n-1].candidate)
		}
	}
	if len(s.list) == 0 {
		return f, false, nil
	}
	return s.list[0], true, nil
}

func (s *stream) skip() { s.list = s.list[1:] }

// sorted is any other order. A place is what the order compares of a match.
func (p *pager) sorted() ([]store.Match, error) {
	var last *ranked
	if p.after != nil {
		l, ok := readRanked(p.after)
		if !ok {
			return nil, store.ErrCursor
		}
		l.at = match.PlaceOf(p.q.Sort, l.Subject)
		last = &l
	}
	page, done, err := p.climb(last)
	if err != nil || done {
		return page, err
	}
	return p.best(last)
}

// tooMany says whether there are more matches than may be looked at to put them in order.
func (p *pager) tooMany() (bool, error) {
	left := int64(p.s.opt.MaxSteps) * 1000
	resources := int64(0)
	for _, typ := range p.types {
		live, _, err := p.c.integer(`SELECT live FROM type WHERE name=?`, text(typ))
		if err != nil {
			return false, err
		}
		resources += live
	}
	if resources <= left {
		return false, nil
	}
	for _, typ := range p.types {
		w, err := p.s.finder(p.ctx, p.c, typ, p.q.Filter, order{})
		if err != nil {
			return false, err
		}
		if w.never {
			continue
		}
		n, err := w.plan.count()
		if left -= n; err != nil || left < 0 {
			return true, err
		}
	}
	return false, nil
}

// best looks at all matches and keeps the first ones behind a place.
func (p *pager) best(last *ranked) ([]store.Match, error) {
	costly, err := p.tooMany()
	switch {
	case err != nil:
		return nil, err
	case costly:
		return nil, fmt.Errorf("%w: they are more than %d thousand", store.ErrUnordered, p.s.opt.MaxSteps)
	}
	var best []ranked
	var bound *ranked // what does not come before it is not on the page
	cut := func() {
		slices.SortFunc(best, p.compare)
		if len(best) >= p.n {
			best = best[:p.n]
			worst := best[p.n-1]
			bound = &worst
		}
	}
	for _, typ := range p.types {
		w, err := p.s.finder(p.ctx, p.c, typ, p.q.Filter, order{})
		if err != nil {
			return nil, err
		}
		err = w.all(wants{values: p.sortedBy()}, func(f found) error {
			r := p.ranked(typ, f)
			if last != nil && p.compare(r, *last) <= 0 || bound != nil && p.compare(r, *bound) >= 0 {
				return nil
			}
			r.Values = p.relevant(r.Values)
			if best = append(best, r); len(best) > 2*p.n+p.s.limits.page {
				cut()
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	cut()
	page := make([]store.Match, 0, len(best))
	for _, r := range best {
		f, err := p.s.fetch(p.c, r.Type, r.candidate, p.want)
		if err != nil {
			return page, err
		}
		if r.damage != nil {
			f.Body, f.Damage = nil, r.damage
		}
		page = append(page, p.match(f, r.place()))
	}
	return page, nil
}

// ranked is a match as the order sees it.
type ranked struct {
	match.Subject
	candidate
	at     match.Place
	damage error
}

func (p *pager) ranked(typ string, f found) ranked {
	r := ranked{Subject: match.Subject{Type: typ, ID: f.ID, Updated: f.Updated, Values: f.values}, candidate: f.candidate, damage: f.Damage}
	if r.Values == nil { // which cannot be read
		r.Values = &index.Values{}
	}
	r.at = match.PlaceOf(p.q.Sort, r.Subject)
	return r
}

// compare orders all matches: what the sort does not tell apart by type, and then by key in the direction of the sort.
func (p *pager) compare(a, b ranked) int {
	n := cmp.Compare(a.key, b.key)
	if p.q.Sort[0].Descending {
		n = -n
	}
	return cmp.Or(a.at.Compare(p.q.Sort, b.at), cmp.Compare(a.Type, b.Type), n)
}

// sortedBy are the parameters that the sort compares.
func (p *pager) sortedBy() *params {
	by := params{}
	for _, key := range p.q.Sort {
		by.of = append(by.of, key.Param)
	}
	return &by
}

// relevant are the entries that the sort compares.
func (p *pager) relevant(v *index.Values) *index.Values {
	sorts := p.sortedBy().has
	return &index.Values{
		Tokens:     only(v.Tokens, func(e index.Token) bool { return sorts(e.Param) }),
		Strings:    only(v.Strings, func(e index.String) bool { return sorts(e.Param) }),
		References: only(v.References, func(e index.Reference) bool { return sorts(e.Param) }),
		Dates:      only(v.Dates, func(e index.Date) bool { return sorts(e.Param) }),
		Numbers:    only(v.Numbers, func(e index.Number) bool { return sorts(e.Param) }),
		Quantities: only(v.Quantities, func(e index.Quantity) bool { return sorts(e.Param) }),
		URIs:       only(v.URIs, func(e index.URI) bool { return sorts(e.Param) }),
	}
}

func only[E any](list []E, keep func(E) bool) (kept []E) {
	for _, e := range list {
		if keep(e) {
			kept = append(kept, e)
		}
	}
	return kept
}

func (r ranked) place() []byte {
	var e encoder
	e.text(r.Type)
	e.text(r.ID)
	e.varint(r.Updated.UnixMicro())
	e.varint(r.key)
	e.values(*r.Values)
	return e.b
}

func readRanked(place []byte) (r ranked, ok bool) {
	d := decoder{rest: string(place)}
	r.Type, r.ID = d.text(), d.text()
	r.Updated = time.UnixMicro(d.varint()).UTC()
	r.key = d.varint()
	values := d.values()
	r.Values = &values
	return r, !d.bad && d.rest == ""
}
