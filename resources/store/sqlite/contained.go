package sqlite

import (
	"slices"

	"github.com/ncruces/go-sqlite3"

	"fhirside/resources/store"
	"fhirside/search"
	"fhirside/search/index"
)

// What a resource contains has rows of its own in the table contained, with numbers of its own, and index rows like any resource of
// its type (search.ContainedType). They are written and removed with the resource around them.

// tableOf is the table that has the resources of a type.
func tableOf(typ string) string {
	if search.IsContained(typ) {
		return "contained"
	}
	return "resource"
}

// anyContained says whether some of the types are those of contained resources.
func anyContained(types []string) bool { return slices.ContainsFunc(types, search.IsContained) }

// contains says whether a resource with these values contains others.
func contains(v index.Values) bool {
	return slices.ContainsFunc(v.Tokens, func(t index.Token) bool { return t.Param == search.ContainedParam })
}

// around is the version of a resource that contains others.
type around struct {
	store.Version
	number, stamp int64
}

// within is what the database holds of a contained resource.
type within struct {
	number int64
	rows   rows
}

// contained brings what a resource contains in line with its version. Those that stay keep their numbers.
func (b *batch) contained(v around, inside []index.Contained) error {
	held, err := b.s.within(b.c, v.number)
	if err != nil {
		return err
	}
	for _, c := range inside {
		k := store.Key{Type: search.ContainedType(c.Type), ID: c.ID}
		was, there := held[k]
		delete(held, k)
		if !there {
			if was.number, err = b.nextContained(); err != nil {
				return err
			}
		}
		if err := b.putContained(v, k, c, was, there); err != nil {
			return err
		}
	}
	for k, gone := range held {
		b.live[k.Type]--
		b.forgotten = append(b.forgotten, identityRow{b.s.index.identity(k), gone.number})
		b.add(gone.rows, rows{})
		if err := b.c.exec(`DELETE FROM contained WHERE number=?`, integer(gone.number)); err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) putContained(v around, k store.Key, c index.Contained, was within, there bool) error {
	is := b.s.index.rows(k.Type, was.number, c.Values)
	b.add(was.rows, is)
	if err := b.learn(is); err != nil {
		return err
	}
	patient := arg{}
	if len(is.patients) > 0 {
		patient = integer(is.patient)
	}
	p := packer{codec: b.s.codec}
	record := blob(p.pack(c.Values, c.Body))
	if there {
		return b.c.exec(`UPDATE contained SET version=?, stamp=?, method=?, key=?, patient=?, body=? WHERE number=?`,
			integer(v.Version.Version), integer(v.stamp), integer(int64(v.Method)), integer(is.key), patient, record, integer(was.number))
	}
	b.live[k.Type]++
	b.identities = append(b.identities, identityRow{b.s.index.identity(k), was.number})
	return b.c.exec(`INSERT INTO contained(number, type, id, version, stamp, method, key, patient, container, body) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		integer(was.number), text(k.Type), text(k.ID), integer(v.Version.Version), integer(v.stamp), integer(int64(v.Method)), integer(is.key),
		patient, integer(v.number), record)
}

// nextContained is the next free number of a contained resource.
func (b *batch) nextContained() (int64, error) {
	if b.lastContained == 0 {
		last, _, err := b.c.integer(`SELECT max(number) FROM contained`)
		if err != nil {
			return 0, err
		}
		b.lastContained = last
	}
	b.lastContained++
	return b.lastContained, nil
}

// within are the contained resources that the database holds of a resource.
func (s *db) within(c *conn, number int64) (held map[store.Key]within, err error) {
	held = map[store.Key]within{}
	err = c.each(func(st *sqlite3.Stmt) error {
		v, number := versionKey(st, store.Key{Type: st.ColumnText(1), ID: st.ColumnText(2)}, 3), st.ColumnInt64(0)
		was, _, err := s.indexed(c, v, number, st.ColumnRawBlob(6))
		held[v.Key] = within{number, was}
		return err
	}, `SELECT number, type, id, version, stamp, method, body FROM contained WHERE container=?`, integer(number))
	return held, err
}

// clearContained removes all contained resources, whose index rows are gone already.
func (s *db) clearContained(c *conn) error {
	var gone []identityRow
	err := c.each(func(st *sqlite3.Stmt) error {
		gone = append(gone, identityRow{s.index.identity(store.Key{Type: st.ColumnText(1), ID: st.ColumnText(2)}), st.ColumnInt64(0)})
		return nil
	}, `SELECT number, type, id FROM contained`)
	if err == nil {
		err = remove(c, forgetIdentity, gone, identityRow.compare, identityRow.bind)
	}
	if err != nil {
		return err
	}
	return c.db.Exec(`DELETE FROM contained; DELETE FROM type WHERE name GLOB 'contained.*'`)
}

const forgetIdentity = `DELETE FROM identity WHERE hash=? AND number=?`

// reindexContained writes the index rows of contained resources anew from the values that the file holds.
func (s *db) reindexContained(c *conn, known *memory) error {
	b := batch{s: s, c: c, known: known, live: map[string]int64{}}
	type moved struct {
		key, patient arg
		number       int64
	}
	var all []moved
	err := c.each(func(st *sqlite3.Stmt) error {
		v := versionKey(st, store.Key{Type: st.ColumnText(1), ID: st.ColumnText(2)}, 3)
		values, err := s.codec.values(v, st.ColumnRawBlob(6))
		if err != nil {
			s.unreadable(v.Key, err)
			return nil
		}
		m := moved{number: st.ColumnInt64(0)}
		is := s.index.rows(v.Type, m.number, values)
		if m.key = integer(is.key); len(is.patients) > 0 {
			m.patient = integer(is.patient)
		}
		all = append(all, m)
		b.add(rows{}, is)
		return b.learn(is)
	}, `SELECT number, type, id, version, stamp, method, body FROM contained ORDER BY number`)
	for i := 0; i < len(all) && err == nil; i++ {
		err = c.exec(`UPDATE contained SET key=?, patient=? WHERE number=?`, all[i].key, all[i].patient, integer(all[i].number))
	}
	if err != nil {
		return err
	}
	return b.finish()
}
