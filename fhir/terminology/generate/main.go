// Command generate writes the embedded terminology from the official package hl7.fhir.r4.examples: of every CodeSystem and
// ValueSet what fhir/terminology reads.
//
//	go run ./generate [-package FILE.tgz] [-out r4.tsv.zst]
//
// The same package always gives the same bytes.
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/klauspost/compress/zstd"
)

func main() {
	in := flag.String("package", "../../.cache/hl7.fhir.r4.examples-4.0.1.tgz", "the npm package `FILE`")
	out := flag.String("out", "r4.tsv.zst", "where to write the terminology `FILE`")
	flag.Parse()
	data, err := generate(*in)
	if err == nil {
		err = os.WriteFile(*out, data, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// generate is the terminology file made from the package.
func generate(tgz string) ([]byte, error) {
	var c collection
	if err := c.read(tgz); err != nil {
		return nil, err
	}
	lines, err := c.lines()
	if err != nil {
		return nil, err
	}
	w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	return w.EncodeAll(bytes.Join(lines, nil), nil), nil
}

// collection is what is kept of the package.
type collection struct {
	codeSystems []*codeSystem
	valueSets   []*valueSet
}

func (c *collection) read(tgz string) error {
	f, err := os.Open(tgz)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	for archive := tar.NewReader(z); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = c.add(path.Base(header.Name), archive)
		}
		if err != nil {
			return err
		}
	}
}

func (c *collection) add(name string, r io.Reader) error {
	switch {
	case strings.HasPrefix(name, "CodeSystem-"):
		s := new(codeSystem)
		if err := json.UnmarshalRead(r, s); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if s.Content != "not-present" && s.Content != "supplement" {
			c.codeSystems = append(c.codeSystems, s)
		}
	case strings.HasPrefix(name, "ValueSet-"):
		v := new(valueSet)
		if err := json.UnmarshalRead(r, v); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		c.valueSets = append(c.valueSets, v)
	}
	return nil
}

// lines are sorted by kind and URL.
func (c *collection) lines() ([][]byte, error) {
	var lines [][]byte
	for _, s := range c.codeSystems {
		s.strip()
		line, err := line("C"+s.URL, s)
		if err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	for _, v := range c.valueSets {
		line, err := line("V"+v.URL, v)
		if err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	slices.SortFunc(lines, bytes.Compare)
	return lines, nil
}

func line(key string, resource any) ([]byte, error) {
	text, err := json.Marshal(resource, json.Deterministic(true))
	return fmt.Appendf(nil, "%s\t%s\n", key, text), err
}
