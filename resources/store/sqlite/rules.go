package sqlite

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"fhirside/resources/store"
	"fhirside/search"
	"fhirside/search/index"
)

// Require keeps the number among the settings, where each commit reads it as it begins. Commits take turns, over all processes: none
// is under way meanwhile. See store.Store.
func (s *db) Require(ctx context.Context, rules int64) error {
	return s.Commit(ctx, func(x store.Tx) (err error) {
		t := x.(*tx)
		if rules <= t.g.rules {
			return nil
		}
		defer t.w.conn.guard(&err)
		err = t.try(t.w.conn.exec(`INSERT INTO setting(name, value) VALUES('required rules', ?1) ON CONFLICT(name) DO UPDATE SET value=?1`, integer(rules)))
		if err == nil {
			t.g.rules = rules
		}
		return err
	})
}

// Reindex writes index rows anew in the order of the resources' numbers, within a commit. See store.Store.
func (s *db) Reindex(ctx context.Context, r store.Reindex) (done store.Reindexed, err error) {
	after := int64(0)
	if r.After != "" {
		if after, err = strconv.ParseInt(r.After, 10, 64); err != nil {
			return done, store.ErrCursor
		}
	}
	err = s.Commit(ctx, func(x store.Tx) (err error) {
		t := x.(*tx)
		defer t.w.conn.guard(&err)
		if r.Rules < t.g.rules {
			return fmt.Errorf("reindex: %w: %d, not %d", store.ErrRules, r.Rules, t.g.rules)
		}
		if err := t.flush(); err != nil {
			return err
		}
		done, err = s.reindexSome(t, r, after)
		return t.try(err)
	})
	return done, err
}

// reindexable is a resource before its values are computed anew.
type reindexable struct {
	around
	was       rows
	contained bool
}

func (s *db) reindexSome(t *tx, r store.Reindex, after int64) (done store.Reindexed, err error) {
	c := t.w.conn
	list, last, err := s.reindexables(c, r, after)
	if err != nil {
		return done, err
	}
	done.Done = len(list)
	if len(list) == r.Limit {
		done.Last = strconv.FormatInt(last, 10)
	}
	b := batch{s: s, c: c, known: t.g.known, live: map[string]int64{}}
	for _, v := range list {
		values, err := r.Values(v.Version)
		if err != nil {
			done.Kept = append(done.Kept, v.Key)
			continue
		}
		values = values.At(v.Type, v.ID)
		if v.contained || len(values.Contained) > 0 {
			if err := b.contained(v.around, values.Contained); err != nil {
				return done, err
			}
		}
		m := reindexed{rows: s.index.rows(v.Type, v.number, values), record: t.w.packer.pack(values, v.Body)}
		b.add(v.was, m.rows)
		if err := b.learn(m.rows); err != nil {
			return done, err
		}
		if err := m.write(c); err != nil {
			return done, err
		}
	}
	return done, b.finish()
}

// reindexables are the next resources of the types.
func (s *db) reindexables(c *conn, r store.Reindex, after int64) (list []reindexable, last int64, err error) {
	sql, args := `SELECT number, type, id, version, method, stamp, body FROM resource WHERE number>? AND method<>?`, []arg{integer(after), integer(int64(store.Deleted))}
	if len(r.Types) > 0 {
		list := func(name func(string) string) string {
			for _, typ := range r.Types {
				args = append(args, text(name(typ)))
			}
			return strings.Repeat(`?,`, len(r.Types)-1) + `?`
		}
		sql += ` AND (type IN (` + list(func(typ string) string { return typ }) + `)
			OR number IN (SELECT container FROM contained WHERE type IN (` + list(search.ContainedType) + `)))`
	}
	err = c.each(func(st *sqlite3.Stmt) error {
		v := reindexable{around: around{number: st.ColumnInt64(0), stamp: st.ColumnInt64(5)}}
		v.Type, v.ID, v.Version.Version, v.Method = st.ColumnText(1), st.ColumnText(2), st.ColumnInt64(3), store.Method(st.ColumnInt64(4))
		last = v.number
		var values *index.Values
		if v.Version, values = s.codec.whole(v.Version, st.ColumnRawBlob(6), nil); values != nil {
			v.contained, v.was = contains(*values), s.index.rows(v.Type, v.number, *values)
		}
		list = append(list, v)
		return nil
	}, sql+` ORDER BY number LIMIT ?`, append(args, integer(int64(r.Limit)))...)
	return list, last, err
}
