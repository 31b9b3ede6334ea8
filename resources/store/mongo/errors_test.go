package mongo

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"fhirside/resources/store"
)

// TestNoAnswer: what the store stops waiting for is not taken for what the caller gave up, which nobody is told about.
func TestNoAnswer(t *testing.T) {
	for _, err := range []error{context.Canceled, fmt.Errorf("%w: %w", store.ErrUnavailable, context.Canceled)} {
		if err := explainSearch(context.Background(), err); !errors.Is(err, store.ErrUnavailable) || errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := explainSearch(ctx, err); !errors.Is(err, context.Canceled) {
			t.Errorf("given up: %v", err)
		}
	}
}
