package sqlite

import (
	"context"
	"fmt"
	"strconv"

	"github.com/ncruces/go-sqlite3"

	"fhirside/resources/store"
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
	store.Version
	number int64
	was    rows
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
	b := batch{s: s, c: c, known: t.g.known}
	for _, v := range list {
		values, err := r.Values(v.Version)
		if err != nil {
			done.Kept++
			continue
		}
		m := reindexed{s.index.rows(v.Type, v.number, values), t.w.packer.pack(values, v.Body)}
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
	sql, args := `SELECT number, type, id, version, body FROM resource WHERE number>? AND method<>?`, []arg{integer(after), integer(int64(store.Deleted))}
	for i, typ := range r.Types {
		sql += [2]string{` AND type IN (?`, `,?`}[min(i, 1)]
		args = append(args, text(typ))
	}
	if len(r.Types) > 0 {
		sql += `)`
	}
	err = c.each(func(st *sqlite3.Stmt) error {
		v := reindexable{number: st.ColumnInt64(0)}
		v.Type, v.ID, v.Version.Version = st.ColumnText(1), st.ColumnText(2), st.ColumnInt64(3)
		encoded, body, err := s.codec.unpack(st.ColumnRawBlob(4))
		if err != nil {
			return err
		}
		values, err := decodeValues(encoded)
		if err != nil {
			return err
		}
		v.Body, v.was, last = body, s.index.rows(v.Type, v.number, values), v.number
		list = append(list, v)
		return nil
	}, sql+` ORDER BY number LIMIT ?`, append(args, integer(int64(r.Limit)))...)
	return list, last, err
}
