package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// healthCommand is for the health checks of containers, whose image holds nothing but this binary.
func healthCommand() *cobra.Command {
	var set serveSettings
	var server string
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Ask a server whether it is ready; the exit status says",
		Long: `Ask the server of this machine, or of this container, whether it is ready; the exit status says. Where it listens, and whether
by https, is known from the settings of serve: from the same environment (FHIRSIDE_LISTEN, FHIRSIDE_TLS_CERT, …) and --config file.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := configure(cmd); err != nil {
				return err
			}
			client := http.Client{Timeout: 5 * time.Second}
			if server == "" {
				var err error
				if server, err = set.near(); err != nil {
					return err
				}
				// Its certificate is for the name that clients know, not for the address that it is asked at here.
				client.Transport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
			}
			response, err := client.Get(server + "/readyz")
			if err != nil {
				return err
			}
			defer response.Body.Close()
			body, err := io.ReadAll(io.LimitReader(response.Body, 1<<10))
			if err != nil {
				return err
			}
			if response.StatusCode != http.StatusOK {
				return fmt.Errorf("%s: %s", response.Status, body)
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "ready")
			return err
		},
	}
	set.addFlags(cmd) // so that a file for serve is read here
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		f.Hidden = f.Name != "listen" && f.Name != "tls-cert" && f.Name != "config"
	})
	cmd.Flags().StringVar(&server, "server", "", "the server's origin, for one elsewhere, whose certificate is then checked")
	return cmd
}

// near is the origin of the server as this machine reaches it.
func (set serveSettings) near() (string, error) {
	host, port, err := net.SplitHostPort(set.listen)
	if err != nil {
		return "", fmt.Errorf("--listen %q: %w", set.listen, err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	scheme := "http://"
	if set.tlsCert != "" {
		scheme = "https://"
	}
	return scheme + net.JoinHostPort(host, port), nil
}
