package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/spf13/cobra"

	"fhirside/conformance/capability"
	"fhirside/resources"
	"fhirside/resources/rest"
	"fhirside/search"
	"fhirside/smart/demoapp"
)

// serveSettings are the flags of serve.
type serveSettings struct {
	listen, store, auth, baseURL, validation, references, conditionalDelete string
	maxBody                                                                 int64
	maxEntries                                                              int // 0: the default
	textSearch                                                              bool
	tlsCert, tlsKey                                                         string
	origins, proxies                                                        []string
	smart                                                                   smartSettings
	demoApp                                                                 bool
}

// ownSettings are those of commands that work on a store themselves: all is checked that serve checks by default, and whoever can run
// them may do everything.
func ownSettings() serveSettings {
	return serveSettings{auth: "none", validation: "structure", references: "check", conditionalDelete: "single", maxBody: 1 << 30}
}

// maxDelete bounds --conditional-delete multiple: what is deleted at once fits a commit of every store.
const maxDelete = 1000

func serveCommand() *cobra.Command {
	var set serveSettings
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the FHIR API",
		Long:  "Serve the FHIR API below /fhir. Each flag can also be set by the environment (FHIRSIDE_LISTEN, …) or in the file that --config names.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := configure(cmd); err != nil {
				return err
			}
			log := slog.New(slog.NewJSONHandler(cmd.ErrOrStderr(), nil))
			return serve(cmd.Context(), set, log, func(net.Addr) {})
		},
	}
	set.addFlags(cmd)
	return cmd
}

func (set *serveSettings) addFlags(cmd *cobra.Command) {
	addStoreFlag(cmd, &set.store)
	f := cmd.Flags()
	f.StringVar(&set.listen, "listen", "127.0.0.1:8080", "address to listen on")
	f.StringVar(&set.auth, "auth", "smart", "who may ask: smart (who has an access token), or none (everybody may do everything)")
	f.StringVar(&set.baseURL, "base-url", "", "origin by which clients know the server, or origin and prefix, without /fhir (default: where each request was sent)")
	f.StringVar(&set.validation, "validation", "structure", "check of what is written: off or structure")
	f.StringVar(&set.references, "references", "check", "references between resources: check that they lead somewhere, or ignore")
	f.StringVar(&set.conditionalDelete, "conditional-delete", "single", fmt.Sprintf("resources that a DELETE by criteria may delete: single, or multiple (at most %d at once)", maxDelete))
	f.IntVar(&set.maxEntries, "max-entries", 20000, "most entries of a batch or transaction Bundle")
	f.Int64Var(&set.maxBody, "max-body", 64<<20, "most bytes of a request body, after decompression")
	f.BoolVar(&set.textSearch, "text-search", false, "index the words of resources, for _text and _content (the database gets twice as large)")
	f.StringVar(&set.tlsCert, "tls-cert", "", "file with the server's certificate and those up to its authority (PEM), for https; read anew when it changes")
	f.StringVar(&set.tlsKey, "tls-key", "", "file with the private key of --tls-cert (PEM)")
	f.StringSliceVar(&set.origins, "cors-origins", []string{rest.AnyOrigin}, "origins whose pages may use the API from a browser, as https://app.example; none: \"\"")
	f.StringSliceVar(&set.proxies, "trusted-proxies", nil, "addresses or networks of reverse proxies, to believe what they say of a client's address")
	set.smart.addFlags(f)
	f.BoolVar(&set.demoApp, "demo-app", false, "serve a small app to try launches with, at "+demoapp.Path)
}

// serve runs until the context ends; then requests in flight may finish before the store is closed. It calls listening once
// requests are taken.
func serve(ctx context.Context, set serveSettings, log *slog.Logger, listening func(net.Addr)) error {
	options, err := set.serviceOptions()
	if err != nil {
		return err
	}
	network, err := set.network(log)
	if err != nil {
		return err
	}
	defer keepHeadroom()()
	telemetry, err := newTelemetry(ctx, log)
	if err != nil {
		return err
	}
	defer func() {
		if err := telemetry.stop(ctx); err != nil {
			log.Warn("the last telemetry could not be sent", "error", err)
		}
	}()
	if options.Store, err = openIndexed(ctx, set.store, options.Registry, options.Base, telemetry.tracer, log); err != nil {
		return err
	}
	defer func() {
		if err := options.Store.Close(); err != nil {
			log.Error("the store did not close", "error", err)
		}
	}()
	listener, err := net.Listen("tcp", set.listen)
	if err != nil {
		return fmt.Errorf("--listen %s: %w", set.listen, plainly(err))
	}
	// Without --base-url links begin with what each request was sent to; references to this server are known by where it listens.
	origin := set.origin(network, listener.Addr())
	options.Base, options.Log = origin+rest.Path, log
	service := resources.New(options)
	first, cancel := context.WithTimeout(ctx, 2*time.Second) // a store that cannot be reached yet does not keep it from listening
	if err := service.Refresh(first); err != nil {
		log.Warn("the search parameters that were added are not known yet", "error", err)
	}
	cancel()
	following, unfollow := context.WithCancel(ctx)
	var follower sync.WaitGroup
	follower.Go(func() { service.Follow(following) })
	defer follower.Wait() // before the store is closed
	defer unfollow()
	door, err := set.door(ctx, service, origin, listener.Addr(), log)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	server := &http.Server{
		Handler:           handler(service, set, network, door, telemetry, log),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       2 * time.Minute,
		WriteTimeout:      5 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	if network.certificate != nil {
		server.TLSConfig = network.certificate.config()
	}
	return answer(ctx, server, listener, log, listening)
}

// patience is how long requests in flight may take to finish when the server ends.
const patience = 30 * time.Second

// answer takes requests until the context ends, and lets those in flight finish.
func answer(ctx context.Context, server *http.Server, listener net.Listener, log *slog.Logger, listening func(net.Addr)) error {
	failed := make(chan error, 1)
	go func() {
		if server.TLSConfig == nil {
			failed <- server.Serve(listener)
			return
		}
		failed <- server.ServeTLS(listener, "", "")
	}()
	log.Info("serving", "address", listener.Addr().String(), "version", softwareVersion())
	listening(listener.Addr())
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	log.Info("stopping: requests in flight may finish")
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	err := server.Shutdown(ending)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("requests were still in flight after %s", patience)
	}
	return err
}

func (set serveSettings) serviceOptions() (o resources.Options, err error) {
	switch set.auth {
	case "none":
	case "smart":
		if err := set.smart.check(); err != nil {
			return o, err
		}
	default:
		return o, fmt.Errorf("--auth %q is not known: smart or none", set.auth)
	}
	switch set.validation {
	case "structure":
	case "off":
		o.Validation = resources.ValidateNothing
	case "full":
		return o, errors.New("--validation full is not built yet: off or structure")
	default:
		return o, fmt.Errorf("--validation %q is not known: off or structure", set.validation)
	}
	switch set.references {
	case "check":
	case "ignore":
		o.Integrity = resources.IgnoreReferences
	default:
		return o, fmt.Errorf("--references %q is not known: check or ignore", set.references)
	}
	switch set.conditionalDelete {
	case "single":
	case "multiple":
		o.MaxDelete = maxDelete
	default:
		return o, fmt.Errorf("--conditional-delete %q is not known: single or multiple", set.conditionalDelete)
	}
	if o.Registry = search.R4(); set.textSearch {
		o.Registry = o.Registry.WithWords()
	}
	if set.maxBody <= 0 {
		return o, fmt.Errorf("--max-body %d: a number of bytes above 0", set.maxBody)
	}
	if set.maxEntries < 0 {
		return o, fmt.Errorf("--max-entries %d: a number above 0", set.maxEntries)
	}
	o.MaxEntries = set.maxEntries
	if set.baseURL != "" {
		u, err := url.Parse(set.baseURL)
		switch {
		case err != nil || u.User != nil: // which may be a password
			return o, errors.New("--base-url is no origin such as https://clinic.example")
		case u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "":
			return o, fmt.Errorf("--base-url %q is no origin such as https://clinic.example", set.baseURL)
		}
		o.Base = set.base()
	}
	return o, nil
}

// base is the FHIR base URL by --base-url, "" without one.
func (set serveSettings) base() string {
	if set.baseURL == "" {
		return ""
	}
	return strings.TrimRight(set.baseURL, "/") + rest.Path
}

func handler(service *resources.Service, set serveSettings, network network, door door, telemetry telemetry, log *slog.Logger) http.Handler {
	o := service.Options
	statement := capability.New(capability.Options{
		Registry: service.SearchParameters, Interactions: rest.Interactions(), Operations: rest.Operations(), Formats: rest.Formats(), PatchFormats: rest.PatchFormats(),
		LocalReferences: o.Integrity == resources.CheckReferences, MultipleDelete: o.MaxDelete > 1,
		Version: softwareVersion(), Date: time.Now(), CrossOrigin: len(set.origins) > 0, Security: door.security,
	})
	telemetry.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if c, ok := o.Store.(prometheus.Collector); ok {
		telemetry.metrics.MustRegister(c)
	}
	return rest.New(rest.Options{
		Service:     service,
		Guard:       door.guard,
		Realm:       door.realm,
		Mount:       door.mount,
		Pages:       door.pages,
		Origins:     set.origins,
		SharedPaths: door.sharedPaths,
		Proxies:     network.proxies,
		Base:        set.base(),
		Metadata:    statement.For,
		MaxBody:     set.maxBody,
		Version:     softwareVersion(),
		Log:         log,
		Metrics:     telemetry.metrics,
		Tracer:      telemetry.tracer,
	})
}
