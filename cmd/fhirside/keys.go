package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"fhirside/resources/store"
	"fhirside/resources/store/sqlite"
	"fhirside/smart/state"
	"fhirside/smart/token"
)

// keyFileUsage documents the flag that signingKeys reads.
const keyFileUsage = "file with the key that encrypts the signing keys in the database, made if it is not there (default: beside the SQLite file, with .key at its end; in MongoDB itself)"

// signingKeys are the keys that sign tokens, kept in the store that a --store flag names.
func signingKeys(ctx context.Context, url, keyFile string, s store.Store, tables *state.Tables, log *slog.Logger) (*token.Keys, error) {
	wrapping, err := wrappingKey(ctx, url, keyFile, s, log)
	if err != nil {
		return nil, err
	}
	return token.New(ctx, token.Options{Table: tables.Keys, Wrapping: wrapping})
}

// wrappingKey gives the key that encrypts the private keys. On MongoDB all processes need the same, so without a file it lies in the
// database, which may be there later than the server: who steals that has the keys.
func wrappingKey(ctx context.Context, url, keyFile string, s store.Store, log *slog.Logger) (func(context.Context) (token.WrappingKey, error), error) {
	path, isSQLite := strings.CutPrefix(url, "sqlite:")
	var key token.WrappingKey
	var err error
	switch {
	case keyFile != "":
		key, err = token.KeyFile(keyFile)
	case isSQLite && path == sqlite.Memory:
		rand.Read(key[:]) // never fails: crypto/rand ends the program instead
	case isSQLite:
		key, err = token.KeyFile(path + ".key")
	default:
		log.WarnContext(ctx, "without --key-file the key that encrypts the signing keys lies beside them in the database")
		return func(ctx context.Context) (token.WrappingKey, error) {
			secret, err := s.Secret(ctx, "signing keys")
			if err != nil {
				return token.WrappingKey{}, err
			}
			return *secret, nil
		}, nil
	}
	return token.Given(key), err
}

func keyCommand() *cobra.Command {
	return group("key", "Keys that sign tokens", "", keyRotateCommand())
}

func keyRotateCommand() *cobra.Command {
	var url, keyFile string
	cmd := &cobra.Command{
		Use:   "rotate",
		Short: "Make new signing keys",
		Long: `Make new signing keys. A server that runs signs by them within a second; what the old ones have signed stays valid until it
expires, an hour later at most, and then they are gone.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withStore(cmd, openStore, &url, func(s store.Store) error {
				keys, err := signingKeys(cmd.Context(), url, keyFile, s, state.New(s.State()), commandLog(cmd))
				if err != nil {
					return err
				}
				if err := keys.Rotate(cmd.Context()); err != nil {
					return err
				}
				_, err = fmt.Fprintln(cmd.ErrOrStderr(), "new keys sign from now on; the old ones verify for another hour")
				return err
			})
		},
	}
	addStoreFlag(cmd, &url)
	cmd.Flags().StringVar(&keyFile, "key-file", "", keyFileUsage)
	return cmd
}

func commandLog(cmd *cobra.Command) *slog.Logger {
	return slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))
}
