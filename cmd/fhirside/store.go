package main

import (
	"context"
	"fmt"
	"strings"

	"fhirside/fhir"
	"fhirside/resources/store"
	"fhirside/resources/store/mongo"
	"fhirside/resources/store/sqlite"
	"fhirside/search"
	"fhirside/search/index"
)

// storeUsage documents the flag that openStore reads.
const storeUsage = "database: sqlite:PATH, sqlite::memory: for one that is gone at the end, or mongodb://HOST/NAME?replicaSet=…"

// openIndexed opens the store that a --store flag names, for searches by the registry's parameters: what is indexed by other rules is
// indexed anew, on SQLite before it opens, on MongoDB while it serves.
func openIndexed(ctx context.Context, url string, registry *search.Registry, base string) (store.Store, error) {
	return open(ctx, url, sqlite.Options{Rules: index.Rules(registry), Values: valuesOf(index.New(registry, base))})
}

// openStore opens the store that a --store flag names beside a server that may have it open, and takes its index as it is.
func openStore(ctx context.Context, url string) (store.Store, error) {
	return open(ctx, url, sqlite.Options{})
}

func open(ctx context.Context, url string, o sqlite.Options) (store.Store, error) {
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok && path != "" {
		return sqlite.Open(ctx, path, o)
	}
	if strings.HasPrefix(url, "mongodb://") || strings.HasPrefix(url, "mongodb+srv://") {
		s, err := mongo.Open(ctx, url, mongo.Options{Rules: o.Rules, Values: o.Values})
		if err != nil {
			return nil, err
		}
		return s, nil
	}
	return nil, fmt.Errorf("--store %q is no database that fhirside knows: %s", url, storeUsage)
}

// valuesOf indexes stored bodies.
func valuesOf(x *index.Extractor) func(body []byte) (index.Values, error) {
	return func(body []byte) (index.Values, error) {
		r, err := fhir.Parse(body)
		if err != nil {
			return index.Values{}, err
		}
		return x.Extract(r), nil
	}
}
