package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fhirside/fhir"
	"fhirside/resources/rest"
	"fhirside/resources/store"
	"fhirside/smart/account"
	"fhirside/smart/authserver"
	"fhirside/smart/state"
)

// baseURLUsage documents --base-url of the commands that are not serve.
const baseURLUsage = "origin by which clients know the server, as serve has it"

const defaultBaseURL = "http://127.0.0.1:8080"

// launchSettings are flags of launch and token.
type launchSettings struct {
	store, baseURL, user       string
	patient, encounter, intent string
}

func (set *launchSettings) flags(cmd *cobra.Command) {
	addStoreFlag(cmd, &set.store)
	f := cmd.Flags()
	f.StringVar(&set.baseURL, "base-url", defaultBaseURL, baseURLUsage)
	f.StringVar(&set.user, "user", "", "name of the account that it is for")
	f.StringVar(&set.patient, "patient", "", "id of the patient in context")
	f.StringVar(&set.encounter, "encounter", "", "id of the encounter in context")
}

func (set launchSettings) origin() string { return strings.TrimRight(set.baseURL, "/") }

// context is what is launched with.
func (set launchSettings) context() (c state.Context, err error) {
	c = state.Context{
		Patient: strings.TrimPrefix(set.patient, "Patient/"), Encounter: strings.TrimPrefix(set.encounter, "Encounter/"), Intent: set.intent,
	}
	for _, id := range []string{c.Patient, c.Encounter} {
		if id != "" && !fhir.ValidID(id) {
			return c, fmt.Errorf("%q is no id", id)
		}
	}
	return c, nil
}

// parties are the app and the account; the account is empty where none is asked for.
func (set launchSettings) parties(cmd *cobra.Command, tables *state.Tables, id string) (app state.Client, user state.Account, err error) {
	found, err := tables.Clients.Get(cmd.Context(), id)
	if errors.Is(err, store.ErrNotFound) {
		return app, user, fmt.Errorf("there is no client %s", id)
	}
	if err != nil || set.user == "" {
		return found.Value, user, err
	}
	user, err = account.New(account.Options{Tables: tables}).Get(cmd.Context(), set.user)
	switch {
	case errors.Is(err, account.ErrUnknown):
		err = fmt.Errorf("there is no account %s", set.user)
	case err == nil && user.Disabled:
		err = fmt.Errorf("the account %s is disabled", set.user)
	}
	return found.Value, user, err
}

func launchCommand() *cobra.Command {
	var set launchSettings
	cmd := &cobra.Command{
		Use:   "launch ID --user NAME",
		Short: "Make a launch of an app from within an EHR, and print the URL to open",
		Long:  "Make a launch of an app from within an EHR, for one use by that account within five minutes, and print the URL to open.",
		Args:  arguments("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withStore(cmd, openStore, &set.store, func(s store.Store) error { return launch(cmd, set, state.New(s.State()), args[0]) })
		},
	}
	set.flags(cmd)
	cmd.Flags().StringVar(&set.intent, "intent", "", "what the app is to do")
	_ = cmd.MarkFlagRequired("user") // it is a flag of this command
	return cmd
}

func launch(cmd *cobra.Command, set launchSettings, tables *state.Tables, id string) error {
	app, user, err := set.parties(cmd, tables, id)
	if err != nil {
		return err
	}
	if app.LaunchURL == "" {
		return fmt.Errorf("the client %s has no launch URL: register it with --launch-url", id)
	}
	launched, err := set.context()
	if err != nil {
		return err
	}
	value, err := authserver.NewLaunch(cmd.Context(), tables, rand.Reader, time.Now(), state.Launch{Client: app.ID, Account: user.Name, Context: launched})
	if err != nil {
		return err
	}
	url, err := authserver.LaunchURL(app, set.origin()+rest.Path, value)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(cmd.OutOrStdout(), url)
	return err
}
