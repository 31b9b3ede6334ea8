package sqlite

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"github.com/ncruces/go-sqlite3"

	"fhirside/resources/store"
)

// explain wraps an error of the database in the one of package store that callers tell apart. What the end of a context interrupted
// is the context's error.
func explain(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sqlite3.FULL), errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%w: %w", store.ErrFull, err)
	case ctx.Err() != nil && (errors.Is(err, sqlite3.INTERRUPT) || errors.Is(err, sqlite3.BUSY)):
		return context.Cause(ctx)
	case errors.Is(err, sqlite3.BUSY), errors.Is(err, sqlite3.LOCKED), errors.Is(err, sqlite3.IOERR),
		errors.Is(err, sqlite3.CANTOPEN), errors.Is(err, sqlite3.PROTOCOL), errors.Is(err, sqlite3.READONLY):
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return err
}

var errClosed = fmt.Errorf("%w: it is closed", store.ErrUnavailable)
