package rest

import (
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/klauspost/compress/gzhttp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/trace"

	"fhirside/resources"
	"fhirside/resources/access"
)

// Options of the HTTP side. Service and Guard are required.
type Options struct {
	Service *resources.Service
	// Guard says what the caller of a request may do; its error is the answer.
	Guard func(*http.Request) (access.Policy, error)
	// Realm is for the answers to those who lack a token, or the right one: "" for a server that wants none.
	Realm string
	// Mount hangs further routes on the engine that serves the FHIR API: those of an authorization server.
	Mount func(gin.IRouter)
	// Origins are those whose pages may use the FHIR API from a browser, as "https://app.example"; AnyOrigin for all, empty for
	// none but the server's own.
	Origins []string
	// Pages are those of Mount that people may want to open: the landing page leads to them.
	Pages []Page
	// SharedPaths are those of Mount that such pages may use as well. None of them may look at a cookie.
	SharedPaths []string
	// Proxies are the addresses of reverse proxies: what they say of a client's address (X-Forwarded-For) and, without Base, of
	// the origin that it knows (Forwarded, X-Forwarded-Proto, -Host, -Prefix) is believed, and nobody else's word.
	Proxies []netip.Prefix
	// Base is the server's FHIR base URL as clients know it, without a slash at its end; "": what each request was sent to.
	Base string
	// Metadata is the CapabilityStatement for a base URL. It is quick where it gives the same bytes again as long as nothing changes.
	Metadata func(base string) []byte
	// MaxBody is the most bytes of a request body, after decompression; default 64 MiB.
	MaxBody int64
	// Timeout is how long a request may take; default two minutes.
	Timeout time.Duration
	Version string               // of the software, for the landing page
	Log     *slog.Logger         // default: slog.Default()
	Metrics *prometheus.Registry // default: one of its own
	Tracer  trace.Tracer         // of a span per request; nil: there are none
}

// Page is one for people.
type Page struct {
	Path  string // below the server's origin, with a slash at its beginning
	Title string
}

// server holds what the handlers need.
type server struct {
	Options
	metrics    metrics
	statements statements
}

// Path is where the FHIR API lives below the server's origin.
const Path = "/fhir"

// New makes the handler of all that the server serves.
func New(o Options) http.Handler {
	if o.MaxBody == 0 {
		o.MaxBody = 64 << 20
	}
	if o.Timeout == 0 {
		o.Timeout = 2 * time.Minute
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Metrics == nil {
		o.Metrics = prometheus.NewRegistry()
	}
	s := &server{Options: o, metrics: newMetrics(o.Metrics), statements: newStatements()}
	return s.crossOrigin(compressed(withoutTrailingSlash(s.engine())))
}

func (s *server) engine() *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.RedirectTrailingSlash = false
	e.HandleMethodNotAllowed = true
	e.UseRawPath, e.UnescapePathValues = false, false
	s.trust(e)
	e.Use(s.observe)
	e.NoRoute(s.handle(misplaced))
	e.NoMethod(s.handle(misplaced))
	for _, r := range routes {
		handler := s.handle(s.onRequest(r))
		e.Handle(r.method, Path+r.path, handler)
		if r.method == http.MethodGet {
			e.HEAD(Path+r.path, handler)
		}
	}
	s.operational(e)
	if s.Mount != nil {
		s.Mount(e)
	}
	return e
}

// trust makes gin find the client's address behind the proxies, and only behind them.
func (s *server) trust(e *gin.Engine) {
	prefixes := make([]string, 0, len(s.Proxies))
	for _, p := range s.Proxies {
		prefixes = append(prefixes, p.String())
	}
	if err := e.SetTrustedProxies(prefixes); err != nil {
		panic("rest: " + err.Error()) // only for what is no prefix
	}
}

// operational are the pages that are no FHIR.
func (s *server) operational(e *gin.Engine) {
	for path, handler := range map[string]gin.HandlerFunc{
		"/":        s.landing,
		"/healthz": func(c *gin.Context) { c.String(http.StatusOK, "ok\n") },
		"/readyz":  s.ready,
		"/metrics": gin.WrapH(promhttp.HandlerFor(s.Metrics, promhttp.HandlerOpts{DisableCompression: true})),
	} {
		e.GET(path, handler)
		e.HEAD(path, handler)
	}
}

// ready says whether requests can be served, and what the store does beside.
func (s *server) ready(c *gin.Context) {
	work, err := s.Service.Ready(c.Request.Context())
	status, text := http.StatusOK, "ready\n"
	if err != nil {
		s.Log.Warn("not ready", "error", err)
		status, text = http.StatusServiceUnavailable, "the store is not ready\n"
	}
	if work != "" {
		text += work + "\n"
	}
	c.String(status, text)
}

// withoutTrailingSlash serves /fhir/ and /fhir/Patient/ as their sisters without the slash.
func withoutTrailingSlash(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path := r.URL.Path; len(path) > 1 && path[len(path)-1] == '/' {
			r.URL.Path = strings.TrimRight(path, "/")
			if r.URL.Path == "" {
				r.URL.Path = "/"
			}
		}
		h.ServeHTTP(w, r)
	})
}

// compressed answers with gzip or zstd where the client takes it (Accept-Encoding) and the body is worth it. The fastest level:
// health records are repetitive, and more effort gains little.
func compressed(h http.Handler) http.Handler {
	wrap, err := gzhttp.NewWrapper(
		gzhttp.MinSize(1024), gzhttp.CompressionLevel(gzip.BestSpeed), gzhttp.ZstdCompressionLevel(int(zstd.SpeedFastest)),
	)
	if err != nil {
		panic("rest: " + err.Error()) // only for options that do not exist
	}
	return wrap(h)
}
