package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"fhirside/resources/rest"
	"fhirside/resources/store"
	"fhirside/smart/scope"
	"fhirside/smart/state"
	"fhirside/smart/token"
)

func tokenCommand() *cobra.Command {
	var set launchSettings
	var asked, keyFile string
	cmd := &cobra.Command{
		Use:   "token CLIENT",
		Short: "Print an access token of an app, for curl",
		Long: `Print an access token of a registered app, as a person's sign-in and consent would have given it: for curl and for tests. It is
good for an hour, five minutes for a backend service; nobody is asked, so whoever can run this can read everything.`,
		Example: `  curl -H "Authorization: Bearer $(fhirside token growth-chart --user maria)" http://127.0.0.1:8080/fhir/Observation`,
		Args:    arguments("CLIENT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withStore(cmd, openStore, &set.store, func(s store.Store) error {
				tables := state.New(s.State())
				grant, err := newGrant(cmd, set, tables, args[0], asked)
				if err != nil {
					return err
				}
				keys, err := signingKeys(cmd.Context(), set.store, keyFile, s, tables, commandLog(cmd))
				if err != nil {
					return err
				}
				return printToken(cmd, set, tables, keys, grant)
			})
		},
	}
	set.flags(cmd)
	cmd.Flags().StringVar(&asked, "scope", "", "what it allows, within what the app is registered with (default: all of that)")
	cmd.Flags().StringVar(&keyFile, "key-file", "", keyFileUsage)
	return cmd
}

// newGrant is what the token belongs to, not kept yet.
func newGrant(cmd *cobra.Command, set launchSettings, tables *state.Tables, id, asked string) (r state.Record[state.Grant], err error) {
	app, user, err := set.parties(cmd, tables, id)
	if err != nil {
		return r, err
	}
	bound, err := scope.Parse(app.Scope)
	if err != nil {
		return r, err
	}
	granted := bound
	if asked != "" {
		wanted, err := scope.Parse(asked)
		if err != nil {
			return r, err
		}
		granted = wanted.Within(bound)
	}
	launched, err := set.context()
	if err != nil {
		return r, err
	}
	now, life := time.Now().UTC(), token.MaxLife
	r = state.Record[state.Grant]{Key: uuid.NewString(), Owner: user.Name, Value: state.Grant{
		Client: app.ID, Account: user.Name, FHIRUser: user.FHIRUser, Context: launched, Created: now,
	}}
	if app.Type == state.Backend {
		life, r.Owner = token.BackendLife, app.ID
		if user.Name != "" {
			return r, fmt.Errorf("%s is a backend service and has no user", app.ID)
		}
	}
	r.Expires, r.Value.Scope = now.Add(life), granted.String()
	return r, checkGrant(&r.Value, granted)
}

// checkGrant fills in the patient who is in context of themselves, and refuses what no sign-in would give.
func checkGrant(g *state.Grant, granted scope.Set) error {
	if self, isPatient := strings.CutPrefix(g.FHIRUser, "Patient/"); isPatient {
		if g.Context.Patient != "" && g.Context.Patient != self {
			return fmt.Errorf("%s is a patient, and sees no other one", g.Account)
		}
		g.Context.Patient = self
	}
	if granted.String() == "" {
		return errors.New("nothing of that scope is what the client is registered with")
	}
	for _, s := range granted.Resource() {
		switch {
		case s.Level == scope.User && g.Account == "":
			return fmt.Errorf("%s needs --user", s)
		case s.Level == scope.Patient && g.Context.Patient == "":
			return fmt.Errorf("%s needs --patient, or a --user who is one", s)
		case s.Level == scope.System && g.Account != "":
			return fmt.Errorf("%s is for backend services: leave out --user, or name a --scope without it", s)
		}
	}
	return nil
}

func printToken(cmd *cobra.Command, set launchSettings, tables *state.Tables, keys *token.Keys, r state.Record[state.Grant]) error {
	if _, err := tables.Grants.Put(cmd.Context(), r); err != nil {
		return err
	}
	g, base := r.Value, set.origin()+rest.Path
	a := token.Access{
		ID: uuid.NewString(), Issuer: set.origin(), Audience: base, ClientID: g.Client, Subject: g.Account, Scope: g.Scope, Grant: r.Key,
		Patient: g.Context.Patient, Encounter: g.Context.Encounter, Issued: g.Created, Expires: r.Expires,
	}
	if a.Subject == "" {
		a.Subject = g.Client
	}
	if g.FHIRUser != "" {
		a.FHIRUser = base + "/" + g.FHIRUser
	}
	signed, err := keys.SignAccess(cmd.Context(), a)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(cmd.OutOrStdout(), signed)
	return err
}
