package sqlite

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"fhirside/resources/store"
)

// flush writes the first n pending versions of the group to the database.
func (w *writer) flush(g *group, n int) error {
	if n == 0 {
		return nil
	}
	b := batch{s: w.s, c: w.conn, known: g.known, live: map[string]int64{}}
	last := make(map[store.Key]*version, n)
	for _, v := range g.pending[:n] {
		last[v.Key] = v
	}
	for _, v := range g.pending[:n] {
		if last[v.Key] != v {
			continue
		}
		if err := b.write(v); err != nil {
			return err
		}
	}
	if err := b.finish(); err != nil {
		return err
	}
	rest := g.pending[n:]
	for _, v := range rest {
		if v.after != nil && last[v.Key] == v.after {
			v.after, v.stored = nil, true
		}
	}
	for k, v := range last {
		if g.current[k] == v {
			delete(g.current, k)
		}
	}
	g.pending = append([]*version(nil), rest...)
	return nil
}

// batch collects the rows of many versions, so that each table gets them in its own order: neighbours in a B-tree are written
// while their page is at hand.
type batch struct {
	s     *db
	c     *conn
	known *memory
	live  map[string]int64 // by type, how many more resources are not deleted

	lastContained int64 // the last number given to a contained resource; 0: not known

	identities []identityRow
	forgotten  []identityRow
	terms      changes[termRow]
	patients   changes[patientRow]
	dates      changes[dateRow]
	numbers    changes[numberRow]
	strings    changes[stringRow]
}

type identityRow struct{ hash, number int64 }

// changes are the rows of a table that go and that come.
type changes[T comparable] struct{ gone, come []T }

// add notes the difference between the rows of two versions.
func (c *changes[T]) add(was, is []T, compare func(a, b T) int) {
	for len(was) > 0 && len(is) > 0 {
		switch order := compare(was[0], is[0]); {
		case order == 0:
			was, is = was[1:], is[1:]
		case order < 0:
			c.gone, was = append(c.gone, was[0]), was[1:]
		default:
			c.come, is = append(c.come, is[0]), is[1:]
		}
	}
	c.gone, c.come = append(c.gone, was...), append(c.come, is...)
}

// write takes the last version of a resource, and those pending before it.
func (b *batch) write(v *version) error {
	was, contained, wasLive, err := b.replace(v)
	if err != nil {
		return err
	}
	if contained || len(v.values.Contained) > 0 {
		if err := b.contained(around{v.Version, v.number, v.stamp}, v.values.Contained); err != nil {
			return err
		}
	}
	is, isLive := rows{}, v.record != nil
	key, patient := arg{}, arg{}
	if isLive {
		is = b.s.index.rows(v.Type, v.number, v.values)
		key = integer(is.key)
		if len(is.patients) > 0 {
			patient = integer(is.patient)
		}
	}
	switch {
	case isLive && !wasLive:
		b.live[v.Type]++
	case wasLive && !isLive:
		b.live[v.Type]--
	}
	b.add(was, is)
	if err := b.learn(is); err != nil {
		return err
	}
	if v.stored {
		return b.c.exec(`UPDATE resource SET version=?, stamp=?, method=?, key=?, patient=?, body=? WHERE number=?`,
			integer(v.Version.Version), integer(v.stamp), integer(int64(v.Method)), key, patient, blob(v.record), integer(v.number))
	}
	b.identities = append(b.identities, identityRow{b.s.index.identity(v.Key), v.number})
	return b.c.exec(`INSERT INTO resource(number, type, id, version, stamp, method, key, patient, body) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		integer(v.number), text(v.Type), text(v.ID), integer(v.Version.Version), integer(v.stamp), integer(int64(v.Method)), key, patient, blob(v.record))
}

// replace moves the versions before v to the history and gives the index rows of the one that the database holds, and whether it
// contains other resources.
func (b *batch) replace(v *version) (was rows, contained, live bool, err error) {
	for p := v.after; p != nil; p = p.after {
		err := b.c.exec(`INSERT INTO history(stamp, number, type, version, method, body) VALUES(?, ?, ?, ?, ?, ?)`,
			integer(p.stamp), integer(p.number), text(p.Type), integer(p.Version.Version), integer(int64(p.Method)), blob(p.record))
		if err != nil {
			return was, false, false, err
		}
	}
	if !v.stored {
		return was, false, false, nil
	}
	err = b.c.each(func(st *sqlite3.Stmt) (err error) {
		if st.ColumnType(0) == sqlite3.NULL {
			return nil
		}
		live = true
		was, contained, err = b.s.indexed(b.c, versionKey(st, v.Key, 1), v.number, st.ColumnRawBlob(0))
		return err
	}, `SELECT body, version, stamp, method FROM resource WHERE number=?`, integer(v.number))
	if err != nil {
		return was, false, false, err
	}
	return was, contained, live, b.c.exec(`INSERT INTO history(stamp, number, type, version, method, body)
		SELECT stamp, number, type, version, method, body FROM resource WHERE number=?`, integer(v.number))
}

// add notes which index rows go and which come with a version.
func (b *batch) add(was, is rows) {
	b.terms.add(was.terms, is.terms, termRow.compare)
	b.patients.add(was.patients, is.patients, patientRow.compare)
	b.dates.add(was.dates, is.dates, dateRow.compare)
	b.numbers.add(was.numbers, is.numbers, numberRow.compare)
	b.strings.add(was.strings, is.strings, stringRow.compare)
}

// learn writes what searches need to know of the values that occur, where it is news.
func (b *batch) learn(r rows) error {
	for _, w := range r.words {
		if b.known.learn(w) {
			if err := b.c.exec(`INSERT OR IGNORE INTO word(param, word) VALUES(?, ?)`, integer(w.param), text(w.word)); err != nil {
				return err
			}
		}
	}
	for _, s := range r.spans {
		if b.known.widen(s) {
			several := int64(0)
			if s.several {
				several = 1
			}
			err := b.c.exec(`INSERT INTO span(param, width, several) VALUES(?1, ?2, ?3)
				ON CONFLICT(param) DO UPDATE SET width=max(width, ?2), several=max(several, ?3)`,
				integer(s.param), integer(s.width), integer(several))
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// finish writes what was collected.
func (b *batch) finish() error {
	err := cmp.Or(
		remove(b.c, `DELETE FROM term WHERE term=? AND key=?`, b.terms.gone, termRow.compare, termRow.bind),
		remove(b.c, `DELETE FROM patient WHERE term=? AND key=? AND tokens=?`, b.patients.gone, patientRow.compare, patientRow.bind),
		remove(b.c, `DELETE FROM date WHERE param=? AND lo=? AND key=? AND hi=?`, b.dates.gone, dateRow.compare, dateRow.bind),
		remove(b.c, `DELETE FROM number WHERE param=? AND key=? AND unit=? AND lo=? AND hi=?`, b.numbers.gone, numberRow.compare, numberRow.bind),
		remove(b.c, `DELETE FROM string WHERE param=? AND value=? AND key=?`, b.strings.gone, stringRow.compare, stringRow.bind),
		remove(b.c, forgetIdentity, b.forgotten, identityRow.compare, identityRow.bind),
		insert(b.c, `identity(hash, number)`, b.identities, identityRow.compare, identityRow.bind),
		insert(b.c, `term(term, key)`, b.terms.come, termRow.compare, termRow.bind),
		insert(b.c, `patient(term, key, tokens)`, b.patients.come, patientRow.compare, patientRow.bind),
		insert(b.c, `date(param, lo, key, hi)`, b.dates.come, dateRow.compare, dateRow.bind),
		insert(b.c, `number(param, key, unit, lo, hi)`, b.numbers.come, numberRow.compare, numberRow.bind),
		insert(b.c, `string(param, value, key)`, b.strings.come, stringRow.compare, stringRow.bind),
	)
	for _, typ := range slices.Sorted(maps.Keys(b.live)) {
		if err == nil {
			err = b.c.exec(`INSERT INTO type(name, live) VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET live=live+?2`,
				text(typ), integer(b.live[typ]))
		}
	}
	return err
}

// binder binds a row to the parameters of a statement from the i-th on.
type binder[T any] func(row T, st *sqlite3.Stmt, i int) error

func remove[T any](c *conn, sql string, list []T, compare func(a, b T) int, bind binder[T]) error {
	slices.SortFunc(list, compare)
	for _, row := range list {
		st, err := c.prepare(sql)
		if err == nil {
			err = bind(row, st, 1)
		}
		if err == nil {
			err = st.Exec()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// insert writes rows, many with each statement.
func insert[T any](c *conn, table string, list []T, compare func(a, b T) int, bind binder[T]) error {
	slices.SortFunc(list, compare)
	for len(list) > 0 {
		n := 1
		if len(list) >= rowsPerInsert {
			n = rowsPerInsert
		}
		if err := insertSome(c, table, list[:n], bind); err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}

const rowsPerInsert = 32

// insertSome: OR FAIL, because a statement of several rows that may have to be undone by itself is written to a journal of its own.
// What it leaves behind when it fails goes with the transaction.
func insertSome[T any](c *conn, table string, list []T, bind binder[T]) error {
	columns := strings.Count(table, ",") + 1
	row := "(?" + strings.Repeat(",?", columns-1) + ")"
	st, err := c.prepare("INSERT OR FAIL INTO " + table + " VALUES" + row + strings.Repeat(","+row, len(list)-1))
	if err != nil {
		return err
	}
	for i, row := range list {
		if err := bind(row, st, i*columns+1); err != nil {
			return err
		}
	}
	return st.Exec()
}

func (r identityRow) compare(s identityRow) int {
	return cmp.Or(cmp.Compare(r.hash, s.hash), cmp.Compare(r.number, s.number))
}

func (r identityRow) bind(st *sqlite3.Stmt, i int) error {
	return cmp.Or(st.BindInt64(i, r.hash), st.BindInt64(i+1, r.number))
}

func (a termRow) bind(st *sqlite3.Stmt, i int) error {
	return cmp.Or(st.BindInt64(i, a.term), st.BindInt64(i+1, a.key))
}

func (a patientRow) bind(st *sqlite3.Stmt, i int) error {
	return cmp.Or(st.BindInt64(i, a.term), st.BindInt64(i+1, a.key), st.BindInt64(i+2, a.tokens))
}

func (a dateRow) bind(st *sqlite3.Stmt, i int) error {
	return cmp.Or(st.BindInt64(i, a.param), st.BindInt64(i+1, a.lo), st.BindInt64(i+2, a.key), st.BindInt64(i+3, a.hi))
}

func (a numberRow) bind(st *sqlite3.Stmt, i int) error {
	return cmp.Or(st.BindInt64(i, a.param), st.BindInt64(i+1, a.key), st.BindInt64(i+2, a.unit), st.BindFloat(i+3, a.lo), st.BindFloat(i+4, a.hi))
}

func (a stringRow) bind(st *sqlite3.Stmt, i int) error {
	return cmp.Or(st.BindInt64(i, a.param), st.BindText(i+1, a.value), st.BindInt64(i+2, a.key))
}
