package main

import (
	"context"
	"fmt"
	"strings"

	"fhirside/resources/store"
	"fhirside/resources/store/mongo"
	"fhirside/resources/store/sqlite"
)

// storeUsage documents the flag that openStore reads.
const storeUsage = "database: sqlite:PATH, sqlite::memory: for one that is gone at the end, or mongodb://HOST/NAME?replicaSet=…"

// openStore opens the store that a --store flag names.
func openStore(ctx context.Context, url string) (store.Store, error) {
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok && path != "" {
		return sqlite.Open(ctx, path, sqlite.Options{})
	}
	if strings.HasPrefix(url, "mongodb://") || strings.HasPrefix(url, "mongodb+srv://") {
		s, err := mongo.Open(ctx, url, mongo.Options{})
		if err != nil {
			return nil, err
		}
		return s, nil
	}
	return nil, fmt.Errorf("--store %q is no database that fhirside knows: %s", url, storeUsage)
}
