package sqlite

import (
	"context"
	"time"

	"github.com/ncruces/go-sqlite3"

	"fhirside/resources/store"
)

// Cramp makes a store take the ways of searches over many resources with few of them.
func Cramp(s store.Store, small, large, patience, few, climb, page int) {
	s.(*db).limits = limits{small, large, patience, few, climb, page}
}

// ClimbFrom is how many rows there must be for an order to be taken from a table.
func ClimbFrom(s store.Store, rows int) { s.(*db).limits.climb = rows }

// SetBusyTimeout is for connections opened from then on. It returns the one before.
func SetBusyTimeout(d time.Duration) (before time.Duration) {
	before, busyTimeout = busyTimeout, d
	return before
}

// Steps are those of SQLite's machine that the readers took since it was last asked.
func Steps(s store.Store) (n int) {
	for _, c := range s.(*db).readers.idle {
		for _, st := range c.stmts {
			n += st.Status(sqlite3.STMTSTATUS_VM_STEP, true)
		}
	}
	return n
}

// Plans are SQLite's plans for the statements that the readers prepared, by statement.
func Plans(s store.Store) (map[string][]string, error) {
	plans := map[string][]string{}
	for _, c := range s.(*db).readers.idle {
		for text := range c.stmts {
			st, _, err := c.db.Prepare("EXPLAIN QUERY PLAN " + text)
			if err != nil {
				continue // BEGIN and its like
			}
			for st.Step() {
				plans[text] = append(plans[text], st.ColumnText(3))
			}
			if err := st.Close(); err != nil {
				return nil, err
			}
		}
	}
	return plans, nil
}

// Exec runs SQL on the file behind the store's back.
func Exec(path, sql string) error {
	db, err := sqlite3.Open(fileURI(path))
	if err != nil {
		return err
	}
	defer db.Close()
	return db.Exec(sql)
}

// Hold reads the file as it is now until release is called.
func Hold(path string) (release func() error, err error) {
	db, err := sqlite3.Open(fileURI(path))
	if err != nil {
		return nil, err
	}
	return db.Close, db.Exec("BEGIN; SELECT count(*) FROM resource")
}

// Check is SQLite's own check of the file.
func Check(path string) (result string, err error) {
	db, err := sqlite3.Open(fileURI(path))
	if err != nil {
		return "", err
	}
	defer db.Close()
	st, _, err := db.Prepare("PRAGMA integrity_check")
	if err != nil {
		return "", err
	}
	defer st.Close()
	for st.Step() {
		result += st.ColumnText(0)
	}
	return result, st.Err()
}

// Migrate brings a file to the schema of these steps.
func Migrate(path string, steps []string) error {
	c, err := connect(context.Background(), fileURI(path))
	if err != nil {
		return err
	}
	defer c.close()
	return migrate(c, steps)
}

// Migrations are those of this version.
func Migrations() []string { return migrations }
