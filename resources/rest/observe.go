package rest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"fhirside/fhir"
	"fhirside/resources"
)

// metrics of the HTTP side. Their labels are route patterns, never URLs.
type metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

func newMetrics(registry *prometheus.Registry) metrics {
	m := metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fhirside_http_requests_total", Help: "HTTP requests answered, by method, route and status.",
		}, []string{"method", "route", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "fhirside_http_request_duration_seconds", Help: "Time from a request's headers to the end of its answer.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"method", "route"}),
	}
	registry.MustRegister(m.requests, m.duration)
	return m
}

// observe gives a request its id and time limit, and logs and counts its answer. Neither log nor metrics hold anything of the
// URL but the route: paths and queries name patients.
func (s *server) observe(c *gin.Context) {
	start := time.Now()
	id := c.GetHeader(requestID)
	if !validRequestID(id) {
		id = strconv.FormatUint(rand.Uint64(), 36)
	}
	c.Header(requestID, id)
	if correlation := c.GetHeader("X-Correlation-Id"); validRequestID(correlation) {
		c.Header("X-Correlation-Id", correlation)
	}
	if c.Request.TLS != nil || strings.HasPrefix(s.Base, "https://") {
		c.Header("Strict-Transport-Security", "max-age=31536000") // a year (RFC 6797)
	}
	ctx, cancel := context.WithTimeout(resources.WithRequestID(c.Request.Context(), id), s.Timeout)
	defer cancel()
	ctx, endSpan := s.beginSpan(ctx, c)
	c.Request = s.forwarded(c.Request.WithContext(ctx))
	if len(s.Proxies) > 0 {
		if address := c.ClientIP(); address != "" {
			c.Request.RemoteAddr = net.JoinHostPort(address, "0")
		}
	}
	defer func() {
		v := recover()
		aborted := isAbort(v)
		switch {
		case aborted:
			if last := c.Errors.Last(); last != nil {
				s.Log.Error("answer broken off", "id", id, "error", last.Err)
			}
		case v != nil:
			s.fail(c, fmt.Errorf("panic: %v\n%s", v, debug.Stack()))
		}
		s.record(c, id, time.Since(start))
		endSpan()
		if aborted {
			panic(v) // net/http breaks the connection
		}
	}()
	c.Next()
}

// isAbort says whether what was recovered is how an answer is given up in the middle.
func isAbort(v any) bool {
	err, ok := v.(error)
	return ok && errors.Is(err, http.ErrAbortHandler)
}

// requestID is the header of a request's id. What handles the request finds it in its answer.
const requestID = "X-Request-Id"

func requestIDOf(c *gin.Context) string { return c.Writer.Header().Get(requestID) }

// validRequestID says whether a client's request id can go into logs and headers as it is.
func validRequestID(id string) bool {
	return len(id) <= 64 && fhir.ValidID(id)
}

func (s *server) record(c *gin.Context, id string, took time.Duration) {
	route, method, status := routeOf(c), knownMethod(c.Request.Method), c.Writer.Status()
	s.metrics.requests.WithLabelValues(method, route, strconv.Itoa(status)).Inc()
	s.metrics.duration.WithLabelValues(method, route).Observe(took.Seconds())
	ctx, to := context.Background(), s.Log.Handler()
	if !to.Enabled(ctx, slog.LevelInfo) {
		return
	}
	line := slog.NewRecord(time.Now(), slog.LevelInfo, "request", 0) // without where it is logged, which costs more than the rest
	line.AddAttrs(slog.String("id", id), slog.String("method", method), slog.String("route", route), slog.Int("status", status),
		slog.Float64("ms", float64(took.Microseconds())/1000), slog.Int("bytes", max(c.Writer.Size(), 0)))
	_ = to.Handle(ctx, line) // who reads the log has nobody to tell
}

// routeOf is the pattern of the route that a request has met.
func routeOf(c *gin.Context) string {
	if route := c.FullPath(); route != "" {
		return route
	}
	return "none"
}

// knownMethod keeps made-up methods out of the labels.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "OTHER"
}

// notStored keeps records out of the caches of browsers and proxies, which would also guess how long they are fresh.
var notStored = []string{"no-store"}

// handle makes a gin handler of one that returns an error.
func (s *server) handle(f func(*gin.Context) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		c.Writer.Header()["Cache-Control"] = notStored
		if err := f(c); err != nil {
			s.fail(c, err)
		}
	}
}

// fail answers with an OperationOutcome. Causes go to the log of faults only.
func (s *server) fail(c *gin.Context, err error) {
	status, issues := resources.Status(err)
	if status >= http.StatusInternalServerError {
		s.Log.Error("request failed", "id", requestIDOf(c), "status", status, "error", err)
	}
	if c.Writer.Written() {
		return
	}
	s.drain(c.Request)
	s.challenge(c.Writer.Header(), err)
	switch status {
	case http.StatusServiceUnavailable:
		c.Header("Retry-After", "2")
	case http.StatusInternalServerError:
		issues = resources.FailureIssues(requestIDOf(c))
	case http.StatusRequestEntityTooLarge:
		c.Header("Connection", "close")
	}
	if errors.Is(err, context.Canceled) {
		c.Status(status)
		return
	}
	outcome, as := fhir.Outcome(issues...).Bytes(), representationOf(c.Request)
	if body, err := as.render(outcome); err == nil {
		write(c, status, as.contentType, body)
		return
	}
	write(c, status, jsonFormat.contentType, outcome) // it quotes what XML has no character for
}
