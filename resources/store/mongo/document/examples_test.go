package document_test

import (
	"archive/tar"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fhirside/fhir"
	"fhirside/resources/store/mongo/document"
)

// root is the repository's folder.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	for err == nil {
		if _, missing := os.Stat(filepath.Join(dir, "go.mod")); missing == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	t.Fatal("no go.mod above this folder")
	return ""
}

// examples calls back with every JSON file of the official package, parsed. What is no resource is left out.
func examples(t testing.TB, each func(name string, r *fhir.Resource)) {
	t.Helper()
	path := filepath.Join(root(t), ".cache", "hl7.fhir.r4.examples-4.0.1.tgz")
	file, err := os.Open(path)
	if err != nil {
		t.Skipf("the official examples are not there: %v", err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	for archive := tar.NewReader(unzipped); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(header.Name, ".json") {
			continue
		}
		data, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := fhir.Parse(data); err == nil {
			each(header.Name, r)
		}
	}
}

func synthea(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root(t), "..", "shared", "data", "synthea", "*.json.bz2"))
	if err != nil || len(files) == 0 {
		t.Skip("the Synthea set is not there")
	}
	return files
}

func readBundle(t testing.TB, path string) *fhir.Resource {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	data, err := io.ReadAll(bzip2.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	r, err := fhir.Parse(data)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return r
}

func TestOfficialExamples(t *testing.T) {
	count, kept := 0, 0
	examples(t, func(name string, r *fhir.Resource) {
		back, _, numbers := roundTrip(t, r.Bytes())
		if !bytes.Equal(back, r.Bytes()) {
			t.Errorf("%s came back differently", name)
		}
		count++
		kept += len(numbers)
	})
	if count < 2000 {
		t.Errorf("only %d examples were read", count)
	}
	t.Logf("%d examples, %d numbers kept beside their document", count, kept)
}

// TestSynthea takes every tenth Bundle, or all of them where FHIRSIDE_SOAK is set.
func TestSynthea(t *testing.T) {
	files := synthea(t)
	step := 10
	if os.Getenv("FHIRSIDE_SOAK") != "" {
		step = 1
	}
	count := 0
	for i := 0; i < len(files); i += step {
		bundle := readBundle(t, files[i])
		for entry := range bundle.Get("entry").Children() {
			r := entry.Get("resource").Resource()
			back, _, _ := roundTrip(t, r.Bytes())
			if !bytes.Equal(back, r.Bytes()) {
				t.Errorf("%s, %s: came back differently", filepath.Base(files[i]), entry.Get("fullUrl").Text())
			}
			count++
		}
	}
	t.Logf("%d resources", count)
}

func bodies(b *testing.B) (texts [][]byte, total int64) {
	files := synthea(b)
	for entry := range readBundle(b, files[len(files)/2]).Get("entry").Children() {
		text := entry.Get("resource").Resource().Bytes()
		texts = append(texts, text)
		total += int64(len(text))
	}
	return texts, total
}

func BenchmarkEncode(b *testing.B) {
	texts, total := bodies(b)
	b.SetBytes(total)
	b.ReportAllocs()
	var buffer []byte
	for b.Loop() {
		for _, text := range texts {
			var err error
			if buffer, _, err = document.Encode(buffer[:0], text); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	texts, total := bodies(b)
	documents := make([][]byte, len(texts))
	for i, text := range texts {
		documents[i], _, _ = document.Encode(nil, text)
	}
	b.SetBytes(total)
	b.ReportAllocs()
	var buffer []byte
	for b.Loop() {
		for _, encoded := range documents {
			var err error
			if buffer, err = document.Decode(buffer[:0], encoded, nil); err != nil {
				b.Fatal(err)
			}
		}
	}
}
