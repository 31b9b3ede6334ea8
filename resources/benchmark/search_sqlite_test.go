package benchmark

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/klauspost/compress/s2"
	"github.com/ncruces/go-sqlite3"

	"fhirside/resources/store/sqlite"
)

// traced is what a store asks SQLite while it is watched.
var traced struct {
	on         atomic.Bool // connections that are opened meanwhile are traced for good
	statements []statement
	last       map[*sqlite3.Stmt]int // where among them it ran last
}

// statement is one that ran, with its parameters, how many rows were taken of it, and how many steps of SQLite's machine that took.
type statement struct {
	sql   string
	args  row
	rows  int
	steps int64
}

func init() {
	sqlite3.AutoExtension(func(c *sqlite3.Conn) error {
		if !traced.on.Load() {
			return nil
		}
		return c.Trace(sqlite3.TRACE_STMT|sqlite3.TRACE_ROW|sqlite3.TRACE_PROFILE, func(event sqlite3.TraceEvent, subject, _ any) error {
			if st, ok := subject.(*sqlite3.Stmt); ok {
				trace(event, st)
			}
			return nil
		})
	})
}

func trace(event sqlite3.TraceEvent, st *sqlite3.Stmt) {
	if st.ColumnCount() == 0 {
		return // BEGIN and COMMIT
	}
	switch event {
	case sqlite3.TRACE_STMT:
		traced.last[st] = len(traced.statements)
		traced.statements = append(traced.statements, statement{sql: st.SQL(), args: arguments(st.SQL(), st.ExpandedSQL())})
	case sqlite3.TRACE_ROW:
		traced.statements[traced.last[st]].rows++
	case sqlite3.TRACE_PROFILE:
		traced.statements[traced.last[st]].steps += int64(st.Status(sqlite3.STMTSTATUS_VM_STEP, true))
	}
}

var (
	parameter = regexp.MustCompile(`\?([0-9]*)`)
	literal   = regexp.MustCompile(`^('(?:[^']|'')*'|x'[0-9a-f]*'|NULL|[-+0-9.einfa]+)`)
)

// arguments are the parameters of a statement, taken from its text with their values in it. Numbered ones may stand in it twice.
func arguments(sql, expanded string) row {
	values := make(row, strings.Count(sql, "?"))
	most, end := 0, 0
	for i, at := range parameter.FindAllStringSubmatchIndex(sql, -1) {
		n := i + 1
		if number := sql[at[2]:at[3]]; number != "" {
			n, _ = strconv.Atoi(number)
		}
		expanded = strings.TrimPrefix(expanded, sql[end:at[0]])
		value := literal.FindString(expanded)
		expanded = expanded[len(value):]
		values[n-1], most, end = valueOf(value), max(most, n), at[1]
	}
	return values[:most]
}

func valueOf(literal string) any {
	if text, ok := strings.CutPrefix(literal, "'"); ok {
		return strings.ReplaceAll(strings.TrimSuffix(text, "'"), "''", "'")
	}
	if i, err := strconv.ParseInt(literal, 10, 64); err == nil {
		return i
	}
	if f, err := strconv.ParseFloat(literal, 64); err == nil {
		return f
	}
	if literal == "NULL" {
		return nil
	}
	panic("a parameter of another kind: " + literal)
}

// onSQLite is the set in a file, which two stores have open: one to be timed and one to be watched.
func (b *bench) onSQLite(copies int) *site {
	file := b.file(copies)
	open := func() *clinic {
		s, err := sqlite.Open(b.Context(), file, sqlite.Options{Readers: 1})
		b.must(err)
		b.Cleanup(func() { s.Close() })
		return b.clinic(s)
	}
	watched, r := open(), b.replay(file)
	return &site{clinic: open(), watch: func(query string) (w work) {
		traced.statements, traced.last = nil, map[*sqlite3.Stmt]int{}
		traced.on.Store(true)
		_, err := watched.run(query)
		traced.on.Store(false)
		b.must(err)
		for _, one := range traced.statements {
			w.examined += one.steps
		}
		needed, err := r.needed(traced.statements)
		b.must(err)
		w.again = func() error { return r.run(needed) }
		return w
	}}
}

// file holds the set so many times.
func (b *bench) file(copies int) string {
	file := fmt.Sprintf("%s/synthea-%d.db", cmp.Or(*keep, b.dir), copies)
	if !exists(file) {
		b.stock("sqlite:"+file, copies)
	}
	return file
}

// replay is the floor of searches: the statements that the store sent for one, each prepared once, and the bodies decoded.
type replay struct {
	db   *sqlite3.Conn
	dict *s2.Dict
	all  map[string]*prepared
}

type prepared struct {
	*sqlite3.Stmt
	body int // the column, -1: none
}

func (b *bench) replay(file string) *replay {
	db, err := sqlite3.Open("file:" + file + "?mode=ro")
	b.must(err)
	b.Cleanup(func() { db.Close() })
	b.must(db.Exec("PRAGMA cache_size=-16384")) // as the store's readers
	dict, err := vocabulary(db)
	b.must(err)
	return &replay{db: db, dict: dict, all: map[string]*prepared{}}
}

// needed are those of the statements that the store has not given up before they found anything.
func (r *replay) needed(list []statement) (needed []statement, err error) {
	for _, one := range list {
		st, err := r.prepare(one.sql)
		if err != nil {
			return nil, err
		}
		st.Status(sqlite3.STMTSTATUS_VM_STEP, true)
		if err := r.one(one); err != nil {
			return nil, err
		}
		if steps := int64(st.Status(sqlite3.STMTSTATUS_VM_STEP, true)); one.rows > 0 || steps <= one.steps+one.steps/10 {
			needed = append(needed, one)
		}
	}
	return needed, nil
}

// run takes as many rows of each statement as the store took.
func (r *replay) run(list []statement) error {
	if err := r.db.Exec("BEGIN"); err != nil {
		return err
	}
	for _, one := range list {
		if err := r.one(one); err != nil {
			return fmt.Errorf("%s: %w", one.sql, err)
		}
	}
	return r.db.Exec("COMMIT")
}

func (r *replay) one(one statement) error {
	st, err := r.prepare(one.sql)
	if err != nil {
		return err
	}
	for i, value := range one.args {
		if err := bind(st.Stmt, i+1, value); err != nil {
			return err
		}
	}
	for n := 0; n < max(one.rows, 1) && st.Step(); n++ {
		if st.body < 0 {
			continue
		}
		if _, err := decode(r.dict, st.ColumnRawBlob(st.body)); err != nil {
			return err
		}
	}
	if err := st.Err(); err != nil {
		return err
	}
	return st.Reset()
}

func (r *replay) prepare(sql string) (*prepared, error) {
	if st, ok := r.all[sql]; ok {
		return st, nil
	}
	st, _, err := r.db.Prepare(sql)
	if err != nil {
		return nil, err
	}
	p := &prepared{Stmt: st, body: -1}
	for i := range st.ColumnCount() {
		if st.ColumnName(i) == "body" {
			p.body = i
		}
	}
	r.all[sql] = p
	return p, nil
}
