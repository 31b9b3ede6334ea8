package terminology

import (
	"bytes"
	_ "embed"
	"iter"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"

	"fhirside/fhir"
)

//go:generate go run ./generate

// packedR4 is a line per resource: C or V, its URL, a tab, and what this package reads of it as FHIR JSON.
//
//go:embed r4.tsv.zst
var packedR4 []byte

// R4 is the source of R4's own code systems and value sets. They are unpacked at the first question.
func R4() Source { return r4{} }

type r4 struct{}

var r4Lines = sync.OnceValue(func() map[string][]byte {
	r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		panic("terminology: " + err.Error()) // the options are constant
	}
	defer r.Close()
	text, err := r.DecodeAll(packedR4, nil)
	if err != nil {
		panic("terminology: " + err.Error()) // the file is part of the binary
	}
	lines := map[string][]byte{}
	for line := range bytes.Lines(text) {
		key, resource, _ := bytes.Cut(line, []byte{'\t'})
		lines[string(key)] = resource
	}
	return lines
})

// resource parses a line.
func resource(key string) *fhir.Resource {
	line, ok := r4Lines()[key]
	if !ok {
		return nil
	}
	r, err := fhir.Parse(line)
	if err != nil {
		panic("terminology: " + key + ": " + err.Error()) // the file is part of the binary
	}
	return r
}

var r4CodeSystems sync.Map // URL → *CodeSystem

func (r4) CodeSystem(url string) (*CodeSystem, error) {
	if s, ok := r4CodeSystems.Load(url); ok {
		return s.(*CodeSystem), nil
	}
	r := resource("C" + url)
	if r == nil {
		return nil, nil
	}
	s := NewCodeSystem(r)
	r4CodeSystems.Store(url, s)
	return s, nil
}

func (r4) ValueSet(canonical string) (*fhir.Resource, error) {
	url, version, versioned := strings.Cut(canonical, "|")
	r := resource("V" + url)
	if r == nil || versioned && r.Get("version").Text() != version {
		return nil, nil
	}
	return r, nil
}

// R4Codes reads all codes of R4's own code systems, by the URLs of these.
func R4Codes() iter.Seq2[string, []string] {
	return func(yield func(string, []string) bool) {
		for key := range r4Lines() {
			url, isSystem := strings.CutPrefix(key, "C")
			if !isSystem {
				continue
			}
			if !yield(url, NewCodeSystem(resource(key)).Codes()) {
				return
			}
		}
	}
}
