package resttest

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"fhirside/resources"
	"fhirside/resources/access"
	"fhirside/resources/rest"
	"fhirside/resources/store"
)

// scenario is a conversation with a fresh server.
type scenario struct {
	name  string
	steps []step
}

// step is one request and what must come of it. In all texts {base} is the server's FHIR base URL; ids that the server assigns
// are new-1, new-2, … in the order of the requests that could need one.
type step struct {
	do     string            // "GET Patient/1"; the URL is relative to the base, or begins with a slash
	header map[string]string // a header of several lines has them here as well
	body   string
	gzip   bool // send the body compressed

	status  int
	headers map[string]string // exactly; "" must be absent
	is      string            // the whole body, with {time} for each instant of the server
	has     []string          // in the body
	// statuses of the response entries of a Bundle, in order: "201 404"; not checked where it is "".
	statuses string
	// entries of a Bundle, in order: their fullUrls; not checked where there are none.
	entries []string
	hasNot  []string // not in the body, nor in a header
}

// Run runs all scenarios on stores that open makes, each on one of its own.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	for _, group := range []struct {
		name      string
		scenarios []scenario
		options   func(*resources.Options) // nil: as they are
	}{
		{"read", reads, nil},
		{"write", writes, nil},
		{"conditional", conditionals, nil},
		{"multiple delete", multipleDeletes, func(o *resources.Options) { o.MaxDelete = 3 }},
		{"history", histories, nil},
		{"meta", metas, nil},
		{"search", searches, nil},
		{"canonical", canonicalSearches, nil},
		{"contained", containedSearches, nil},
		{"hierarchies", hierarchies, nil},
		{"quantity", quantitySearches, nil},
		{"terminology", terminologySearches, nil},
		{"filter", filterSearches, nil},
		{"near", nearSearches, nil},
		{"words", wordSearches, withWords},
		{"no words", wordRefusals, nil},
		{"references", references, nil},
		{"patch", patches, nil},
		{"transaction", transactions, nil},
		{"bundle criteria", bundleCriteria, nil},
		{"batch", batches, nil},
		{"format", formats, nil},
		{"xml", xmlFormats, nil},
		{"unchecked", unchecked, func(o *resources.Options) { o.Validation = resources.ValidateNothing }},
		{"binary", binaries, nil},
		{"clients", clients, nil},
		{"corners", corners, nil},
		{"edges", edges, nil},
		{"hostile", hostile, nil},
		{"bad input", badInputs, nil},
	} {
		for _, sc := range group.scenarios {
			t.Run(group.name+"/"+sc.name, func(t *testing.T) { sc.run(t, open(t), group.options) })
		}
	}
}

// Serve starts a server on the store for the time of the test, and gives its FHIR base URL.
func Serve(t testing.TB, st store.Store) string {
	t.Helper()
	return serve(t, st, nil)
}

func serve(t testing.TB, st store.Store, options func(*resources.Options)) string {
	t.Helper()
	server := httptest.NewServer(handler(st, options))
	t.Cleanup(server.Close)
	return server.URL + rest.Path
}

// Handler serves the store to everybody, with small limits and ids that are new-1, new-2, ….
func Handler(st store.Store) http.Handler { return handler(st, nil) }

func handler(st store.Store, options func(*resources.Options)) http.Handler {
	var ids atomic.Int64
	o := resources.Options{
		Store: st, NewID: func() string { return fmt.Sprintf("new-%d", ids.Add(1)) },
		PageSize: 10, MaxPage: 50, MaxInclude: 20, MaxEntries: 100, MaxAnswer: 64 << 10,
	}
	if options != nil {
		options(&o)
	}
	return rest.New(rest.Options{
		Service: resources.New(o),
		Guard:   func(*http.Request) (access.Policy, error) { return access.Everything, nil },
		Metadata: func(base string) []byte {
			return []byte(`{"resourceType":"CapabilityStatement","url":"` + base + `","purpose":"test"}`)
		},
		MaxBody: 64 << 10,
		Log:     slog.New(slog.DiscardHandler),
	})
}

func (sc scenario) run(t *testing.T, st store.Store, options func(*resources.Options)) {
	t.Cleanup(func() { st.Close() })
	base := serve(t, st, options)
	client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	t.Cleanup(client.CloseIdleConnections)
	for i, s := range sc.steps {
		s.check(t, fmt.Sprintf("step %d, %s", i+1, s.do), client, base)
	}
}

func (s step) check(t *testing.T, where string, client *http.Client, base string) {
	t.Helper()
	fill := func(text string) string { return strings.ReplaceAll(text, "{base}", base) }
	response, err := client.Do(s.request(t, fill, base))
	if err != nil {
		t.Fatalf("%s: %v", where, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("%s: %v", where, err)
	}
	if response.StatusCode != s.status {
		t.Fatalf("%s: status %d, want %d: %s", where, response.StatusCode, s.status, body)
	}
	for name, want := range s.headers {
		if got := response.Header.Get(name); got != fill(want) {
			t.Errorf("%s: header %s is %q, want %q", where, name, got, fill(want))
		}
	}
	text := timeless(string(body))
	if s.is != "" && text != fill(s.is) {
		t.Errorf("%s: body\ngot  %s\nwant %s", where, text, fill(s.is))
	}
	if got := strings.Join(entryStatuses(text), " "); s.statuses != "" && got != s.statuses {
		t.Errorf("%s: entries answer %s, want %s: %s", where, got, s.statuses, text)
	}
	if got := fullURLs(text); s.entries != nil && fill(strings.Join(s.entries, " ")) != strings.Join(got, " ") {
		t.Errorf("%s: the entries are %s, want %s", where, got, fill(fmt.Sprint(s.entries)))
	}
	for _, want := range s.has {
		if !strings.Contains(text, fill(want)) {
			t.Errorf("%s: the body has no %s: %s", where, fill(want), text)
		}
	}
	for _, bad := range s.hasNot {
		if strings.Contains(text, fill(bad)) || strings.Contains(fmt.Sprint(response.Header), fill(bad)) {
			t.Errorf("%s: the answer has %s: %v %s", where, fill(bad), response.Header, text)
		}
	}
	s.alwaysHolds(t, where, response, body)
}

// alwaysHolds checks what is true of every answer: a refusal explains itself, a body has its type.
func (s step) alwaysHolds(t *testing.T, where string, response *http.Response, body []byte) {
	t.Helper()
	if response.Header.Get("X-Request-Id") == "" {
		t.Errorf("%s: no request id", where)
	}
	if len(body) == 0 {
		if response.StatusCode >= 400 && !strings.HasPrefix(s.do, http.MethodHead) {
			t.Errorf("%s: a refusal without OperationOutcome", where)
		}
		return
	}
	contentType := response.Header.Get("Content-Type")
	if !strings.HasPrefix(s.do, "GET /") && s.headers["Content-Type"] == "" && contentType != "application/fhir+json;charset=utf-8" {
		t.Errorf("%s: Content-Type %q", where, contentType)
	}
	outcome := `{"resourceType":"OperationOutcome","issue":[{"severity":"`
	if strings.Contains(contentType, "xml") {
		outcome = `<?xml version="1.0" encoding="UTF-8"?><OperationOutcome xmlns="http://hl7.org/fhir"><issue><severity value="`
	}
	if response.StatusCode >= 400 && !bytes.HasPrefix(indentation.ReplaceAll(body, nil), []byte(outcome)) {
		t.Errorf("%s: a refusal without OperationOutcome: %s", where, body)
	}
}

func (s step) request(t *testing.T, fill func(string) string, base string) *http.Request {
	t.Helper()
	method, url, _ := strings.Cut(s.do, " ")
	switch {
	case strings.HasPrefix(url, "/"):
		url = strings.TrimSuffix(base, rest.Path) + url
	case strings.HasPrefix(url, "?") || url == "":
		url = base + url
	default:
		url = base + "/" + url
	}
	var body io.Reader = strings.NewReader(fill(s.body))
	if s.gzip {
		body = zipped(t, fill(s.body))
	}
	request, err := http.NewRequest(method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	if s.body != "" {
		request.Header.Set("Content-Type", "application/fhir+json")
	}
	if s.gzip {
		request.Header.Set("Content-Encoding", "gzip")
	}
	for name, value := range s.header {
		request.Header[http.CanonicalHeaderKey(name)] = strings.Split(fill(value), "\n")
	}
	return request
}

func zipped(t *testing.T, text string) io.Reader {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &buf
}

var indentation = regexp.MustCompile(`\n\s*`)

var entryStatus = regexp.MustCompile(`"response":\{"status":"(\d+) `)

func entryStatuses(bundle string) (all []string) {
	for _, m := range entryStatus.FindAllStringSubmatch(bundle, -1) {
		all = append(all, m[1])
	}
	return all
}

var fullURL = regexp.MustCompile(`"fullUrl":"([^"]*)"`)

func fullURLs(bundle string) (all []string) {
	for _, m := range fullURL.FindAllStringSubmatch(bundle, -1) {
		all = append(all, m[1])
	}
	return all
}

var instant = regexp.MustCompile(`20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`)

// timeless replaces the times of the server's clock.
func timeless(body string) string { return instant.ReplaceAllString(body, "{time}") }
