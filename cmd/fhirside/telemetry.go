package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	bridge "go.opentelemetry.io/contrib/bridges/prometheus"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// telemetry is what the server tells of its work: what /metrics shows, and traces.
type telemetry struct {
	metrics *prometheus.Registry
	tracer  trace.Tracer // nil: there are no traces
	end     []func(context.Context) error
}

// untold stays in the process.
func untold() telemetry { return telemetry{metrics: prometheus.NewRegistry()} }

// newTelemetry is sent to a collector by OTLP over HTTP, as the standard variables of OpenTelemetry say: where to, how and how often.
// Without an endpoint nothing is.
func newTelemetry(ctx context.Context, log *slog.Logger) (t telemetry, err error) {
	t = untold()
	sendMetrics, err := isExported("METRICS")
	if err != nil {
		return t, err
	}
	sendTraces, err := isExported("TRACES")
	if err != nil || !sendMetrics && !sendTraces {
		return t, err
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("telemetry cannot be sent", "error", err) }))
	// The process is told by a random id: its command line, which OpenTelemetry would name, can have credentials of the store.
	about, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(
		semconv.ServiceName("fhirside"), semconv.ServiceVersion(softwareVersion()), semconv.ServiceInstanceID(uuid.NewString())), resource.WithFromEnv())
	if err != nil {
		return t, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	if sendMetrics {
		exporter, err := otlpmetrichttp.New(ctx)
		if err != nil {
			return t, fmt.Errorf("export metrics: %w", err)
		}
		reader := metric.NewPeriodicReader(exporter, metric.WithProducer(bridge.NewMetricProducer(bridge.WithGatherer(t.metrics))))
		t.end = append(t.end, metric.NewMeterProvider(metric.WithReader(reader), metric.WithResource(about)).Shutdown)
	}
	if sendTraces {
		exporter, err := otlptracehttp.New(ctx)
		if err != nil {
			return t, errors.Join(fmt.Errorf("export traces: %w", err), t.stop(ctx))
		}
		provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))
		t.tracer, t.end = provider.Tracer("fhirside"), append(t.end, provider.Shutdown)
	}
	return t, nil
}

// isExported says whether a signal ("METRICS", "TRACES") is sent: there is an endpoint, and nobody has said no.
func isExported(signal string) (bool, error) {
	if off, _ := strconv.ParseBool(os.Getenv("OTEL_SDK_DISABLED")); off || os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && os.Getenv("OTEL_EXPORTER_OTLP_"+signal+"_ENDPOINT") == "" {
		return false, nil
	}
	switch name := "OTEL_" + signal + "_EXPORTER"; os.Getenv(name) {
	case "", "otlp":
	case "none":
		return false, nil
	default:
		return false, fmt.Errorf("%s=%s is not known: otlp or none", name, os.Getenv(name))
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_" + signal + "_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		switch protocol := os.Getenv(name); protocol {
		case "":
			continue
		case "http/protobuf":
			return true, nil
		default:
			return false, fmt.Errorf("%s=%s is not known: http/protobuf", name, protocol)
		}
	}
	return true, nil
}

// stop sends what is left.
func (t telemetry) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	var errs []error
	for _, end := range t.end {
		errs = append(errs, end(ctx))
	}
	return errors.Join(errs...)
}
