package load

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klauspost/compress/zstd"

	"fhirside/fhir"
)

// write makes a folder of files: name, content, name, content …
func write(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		path := filepath.Join(dir, files[i])
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(files[i+1]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func ndjson(resources ...string) string { return strings.Join(resources, "\n") + "\n" }

func patient(id string) string { return fmt.Sprintf(`{"resourceType":"Patient","id":%q}`, id) }

func about(resourceType, id, patient string) string {
	return fmt.Sprintf(`{"resourceType":%q,"id":%q,"subject":{"reference":"Patient/%s"}}`, resourceType, id, patient)
}

// refusals collects them.
func refusals(l *Loader) *[]string {
	out := &[]string{}
	l.Refused = func(r Refusal) { *out = append(*out, strings.TrimPrefix(r.String(), filepath.Dir(r.Source)+"/")) }
	return out
}

func TestBulkDataFolderIsLoadedInOrderOfDependencies(t *testing.T) {
	var patients, observations []string
	for i := range 450 {
		patients = append(patients, patient(fmt.Sprint("p", i)))
		observations = append(observations, about("Observation", fmt.Sprint("o", i), fmt.Sprint("p", i)))
	}
	dir := write(t, "AllergyIntolerance.ndjson", ndjson(about("AllergyIntolerance", "a", "p449")),
		"Observation.ndjson", ndjson(observations...), "Patient.ndjson", "\n"+ndjson(patients...), "log.txt", "not for us", ".hidden.json", "{")
	s := newServer()
	report, err := s.loader(t).Load(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if report.Stored != 901 || report.Types["Patient"].Created != 450 || len(s.resources) != 901 {
		t.Errorf("%+v", report)
	}
	slices.Sort(s.requests)
	if got := strings.Join(s.requests, ", "); strings.Contains(got, "batch") || len(s.requests) > 8 {
		t.Errorf("requests: %s", got)
	}
	again, err := s.loader(t).Load(t.Context(), dir)
	if err != nil || again.Types["Patient"] != (Count{Present: 450}) || len(s.resources) != 901 {
		t.Errorf("a second load: %v, %+v", err, again)
	}
}

func TestWhatComesTooEarlyIsTriedAgain(t *testing.T) {
	// Organization a is part of b of another file, b of c: no order of types helps here.
	dir := write(t,
		"1.json", `{"resourceType":"Organization","id":"a","partOf":{"reference":"Organization/b"}}`,
		"2.ndjson", ndjson(`{"resourceType":"Organization","id":"b","partOf":{"reference":"Organization/c"}}`, `{"resourceType":"Organization","id":"x"}`),
		"3.json", `{"resourceType":"Bundle","type":"transaction","entry":[
			{"resource":{"resourceType":"Organization","id":"c","partOf":{"reference":"Appointment/late"}},"request":{"method":"PUT","url":"Organization/c"}}]}`,
		"4.json", `{"resourceType":"Appointment","id":"late"}`)
	s := newServer()
	l := s.loader(t)
	l.Workers = 1
	report, err := l.Load(t.Context(), dir)
	if err != nil || report.Stored != 5 || report.Refused != 0 {
		t.Errorf("%v, %+v", err, report)
	}
}

func TestRefusalsAreReportedAndTheRestIsStored(t *testing.T) {
	dir := write(t,
		"Observation.ndjson", ndjson(about("Observation", "o1", "p1"), about("Observation", "o2", "nobody"), "{broken", about("Observation", "o3", "p1")),
		"Patient.json", patient("p1"),
		"whole.json", `{"resourceType":"Bundle","type":"transaction","entry":[
			{"resource":{"resourceType":"Patient","bad":true},"request":{"method":"POST","url":"Patient"}},
			{"resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}}]}`,
		"old.json", `{"resourceType":"Bundle","type":"history"}`,
		"torn.json", `{"resourceType":`)
	s := newServer()
	l := s.loader(t)
	got := refusals(&l)
	report, err := l.Load(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(*got)
	want := []string{
		`Observation.ndjson:2: Observation/o2: 422 Unprocessable Entity; Observation/o2 refers to Patient/nobody, which is not there (at Bundle)`,
		`Observation.ndjson:3: `,
		`old.json: a Bundle of type history holds nothing to be loaded`,
		`torn.json: `,
		`whole.json: a transaction of 2 entries: 422 Unprocessable Entity; Patient is bad (at Bundle)`,
	}
	for i, w := range want {
		if i >= len(*got) || !strings.HasPrefix((*got)[i], w) {
			t.Errorf("not told of %s", w)
		}
	}
	if len(*got) != len(want) || report.Stored != 3 || report.Refused != 6 || report.Types["Observation"] != (Count{Created: 2, Refused: 1}) {
		t.Errorf("%+v\n%s", report, strings.Join(*got, "\n"))
	}
}

func TestKindsOfBundles(t *testing.T) {
	entry := func(fullURL, resource string) string {
		return fmt.Sprintf(`{"fullUrl":%q,"resource":%s}`, fullURL, resource)
	}
	bundle := func(typ string, entries ...string) string {
		return fmt.Sprintf(`{"resourceType":"Bundle","id":"b","type":%q,"entry":[%s]}`, typ, strings.Join(entries, ","))
	}
	for name, c := range map[string]struct {
		bundle   string
		requests string
		stored   string
	}{
		"a searchset is sorted, its outcome left out": {
			bundle("searchset", entry("http://x/Observation/o", about("Observation", "o", "p")), entry("http://x/Patient/p", patient("p")),
				`{"resource":{"resourceType":"OperationOutcome"},"search":{"mode":"outcome"}}`),
			"transaction 2", "Observation/o Patient/p"},
		"a collection whose entries name each other stays together": {
			bundle("collection", entry("urn:uuid:1", `{"resourceType":"Patient"}`), entry("urn:uuid:2", `{"resourceType":"Basic","subject":{"reference":"urn:uuid:1"}}`)),
			"transaction 2", "Basic/new2 Patient/new1"},
		"a batch stays one": {
			bundle("batch", `{"resource":{"resourceType":"Patient","bad":1},"request":{"method":"POST","url":"Patient"}}`, `{"resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}}`),
			"batch 2, batch 1", "Patient/new1"},
		"a document is a resource": {bundle("document", entry("urn:uuid:1", `{"resourceType":"Composition"}`)), "transaction 1", "Bundle/b"},
		"an empty one":             {bundle("collection"), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer()
			l := s.loader(t)
			refusals(&l)
			if _, err := l.Load(t.Context(), write(t, "b.json", c.bundle)); err != nil {
				t.Fatal(err)
			}
			var stored []string
			for key := range s.resources {
				stored = append(stored, key)
			}
			slices.Sort(stored)
			if got := strings.Join(s.requests, ", "); got != c.requests || strings.Join(stored, " ") != c.stored {
				t.Errorf("posted %s; stored %v", got, stored)
			}
		})
	}
}

func TestConditionalCreatesMakeNoDuplicates(t *testing.T) {
	dir := write(t, "a.json", `{"resourceType":"Bundle","type":"batch","entry":[{"resource":{"resourceType":"Practitioner","identifier":[{"system":"s","value":"1"}]},
		"request":{"method":"POST","url":"Practitioner","ifNoneExist":"identifier=s|1"}}]}`)
	s := newServer()
	for _, want := range []Count{{Created: 1}, {Present: 1}} {
		report, err := s.loader(t).Load(t.Context(), dir)
		if err != nil || report.Types["Practitioner"] != want || len(s.resources) != 1 {
			t.Errorf("%v, %+v", err, report)
		}
	}
}

func TestCompressedFiles(t *testing.T) {
	var gz, zst bytes.Buffer
	g := gzip.NewWriter(&gz)
	io.WriteString(g, ndjson(patient("g")))
	g.Close()
	z, _ := zstd.NewWriter(&zst)
	io.WriteString(z, patient("z"))
	z.Close()
	// printf '{"resourceType":"Patient","id":"b"}' | bzip2
	bz2 := "BZh91AY&SYU8\x00\xf4\x00\x00\x10\x9b\x80\x10\x04\x00\x10D\x00>!\xde* \x001@\xd3C#&!\x11\xa3M\x1a\x06\x8fP\xec\xc8H\x19H\xa9S|\xbe\x8eS\xc2\xf0\x04\x9fz\x07\xa9\xf1w$S\x85\t\x05S\x80\x0f@"
	s := newServer()
	if _, err := s.loader(t).Load(t.Context(), write(t, "a.ndjson.gz", gz.String(), "b.JSON.zst", zst.String(), "c.json.bz2", bz2)); err != nil {
		t.Fatal(err)
	}
	if len(s.resources) != 3 {
		t.Errorf("stored %d", len(s.resources))
	}
}

func TestLoadIsGivenUp(t *testing.T) {
	dir := write(t, "a.json", patient("a"))
	serve := func(status int, body string) Loader {
		return Loader{Base: "http://load.test/fhir", Client: InProcess(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			io.WriteString(w, body)
		}))}
	}
	locked := newServer()
	locked.before = func(w http.ResponseWriter, _ *fhir.Resource) bool {
		w.WriteHeader(http.StatusForbidden)
		return true
	}
	garbled := newServer()
	garbled.before = func(w http.ResponseWriter, _ *fhir.Resource) bool {
		io.WriteString(w, `{"resourceType":"Bundle","entry":[]}`)
		return true
	}
	for name, c := range map[string]struct {
		l    Loader
		path string
		want string
	}{
		"no such file":         {newServer().loader(t), filepath.Join(dir, "b.json"), "b.json"},
		"nothing there":        {newServer().loader(t), t.TempDir(), "nothing to load"},
		"no FHIR server":       {serve(200, "<html>"), dir, "is not the base of a FHIR server"},
		"a wrong path":         {serve(404, "no such page"), dir, "404 Not Found; no such page"},
		"locked":               {locked.loader(t), dir, "lets nobody load"},
		"a nonsensical answer": {garbled.loader(t), dir, "it has 0 entries"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := c.l.Load(t.Context(), c.path); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestBusyServerIsWaitedFor(t *testing.T) {
	dir := write(t, "a.json", patient("a"))
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		script := []func(w http.ResponseWriter){
			func(w http.ResponseWriter) {
				w.Header().Set("Retry-After", "7")
				w.WriteHeader(http.StatusServiceUnavailable)
			},
			func(w http.ResponseWriter) { w.WriteHeader(http.StatusTooManyRequests) },
			func(w http.ResponseWriter) { w.WriteHeader(http.StatusConflict) },
			func(w http.ResponseWriter) { w.WriteHeader(http.StatusPreconditionFailed) },
		}
		s.before = func(w http.ResponseWriter, _ *fhir.Resource) bool {
			if len(script) == 0 {
				return false
			}
			script[0](w)
			script = script[1:]
			return true
		}
		start := time.Now()
		report, err := s.loader(t).Load(t.Context(), dir)
		if err != nil || report.Stored != 1 || time.Since(start) < 7*time.Second || time.Since(start) > 10*time.Second {
			t.Errorf("%v, %+v, after %s", err, report, time.Since(start))
		}
		s.before = func(w http.ResponseWriter, _ *fhir.Resource) bool {
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}
		start = time.Now()
		told := 0
		l := s.loader(t)
		l.Waits = func(err error) {
			if told++; !strings.Contains(err.Error(), "503") {
				t.Error(err)
			}
		}
		if _, err := l.Load(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "away or busy") || time.Since(start) > patience+2*longestPause {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		if most := int(patience/longestPause) + 1; told < 2 || told > most {
			t.Errorf("told %d times that it waits", told)
		}
	})
}

// transport fails as the script says.
type transport struct {
	http.RoundTripper
	errors []error
}

func (tr *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method == http.MethodPost && len(tr.errors) > 0 {
		err := tr.errors[0]
		tr.errors = tr.errors[1:]
		return nil, err
	}
	return tr.RoundTripper.RoundTrip(req)
}

func TestBrokenConnections(t *testing.T) {
	post := `{"resourceType":"Bundle","type":"transaction","entry":[{"resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}}]}`
	refused, broken := &net.OpError{Op: "dial", Err: errors.New("connection refused")}, errors.New("connection reset by peer")
	for name, c := range map[string]struct {
		file    string
		errors  []error
		refused int
	}{
		"never made":                     {post, []error{refused, refused}, 0},
		"a repeatable request":           {patient("a"), []error{broken, broken}, 0},
		"one that would be stored twice": {post, []error{broken}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			dir := write(t, "a.json", c.file)
			synctest.Test(t, func(t *testing.T) {
				s := newServer()
				l := s.loader(t)
				l.Client.Transport = &transport{l.Client.Transport, c.errors}
				got := refusals(&l)
				report, err := l.Load(t.Context(), dir)
				if err != nil || len(*got) != c.refused || report.Stored+report.Refused != 1 {
					t.Errorf("%v, %+v, %v", err, report, *got)
				}
			})
		})
	}
}

func TestCancelledLoadStops(t *testing.T) {
	s := newServer()
	ctx, cancel := context.WithCancel(t.Context())
	s.before = func(http.ResponseWriter, *fhir.Resource) bool {
		cancel()
		return false
	}
	var lines []string
	for i := range 5000 {
		lines = append(lines, patient(fmt.Sprint(i)))
	}
	if _, err := s.loader(t).Load(ctx, write(t, "a.ndjson", ndjson(lines...))); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestProgressEndsComplete(t *testing.T) {
	s := newServer()
	l := s.loader(t)
	var last Progress
	l.Progress = func(p Progress) { last = p }
	if _, err := l.Load(t.Context(), write(t, "a.json", patient("a"), "b.ndjson", ndjson(patient("b"), patient("c")))); err != nil {
		t.Fatal(err)
	}
	if last.Stored != 3 || last.Read != last.Bytes || last.Bytes == 0 {
		t.Errorf("%+v", last)
	}
}
