package rest_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"fhirside/fhir"
	"fhirside/resources"
	"fhirside/resources/access"
	"fhirside/resources/rest"
	"fhirside/resources/rest/resttest"
	"fhirside/resources/store"
)

// faulty is a store of which nothing works.
type faulty struct {
	store.Store
	err error
}

func (f faulty) Read(context.Context, string, string) (store.Version, error) {
	return store.Version{}, f.err
}
func (f faulty) Commit(context.Context, func(store.Tx) error) error { return f.err }
func (f faulty) Ready(context.Context) (string, error)              { return "", f.err }

func TestFaultsOfTheStore(t *testing.T) {
	const secret = "connection to 10.1.2.3 lost"
	for _, c := range []struct {
		err        error
		status     int
		code       fhir.Code
		retryAfter bool
	}{
		{store.ErrUnavailable, 503, fhir.CodeTransient, true},
		{store.ErrFull, 507, fhir.CodeNoStore, false},
		{store.ErrTooCostly, 403, fhir.CodeTooCostly, false},
		{context.DeadlineExceeded, 503, fhir.CodeTimeout, true},
		{errors.New("other"), 500, fhir.CodeException, false},
	} {
		st := faulty{err: fmt.Errorf("%s: %w", secret, c.err)}
		var log bytes.Buffer
		handler := rest.New(rest.Options{
			Service: resources.New(resources.Options{Store: st}), Log: slog.New(slog.NewJSONHandler(&log, nil)),
			Guard: func(*http.Request) (access.Policy, error) { return access.Everything, nil },
		})
		for _, method := range []string{"GET", "PUT"} {
			request := httptest.NewRequest(method, "/fhir/Patient/patient-id", strings.NewReader(`{"resourceType":"Patient","id":"patient-id"}`))
			answer := httptest.NewRecorder()
			handler.ServeHTTP(answer, request)
			body := answer.Body.String()
			if answer.Code != c.status || !strings.Contains(body, fmt.Sprintf(`"code":"%s"`, c.code.Code())) || strings.Contains(body, secret) {
				t.Errorf("%v, %s: %d %s", c.err, method, answer.Code, body)
			}
			if got := answer.Header().Get("Retry-After") != ""; got != c.retryAfter {
				t.Errorf("%v, %s: Retry-After %v", c.err, method, got)
			}
		}
		if text := log.String(); c.status >= 500 && !strings.Contains(text, secret) || strings.Contains(text, "patient-id") {
			t.Errorf("%v: log %s", c.err, text)
		}
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequest("GET", "/readyz", nil))
		if answer.Code != http.StatusServiceUnavailable {
			t.Errorf("%v: /readyz answers %d", c.err, answer.Code)
		}
	}
}

// A panic is answered and logged under the request id, and the server goes on.
func TestPanics(t *testing.T) {
	var log bytes.Buffer
	handler := rest.New(rest.Options{
		Service: resources.New(resources.Options{}), Log: slog.New(slog.NewJSONHandler(&log, nil)),
		Guard: func(*http.Request) (access.Policy, error) { panic("secret") },
	})
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequest("GET", "/fhir/Patient/1", nil))
	id := answer.Header().Get("X-Request-Id")
	if answer.Code != http.StatusInternalServerError || !strings.Contains(answer.Body.String(), id) || strings.Contains(answer.Body.String(), "secret") {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
	if !strings.Contains(log.String(), "secret") || !strings.Contains(log.String(), id) {
		t.Errorf("log %s", log.String())
	}
}

// What the guard refuses is refused before anything is read.
func TestGuard(t *testing.T) {
	handler := rest.New(rest.Options{
		Service: resources.New(resources.Options{}), Log: slog.New(slog.DiscardHandler),
		Guard: func(*http.Request) (access.Policy, error) {
			return nil, fhir.Errorf(fhir.Unauthenticated, fhir.CodeLogin, "who are you?")
		},
	})
	for _, target := range []string{"GET /fhir/Patient/1", "GET /fhir/Patient", "POST /fhir/Patient", "POST /fhir", "GET /fhir/_history", "DELETE /fhir/Patient/1", "PUT /fhir/Patient/1"} {
		method, url, _ := strings.Cut(target, " ")
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequest(method, url, strings.NewReader("{")))
		if answer.Code != http.StatusUnauthorized {
			t.Errorf("%s: %d", target, answer.Code)
		}
	}
}

// slow is a store whose reads take as long as they may.
type slow struct{ store.Store }

func (slow) Read(ctx context.Context, _, _ string) (store.Version, error) {
	<-ctx.Done()
	return store.Version{}, ctx.Err()
}

func TestTimeout(t *testing.T) {
	handler := rest.New(rest.Options{
		Service: resources.New(resources.Options{Store: slow{}}), Log: slog.New(slog.DiscardHandler), Timeout: time.Millisecond,
		Guard: func(*http.Request) (access.Policy, error) { return access.Everything, nil },
	})
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequest("GET", "/fhir/Patient/1", nil))
	if answer.Code != http.StatusServiceUnavailable || !strings.Contains(answer.Body.String(), `"timeout"`) {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // the client is gone
	answer = httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequest("GET", "/fhir/Patient/1", nil).WithContext(ctx))
	if answer.Code != resources.StatusCanceled {
		t.Errorf("%d", answer.Code)
	}
}

// A body that expands beyond the limit is refused when that much was read, not when all of it was.
func TestCompressedBombs(t *testing.T) {
	base := resttest.Serve(t, openSQLite(t))
	reader, writer := io.Pipe()
	go func() {
		zip := gzip.NewWriter(writer)
		for chunk := bytes.Repeat([]byte(" "), 1<<20); ; {
			if _, err := zip.Write(chunk); err != nil {
				return // the server has hung up
			}
			if err := zip.Flush(); err != nil {
				return
			}
		}
	}()
	defer reader.Close()
	request, err := http.NewRequest("POST", base+"/Patient", reader)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/fhir+json")
	request.Header.Set("Content-Encoding", "gzip")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d", response.StatusCode)
	}
}
