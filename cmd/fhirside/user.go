package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"fhirside/resources/store"
	"fhirside/smart/account"
	"fhirside/smart/state"
)

func userCommand() *cobra.Command {
	return group("user", "Accounts of the people who can sign in",
		"Accounts of the people who can sign in. A server may have the store open meanwhile: what is changed here holds there at once.",
		userAddCommand(), userListCommand(), userPasswordCommand(), userTOTPCommand(), userDisableCommand(), userEnableCommand(), userRemoveCommand())
}

// accountsIn opens the accounts of the store that --store names, for as long as do runs.
func accountsIn(cmd *cobra.Command, open opener, url *string, do func(*account.Accounts, store.Store) error) error {
	return withStore(cmd, open, url, func(s store.Store) error {
		return do(account.New(account.Options{Tables: state.New(s.State())}), s)
	})
}

func userAddCommand() *cobra.Command {
	var url, fhirUser string
	var admin, fromInput, totp bool
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Make an account",
		Long: fmt.Sprintf(`Make an account for a patient, a practitioner or a related person. The password is asked for, or the first line of
standard input with --password-stdin; it needs %d characters or more.`, account.MinPassword),
		Args: arguments("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return accountsIn(cmd, makeStore, &url, func(accounts *account.Accounts, s store.Store) error {
				password, err := readPassword(cmd, fromInput)
				if err != nil {
					return err
				}
				added, err := accounts.Add(cmd.Context(), args[0], fhirUser, password, admin)
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.ErrOrStderr(), "%s can sign in, as %s\n", added.Name, added.FHIRUser)
				resourceType, id, _ := strings.Cut(added.FHIRUser, "/")
				if v, err := s.Read(cmd.Context(), resourceType, id); errors.Is(err, store.ErrNotFound) || err == nil && v.Deleted() {
					fmt.Fprintf(cmd.ErrOrStderr(), "note: there is no %s in the store yet\n", added.FHIRUser)
				}
				if totp {
					return giveTOTP(cmd, accounts, added.Name)
				}
				return nil
			})
		},
	}
	addStoreFlag(cmd, &url)
	f := cmd.Flags()
	f.StringVar(&fhirUser, "fhir-user", "", "who it is: Patient/ID, Practitioner/ID or RelatedPerson/ID")
	f.BoolVar(&admin, "admin", false, "with serve --practitioner-access care-team: a practitioner who sees the whole clinic all the same")
	f.BoolVar(&fromInput, "password-stdin", false, "read the password from standard input")
	f.BoolVar(&totp, "totp", false, "give the account a second factor and print its secret, for an authenticator app")
	_ = cmd.MarkFlagRequired("fhir-user") // it is a flag of this command
	return cmd
}

// giveTOTP prints the secret alone on standard output, for scripts; how an app takes it goes beside it.
func giveTOTP(cmd *cobra.Command, accounts *account.Accounts, name string) error {
	secret, err := accounts.SetTOTP(cmd.Context(), name)
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "second factor, for an authenticator app: %s\n", account.TOTPURL("fhirside", name, secret))
	_, err = fmt.Fprintln(cmd.OutOrStdout(), secret)
	return err
}

func userListCommand() *cobra.Command {
	var url string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the accounts",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return accountsIn(cmd, openStore, &url, func(accounts *account.Accounts, _ store.Store) error {
				w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
				fmt.Fprintln(w, "NAME\tWHO\tADMIN\tSECOND FACTOR\tDISABLED\tSINCE")
				for a, err := range accounts.List(cmd.Context()) {
					if err != nil {
						return err
					}
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", a.Name, a.FHIRUser, yes(a.Admin), yes(a.TOTP != ""), yes(a.Disabled), a.Created.Format("2006-01-02"))
				}
				return w.Flush()
			})
		},
	}
	addStoreFlag(cmd, &url)
	return cmd
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "-"
}

func userPasswordCommand() *cobra.Command {
	var url string
	var fromInput bool
	cmd := &cobra.Command{
		Use:   "passwd NAME",
		Short: "Replace the password of an account, and end its sessions",
		Args:  arguments("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return accountsIn(cmd, openStore, &url, func(accounts *account.Accounts, _ store.Store) error {
				password, err := readPassword(cmd, fromInput)
				if err != nil {
					return err
				}
				return accounts.SetPassword(cmd.Context(), args[0], password)
			})
		},
	}
	addStoreFlag(cmd, &url)
	cmd.Flags().BoolVar(&fromInput, "password-stdin", false, "read the password from standard input")
	return cmd
}

func userTOTPCommand() *cobra.Command {
	var url string
	cmd := &cobra.Command{
		Use:   "totp NAME",
		Short: "Give an account a new second factor and print its secret",
		Args:  arguments("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return accountsIn(cmd, openStore, &url, func(accounts *account.Accounts, _ store.Store) error {
				return giveTOTP(cmd, accounts, args[0])
			})
		},
	}
	addStoreFlag(cmd, &url)
	return cmd
}

func userDisableCommand() *cobra.Command {
	return accountCommand("disable NAME", "Keep an account from signing in, end its sessions and revoke what it has granted to apps", (*account.Accounts).Disable)
}

func userEnableCommand() *cobra.Command {
	return accountCommand("enable NAME", "Let a disabled account sign in again; its apps have to ask anew", (*account.Accounts).Enable)
}

func userRemoveCommand() *cobra.Command {
	return accountCommand("remove NAME", "Remove an account, end its sessions and revoke what it has granted to apps", (*account.Accounts).Remove)
}

// accountCommand does something to the account that it is told.
func accountCommand(use, short string, do func(*account.Accounts, context.Context, string) error) *cobra.Command {
	var url string
	cmd := &cobra.Command{
		Use:   use,
		Short: short,
		Args:  arguments("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return accountsIn(cmd, openStore, &url, func(accounts *account.Accounts, _ store.Store) error {
				return do(accounts, cmd.Context(), args[0])
			})
		},
	}
	addStoreFlag(cmd, &url)
	return cmd
}

// readPassword reads the first line of standard input, or asks twice on the terminal, which shows nothing of it.
func readPassword(cmd *cobra.Command, fromInput bool) (string, error) {
	if fromInput {
		return readLine(cmd.InOrStdin())
	}
	terminal, ok := cmd.InOrStdin().(interface{ Fd() uintptr })
	if !ok || !term.IsTerminal(int(terminal.Fd())) {
		return "", errors.New("there is no terminal to ask for the password: use --password-stdin")
	}
	ask := func(prompt string) (string, error) {
		fmt.Fprint(cmd.ErrOrStderr(), prompt)
		typed, err := term.ReadPassword(int(terminal.Fd()))
		fmt.Fprintln(cmd.ErrOrStderr())
		return string(typed), err
	}
	first, err := ask("Password: ")
	if err != nil {
		return "", err
	}
	if again, err := ask("Again: "); err != nil || again != first {
		return "", errors.Join(err, errors.New("the two are not the same"))
	}
	return first, nil
}

// readLine is the first line of standard input, say: a secret that a script passes on.
func readLine(in io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(in, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return strings.TrimRight(line, "\r\n"), nil
}
