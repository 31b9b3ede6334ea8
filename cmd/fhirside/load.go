package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"fhirside/resources"
	"fhirside/resources/load"
	"fhirside/resources/rest"
)

func loadCommand() *cobra.Command {
	var to destination
	var copies int
	cmd := &cobra.Command{
		Use:   "load PATH…",
		Short: "Load Bundles, NDJSON and single resources into a server or a store",
		Long: `Load files and folders of resources: Bundles (.json), NDJSON (.ndjson, .jsonl) and single resources, plain or
compressed (.gz, .bz2, .zst), in the order of their dependencies.

Transaction and batch Bundles are sent as they are; other resources are put at their ids, or created where they have none.
What is refused is tried again at the end, then reported, and makes the exit status 1.`,
		Args: arguments("PATH…"),
		RunE: func(cmd *cobra.Command, paths []string) error {
			return to.load(cmd, paths, copies)
		},
	}
	to.addFlags(cmd, "http://127.0.0.1:8080")
	cmd.Flags().IntVar(&copies, "copies", 1, "load everything so often, each copy with ids and identifiers of its own")
	return cmd
}

// destination is where resources are sent: a server, or a store of this process.
type destination struct {
	server, store string
	tokenFile     string
	workers       int
	textSearch    bool
}

func (to *destination) addFlags(cmd *cobra.Command, server string) {
	f := cmd.Flags()
	f.StringVar(&to.server, "server", server, "server to send to: its origin, or its FHIR base URL where that is not below /fhir")
	f.StringVar(&to.store, "store", "", "write to this database instead, a SQLite file while no server has it open: sqlite:PATH or mongodb://HOST/NAME?replicaSet=…")
	f.StringVar(&to.tokenFile, "token-file", "", "with --server: file with the access token to send, for a server that wants one")
	f.IntVar(&to.workers, "workers", 0, "requests under way at once (default two for each processor)")
	f.BoolVar(&to.textSearch, "text-search", false, "with --store: index the words of resources, as serve --text-search does")
	cmd.MarkFlagsMutuallyExclusive("server", "store")
	cmd.MarkFlagsMutuallyExclusive("server", "text-search")
	cmd.MarkFlagsMutuallyExclusive("store", "token-file")
}

// open is the FHIR base to send to, and who sends.
func (to *destination) open(ctx context.Context) (base string, client *http.Client, done func() error, err error) {
	if to.store == "" {
		u, err := url.Parse(to.server)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return "", nil, nil, fmt.Errorf("--server %q is no http or https URL", to.server)
		}
		u.Path = strings.TrimRight(u.Path, "/")
		if u.Path == "" {
			u.Path = rest.Path
		}
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.MaxIdleConnsPerHost = max(to.workers, 64)
		client := &http.Client{Transport: transport}
		if to.tokenFile != "" {
			token, err := os.ReadFile(to.tokenFile)
			if err != nil {
				return "", nil, nil, err
			}
			client.Transport = &bearing{strings.TrimSpace(string(token)), transport}
		}
		return u.String(), client, func() error { return nil }, nil
	}
	// The same way in as over the network: everything is checked as if a client had sent it.
	set := ownSettings()
	set.store, set.textSearch = to.store, to.textSearch
	options, err := set.serviceOptions()
	if err != nil {
		return "", nil, nil, err
	}
	if options.Store, err = openIndexed(ctx, to.store, options.Registry, options.Base, nil, nil); err != nil {
		return "", nil, nil, err
	}
	options.Log = slog.New(slog.DiscardHandler)
	h := handler(resources.New(options), set, network{}, everybody, untold(), options.Log)
	return "http://fhirside.invalid" + rest.Path, load.InProcess(h), options.Store.Close, nil
}

// bearing sends an access token with each request.
type bearing struct {
	token string
	next  http.RoundTripper
}

func (b *bearing) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.token)
	return b.next.RoundTrip(r)
}

// load sends the files and prints what came of it.
func (to *destination) load(cmd *cobra.Command, paths []string, copies int) (err error) {
	base, client, done, err := to.open(cmd.Context())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	show := newDisplay(cmd.ErrOrStderr())
	progress := func(p load.Progress) {
		show.at(min(p.Read, p.Bytes), p.Bytes, numbers.Sprintf("%d resources", p.Stored))
	}
	refused := func(r load.Refusal) { show.line("refused:", r) }
	waits := func(err error) { show.line("waiting for the server:", err) }
	l := load.Loader{Base: base, Client: client, Workers: to.workers, Copies: copies, Refused: refused, Progress: progress, Waits: waits}
	report, err := l.Load(cmd.Context(), paths...)
	show.end()
	if err == nil && report.Refused > 0 {
		err = errors.New(numbers.Sprintf("%d of %d resources were refused", report.Refused, report.Refused+report.Stored))
	}
	return errors.Join(printReport(cmd.OutOrStdout(), report), err)
}

// numbers are written with separators: 92,114.
var numbers = message.NewPrinter(language.English)

func printReport(out io.Writer, r load.Report) error {
	if r.Stored+r.Refused == 0 {
		return nil
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "created\talready there\trefused\t\n")
	for _, name := range slices.Sorted(maps.Keys(r.Types)) {
		c := r.Types[name]
		fmt.Fprint(table, numbers.Sprintf("%d\t%d\t%d\t %s\n", c.Created, c.Present, c.Refused, cmp.Or(name, "(no resource)")))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := numbers.Fprintf(out, "%d resources stored in %.1f s (%.0f/s), %d refused\n",
		r.Stored, r.Took.Seconds(), float64(r.Stored)/r.Took.Seconds(), r.Refused)
	return err
}
