package rest_test

import (
	"context"
	"errors"
	"testing"

	"fhirside/resources/rest/resttest"
	"fhirside/resources/store"
)

// retrying runs the function of each commit twice, as a store does that must retry: what the first run did is undone.
type retrying struct{ store.Store }

var errRetry = errors.New("once more")

func (r retrying) Commit(ctx context.Context, f func(store.Tx) error) error {
	err := r.Store.Commit(ctx, func(tx store.Tx) error {
		if err := f(tx); err != nil {
			return err
		}
		return errRetry
	})
	if !errors.Is(err, errRetry) {
		return err
	}
	return r.Store.Commit(ctx, f)
}

func TestScenariosWithRetries(t *testing.T) {
	resttest.Run(t, func(t *testing.T) store.Store { return retrying{openSQLite(t)} })
}
