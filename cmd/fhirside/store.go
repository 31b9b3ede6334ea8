package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"go.opentelemetry.io/otel/trace"

	"fhirside/resources"
	"fhirside/resources/store"
	"fhirside/resources/store/mongo"
	"fhirside/resources/store/sqlite"
	"fhirside/search"
	"fhirside/search/index"
)

// storeUsage documents the flag that names a store.
const (
	storeKinds = "sqlite:PATH, sqlite::memory: for one that is gone at the end, or mongodb://HOST/NAME?replicaSet=…"
	storeUsage = "database: " + storeKinds
)

// openIndexed opens the store that a --store flag names, for searches by the registry's parameters and those that the store has
// beside: what is indexed by other rules is indexed anew, on SQLite before it opens, on MongoDB while it serves, and told to the log. With
// a tracer, MongoDB's commands become spans of the requests that send them.
func openIndexed(ctx context.Context, url string, registry *search.Registry, base string, tracer trace.Tracer, log *slog.Logger) (store.Store, error) {
	o := resources.Options{Registry: registry, Base: base}
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok && path != "" {
		return openIndexedFile(ctx, path, o, log)
	}
	indexer := make(chan *resources.Service, 1) // from when the store is there
	with := func(use func(*resources.Service)) {
		service := <-indexer
		defer func() { indexer <- service }()
		use(service)
	}
	s, err := openMongoDB(ctx, url, mongo.Options{
		Rules: index.Rules(registry),
		Values: func(body []byte) (values index.Values, err error) {
			with(func(s *resources.Service) { values, err = s.IndexValues(body) })
			return values, err
		},
		Current: func(ctx context.Context) (number int64, err error) {
			with(func(s *resources.Service) { number, err = s.CurrentRules(ctx) })
			return number, err
		},
		Tracer: tracer,
		Log:    log,
	})
	if err != nil {
		return nil, err
	}
	o.Store = s
	indexer <- resources.New(o)
	return s, nil
}

// openIndexedFile asks an existing file for the parameters that it has before it opens it.
func openIndexedFile(ctx context.Context, path string, o resources.Options, log *slog.Logger) (store.Store, error) {
	rules := index.Rules(o.Registry)
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		return sqlite.Open(ctx, path, sqlite.Options{Rules: rules, Values: resources.New(o).IndexValues, Log: log})
	}
	s, err := sqlite.Open(ctx, path, sqlite.Options{Log: log})
	if err != nil {
		return nil, err
	}
	o.Store = s
	service := resources.New(o)
	if err := errors.Join(service.Refresh(ctx), s.Close()); err != nil {
		return nil, err
	}
	return sqlite.Open(ctx, path, sqlite.Options{Rules: rules, Values: service.IndexValues, Log: log})
}

// openStore opens a store that is there, beside a server that may have it open, and takes its index as it is.
func openStore(ctx context.Context, url string) (store.Store, error) {
	if err := mustExist(url); err != nil {
		return nil, err
	}
	return makeStore(ctx, url)
}

// mustExist refuses a file that is not there: who has mistyped its name would get an empty database, and be told that nothing is in it.
func mustExist(url string) error {
	path, isFile := strings.CutPrefix(url, "sqlite:")
	if !isFile || path == sqlite.Memory {
		return nil
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && path != "" {
		return fmt.Errorf("there is no database %s", path)
	}
	return nil
}

// makeStore is openStore for commands with which a database may begin.
func makeStore(ctx context.Context, url string) (store.Store, error) {
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok && path != "" {
		return sqlite.Open(ctx, path, sqlite.Options{})
	}
	return openMongoDB(ctx, url, mongo.Options{})
}

func openMongoDB(ctx context.Context, url string, o mongo.Options) (store.Store, error) {
	if !strings.HasPrefix(url, "mongodb://") && !strings.HasPrefix(url, "mongodb+srv://") {
		kind, _, _ := strings.Cut(url, ":") // behind it may be a password
		return nil, fmt.Errorf("%s names no database: write %s", kind, storeKinds)
	}
	s, err := mongo.Open(ctx, url, o)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// addStoreFlag adds the flags of a command that works on a store.
func addStoreFlag(cmd *cobra.Command, url *string) {
	cmd.Flags().StringVar(url, "store", "sqlite:fhirside.db", storeUsage)
	addConfigFlag(cmd)
}

// opener is openStore or makeStore.
type opener func(ctx context.Context, url string) (store.Store, error)

// withStore opens the store that --store names for as long as do runs.
func withStore(cmd *cobra.Command, open opener, url *string, do func(store.Store) error) (err error) {
	if err := configure(cmd); err != nil {
		return err
	}
	s, err := open(cmd.Context(), *url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return do(s)
}
