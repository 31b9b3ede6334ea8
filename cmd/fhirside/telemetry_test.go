package main

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	collectormetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"fhirside/resources/store/mongo/mongotest"
)

// collector receives what is sent by OTLP over HTTP.
type collector struct {
	mu      sync.Mutex
	raw     []byte            // all that came, unpacked
	metrics map[string]bool   // names
	labels  map[string]bool   // "metric name=value" of each data point
	service map[string]string // attributes of the resource
	spans   []*tracepb.Span
}

func newCollector(t *testing.T) (*collector, string) {
	c := &collector{metrics: map[string]bool{}, labels: map[string]bool{}, service: map[string]string{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := c.receive(r); err != nil {
			t.Error(err)
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	t.Cleanup(server.Close)
	return c, server.URL
}

func (c *collector) receive(r *http.Request) error {
	var from io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		unpacked, err := gzip.NewReader(r.Body)
		if err != nil {
			return err
		}
		from = unpacked
	}
	body, err := io.ReadAll(from)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.raw = append(c.raw, body...)
	if r.URL.Path == "/v1/traces" {
		return c.receiveTraces(body)
	}
	return c.receiveMetrics(body)
}

func (c *collector) receiveTraces(body []byte) error {
	var request collectortrace.ExportTraceServiceRequest
	if err := proto.Unmarshal(body, &request); err != nil {
		return err
	}
	for _, resource := range request.ResourceSpans {
		for _, scope := range resource.ScopeSpans {
			c.spans = append(c.spans, scope.Spans...)
		}
	}
	return nil
}

func (c *collector) receiveMetrics(body []byte) error {
	var request collectormetrics.ExportMetricsServiceRequest
	if err := proto.Unmarshal(body, &request); err != nil {
		return err
	}
	for _, resource := range request.ResourceMetrics {
		for _, a := range resource.Resource.Attributes {
			c.service[a.Key] = a.Value.GetStringValue()
		}
		for _, scope := range resource.ScopeMetrics {
			for _, m := range scope.Metrics {
				c.metrics[m.Name] = true
				for _, point := range m.GetHistogram().GetDataPoints() {
					for _, a := range point.Attributes {
						c.labels[m.Name+" "+a.Key+"="+a.Value.GetStringValue()] = true
					}
				}
			}
		}
	}
	return nil
}

func attributesOf(span *tracepb.Span) map[string]string {
	list := map[string]string{}
	for _, a := range span.Attributes {
		if n, ok := a.Value.Value.(*common.AnyValue_IntValue); ok {
			list[a.Key] = strconv.FormatInt(n.IntValue, 10)
		} else {
			list[a.Key] = a.Value.GetStringValue()
		}
	}
	return list
}

// span is the first of that name.
func (c *collector) span(name string) *tracepb.Span {
	if i := slices.IndexFunc(c.spans, func(s *tracepb.Span) bool { return s.Name == name }); i >= 0 {
		return c.spans[i]
	}
	return nil
}

// TestTelemetry: a collector gets what /metrics shows, and spans of requests and of their commands, and nothing of the records.
func TestTelemetry(t *testing.T) {
	collected, endpoint := newCollector(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
	set := testSettings(t)
	set.store = mongotest.URI(t)
	url, stop, done := startServer(t, set)
	patient := `{"resourceType":"Patient","id":"secret-id","identifier":[{"system":"urn:secret-system","value":"secret-number"}],"name":[{"family":"Secretname"}],"birthDate":"1923-04-05"}`
	for _, r := range []struct {
		method, path, body string
		status             int
	}{
		{"PUT", "/fhir/Patient/secret-id", patient, http.StatusCreated},
		{"PUT", "/fhir/Patient/secret-id", strings.Replace(patient, "Secretname", "Secretname2", 1), http.StatusOK},
		{"GET", "/fhir/Patient/secret-id", "", http.StatusOK},
		{"GET", "/fhir/Patient?identifier=urn:secret-system|secret-number&name=secretname", "", http.StatusOK},
		{"GET", "/fhir/Patient?birthdate=1923-04-05&_sort=-_lastUpdated", "", http.StatusOK},
		{"POST", "/fhir/Patient", `{"resourceType":"Patient","secret-member":1}`, http.StatusBadRequest},
		{"GET", "/fhir/Patient/secret-id/_history", "", http.StatusOK},
		{"GET", "/secret-path", "", http.StatusNotFound},
		{"SECRET", "/fhir/Patient/secret-id", "", http.StatusMethodNotAllowed},
		{"DELETE", "/fhir/Patient/secret-id", "", http.StatusNoContent},
	} {
		if answer, text := ask(t, r.method, url+r.path, r.body); answer.StatusCode != r.status {
			t.Fatal(r.method, r.path, answer.Status, text)
		}
	}
	request, err := http.NewRequestWithContext(t.Context(), "GET", url+"/fhir/Observation/secret-observation", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	request.Header.Set("tracestate", "app=secret-state")
	request.Header.Set("baggage", "patient=secret-baggage")
	request.Header.Set("User-Agent", "secret-agent")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}

	collected.mu.Lock()
	defer collected.mu.Unlock()
	for _, name := range []string{
		"fhirside_mongodb_command_seconds", "fhirside_mongodb_connections", "fhirside_mongodb_commit_attempts_total",
		"fhirside_http_requests_total", "fhirside_http_request_duration_seconds", "go_goroutines",
	} {
		if !collected.metrics[name] {
			t.Errorf("the metric %s was not sent", name)
		}
	}
	for _, label := range []string{"fhirside_mongodb_command_seconds command=find", "fhirside_mongodb_command_seconds outcome=ok", "fhirside_http_request_duration_seconds route=/fhir/:type/:id"} {
		if !collected.labels[label] {
			t.Errorf("no data point has %s", label)
		}
	}
	if collected.service["service.name"] != "fhirside" || collected.service["service.instance.id"] == "" || collected.service["deployment.environment.name"] != "test" {
		t.Errorf("the service is %v", collected.service)
	}
	read, find := collected.span("GET /fhir/:type/:id"), collected.span("find Patient")
	if read == nil || find == nil || collected.span("insert history") == nil {
		t.Fatalf("spans are missing: %v", collected.spans)
	}
	if a := attributesOf(read); a["http.request.method"] != "GET" || a["http.route"] != "/fhir/:type/:id" || a["http.response.status_code"] != "200" {
		t.Errorf("a read is %v", a)
	}
	if a := attributesOf(find); a["db.system.name"] != "mongodb" || a["db.operation.name"] != "find" || a["db.collection.name"] != "Patient" {
		t.Errorf("a find is %v", a)
	}
	if !slices.ContainsFunc(collected.spans, func(s *tracepb.Span) bool {
		return s.Name == "find Patient" && bytes.Equal(s.ParentSpanId, read.SpanId) && bytes.Equal(s.TraceId, read.TraceId)
	}) {
		t.Error("a read has no find")
	}
	if !slices.ContainsFunc(collected.spans, func(s *tracepb.Span) bool {
		return s.Name == "find Observation" && hex.EncodeToString(s.TraceId) == "0af7651916cd43dd8448eb211c80319c"
	}) {
		t.Error("the client's trace is not continued")
	}
	for _, secret := range []string{"secret", "1923", "127.0.0.1"} {
		if at := bytes.Index(bytes.ToLower(collected.raw), []byte(secret)); at >= 0 {
			t.Errorf("%q was sent: %q", secret, collected.raw[max(0, at-40):min(len(collected.raw), at+40)])
		}
	}
}

// TestTelemetryVariables: what the variables ask for.
func TestTelemetryVariables(t *testing.T) {
	for _, test := range []struct {
		name            string
		variables       map[string]string
		metrics, traces bool
		refused         string
	}{
		{"no endpoint", nil, false, false, ""},
		{"an endpoint", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, true, true, ""},
		{"one for metrics", map[string]string{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://127.0.0.1:1/v1/metrics"}, true, false, ""},
		{"one for traces", map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:1/v1/traces"}, false, true, ""},
		{"no metrics", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_METRICS_EXPORTER": "none"}, false, true, ""},
		{"no traces", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER": "none"}, true, false, ""},
		{"nothing", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true"}, false, false, ""},
		{"the protocol by name", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, true, true, ""},
		{"another protocol", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, false, false, "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"},
		{"another exporter", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER": "zipkin"}, false, false, "OTEL_TRACES_EXPORTER=zipkin"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for name, value := range test.variables {
				t.Setenv(name, value)
			}
			if test.refused != "" {
				if _, err := newTelemetry(t.Context(), slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), test.refused) {
					t.Errorf("the error is %v", err)
				}
				return
			}
			for signal, want := range map[string]bool{"METRICS": test.metrics, "TRACES": test.traces} {
				if is, err := isExported(signal); err != nil || is != want {
					t.Errorf("%s: %v, %v", signal, is, err)
				}
			}
		})
	}
}
