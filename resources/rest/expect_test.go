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
