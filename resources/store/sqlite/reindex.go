package sqlite

import (
	"github.com/ncruces/go-sqlite3"

	"fhirside/resources/store"
)

// reindex writes the index tables anew from the index values that the file holds, within the running transaction.
func (s *db) reindex(c *conn) error {
	err := c.db.Exec(`DELETE FROM term; DELETE FROM patient; DELETE FROM date; DELETE FROM number; DELETE FROM string;
		DELETE FROM word; DELETE FROM span`)
	if err != nil {
		return err
	}
	known := newMemory(nil)
	for last, n := int64(0), 1; n > 0; {
		b := batch{s: s, c: c, known: known}
		var moved []rows
		n = 0
		err := c.each(func(st *sqlite3.Stmt) error {
			n++
			last = st.ColumnInt64(0)
			values, err := s.codec.values(st.ColumnRawBlob(2))
			if err != nil {
				return err
			}
			r := s.index.rows(st.ColumnText(1), last, values)
			moved = append(moved, r)
			b.add(rows{}, r)
			return b.learn(r)
		}, `SELECT number, type, body FROM resource WHERE number>? AND method<>? ORDER BY number LIMIT 2000`,
			integer(last), integer(int64(store.Deleted)))
		if err != nil {
			return err
		}
		for _, r := range moved {
			patient := arg{}
			if len(r.patients) > 0 {
				patient = integer(r.patient)
			}
			if err := c.exec(`UPDATE resource SET key=?, patient=? WHERE number=?`, integer(r.key), patient, integer(keyNumber(r.key))); err != nil {
				return err
			}
		}
		if err := b.finish(); err != nil {
			return err
		}
	}
	return c.exec(`UPDATE setting SET value=? WHERE name='layout'`, blob([]byte(s.opt.Layout.fingerprint())))
}
