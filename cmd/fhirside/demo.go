package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"fhirside/resources/demo"
)

func demoCommand() *cobra.Command {
	var to destination
	var c demo.Clinic
	var out, day, keyFile string
	var withUsers, anyway bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Make a synthetic clinic to try things with",
		Long: `Make a synthetic clinic: its directory, six weeks of slots, patients with their records and messages. The same numbers
give the same clinic, and loading it again changes nothing.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if c.Patients < 0 {
				return fmt.Errorf("--patients %d: a clinic has none or more", c.Patients)
			}
			c.Today = time.Now()
			if day != "" {
				if c.Today, err = time.Parse(time.DateOnly, day); err != nil {
					return fmt.Errorf("--date %q is no date such as 2026-03-31", day)
				}
			}
			if out != "" {
				return c.WriteFiles(out)
			}
			if withUsers && !anyway {
				if err := checkNoClinic(cmd.Context(), to.store, c); err != nil {
					return err
				}
			}
			dir, err := os.MkdirTemp("", "fhirside-demo-*")
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
			if err := c.WriteFiles(dir); err != nil {
				return err
			}
			if err := to.load(cmd, []string{dir}, 1); err != nil || !withUsers {
				return err
			}
			s, err := openStore(cmd.Context(), to.store)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			return addDemoUsers(cmd.Context(), cmd.OutOrStdout(), s, c, keyFile)
		},
	}
	to.addFlags(cmd, "")
	f := cmd.Flags()
	f.IntVar(&c.Patients, "patients", 200, "how many patients")
	f.Uint64Var(&c.Seed, "seed", 1, "which people, and what happened to them")
	f.StringVar(&day, "date", "", "the day that the coming six weeks begin with (default today)")
	f.StringVar(&out, "out", "", "write transaction Bundles into this folder")
	f.BoolVar(&withUsers, "with-users", false, "with --store: add people who can sign in and apps, with passwords that everybody knows, and print them")
	f.BoolVar(&anyway, "yes", false, "with --with-users: also where other people's records or accounts are, which those people could then open")
	f.StringVar(&keyFile, "demo-key", "demo-backend.pem", "with --with-users: file of the demo backend service's private key; made where there is none")
	cmd.MarkFlagsMutuallyExclusive("with-users", "server")
	cmd.MarkFlagsMutuallyExclusive("with-users", "out")
	cmd.MarkFlagsOneRequired("out", "server", "store")
	cmd.MarkFlagsMutuallyExclusive("out", "server", "store")
	return cmd
}
