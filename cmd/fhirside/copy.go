package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"fhirside/resources"
	"fhirside/smart/state"
)

func copyCommand() *cobra.Command {
	set := ownSettings()
	var to string
	var follow bool
	cmd := &cobra.Command{
		Use:   "copy --from DATABASE --to DATABASE [--follow]",
		Short: "Copy all records with their history into another database",
		Long: `Copy all versions of all records, as they are, into an empty database, and compare the two in the end. Accounts, apps and
what they are allowed go along; the keys that sign tokens do not: a server on the copy makes its own, and apps ask for new tokens
there. What was interrupted goes on where it stopped. End the servers of both databases first.

With --follow the servers of the source may go on meanwhile: what they write is copied as it comes, until you interrupt it (Ctrl-C).
End them, then interrupt it: it copies what is left, compares, and ends. Interrupt it twice to leave it at that. A record that is purged
meanwhile, and search parameters that are added, make it begin again.

Versions that cannot be read, since somebody has changed them in the database, are left out, are named in the end, and make the exit
status 1: where such a version was the current one, the copy goes on with the one before it.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := configure(cmd); err != nil {
				return err
			}
			return copyStore(cmd, set, to, follow)
		},
	}
	f := cmd.Flags()
	f.StringVar(&set.store, "from", "", storeUsage)
	f.StringVar(&to, "to", "", "database to copy into, as --from")
	f.BoolVar(&follow, "follow", false, "go on with what is written to the database, until interrupted")
	f.StringVar(&set.baseURL, "base-url", "", baseURLUsage)
	f.BoolVar(&set.textSearch, "text-search", false, "index the words of resources, as serve has it")
	addConfigFlag(cmd)
	return cmd
}

func copyStore(cmd *cobra.Command, set serveSettings, to string, follow bool) (err error) {
	ctx := cmd.Context()
	o := resources.CopyOptions{Kinds: state.MovableKinds()}
	if follow {
		o.Until = ctx.Done()
		var stop context.CancelFunc
		ctx, stop = interruptedAgain(ctx)
		defer stop()
	}
	if set.store == "" || to == "" || set.store == to {
		return errors.New("copy --from DATABASE --to DATABASE: two databases")
	}
	options, err := set.serviceOptions()
	if err != nil {
		return err
	}
	if options.Store, err = openStore(ctx, set.store); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, options.Store.Close()) }()
	target, err := openIndexed(ctx, to, options.Registry, options.Base, nil, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	options.Log = slog.New(slog.NewJSONHandler(cmd.ErrOrStderr(), nil))
	show := newDisplay(cmd.ErrOrStderr())
	o.Progress = func(c resources.Copying) {
		if c.Complete {
			show.at(c.Verified, c.Versions, numbers.Sprintf("%d versions compared", c.Verified))
			return
		}
		show.at(c.Versions, 0, numbers.Sprintf("%d versions copied", c.Versions))
	}
	copied, err := resources.New(options).CopyTo(ctx, target, o)
	show.end()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d versions are copied; all are as they were\n%d entries of accounts, apps and what they are allowed are copied; a server there makes its own signing keys\n",
		copied.Verified, copied.Entries)
	if err == nil && copied.Damaged > 0 {
		err = fmt.Errorf("%d versions cannot be read and were left out: %s", copied.Damaged, named(copied.Names, copied.Damaged))
	}
	return err
}

// named are the first of so many.
func named(names []string, all int64) string {
	text := strings.Join(names, ", ")
	if int64(len(names)) < all {
		text += ", …; the log names all"
	}
	return text
}

// interruptedAgain ends when the program is interrupted once more after the context has ended.
func interruptedAgain(ctx context.Context) (context.Context, context.CancelFunc) {
	again, stop := context.WithCancel(context.WithoutCancel(ctx))
	forget := context.AfterFunc(ctx, func() {
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
		defer signal.Stop(signals)
		select {
		case <-signals:
			stop()
		case <-again.Done():
		}
	})
	return again, func() { forget(); stop() }
}
