package mongo

import (
	"testing"

	otelcodes "go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// TestSpans: commands of a traced context have spans, one that failed with the code and without the text; others have none.
func TestSpans(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder)).Tracer("test")
	s := open(t, Options{Tracer: tracer})
	if n := len(recorder.Ended()); n != 0 {
		t.Fatalf("opening a store has %d spans", n)
	}
	ctx, request := tracer.Start(t.Context(), "request")
	if _, err := s.db.Collection("Patient").Find(ctx, d("_id", d("$secret", "secret"))); err == nil {
		t.Fatal("the find has not failed")
	}
	for id := range 2 {
		_, _ = s.db.Collection("Patient").InsertOne(ctx, d("_id", id))
	}
	cursor, err := s.db.RunCommandCursor(ctx, d("find", "Patient", "batchSize", int32(1)))
	if err != nil {
		t.Fatal(err)
	}
	for cursor.Next(ctx) {
	}
	request.End()
	var names []string
	for _, span := range recorder.Ended() {
		names = append(names, span.Name())
		if span.Name() != "request" && span.Parent().SpanID() != request.SpanContext().SpanID() {
			t.Errorf("%s is not below the request", span.Name())
		}
	}
	if want := "[find Patient insert Patient insert Patient find Patient getMore Patient request]"; len(names) != 6 || names[4] != "getMore Patient" {
		t.Errorf("the spans are %v, not %s", names, want)
	}
	failed := recorder.Ended()[0]
	if status := failed.Status(); status.Code != otelcodes.Error || status.Description != "" || len(failed.Events()) > 0 {
		t.Errorf("the failed find is %v with %v", status, failed.Events())
	}
	const badValue = "2"
	found := false
	for _, a := range failed.Attributes() {
		found = found || a == semconv.DBResponseStatusCode(badValue)
	}
	if !found {
		t.Errorf("no code in %v", failed.Attributes())
	}
}
