package mongo

import (
	"compress/bzip2"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fhirside/fhir"
	"fhirside/resources/store"
	"fhirside/search"
	"fhirside/search/index"
)

// repository is the repository's folder.
func repository(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for dir != filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		dir = filepath.Dir(dir)
	}
	t.Fatal("no go.mod above this folder")
	return ""
}

// syntheaBundles are the Bundles of the Synthea set: those of hospitals and practitioners, and n of patients; all where n is 0.
func syntheaBundles(t testing.TB, n int) (bundles [][]store.Record) {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(repository(t), "..", "shared", "data", "synthea", "*.json.bz2"))
	if len(files) == 0 {
		t.Skip("the Synthea set is not there")
	}
	slices.Sort(files) // those two come first
	if n > 0 {
		files = files[:min(len(files), n+2)]
	}
	extractor := sharedExtractor()
	bundles = make([][]store.Record, len(files))
	var wg sync.WaitGroup
	for i, file := range files {
		wg.Go(func() { bundles[i] = readBundle(t, file, extractor) })
	}
	wg.Wait()
	return bundles
}

var sharedExtractor = sync.OnceValue(func() *index.Extractor { return index.New(search.R4(), "http://localhost/fhir") })

var conditional = regexp.MustCompile(`"reference":"([A-Z][A-Za-z]+)\?identifier=[^|"]*\|([^"]+)"`)

// readBundle takes the resources out of a transaction Bundle, with references resolved as a server would.
func readBundle(t testing.TB, path string, extractor *index.Extractor) (records []store.Record) {
	file, err := os.Open(path)
	if err != nil {
		t.Error(err)
		return nil
	}
	defer file.Close()
	data, err := io.ReadAll(bzip2.NewReader(file))
	if err != nil {
		t.Error(err)
		return nil
	}
	bundle, err := fhir.Parse(data)
	if err != nil {
		t.Error(err)
		return nil
	}
	var names []string
	for entry := range bundle.Get("entry").Children() {
		r := entry.Get("resource").Resource()
		names = append(names, entry.Get("fullUrl").Text(), r.Type()+"/"+r.ID())
	}
	replace := strings.NewReplacer(names...)
	for entry := range bundle.Get("entry").Children() {
		text := replace.Replace(string(entry.Get("resource").Raw()))
		r, err := fhir.Parse([]byte(conditional.ReplaceAllString(text, `"reference":"$1/$2"`)))
		if err != nil {
			t.Error(err)
			return nil
		}
		version := store.Version{Key: store.Key{Type: r.Type(), ID: r.ID()}, Version: 1, Method: store.Created, Body: r.Bytes()}
		records = append(records, store.Record{Version: version, Values: extractor.Extract(r)})
	}
	return records
}

// load commits each Bundle as one commit.
func load(t testing.TB, s *Store, bundles [][]store.Record) (n int, took time.Duration) {
	t.Helper()
	begin := time.Now()
	for _, records := range bundles {
		err := s.Commit(t.Context(), func(tx store.Tx) error {
			now := tx.Now()
			for _, r := range records {
				r.Updated = now
				if err := tx.Put(r); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		n += len(records)
	}
	return n, time.Since(begin)
}
