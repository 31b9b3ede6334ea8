package sqlite

import (
	"github.com/ncruces/go-sqlite3"

	"fhirside/resources/store"
)

// What of a record that cannot be read is in the index tables is not known from its values: it is looked for by its key. That reads all of
// the tables, which is what putting a damaged record right costs.

// unreadable says that a record is left out of the index.
func (s *db) unreadable(k store.Key, err error) {
	s.opt.Log.Error("a stored resource cannot be read, and is not indexed", "resource", k.Type+"/"+k.ID, "error", err)
}

// indexed are the index rows of a resource's current version, or of a contained one, and whether it may contain others.
func (s *db) indexed(c *conn, v store.Version, number int64, record []byte) (found rows, contained bool, err error) {
	values, err := s.codec.values(v, record)
	if err == nil {
		return s.index.rows(v.Type, number, values), contains(values), nil
	}
	found, err = s.rowsOf(c, v.Type, number)
	return found, true, err
}

// rowsOf are the rows that the tables have under the key of a resource. The resources in the other table have numbers of their own, so
// that one of those may have the same key: its rows are left out.
func (s *db) rowsOf(c *conn, typ string, number int64) (found rows, err error) {
	key, live, err := c.integer(`SELECT key FROM `+tableOf(typ)+` WHERE number=? AND key IS NOT NULL`, integer(number))
	if err != nil || !live {
		return found, err
	}
	if found, err = rowsUnder(c, key); err != nil {
		return found, err
	}
	other := map[string]string{"resource": "contained", "contained": "resource"}[tableOf(typ)]
	err = c.each(func(st *sqlite3.Stmt) error {
		v := versionKey(st, store.Key{Type: st.ColumnText(0), ID: st.ColumnText(1)}, 2)
		values, err := s.codec.values(v, st.ColumnRawBlob(5))
		if err != nil { // then it loses its rows with this one, until it is put right itself
			return nil
		}
		found.without(s.index.rows(v.Type, number, values))
		return nil
	}, `SELECT type, id, version, stamp, method, body FROM `+other+` WHERE number=? AND key=?`, integer(number), integer(key))
	return found, err
}

func rowsUnder(c *conn, key int64) (found rows, err error) {
	found.key = key
	each := func(sql string, take func(st *sqlite3.Stmt)) {
		if err == nil {
			err = c.each(func(st *sqlite3.Stmt) error { take(st); return nil }, sql, integer(key))
		}
	}
	each(`SELECT term FROM term WHERE key=?`, func(st *sqlite3.Stmt) { found.term(st.ColumnInt64(0)) })
	each(`SELECT term, tokens FROM patient WHERE key=?`, func(st *sqlite3.Stmt) {
		found.patients = append(found.patients, patientRow{st.ColumnInt64(0), key, st.ColumnInt64(1)})
	})
	each(`SELECT param, lo, hi FROM date WHERE key=?`, func(st *sqlite3.Stmt) {
		found.dates = append(found.dates, dateRow{st.ColumnInt64(0), st.ColumnInt64(1), key, st.ColumnInt64(2)})
	})
	each(`SELECT param, unit, lo, hi FROM number WHERE key=?`, func(st *sqlite3.Stmt) {
		found.numbers = append(found.numbers, numberRow{st.ColumnInt64(0), key, st.ColumnInt64(1), st.ColumnFloat(2), st.ColumnFloat(3)})
	})
	each(`SELECT param, value FROM string WHERE key=?`, func(st *sqlite3.Stmt) {
		found.strings = append(found.strings, stringRow{st.ColumnInt64(0), st.ColumnText(1), key})
	})
	found.sort()
	return found, err
}

// without takes away the rows of another resource.
func (r *rows) without(other rows) {
	r.terms = left(r.terms, other.terms, termRow.compare)
	r.patients = left(r.patients, other.patients, patientRow.compare)
	r.dates = left(r.dates, other.dates, dateRow.compare)
	r.numbers = left(r.numbers, other.numbers, numberRow.compare)
	r.strings = left(r.strings, other.strings, stringRow.compare)
}

func left[T comparable](list, other []T, compare func(a, b T) int) []T {
	var c changes[T]
	c.add(list, other, compare)
	return c.gone
}
