package sqlite

import (
	_ "embed"
	"errors"
	"fmt"

	"github.com/ncruces/go-sqlite3"

	"fhirside/resources/store"
)

var (
	//go:embed schema.sql
	schema string
	//go:embed state.sql
	stateSchema string
	//go:embed contained.sql
	containedSchema string
)

// migrations bring a file from the schema version that is their index to the next one. Version 0 is an empty file.
var migrations = []string{schema, stateSchema, containedSchema}

// applicationID marks the file as fhirside's, for file(1) and for refusing others.
const applicationID = 0x46485352 // "FHSR"

// migrate brings the file up to the last version, all or nothing.
func migrate(c *conn, steps []string) error {
	version, err := schemaVersion(c)
	switch {
	case err != nil:
		return err
	case version > len(steps):
		return fmt.Errorf("its schema is version %d and this fhirside knows no later one than %d: use the fhirside that wrote it, or a newer one",
			version, len(steps))
	case version == len(steps):
		return nil
	case version > 0:
		return c.alone(func() error { return runSteps(c, steps) })
	}
	return runSteps(c, steps)
}

func runSteps(c *conn, steps []string) error {
	return c.transaction(func() error {
		version, err := schemaVersion(c) // again: another process may have made the file in between
		for v := version; v < len(steps) && err == nil; v++ {
			if err = c.db.Exec(steps[v]); err != nil {
				err = fmt.Errorf("bring the schema to version %d: %w", v+1, err)
			}
		}
		if err != nil {
			return err
		}
		return c.db.Exec(fmt.Sprintf("PRAGMA user_version=%d; PRAGMA application_id=%d", len(steps), applicationID))
	})
}

// schemaVersion is 0 for an empty file. Those of other programs are refused.
func schemaVersion(c *conn) (int, error) {
	var values [3]int64
	for i, sql := range []string{"PRAGMA user_version", "PRAGMA application_id", "SELECT count(*) FROM sqlite_schema"} {
		var err error
		if values[i], _, err = c.integer(sql); err != nil {
			return 0, err
		}
	}
	version, application, tables := values[0], values[1], values[2]
	if application != applicationID && (application != 0 || tables != 0) {
		return 0, errors.New("it is a SQLite database of something else than fhirside")
	}
	return int(version), nil
}

// alone runs f while no other connection has the file open, for changes to what the others rely on: SQLite leaves WAL mode only
// for the last one.
func (c *conn) alone(f func() error) error {
	mode := ""
	err := c.each(func(st *sqlite3.Stmt) error {
		mode = st.ColumnText(0)
		return nil
	}, "PRAGMA journal_mode=DELETE")
	if errors.Is(err, sqlite3.BUSY) || err == nil && mode == "wal" {
		return fmt.Errorf("%w: it has to be brought up to date, and another process has it open: end that first", store.ErrUnavailable)
	}
	if err != nil {
		return err
	}
	return errors.Join(f(), c.db.Exec("PRAGMA journal_mode=WAL"))
}
