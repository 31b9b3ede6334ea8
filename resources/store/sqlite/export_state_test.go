package sqlite

import (
	"context"

	"fhirside/resources/store"
)

// StateRows is how many entries of a State the file holds, expired ones as well.
func StateRows(ctx context.Context, s store.Store) (n int64, err error) {
	err = s.(*db).read(ctx, func(c *conn) error {
		n, _, err = c.integer(`SELECT count(*) FROM state`)
		return err
	})
	return n, err
}
