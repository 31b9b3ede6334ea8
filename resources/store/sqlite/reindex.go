package sqlite

import (
	"github.com/ncruces/go-sqlite3"

	"fhirside/resources/store"
	"fhirside/search/index"
)

// reindex writes the index tables anew, within the running transaction: from the index values that the file holds or, where the
// rules for these have changed, from the bodies.
func (s *db) reindex(c *conn, fromBodies bool) error {
	err := c.db.Exec(`DELETE FROM term; DELETE FROM patient; DELETE FROM date; DELETE FROM number; DELETE FROM string;
		DELETE FROM word; DELETE FROM span`)
	if err != nil {
		return err
	}
	known := newMemory(nil)
	if fromBodies {
		err = s.clearContained(c)
	} else {
		err = s.reindexContained(c, known)
	}
	if err != nil {
		return err
	}
	p := packer{codec: s.codec}
	for last, n := int64(0), 1; n > 0; {
		b := batch{s: s, c: c, known: known, live: map[string]int64{}}
		var moved []reindexed
		n = 0
		err := c.each(func(st *sqlite3.Stmt) error {
			n++
			last = st.ColumnInt64(0)
			v := around{number: last, stamp: st.ColumnInt64(4)}
			v.Type, v.ID, v.Version.Version, v.Method = st.ColumnText(1), st.ColumnText(2), st.ColumnInt64(3), store.Method(st.ColumnInt64(5))
			m, err := s.reindexed(&p, v, st.ColumnRawBlob(6), fromBodies)
			if err != nil { // it is found by no search until it is put right
				s.unreadable(v.Key, err)
				return nil
			}
			moved = append(moved, m)
			b.add(rows{}, m.rows)
			return b.learn(m.rows)
		}, `SELECT number, type, id, version, stamp, method, body FROM resource WHERE number>? AND method<>? ORDER BY number LIMIT 2000`,
			integer(last), integer(int64(store.Deleted)))
		if err != nil {
			return err
		}
		for _, m := range moved {
			if err := m.write(c); err != nil {
				return err
			}
			if len(m.inside) > 0 {
				if err := b.contained(m.around, m.inside); err != nil {
					return err
				}
			}
		}
		if err := b.finish(); err != nil {
			return err
		}
	}
	if fromBodies {
		if err := c.exec(`UPDATE setting SET value=? WHERE name='rules'`, blob([]byte(s.opt.Rules))); err != nil {
			return err
		}
	}
	return c.exec(`UPDATE setting SET value=? WHERE name='layout'`, blob([]byte(s.opt.Layout.fingerprint())))
}

// reindexed is what a resource has then.
type reindexed struct {
	rows
	record []byte // nil: as before
	around around
	inside []index.Contained
}

func (s *db) reindexed(p *packer, v around, record []byte, fromBody bool) (m reindexed, err error) {
	var values index.Values
	if fromBody {
		if values, err = s.valuesAnew(&v, record); err != nil {
			return m, err
		}
		m.around, m.inside = v, values.Contained
		m.record = p.pack(values, v.Body)
	} else if values, err = s.codec.values(v.Version, record); err != nil {
		return m, err
	}
	m.rows = s.index.rows(v.Type, v.number, values)
	return m, nil
}

// valuesAnew computes a record's index values from its body. Those in there may be in another encoding.
func (s *db) valuesAnew(v *around, record []byte) (values index.Values, err error) {
	if v.Version = s.codec.version(v.Version, record); v.Damage != nil {
		return values, v.Damage
	}
	values, err = s.opt.Values(v.Body)
	return values.At(v.Type, v.ID), err
}

func (m reindexed) write(c *conn) error {
	number, patient := integer(keyNumber(m.key)), arg{}
	if len(m.patients) > 0 {
		patient = integer(m.patient)
	}
	err := c.exec(`UPDATE resource SET key=?, patient=? WHERE number=?`, integer(m.key), patient, number)
	if err == nil && m.record != nil {
		err = c.exec(`UPDATE resource SET body=? WHERE number=?`, blob(m.record), number)
	}
	return err
}
