package rest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"fhirside/fhir"
	"fhirside/fhir/xml"
	"fhirside/resources"
	"fhirside/resources/access"
	"fhirside/resources/rest"
	"fhirside/resources/store"
	"fhirside/resources/store/sqlite"
	"fhirside/search/searchtest"
)

// pages serves a store with pages of up to a thousand.
func pages(st store.Store, log io.Writer) http.Handler {
	return rest.New(rest.Options{
		Service: resources.New(resources.Options{Store: st, MaxPage: 1000}),
		Guard:   func(*http.Request) (access.Policy, error) { return access.Everything, nil },
		Log:     slog.New(slog.NewTextHandler(log, nil)),
	})
}

// document is a DocumentReference of about 22 KB that does not compress well. Each is about an Encounter of its own of the same size.
func document(i int) []string {
	content := make([]byte, 16<<10)
	for j := range content {
		content[j] = byte(rand.IntN(256))
	}
	data, _ := json.Marshal(content)
	return []string{
		fmt.Sprintf(`{"resourceType":"Encounter","id":"e%d","status":"finished","class":{"code":"AMB"},"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">%s</div>"}}`, i, data[1:len(data)-1]),
		fmt.Sprintf(`{"resourceType":"DocumentReference","id":"d%d","status":"current","content":[{"attachment":{"data":%s}}],"context":{"encounter":[{"reference":"Encounter/e%d"}]}}`, i, data, i),
	}
}

// documents puts so many of them.
func documents(t *testing.T, st store.Store, n int) {
	t.Helper()
	var bodies []string
	for i := range n {
		if bodies = append(bodies, document(i)...); len(bodies) >= 100 || i == n-1 {
			put(t, st, 1, bodies...)
			bodies = nil
		}
	}
}

func put(t *testing.T, st store.Store, version int64, bodies ...string) {
	t.Helper()
	err := st.Commit(t.Context(), func(tx store.Tx) error {
		for _, body := range bodies {
			r, err := fhir.Parse([]byte(body))
			if err != nil {
				return err
			}
			v := store.Version{Key: store.Key{Type: r.Type(), ID: r.ID()}, Version: version, Updated: tx.Now(), Method: store.Updated, Body: r.Bytes()}
			if err := tx.Put(store.Record{Version: v, Values: searchtest.Extract(r)}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// reader is a client that takes a Bundle bit by bit. While it does, it looks how much memory is in use.
type reader struct {
	header      http.Header
	taken, next int
	peak        uint64
}

func (s *reader) Header() http.Header { return s.header }
func (s *reader) WriteHeader(int)     {}
func (s *reader) Write(p []byte) (int, error) {
	if s.taken += len(p); s.taken >= s.next {
		s.next = s.taken + 4<<20
		s.peak = max(s.peak, inUse())
	}
	return len(p), nil
}

func inUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestMemoryOfBigPages: a page of a thousand needs no more memory than one of a hundred, matches and includes, in every format.
func TestMemoryOfBigPages(t *testing.T) {
	for name, open := range map[string]func(*testing.T) store.Store{
		"sqlite": func(t *testing.T) store.Store {
			s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "pages.db"), sqlite.Options{})
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
		"mongodb": openMongoDB,
	} {
		t.Run(name, func(t *testing.T) {
			st := open(t)
			defer st.Close()
			documents(t, st, 1000)
			handler := pages(st, io.Discard)
			ask := func(query string) *reader {
				s := &reader{header: http.Header{}}
				handler.ServeHTTP(s, httptest.NewRequest("GET", "/fhir/DocumentReference"+query, nil))
				return s
			}
			ask("?_count=1000")
			for _, query := range []string{
				"?_include=DocumentReference:encounter&_sort=-_lastUpdated", "?_total=none&_pretty=true", "?_total=none&_format=xml",
				"/_history?_format=xml&_pretty=true",
			} {
				few, many := ask(query+"&_count=100"), ask(query+"&_count=1000")
				t.Logf("%s: %d MB in use while %d MB are sent, and %d MB while %d MB are", query, few.peak>>20, few.taken>>20, many.peak>>20, many.taken>>20)
				if many.taken < 20<<20 || many.peak > few.peak+8<<20 {
					t.Errorf("%s: %d MB in use while a page of %d MB is sent, and %d MB while one of %d MB is", query, many.peak>>20, many.taken>>20, few.peak>>20, few.taken>>20)
				}
			}
		})
	}
}

// entries are "Type/id" and version of a Bundle's entries.
func entries(t *testing.T, body []byte) (list []string) {
	t.Helper()
	var bundle struct {
		Total int
		Entry []struct {
			Resource struct {
				ResourceType, ID, Status string
			}
		}
	}
	if err := json.Unmarshal(body, &bundle); err != nil {
		t.Fatalf("%v of %d bytes", err, len(body))
	}
	for _, e := range bundle.Entry {
		list = append(list, e.Resource.ResourceType+"/"+e.Resource.ID+" "+e.Resource.Status)
	}
	return list
}

// TestBigPages: what is written while it is read is what was found, also if it is changed meanwhile, and is the same in all formats.
func TestBigPages(t *testing.T) {
	for name, open := range map[string]func(*testing.T) store.Store{"sqlite": openSQLite, "mongodb": openMongoDB} {
		t.Run(name, func(t *testing.T) {
			st := open(t)
			defer st.Close()
			const n = 250 // 5 MB
			documents(t, st, n)
			handler := pages(st, io.Discard)
			get := func(method, query string, w http.ResponseWriter) {
				handler.ServeHTTP(w, httptest.NewRequest(method, "/fhir/DocumentReference?_count=1000&_include=DocumentReference:encounter"+query, nil))
			}
			plain, head := httptest.NewRecorder(), httptest.NewRecorder()
			get("GET", "", plain)
			get("HEAD", "", head)
			all := entries(t, plain.Body.Bytes())
			if len(all) != 2*n || !strings.Contains(plain.Body.String()[:200], fmt.Sprintf(`"total":%d`, n)) {
				t.Fatalf("%d entries: %.300s", len(all), plain.Body)
			}
			sameInAllFormats(t, handler, "/fhir/DocumentReference?_count=1000&_include=DocumentReference:encounter")
			sameInAllFormats(t, handler, "/fhir/DocumentReference/_history?_count=1000")
			if head.Code != http.StatusOK || head.Body.Len() > 0 {
				t.Errorf("HEAD: %d with %d bytes", head.Code, head.Body.Len())
			}
			last := all[n-1]
			changed := &changing{ResponseRecorder: httptest.NewRecorder(), then: func() {
				id, _, _ := strings.Cut(strings.TrimPrefix(last, "DocumentReference/"), " ")
				put(t, st, 2, fmt.Sprintf(`{"resourceType":"DocumentReference","id":%q,"status":"superseded","content":[{"attachment":{"title":"none"}}]}`, id))
			}}
			get("GET", "", changed)
			if got := entries(t, changed.Body.Bytes()); strings.Join(got, ",") != strings.Join(all, ",") {
				t.Error("what was changed meanwhile is not what was found")
			}
		})
	}
}

// sameInAllFormats compares a page that is sent entry by entry with what it is as a whole.
func sameInAllFormats(t *testing.T, handler http.Handler, url string) {
	t.Helper()
	get := func(format string) []byte {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest("GET", url+"&_format="+format, nil))
		if w.Code != http.StatusOK || w.Header().Get("Content-Length") != "" {
			t.Fatalf("%s in %s: %d of %s bytes", url, format, w.Code, w.Header().Get("Content-Length"))
		}
		return w.Body.Bytes()
	}
	// The links tell of the format and whether it is pretty.
	in := func(page []byte, format string) []byte {
		return bytes.ReplaceAll(page, []byte("_format=json"), []byte("_format="+format))
	}
	plain := get("json")
	pretty := jsontext.Value(in(plain, "json&_pretty=true"))
	if err := pretty.Indent(jsontext.WithIndent("  ")); err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	if got := get("json&_pretty=true"); string(got) != string(pretty)+"\n" {
		t.Errorf("%s is another page where it is pretty", url)
	}
	for _, format := range []string{"xml", "xml&_pretty=true"} {
		whole, err := fhir.Parse(in(plain, format))
		if err != nil {
			t.Fatal(err)
		}
		want, err := xml.Encode(whole, strings.HasSuffix(format, "true"))
		if err != nil {
			t.Fatal(err)
		}
		if got := get(format); !bytes.Equal(got, want) {
			t.Errorf("%s is another page in %s", url, format)
		}
	}
}

// changing does something at the first bytes of an answer.
type changing struct {
	*httptest.ResponseRecorder
	then func()
}

func (c *changing) Write(p []byte) (int, error) {
	if c.then != nil {
		c.then()
		c.then = nil
	}
	return c.ResponseRecorder.Write(p)
}

// failing is a store that reads nothing any more from some time on.
type failing struct {
	store.Store
	reads int
}

func (f *failing) ReadMany(ctx context.Context, keys []store.Key) ([]store.Version, error) {
	if f.reads--; f.reads < 0 {
		return nil, errors.New("the disk is gone")
	}
	return f.Store.ReadMany(ctx, keys)
}

// TestBigPageBreaksOff: a client cannot take half a page for all of it.
func TestBigPageBreaksOff(t *testing.T) {
	st := openSQLite(t)
	defer st.Close()
	documents(t, st, 250)
	var log bytes.Buffer
	server := httptest.NewServer(pages(&failing{st, 2}, &log))
	for _, encoding := range []string{"identity", "gzip"} {
		request, _ := http.NewRequestWithContext(t.Context(), "GET", server.URL+"/fhir/DocumentReference?_count=1000", nil)
		request.Header.Set("Accept-Encoding", encoding)
		r, err := http.DefaultClient.Do(request)
		if err != nil {
			continue // broken before a byte came
		}
		if n, err := io.Copy(io.Discard, r.Body); err == nil {
			t.Errorf("%s: %d bytes came to a good end", encoding, n)
		}
		r.Body.Close()
	}
	server.Close()
	if !strings.Contains(log.String(), "the disk is gone") || !strings.Contains(log.String(), "msg=request") {
		t.Errorf("the log says %s", log.String())
	}
}
