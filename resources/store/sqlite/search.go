package sqlite

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"fhirside/resources/store"
	"fhirside/search"
)

// Search yields the resources that match, in order. See store.Store. The store's own order is that of the types' names, and
// within a type of the sort dates, newest first; types without a sort date have their newest resource first. Only a search for
// what was updated since a time, with no end, is in the order of updates: a client that asks again from the last time it saw
// misses nothing that is committed while it reads pages.
func (s *db) Search(ctx context.Context, q store.Search) iter.Seq2[store.Match, error] {
	return s.search(ctx, s.run, q)
}

// Count is the number of resources that match. See store.Store.
func (s *db) Count(ctx context.Context, types []string, f search.Filter) (int64, error) {
	return s.count(ctx, s.run, types, f)
}

// A runner gives a connection to something that reads resources of some types; none are all.
type runner func(ctx context.Context, types []string, f func(*conn) error) error

func (s *db) run(ctx context.Context, _ []string, f func(*conn) error) error { return s.read(ctx, f) }

// search reads page by page, so that whoever takes matches slowly, or asks the store meanwhile, keeps no connection from others.
func (s *db) search(ctx context.Context, run runner, q store.Search) iter.Seq2[store.Match, error] {
	return func(yield func(store.Match, error) bool) {
		types := concerned(q.Types, q.Filter)
		after, left := q.After, q.Limit
		for {
			n := s.limits.page
			if q.Limit > 0 {
				n = min(n, left)
			}
			var page []store.Match
			err := run(ctx, types, func(c *conn) error {
				return c.snapshot(func() error {
					return s.bounded(ctx, c, func() (err error) {
						page, err = s.page(ctx, c, q, after, n)
						return err
					})
				})
			})
			for _, m := range page {
				after = m.Position
				if !yield(m, nil) {
					return
				}
			}
			left -= len(page)
			if err != nil {
				yield(store.Match{}, err)
				return
			}
			if len(page) < n || q.Limit > 0 && left == 0 {
				return
			}
		}
	}
}

// concerned are all types that a search looks at: those searched and those at the other ends of chains. None are all.
func concerned(types []string, f search.Filter) []string {
	if len(types) == 0 {
		return nil
	}
	list := slices.Clone(types)
	var visit func(search.Filter)
	visit = func(f search.Filter) {
		switch f := f.(type) {
		case search.And:
			for _, part := range f {
				visit(part)
			}
		case search.Or:
			for _, part := range f {
				visit(part)
			}
		case search.Not:
			visit(f.Filter)
		case search.Chain:
			list = append(list, f.Type)
			visit(f.Filter)
		case search.Has:
			list = append(list, f.Type)
			visit(f.Filter)
		}
	}
	visit(f)
	return list
}

// page are the first n matches behind a position; fewer only where there are no more.
func (s *db) page(ctx context.Context, c *conn, q store.Search, after string, n int) ([]store.Match, error) {
	types, err := s.types(c, q.Types)
	if err != nil {
		return nil, err
	}
	if q.Filter == nil {
		q.Filter = search.All{}
	}
	asked := append([]string{describe(q.Sort)}, q.Types...)
	p := pager{s: s, ctx: ctx, c: c, q: q, types: types, asked: asked, n: n, want: wants{body: !q.KeysOnly}}
	if after != "" {
		if p.after, err = s.index.readPosition(after, asked...); err != nil {
			return nil, err
		}
	}
	switch {
	case len(q.Sort) == 0 && polls(q.Filter) && anyContained(types): // which share their stamps
		p.q.Sort = []search.SortKey{{Param: "_lastUpdated", Kind: search.TypeDate}}
		return p.sorted()
	case anyContained(types) && len(q.Sort) > 0:
		return p.sorted()
	case len(q.Sort) == 0 && polls(q.Filter):
		return p.changed(order{changed: true, ascending: true})
	case len(q.Sort) == 0:
		return p.own()
	case len(q.Sort) == 1 && q.Sort[0].Param == "_lastUpdated":
		return p.changed(order{changed: true, ascending: !q.Sort[0].Descending})
	}
	if len(q.Sort) == 1 && len(types) == 1 && q.Sort[0].Param == s.opt.Layout.SortDates[types[0]] {
		dates, err := p.datesInKeys()
		if err != nil {
			return nil, err
		}
		if dates {
			return p.dated()
		}
	}
	return p.sorted()
}

// polls says whether the filter asks for what was updated since a time, with no end.
func polls(f search.Filter) bool {
	parts, ok := f.(search.And)
	if !ok {
		parts = search.And{f}
	}
	from, to := false, false
	for _, part := range parts {
		if d, ok := part.(search.Date); ok && d.Param == "_lastUpdated" {
			switch d.Op {
			case search.Gt, search.Ge, search.Sa:
				from = true
			default:
				to = true
			}
		}
	}
	return from && !to
}

// types are those searched that occur, each once, in order.
func (s *db) types(c *conn, asked []string) (list []string, err error) {
	if len(asked) == 1 {
		_, occurs, err := c.integer(`SELECT 1 FROM type WHERE name=?`, text(asked[0]))
		if err != nil || !occurs {
			return nil, err
		}
		return asked, nil
	}
	err = c.each(func(st *sqlite3.Stmt) error {
		if name := st.ColumnText(0); slices.Contains(asked, name) || len(asked) == 0 && !search.IsContained(name) {
			list = append(list, name)
		}
		return nil
	}, `SELECT name FROM type ORDER BY name`)
	return list, err
}

// pager reads one page of a search.
type pager struct {
	s     *db
	ctx   context.Context
	c     *conn
	q     store.Search
	types []string
	asked []string // what positions are bound to
	after []byte   // nil at the beginning
	n     int
	want  wants
}

func (p *pager) match(f found, place []byte) store.Match {
	return store.Match{Version: f.Version, Position: p.s.index.writePosition(place, p.asked...)}
}

// own is the store's own order; a place is a type and a key.
func (p *pager) own() (page []store.Match, err error) {
	first, key := "", order{}.start()
	if p.after != nil {
		d := decoder{rest: string(p.after)}
		first, key = d.text(), d.varint()
		if d.bad {
			return nil, store.ErrCursor
		}
	}
	for _, typ := range p.types {
		if typ < first {
			continue
		}
		after := order{}.start()
		if typ == first {
			after = key
		}
		w, err := p.s.finder(p.ctx, p.c, typ, p.q.Filter, order{})
		if err != nil {
			return page, err
		}
		list, err := w.next(after, p.n-len(page), p.want)
		for _, f := range list {
			page = append(page, p.match(f, place(typ, f.key)))
		}
		if err != nil || len(page) == p.n {
			return page, err
		}
	}
	return page, nil
}

func place(typ string, key int64) []byte {
	var e encoder
	e.text(typ)
	e.varint(key)
	return e.b
}

// changed is the order of last updates, over all types; a place is a stamp.
func (p *pager) changed(o order) (page []store.Match, err error) {
	after := o.start()
	if p.after != nil {
		place := decoder{rest: string(p.after)}
		if after = place.varint(); place.bad {
			return nil, store.ErrCursor
		}
	}
	var all []found
	for _, typ := range p.types {
		w, err := p.s.finder(p.ctx, p.c, typ, p.q.Filter, o)
		if err != nil {
			return nil, err
		}
		list, err := w.next(after, p.n, p.want)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	slices.SortFunc(all, func(a, b found) int { return o.compare(a.candidate, b.candidate) })
	for _, f := range all[:min(p.n, len(all))] {
		page = append(page, p.match(f, binary.AppendVarint(nil, f.stamp)))
	}
	return page, nil
}

func (s *db) count(ctx context.Context, run runner, types []string, f search.Filter) (n int64, err error) {
	if f == nil {
		f = search.All{}
	}
	err = run(ctx, concerned(types, f), func(c *conn) error {
		return c.snapshot(func() error {
			return s.bounded(ctx, c, func() error {
				n = 0
				types, err := s.types(c, types)
				for _, typ := range types {
					if err == nil {
						var k int64
						k, err = s.countType(ctx, c, typ, f)
						n += k
					}
				}
				return err
			})
		})
	})
	return n, err
}

func (s *db) countType(ctx context.Context, c *conn, typ string, f search.Filter) (n int64, err error) {
	w, err := s.finder(ctx, c, typ, f, order{})
	switch {
	case err != nil || w.never:
		return 0, err
	case len(w.plan.parts) == 0:
		n, _, err = c.integer(`SELECT live FROM type WHERE name=?`, text(typ))
		return n, err
	case w.exact:
		return w.plan.count()
	}
	err = w.all(wants{}, func(f found) error {
		if !f.isUndecided() {
			n++
		}
		return nil
	})
	return n, err
}

// describe names a sort for positions.
func describe(keys []search.SortKey) string {
	var b strings.Builder
	for _, k := range keys {
		fmt.Fprintf(&b, "%s %d %t,", k.Param, k.Kind, k.Descending)
	}
	return b.String()
}
