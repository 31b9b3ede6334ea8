package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/ncruces/go-sqlite3"

	"fhirside/resources/store"
	"fhirside/search"
	"fhirside/search/index"
	"fhirside/search/match"
)

// finder finds the resources of one type that a filter holds for, in an order that tables have.
type finder struct {
	s      *db
	ctx    context.Context
	c      *conn
	typ    string
	filter search.Filter
	plan   *plan
	never  bool
	exact  bool
}

func (s *db) finder(ctx context.Context, c *conn, typ string, f search.Filter, o order) (*finder, error) {
	return s.finderOf(ctx, c, typ, f, o, s.limits.small)
}

// finderOf is a finder whose plan takes so many rows for few.
func (s *db) finderOf(ctx context.Context, c *conn, typ string, f search.Filter, o order, small int) (*finder, error) {
	x := compiler{s: s, ctx: ctx, c: c, typ: typ}
	n, err := x.compile(f)
	if err != nil {
		return nil, err
	}
	w := &finder{s: s, ctx: ctx, c: c, typ: typ, filter: f, exact: exact(n)}
	switch n.(type) {
	case never:
		w.never = true
		return w, nil
	case always:
		n = andNode{}
	}
	w.plan, err = s.plan(ctx, c, typ, n, o, small)
	return w, err
}

// found is a resource that the filter holds for.
type found struct {
	store.Version
	candidate
	values *index.Values // nil where nobody asked, or with Damage
}

// wants says what of a resource is needed.
type wants struct {
	body   bool
	values *params // of these parameters; nil is none
}

// next are the first resources behind a place, in order, at most n; fewer only where there are no more.
func (w *finder) next(after int64, n int, want wants) (list []found, err error) {
	if w.never {
		return nil, nil
	}
	want = w.andJudged(want)
	for len(list) < n {
		ask := n - len(list)
		if !w.exact {
			ask = max(ask, 64)
			if !w.plan.drivenInOrder() { // each round reads all of the driver's rows
				ask = max(ask, w.s.limits.large)
			}
		}
		candidates, err := w.plan.next(after, ask)
		if err != nil {
			return list, err
		}
		for _, c := range candidates {
			after = w.plan.order.place(c)
			f, ok, err := w.look(c, want)
			if err != nil {
				return list, err
			}
			if ok {
				list = append(list, f)
			}
			if len(list) == n {
				return list, nil
			}
		}
		if len(candidates) < ask {
			break
		}
	}
	return list, nil
}

// all calls f for every resource, in order.
func (w *finder) all(want wants, f func(found) error) error {
	if w.never {
		return nil
	}
	want = w.andJudged(want)
	return w.plan.each(func(c candidate) error {
		m, ok, err := w.look(c, want)
		if err == nil && ok {
			err = f(m)
		}
		return err
	})
}

// andJudged adds what has to be known to judge the filter.
func (w *finder) andJudged(want wants) wants {
	if !w.exact {
		want.values = want.values.and(judgedBy(w.filter))
	}
	return want
}

// look reads a candidate, with what andJudged says, and where the tables have not answered everything, judges it. One that cannot be
// judged is found, as undecided.
func (w *finder) look(c candidate, want wants) (f found, ok bool, err error) {
	f, err = w.s.fetch(w.c, w.typ, c, want)
	if err != nil || w.exact {
		return f, err == nil, err
	}
	if f.Damage == nil {
		j := judge{s: w.s, ctx: w.ctx, c: w.c}
		ok, err = j.matches(w.filter, match.Subject{Type: w.typ, ID: f.ID, Updated: f.Updated, Values: f.values})
		if !errors.Is(err, errDamaged) {
			return f, ok, err
		}
		f.Damage = err
	}
	f.Body, f.Damage = nil, fmt.Errorf("%w: %w", store.ErrUndecided, f.Damage)
	return f, true, nil
}

// isUndecided says whether nobody can tell whether it is a match.
func (f found) isUndecided() bool { return errors.Is(f.Damage, store.ErrUndecided) }

// fetch reads the current version of a candidate.
func (s *db) fetch(c *conn, typ string, cand candidate, want wants) (f found, err error) {
	sql := `SELECT id, version, stamp, method FROM ` + tableOf(typ) + ` WHERE number=?`
	if want.body || want.values != nil {
		sql = `SELECT id, version, stamp, method, body FROM ` + tableOf(typ) + ` WHERE number=?`
	}
	if want.values != nil {
		if err := c.work(); err != nil {
			return f, err
		}
	}
	f.candidate = cand
	err = c.each(func(st *sqlite3.Stmt) error {
		f.Version = versionKey(st, store.Key{Type: typ, ID: st.ColumnText(0)}, 1)
		f.stamp = st.ColumnInt64(2)
		switch {
		case want.values != nil:
			f.Version, f.values = s.codec.whole(f.Version, st.ColumnRawBlob(4), want.values)
			if !want.body {
				f.Body = nil
			}
			f.Version = sound(f.Version)
		case want.body:
			f.Version = s.codec.version(f.Version, st.ColumnRawBlob(4))
		}
		return nil
	}, sql, integer(keyNumber(cand.key)))
	return f, err
}

// valuesOf are the index values of a resource's current version. They fail with errDamaged where nobody knows them.
func (s *db) valuesOf(c *conn, typ string, number int64) (v index.Values, err error) {
	if err := c.work(); err != nil {
		return v, err
	}
	err = c.each(func(st *sqlite3.Stmt) (err error) {
		v, err = s.codec.values(versionKey(st, store.Key{Type: typ, ID: st.ColumnText(0)}, 1), st.ColumnRawBlob(4))
		return err
	}, `SELECT id, version, stamp, method, body FROM `+tableOf(typ)+` WHERE number=?`, integer(number))
	return v, err
}

// end is a resource at the other end of a chain or a _has.
type end struct {
	id              string
	number, patient int64
}

// find are the resources that a filter holds for, at most limit; all says whether there are no more, and each is known to be one.
func (s *db) find(ctx context.Context, c *conn, typ string, f search.Filter, limit int) (list []end, all bool, err error) {
	w, err := s.finder(ctx, c, typ, f, order{})
	if err != nil || w.never {
		return nil, true, err
	}
	var candidates []candidate
	if w.exact {
		candidates, err = w.plan.next(order{}.start(), limit+1)
	} else {
		var matches []found
		matches, err = w.next(order{}.start(), limit+1, wants{})
		for _, m := range matches {
			if m.isUndecided() {
				return nil, false, nil
			}
			candidates = append(candidates, m.candidate)
		}
	}
	if err != nil || len(candidates) > limit {
		return nil, false, err
	}
	for _, m := range candidates {
		e, err := s.end(c, typ, m.key)
		if err != nil {
			return nil, false, err
		}
		list = append(list, e)
	}
	return list, true, nil
}

func (s *db) end(c *conn, typ string, key int64) (e end, err error) {
	e.number = keyNumber(key)
	err = c.each(func(st *sqlite3.Stmt) error {
		e.id, e.patient = st.ColumnText(0), st.ColumnInt64(1)
		return nil
	}, `SELECT id, patient FROM `+tableOf(typ)+` WHERE number=?`, integer(e.number))
	return e, err
}
