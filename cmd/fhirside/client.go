package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"fhirside/resources/store"
	"fhirside/smart/client"
	"fhirside/smart/oauth"
	"fhirside/smart/scope"
	"fhirside/smart/state"
)

func clientCommand() *cobra.Command {
	return group("client", "Apps that may ask for tokens",
		"Apps that may ask for tokens. A server may have the store open meanwhile: what is changed here holds there at once.",
		clientAddCommand(), clientListCommand(), clientRemoveCommand())
}

// clientSettings are the flags of client add, and the entries of its --file by the same names.
type clientSettings struct {
	ID        string   `yaml:"id"`
	Name      string   `yaml:"name"`
	Type      string   `yaml:"type"`
	Secret    string   `yaml:"secret"`
	JWKSFile  string   `yaml:"jwks"`
	JWKSURI   string   `yaml:"jwks-uri"`
	Redirects []string `yaml:"redirect"`
	LaunchURL string   `yaml:"launch-url"`
	Scope     string   `yaml:"scope"`
	Trusted   bool     `yaml:"trusted"`
}

func clientAddCommand() *cobra.Command {
	var set clientSettings
	var url, file string
	var fromInput, replace, private bool
	cmd := &cobra.Command{
		Use:   "add ID | --file FILE",
		Short: "Register an app, or those of a YAML file",
		Long: `Register an app. A confidential one without keys gets a secret: the first line of standard input with --secret-stdin, else a
random one, which is printed. One with keys (--jwks or --jwks-uri) proves itself by signed assertions.

A YAML file has the same settings by the flags' names, for several apps; it is registered as a whole or not at all:

    clients:
      - id: growth-chart
        type: public
        redirect: [https://growth.example/callback]
        launch-url: https://growth.example/launch
        scope: launch launch/patient openid fhirUser patient/*.rs`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withStore(cmd, makeStore, &url, func(s store.Store) error {
				if (len(args) == 1) == (file != "") {
					return errors.New("name one app, or a file of several")
				}
				apps := []clientSettings{set}
				if file != "" {
					var err error
					if apps, err = readClients(file); err != nil {
						return err
					}
				} else {
					apps[0].ID = args[0]
				}
				if fromInput {
					secret, err := readLine(cmd.InOrStdin())
					if err != nil {
						return err
					}
					if apps[0].Secret = secret; secret == "" {
						return errors.New("standard input holds no secret")
					}
				}
				registry := client.New(client.Options{Tables: state.New(s.State()), AllowPrivateJWKS: private})
				return addClients(cmd, registry, apps, replace)
			})
		},
	}
	addStoreFlag(cmd, &url)
	f := cmd.Flags()
	f.StringVar(&set.Type, "type", "public", "public (cannot keep a secret), confidential, or backend (without a user)")
	f.StringVar(&set.Name, "name", "", "what people are told it is called")
	f.BoolVar(&fromInput, "secret-stdin", false, "read the secret from standard input")
	f.StringVar(&set.JWKSFile, "jwks", "", "file with its public keys, a JWK Set")
	f.StringVar(&set.JWKSURI, "jwks-uri", "", "where its public keys are")
	f.StringArrayVar(&set.Redirects, "redirect", nil, "redirect URI; may be repeated")
	f.StringVar(&set.LaunchURL, "launch-url", "", "where it is launched from an EHR")
	f.StringVar(&set.Scope, "scope", "", "the most that it can be granted")
	f.BoolVar(&set.Trusted, "trusted", false, "may create launches, and is shown no consent page")
	f.StringVar(&file, "file", "", "YAML file with several apps")
	f.BoolVar(&replace, "replace", false, "replace an app that has the id; it keeps its secret unless it gets another one")
	f.BoolVar(&private, "allow-private-jwks", false, "let --jwks-uri be without TLS, as the server must be told too")
	return cmd
}

// readClients reads a YAML file of apps.
func readClients(path string) ([]clientSettings, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var file struct {
		Clients []clientSettings `yaml:"clients"`
	}
	if err := yaml.UnmarshalWithOptions(text, &file, yaml.DisallowUnknownField()); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(file.Clients) == 0 {
		return nil, fmt.Errorf("%s names no clients", path)
	}
	return file.Clients, nil
}

// addClients registers apps once all of them are as they must be, and prints the secrets that it makes.
func addClients(cmd *cobra.Command, registry *client.Registry, apps []clientSettings, replace bool) error {
	ctx := cmd.Context()
	records, made := make([]state.Client, len(apps)), make([]string, len(apps))
	for i, app := range apps {
		before, err := registry.Tables.Clients.Get(ctx, app.ID)
		switch {
		case errors.Is(err, store.ErrNotFound):
		case err != nil:
			return err
		case !replace:
			return fmt.Errorf("there is a client %s: --replace replaces it", app.ID)
		}
		if records[i], made[i], err = app.record(ctx, before.Value.Secret); err == nil {
			err = registry.Validate(records[i])
		}
		if err != nil {
			return fmt.Errorf("client %s: %w", app.ID, plain(err))
		}
		for _, other := range apps[:i] {
			if other.ID == app.ID {
				return fmt.Errorf("client %s comes twice", app.ID)
			}
		}
	}
	for i, c := range records {
		err := registry.Add(ctx, c)
		if errors.Is(err, store.ErrConflict) && replace {
			err = registry.Replace(ctx, c)
		}
		if err != nil {
			return fmt.Errorf("client %s: %w", c.ID, plain(err))
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "%s is registered (%s)\n", c.ID, c.Type)
		if made[i] == "" {
			continue
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "the secret of %s, which is shown this once:\n", c.ID)
		if _, err := fmt.Fprintln(cmd.OutOrStdout(), made[i]); err != nil {
			return err
		}
	}
	return nil
}

// plain is an error without the code that OAuth has for it.
func plain(err error) error {
	if refusal, ok := errors.AsType[*oauth.Error](err); ok {
		return errors.New(refusal.Description)
	}
	return err
}

// record is the app as it is kept; had is what is kept of the secret that it had. A secret that is made for it comes beside it.
func (set clientSettings) record(ctx context.Context, had string) (c state.Client, secret string, err error) {
	c = state.Client{
		ID: set.ID, Name: set.Name, Type: state.ClientType(set.Type), JWKSURI: set.JWKSURI, Redirects: set.Redirects,
		LaunchURL: set.LaunchURL, Scope: set.Scope, Trusted: set.Trusted,
	}
	asked, err := scope.Parse(set.Scope)
	if err != nil {
		return c, "", err
	}
	if unknown := asked.Unknown(); len(unknown) > 0 {
		return c, "", fmt.Errorf("no scopes that this server knows: %s", strings.Join(unknown, ", "))
	}
	if set.JWKSFile != "" {
		text, err := os.ReadFile(set.JWKSFile)
		if err != nil {
			return c, "", err
		}
		if !json.Valid(text) {
			return c, "", fmt.Errorf("%s is no JSON", set.JWKSFile)
		}
		c.JWKS = text
	}
	switch {
	case set.Secret != "":
		c.Secret, err = client.KeepSecret(ctx, set.Secret)
	case c.Type != state.Confidential || c.JWKSURI != "" || c.JWKS != nil:
	case had != "":
		c.Secret = had
	default:
		secret, c.Secret, err = client.NewSecret(nil)
	}
	return c, secret, err
}

func clientListCommand() *cobra.Command {
	var url string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the apps",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withStore(cmd, openStore, &url, func(s store.Store) error {
				w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
				fmt.Fprintln(w, "ID\tTYPE\tPROOF\tTRUSTED\tSINCE\tSCOPE")
				for c, err := range state.New(s.State()).Clients.List(cmd.Context(), "") {
					if err != nil {
						return err
					}
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", c.Key, c.Value.Type, proof(c.Value), yes(c.Value.Trusted),
						c.Value.Created.Format("2006-01-02"), c.Value.Scope)
				}
				return w.Flush()
			})
		},
	}
	addStoreFlag(cmd, &url)
	return cmd
}

// proof is how an app proves who it is.
func proof(c state.Client) string {
	switch {
	case len(c.JWKS) > 0:
		return "jwks"
	case c.JWKSURI != "":
		return c.JWKSURI
	case c.Secret != "":
		return "secret"
	}
	return "-"
}

func clientRemoveCommand() *cobra.Command {
	var url string
	cmd := &cobra.Command{
		Use:   "remove ID",
		Short: "Remove an app, and revoke what it has been given",
		Args:  arguments("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withStore(cmd, openStore, &url, func(s store.Store) error {
				registry := client.New(client.Options{Tables: state.New(s.State())})
				if _, err := registry.Tables.Clients.Get(cmd.Context(), args[0]); errors.Is(err, store.ErrNotFound) {
					return fmt.Errorf("there is no client %s", args[0])
				} else if err != nil {
					return err
				}
				return registry.Remove(cmd.Context(), args[0])
			})
		},
	}
	addStoreFlag(cmd, &url)
	return cmd
}
