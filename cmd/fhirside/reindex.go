package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"fhirside/resources"
	"fhirside/resources/store"
)

func reindexCommand() *cobra.Command {
	set := ownSettings()
	var types []string
	cmd := &cobra.Command{
		Use:   "reindex",
		Short: "Compute what searches find resources by anew",
		Long: `Compute the index values of resources anew, of all or of some types, and let new search parameters be searched by
that waited for it. Servers may have the store open and write meanwhile; one of them may be at it already, and is watched then.
What was interrupted goes on where it stopped. Resources that cannot be read, since somebody has changed them in the database, are named
in the end, are found as before, and make the exit status 1.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := configure(cmd); err != nil {
				return err
			}
			return reindex(cmd, set, types)
		},
	}
	addStoreFlag(cmd, &set.store)
	f := cmd.Flags()
	f.StringVar(&set.baseURL, "base-url", "", baseURLUsage)
	f.BoolVar(&set.textSearch, "text-search", false, "index the words of resources, as serve has it")
	f.StringSliceVar(&types, "type", nil, "resource types to index (default: all)")
	return cmd
}

// watching is how often a reindexing that another process does is looked at.
const watching = 300 * time.Millisecond

func reindex(cmd *cobra.Command, set serveSettings, types []string) (err error) {
	ctx := cmd.Context()
	options, err := set.serviceOptions()
	if err != nil {
		return err
	}
	if err := mustExist(set.store); err != nil {
		return err
	}
	if options.Store, err = openIndexed(ctx, set.store, options.Registry, options.Base, nil, nil); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, options.Store.Close()) }()
	options.Log = slog.New(slog.NewJSONHandler(cmd.ErrOrStderr(), nil))
	service := resources.New(options)
	if err := indexed(ctx, options.Store, options.Log); err != nil {
		return err
	}
	if err := service.RequestReindex(ctx, types, 0); err != nil {
		return err
	}
	screen := newDisplay(cmd.ErrOrStderr())
	show := func(r resources.Reindexing) {
		screen.at(r.Done, max(r.Total, r.Done), numbers.Sprintf("%d resources", r.Done))
	}
	for {
		if err := service.Reindex(ctx, show); err != nil {
			return err
		}
		progress, err := service.ReindexProgress(ctx)
		if err != nil {
			return err
		}
		show(progress)
		if progress.IsOver() {
			screen.end()
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "%d resources are indexed anew; %d could not be read\n", progress.Done-progress.Kept, progress.Kept)
			if err == nil && progress.Kept > 0 {
				err = fmt.Errorf("%d resources could not be read and are found as before: %s", progress.Kept, named(progress.Names, progress.Kept))
			}
			return err
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

// indexed waits while the store is not ready since all of its index values are computed anew, as they are once after an update.
func indexed(ctx context.Context, s store.Store, log *slog.Logger) error {
	told := ""
	for {
		work, err := s.Ready(ctx)
		if err == nil || work == "" {
			return err
		}
		if work != told {
			log.Info("waits", "for", work)
		}
		told = work
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

// pause waits before what others do is looked at again.
func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(watching):
		return nil
	}
}
