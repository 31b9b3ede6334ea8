package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// group is a command that only holds others: a name that is none of theirs is a mistake, and not a wish for help.
func group(use, short string, long string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use:   use,
		Short: short,
		Long:  long,
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(commands...)
	return cmd
}

// arguments wants one argument for each name; behind a last name that ends with "…" there may be more.
func arguments(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return fmt.Errorf("%s is missing: %s", strings.TrimSuffix(names[len(args)], "…"), cmd.UseLine())
		case len(args) > len(names) && !strings.HasSuffix(names[len(names)-1], "…"):
			return fmt.Errorf("%q is too much: %s", args[len(names)], cmd.UseLine())
		}
		return nil
	}
}

// flagError is a mistake in a flag, in words for who has typed it.
func flagError(cmd *cobra.Command, err error) error {
	return fmt.Errorf("%w (%s --help lists the flags)", plainValue(err), cmd.CommandPath())
}

// plainValue tells of a value that is none for its flag without the names of Go's functions.
func plainValue(err error) error {
	invalid, ok := errors.AsType[*pflag.InvalidValueError](err)
	if !ok {
		return err
	}
	cause := invalid.Unwrap()
	if number, ok := errors.AsType[*strconv.NumError](cause); ok {
		cause = number.Err
	}
	return fmt.Errorf("--%s %q: %w", invalid.GetFlag().Name, invalid.GetValue(), cause)
}
