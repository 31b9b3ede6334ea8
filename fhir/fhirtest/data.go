package fhirtest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"iter"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"fhirside/fhir"
)

// Root is the root of the repository.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("there is no go.mod above the working directory")
		}
	}
}

// TestCase is a file of HL7's test cases, by its path below their folder: "r4/patient-example.json".
func TestCase(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(Root(t), "../shared/data/fhir-test-cases", name))
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("HL7's test case %s is not there", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Package is the path of the package hl7.fhir.r4.examples; the test is skipped where it is not there.
func Package(t testing.TB) string {
	t.Helper()
	path := filepath.Join(Root(t), ".cache/hl7.fhir.r4.examples-4.0.1.tgz")
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		t.Skip("the package hl7.fhir.r4.examples is not in .cache")
	}
	return path
}

// Generated checks that a committed file, named from the root, is what its generator makes of the package.
func Generated(t testing.TB, name string, generate func(tgz string) ([]byte, error)) (content []byte) {
	t.Helper()
	content, err := generate(Package(t))
	if err != nil {
		t.Fatal(err)
	}
	committed, err := os.ReadFile(filepath.Join(Root(t), name))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(content, committed) {
		t.Errorf("%s has %d bytes, generated are %d, and they differ: run go generate ./%s", name, len(committed), len(content), path.Dir(name))
	}
	return content
}

// Files are the files of the package hl7.fhir.r4.examples by their names ("Patient-example.json"), in its order.
func Files(t testing.TB) iter.Seq2[string, []byte] {
	t.Helper()
	f, err := os.Open(Package(t))
	if err != nil {
		t.Fatal(err)
	}
	return func(yield func(string, []byte) bool) {
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		for files := tar.NewReader(z); ; {
			h, err := files.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			data, err := io.ReadAll(files)
			if err != nil {
				t.Fatal(err)
			}
			if !yield(path.Base(h.Name), data) {
				return
			}
		}
	}
}

// File is one file of the package.
func File(t testing.TB, name string) []byte {
	t.Helper()
	for n, data := range Files(t) {
		if n == name {
			return data
		}
	}
	t.Fatalf("there is no %s in the package hl7.fhir.r4.examples", name)
	return nil
}

// Examples are the resources in the package, parsed, by the names of their files.
func Examples(t testing.TB) iter.Seq2[string, *fhir.Resource] {
	t.Helper()
	return func(yield func(string, *fhir.Resource) bool) {
		for name, data := range Files(t) {
			if !strings.HasSuffix(name, ".json") || name == "package.json" || strings.HasPrefix(name, ".") {
				continue
			}
			r, err := fhir.Parse(data)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if !yield(name, r) {
				return
			}
		}
	}
}
