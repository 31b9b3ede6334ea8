package mongo

import (
	"context"
	"errors"
	"strconv"
	"sync"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver"
	"go.opentelemetry.io/otel/attribute"
	otelcodes "go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// spans make a span of each command that a traced request sends. A span has the names of the command and the collection, and the code
// of an error: filters, documents and the texts of errors hold what patients' records hold.
type spans struct {
	tracer trace.Tracer
	open   sync.Map // request number → trace.Span
}

// watch adds the spans to a monitor.
func (s *spans) watch(m *event.CommandMonitor) {
	succeeded, failed := m.Succeeded, m.Failed
	m.Started = s.begin
	m.Succeeded = func(ctx context.Context, e *event.CommandSucceededEvent) {
		s.end(e.RequestID, nil)
		succeeded(ctx, e)
	}
	m.Failed = func(ctx context.Context, e *event.CommandFailedEvent) {
		s.end(e.RequestID, e.Failure)
		failed(ctx, e)
	}
}

func (s *spans) begin(ctx context.Context, e *event.CommandStartedEvent) {
	if !trace.SpanFromContext(ctx).IsRecording() { // the store's own work, or a request that is not sampled
		return
	}
	name, attributes := e.CommandName, []attribute.KeyValue{semconv.DBSystemNameMongoDB, semconv.DBOperationName(e.CommandName)}
	if collection := collectionOf(e.CommandName, e.Command); collection != "" {
		name, attributes = name+" "+collection, append(attributes, semconv.DBCollectionName(collection))
	}
	_, span := s.tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attributes...))
	s.open.Store(e.RequestID, span)
}

// collectionOf a command is named by its first member, or by "collection" where that is the number of a cursor; "" where it is for none.
func collectionOf(name string, command bson.Raw) string {
	if name == "getMore" {
		name = "collection"
	}
	collection, _ := command.Lookup(name).StringValueOK()
	return collection
}

func (s *spans) end(request int64, failure error) {
	found, ok := s.open.LoadAndDelete(request)
	if !ok {
		return
	}
	span := found.(trace.Span)
	if failure != nil {
		span.SetStatus(otelcodes.Error, "")
		if e := (driver.Error{}); errors.As(failure, &e) {
			span.SetAttributes(semconv.DBResponseStatusCode(strconv.Itoa(int(e.Code))))
		}
	}
	span.End()
}
