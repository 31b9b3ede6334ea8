package sqlite

import (
	"context"
	"fmt"

	"github.com/ncruces/go-sqlite3"

	"fhirside/resources/store"
	"fhirside/search"
	"fhirside/search/match"
)

// judge decides filters on single resources, where the index tables do not answer them: by search/match, but through the tables
// for what other resources say.
type judge struct {
	s   *db
	ctx context.Context
	c   *conn
}

func (j judge) matches(f search.Filter, subject match.Subject) (bool, error) {
	switch f := f.(type) {
	case search.And:
		for _, part := range f {
			if ok, err := j.matches(part, subject); !ok || err != nil {
				return false, err
			}
		}
		return true, nil
	case search.Or:
		for _, part := range f {
			if ok, err := j.matches(part, subject); ok || err != nil {
				return ok && err == nil, err
			}
		}
		return false, nil
	case search.Not:
		ok, err := j.matches(f.Filter, subject)
		return !ok && err == nil, err
	case search.Chain:
		return j.chain(f, subject)
	case search.Has:
		return j.has(f, subject)
	}
	return match.Matches(f, subject, nil)
}

func (j judge) has(f search.Has, subject match.Subject) (bool, error) {
	refers := search.Or{search.Reference{Param: f.Param, Type: subject.Type, ID: subject.ID}}
	inside := search.IsContained(subject.Type)
	if names, ok := subject.Values.Naming(f.Param); ok && f.ByURL && !inside {
		refers = append(refers, names)
	}
	held, err := j.any(f.Type, search.And{refers, f.Filter})
	if held || err != nil || !inside {
		return held, err
	}
	return j.any(search.ContainedType(f.Type), search.And{refers, f.Filter}) // beside it
}

func (j judge) chain(f search.Chain, subject match.Subject) (bool, error) {
	for _, e := range subject.Values.References {
		ok, err := false, error(nil)
		switch {
		case e.Param != f.Param:
			continue
		case e.Type == f.Type, e.Type == search.ContainedType(f.Type):
			ok, err = j.target(store.Key{Type: e.Type, ID: e.ID}, f.Filter)
		case f.ByURL && e.URL != "":
			ok, err = j.any(f.Type, search.And{search.Named(e.URL, e.Version), f.Filter})
		}
		if ok || err != nil {
			return ok && err == nil, err
		}
	}
	return false, nil
}

// target judges the resource that a chain leads to.
func (j judge) target(k store.Key, f search.Filter) (ok bool, err error) {
	if err := j.c.work(); err != nil {
		return false, err
	}
	subject := match.Subject{Type: k.Type, ID: k.ID}
	err = j.c.each(func(st *sqlite3.Stmt) error {
		v := versionKey(st, k, 0)
		values, err := j.s.codec.values(v, st.ColumnRawBlob(3))
		subject.Updated, subject.Values = v.Updated, &values
		return err
	}, `SELECT r.version, r.stamp, r.method, r.body FROM identity i CROSS JOIN `+tableOf(k.Type)+` r ON r.number=i.number
		WHERE i.hash=? AND r.id=? AND r.type=? AND r.key IS NOT NULL`, integer(j.s.index.identity(k)), text(k.ID), text(k.Type))
	if err != nil || subject.Values == nil {
		return false, err
	}
	return j.matches(f, subject)
}

// fewForOne is how many rows are read without thinking about it where one match is enough.
const fewForOne = 10

// any says whether there is a resource that the filter holds for. It fails with errDamaged where that depends on one that cannot be
// judged.
func (j judge) any(typ string, f search.Filter) (bool, error) {
	w, err := j.s.finderOf(j.ctx, j.c, typ, f, order{}, min(fewForOne, j.s.limits.small))
	if err != nil {
		return false, err
	}
	list, err := w.next(order{}.start(), 1, wants{})
	if err != nil || len(list) == 0 || !list[0].isUndecided() {
		return len(list) > 0, err
	}
	decided := false
	err = w.all(wants{}, func(f found) error {
		decided = decided || !f.isUndecided()
		return nil
	})
	if err == nil && !decided {
		err = fmt.Errorf("%w: %w", errDamaged, list[0].Damage)
	}
	return decided, err
}
