package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/user"
	"strings"

	"github.com/spf13/cobra"

	"fhirside/resources"
	"fhirside/resources/access"
)

func purgeCommand() *cobra.Command {
	set := ownSettings()
	var yes bool
	cmd := &cobra.Command{
		Use:   "purge TYPE/ID",
		Short: "Erase a record with all its versions",
		Long: `Erase a resource with all its versions, for good: by order of a court, or because it was the wrong patient's. It is
then gone as if deleted; that it was there, and how many versions it had, is all that the store still tells, and an AuditEvent
that you have done it.

A server may have the store open meanwhile. Backups are not touched.`,
		Args: arguments("TYPE/ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := configure(cmd); err != nil {
				return err
			}
			return purge(cmd, set, args[0], yes)
		},
	}
	addStoreFlag(cmd, &set.store)
	f := cmd.Flags()
	f.StringVar(&set.references, "references", "check", "whether references to the record forbid it: check, or ignore to let them dangle")
	f.StringVar(&set.baseURL, "base-url", "", baseURLUsage)
	f.BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

func purge(cmd *cobra.Command, set serveSettings, name string, yes bool) (err error) {
	resourceType, id, ok := strings.Cut(name, "/")
	if !ok {
		return fmt.Errorf("%q names no record: Patient/123, say", name)
	}
	options, err := set.serviceOptions()
	if err != nil {
		return err
	}
	if options.Store, err = openStore(cmd.Context(), set.store); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, options.Store.Close()) }()
	if !yes {
		if err := confirm(cmd.InOrStdin(), cmd.ErrOrStderr(), name); err != nil {
			return err
		}
	}
	options.Log = slog.New(slog.NewJSONHandler(cmd.ErrOrStderr(), nil))
	purged, err := resources.New(options).Purge(cmd.Context(), access.Everything, resourceType, id, operator())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is purged; version %d, a deletion, is all that is left of it\n", name, purged.Version)
	return err
}

// operator is the name of whoever runs the command, as far as the system tells.
func operator() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "unknown"
}

// confirm asks for the record's name: whoever means another one notices.
func confirm(in io.Reader, out io.Writer, name string) error {
	if _, err := fmt.Fprintf(out, "This erases %s and all of its versions for good. Type its name to go on: ", name); err != nil {
		return err
	}
	typed, err := readLine(in)
	if err != nil {
		return err
	}
	if strings.TrimSpace(typed) != name {
		return errors.New("nothing was purged")
	}
	return nil
}
