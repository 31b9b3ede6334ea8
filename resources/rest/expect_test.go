package rest_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"fhirside/resources/rest/resttest"
)

// A client that asks before it sends a body (RFC 9110, section 10.1.1) is told at once what its headers are refused for.
func TestExpectContinue(t *testing.T) {
	st := openSQLite(t)
	t.Cleanup(func() { st.Close() })
	server := httptest.NewServer(resttest.Handler(st))
	t.Cleanup(server.Close)
	for name, request := range map[string]struct {
		line, headers string
		status        int
	}{
		"asked for":            {"POST /fhir/Patient", "Content-Type: application/fhir+json\r\nContent-Length: 26", http.StatusContinue},
		"another type":         {"POST /fhir/Patient", "Content-Type: text/csv\r\nContent-Length: 26", http.StatusUnsupportedMediaType},
		"another patch":        {"PATCH /fhir/Patient/1", "Content-Type: text/csv\r\nContent-Length: 26", http.StatusUnsupportedMediaType},
		"another encoding":     {"POST /fhir/Patient", "Content-Type: application/fhir+json\r\nContent-Encoding: br\r\nContent-Length: 26", http.StatusUnsupportedMediaType},
		"too large":            {"POST /fhir/Patient", "Content-Type: application/fhir+json\r\nContent-Length: 99999999999", http.StatusRequestEntityTooLarge},
		"too large a Binary":   {"PUT /fhir/Binary/1", "Content-Type: image/png\r\nContent-Length: 99999999999", http.StatusRequestEntityTooLarge},
		"another answer":       {"POST /fhir/Patient", "Accept: image/png\r\nContent-Type: application/fhir+json\r\nContent-Length: 26", http.StatusNotAcceptable},
		"criteria of a create": {"POST /fhir/Patient?name=x", "Content-Type: application/fhir+json\r\nContent-Length: 26", http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", strings.TrimPrefix(server.URL, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: x.example\r\n%s\r\nExpect: 100-continue\r\n\r\n", request.line, request.headers); err != nil {
				t.Fatal(err)
			}
			answers := bufio.NewReader(conn)
			first, err := http.ReadResponse(answers, nil)
			if err != nil || first.StatusCode != request.status {
				t.Fatalf("%v %v, want %d", first, err, request.status)
			}
			if request.status != http.StatusContinue {
				return
			}
			if _, err := io.WriteString(conn, `{"resourceType":"Patient"}`); err != nil {
				t.Fatal(err)
			}
			if second, err := http.ReadResponse(answers, nil); err != nil || second.StatusCode != http.StatusCreated {
				t.Fatalf("%v %v, want 201", second, err)
			}
		})
	}
}

// A client that sends all before it reads gets the answer too, and not a broken connection: what is refused is read to its end, unless
// the client waits to be asked for it.
func TestRefusedBodiesAreReadToTheirEnd(t *testing.T) {
	st := openSQLite(t)
	t.Cleanup(func() { st.Close() })
	h := resttest.Handler(st)
	const size = 100 << 10 // more than the 64 KiB that are taken
	for name, request := range map[string]struct {
		method, url, contentType, expect string
		status, left                     int
	}{
		"too large":             {http.MethodPost, "/fhir/Patient", "application/fhir+json", "", http.StatusRequestEntityTooLarge, 0},
		"another type":          {http.MethodPost, "/fhir/Patient", "text/csv", "", http.StatusUnsupportedMediaType, 0},
		"nowhere":               {http.MethodPost, "/fhir/Patient/1", "application/fhir+json", "", http.StatusMethodNotAllowed, 0},
		"too large, and waits":  {http.MethodPost, "/fhir/Patient", "application/fhir+json", "100-continue", http.StatusRequestEntityTooLarge, size},
		"nowhere, and it waits": {http.MethodPost, "/fhir/Patient/1", "application/fhir+json", "100-continue", http.StatusMethodNotAllowed, size},
	} {
		t.Run(name, func(t *testing.T) {
			body := strings.NewReader(strings.Repeat(" ", size))
			r := httptest.NewRequest(request.method, request.url, body)
			r.Header.Set("Content-Type", request.contentType)
			if request.expect != "" {
				r.Header.Set("Expect", request.expect)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != request.status || body.Len() != request.left {
				t.Fatalf("%d, and %d bytes are not read; want %d and %d: %s", w.Code, body.Len(), request.status, request.left, w.Body)
			}
		})
	}
}
