package sqlite

import (
	_ "embed"
	"fmt"
)

//go:embed schema.sql
var schema string

// migrations bring a file from the schema version that is their index to the next one. Version 0 is an empty file.
var migrations = []string{schema}

// applicationID marks the file as fhirside's, for file(1) and for refusing others.
const applicationID = 0x46485352 // "FHSR"

// migrate brings the file up to the last version, all or nothing.
func migrate(c *conn, steps []string) (err error) {
	if done, err := upToDate(c, steps); done || err != nil {
		return err
	}
	if err := c.db.Exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			c.db.Exec("ROLLBACK")
		}
	}()
	version, _, err := c.integer("PRAGMA user_version") // again: another process may have been faster
	if err != nil {
		return err
	}
	for v := int(version); v < len(steps); v++ {
		if err := c.db.Exec(steps[v]); err != nil {
			return fmt.Errorf("bring the schema to version %d: %w", v+1, err)
		}
	}
	if err := c.db.Exec(fmt.Sprintf("PRAGMA user_version=%d; PRAGMA application_id=%d; COMMIT", len(steps), applicationID)); err != nil {
		return err
	}
	return nil
}

// upToDate also refuses files that are not for this program.
func upToDate(c *conn, steps []string) (bool, error) {
	version, _, err := c.integer("PRAGMA user_version")
	if err != nil {
		return false, err
	}
	application, _, err := c.integer("PRAGMA application_id")
	if err != nil {
		return false, err
	}
	tables, _, err := c.integer("SELECT count(*) FROM sqlite_schema")
	if err != nil {
		return false, err
	}
	switch {
	case application != applicationID && (application != 0 || tables != 0):
		return false, fmt.Errorf("it is a SQLite database of something else than fhirside")
	case int(version) > len(steps):
		return false, fmt.Errorf("its schema is version %d and this fhirside knows no later one than %d: use the fhirside that wrote it, or a newer one",
			version, len(steps))
	}
	return int(version) == len(steps), nil
}
