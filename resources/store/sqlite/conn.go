package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/ncruces/go-sqlite3"

	"fhirside/resources/store"
)

// conn is a connection with its prepared statements. One goroutine uses it at a time.
type conn struct {
	db     *sqlite3.Conn
	stmts  map[string]*sqlite3.Stmt
	meter  *meter // the bound on the running search
	broken bool   // it ran out of memory in the middle of something: not to be used again
}

// maxStatements bounds how many statements a connection keeps: searches come in many shapes.
const maxStatements = 512

func (c *conn) prepare(sql string) (*sqlite3.Stmt, error) {
	if st, ok := c.stmts[sql]; ok {
		return st, nil
	}
	if len(c.stmts) >= maxStatements {
		for text, st := range c.stmts {
			if !st.Busy() {
				st.Close()
				delete(c.stmts, text)
			}
		}
	}
	st, _, err := c.db.PrepareFlags(sql, sqlite3.PREPARE_PERSISTENT)
	if err != nil {
		return nil, fmt.Errorf("%w in %s", err, sql)
	}
	c.stmts[sql] = st
	return st, nil
}

// bind prepares the statement with its parameters in order.
func (c *conn) bind(sql string, args ...arg) (*sqlite3.Stmt, error) {
	if c.meter != nil {
		c.meter.statement()
	}
	st, err := c.prepare(sql)
	if err != nil {
		return nil, err
	}
	for i, a := range args {
		if err := a.bind(st, i+1); err != nil {
			return nil, err
		}
	}
	return st, nil
}

// exec runs a statement that returns nothing.
func (c *conn) exec(sql string, args ...arg) error {
	st, err := c.bind(sql, args...)
	if err != nil {
		return err
	}
	return st.Exec()
}

// each calls f for each row.
func (c *conn) each(f func(st *sqlite3.Stmt) error, sql string, args ...arg) error {
	st, err := c.bind(sql, args...)
	if err != nil {
		return err
	}
	for c.step(st) {
		if err := f(st); err != nil {
			st.Reset()
			return err
		}
	}
	err = st.Err()
	if rerr := st.Reset(); err == nil {
		err = rerr
	}
	return err
}

// step is Stmt.Step, which asks the meter once more than SQLite does.
func (c *conn) step(st *sqlite3.Stmt) bool {
	if c.meter != nil {
		c.meter.credit()
	}
	return st.Step()
}

// integer is the first column of the first row; ok says whether there is one that is not null.
func (c *conn) integer(sql string, args ...arg) (n int64, ok bool, err error) {
	st, err := c.bind(sql, args...)
	if err != nil {
		return 0, false, err
	}
	if c.step(st) {
		ok = st.ColumnType(0) != sqlite3.NULL
		n = st.ColumnInt64(0)
	}
	err = st.Err()
	st.Reset()
	return n, ok, err
}

func (c *conn) close() error {
	for _, st := range c.stmts {
		st.Close()
	}
	c.stmts = nil
	return c.db.Close()
}

// discard closes a connection that is of no use: it may be broken, and somebody else reports why.
func (c *conn) discard() {
	defer func() { _ = recover() }()
	_ = c.close()
}

// guard keeps a connection that ran out of memory, which its binding reports by a panic, from taking the process with it. It is
// deferred.
func (c *conn) guard(err *error) {
	switch r := recover(); {
	case r == nil:
	case fmt.Sprint(r) == "sqlite3: out of memory":
		c.broken = true
		*err = fmt.Errorf("%w: %v", store.ErrUnavailable, r)
	default:
		panic(r)
	}
}

// interruptible makes what the connection does end with the context. Call the returned function when done.
func (c *conn) interruptible(ctx context.Context) func() {
	if ctx.Done() == nil {
		return func() {}
	}
	c.db.SetInterrupt(ctx)
	return func() { c.db.SetInterrupt(context.Background()) }
}

// transaction runs f in a transaction that writes.
func (c *conn) transaction(f func() error) error {
	if err := c.db.Exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := f()
	if err == nil {
		err = c.db.Exec("COMMIT")
	}
	if err != nil {
		c.rollback()
	}
	return err
}

// rollback ends a transaction that failed, unless SQLite has done so.
func (c *conn) rollback() {
	if !c.db.GetAutocommit() {
		_ = c.db.Exec("ROLLBACK") // whoever rolls back has an error already
	}
}

// arg is a parameter of a statement.
type arg struct {
	kind byte // 'i', 'f', 's', 'b' or 0 for null
	i    int64
	f    float64
	s    string
	b    []byte
}

func integer(i int64) arg { return arg{kind: 'i', i: i} }
func real(f float64) arg  { return arg{kind: 'f', f: f} }
func text(s string) arg   { return arg{kind: 's', s: s} }
func blob(b []byte) arg   { return arg{kind: 'b', b: b} }

func (a arg) bind(st *sqlite3.Stmt, i int) error {
	switch a.kind {
	case 'i':
		return st.BindInt64(i, a.i)
	case 'f':
		return st.BindFloat(i, a.f)
	case 's':
		return st.BindText(i, a.s)
	case 'b':
		return st.BindBlob(i, a.b) // null where nil
	}
	return st.BindNull(i)
}

// connect opens a connection to the file.
func connect(ctx context.Context, uri string, pragmas ...string) (*conn, error) {
	db, err := sqlite3.OpenContext(ctx, uri)
	if err != nil {
		return nil, err
	}
	c := &conn{db: db, stmts: map[string]*sqlite3.Stmt{}}
	// Plans must not depend on values: SQLite would prepare each statement anew whenever its LIMIT changes.
	_, err = db.Config(sqlite3.DBCONFIG_ENABLE_QPSG, true)
	if err == nil {
		err = db.BusyTimeout(busyTimeout)
	}
	if err != nil {
		c.discard()
		return nil, err
	}
	for _, p := range pragmas {
		if err := db.Exec("PRAGMA " + p); err != nil {
			c.discard()
			return nil, err
		}
	}
	return c, nil
}

// busyTimeout is how long a writer waits for another process.
var busyTimeout = 10 * time.Second

// snapshot runs f so that all of its statements see the same state of the database, and take its lock only once.
func (c *conn) snapshot(f func() error) error {
	if !c.db.GetAutocommit() {
		return f() // within a transaction
	}
	if err := c.exec("BEGIN"); err != nil {
		return err
	}
	err := f()
	if end := c.exec("COMMIT"); err == nil {
		err = end
	}
	return err
}
