// Package packed is the format of the embedded definitions file: JSON with short names, compressed by zstd. Its writer is the
// generator and its reader fhir/definitions; nobody else needs it.
package packed

import (
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/klauspost/compress/zstd"
)

// File is all that the server knows of R4. `zstd -dc r4.json.zst | jq` shows it.
type File struct {
	Types            []Type                         `json:"types"` // a type stands behind its base
	Bindings         []Binding                      `json:"bindings"`
	SearchParameters []SearchParameter              `json:"searchParameters"`
	Compartments     map[string]map[string][]string `json:"compartments"` // compartment, resource type, parameter codes
}

// Type holds only the elements that it adds to its base.
type Type struct {
	Name     string    `json:"n"`
	Class    uint8     `json:"k"`
	Base     string    `json:"b,omitempty"`
	Abstract bool      `json:"a,omitempty"`
	Elements []Element `json:"e,omitempty"`
}

// Element of a Type.
type Element struct {
	Name     string   `json:"n"`
	Types    []string `json:"t,omitempty"`
	Targets  []string `json:"r,omitempty"`
	Choice   bool     `json:"c,omitempty"`
	Min      int      `json:"min,omitzero"`
	Many     bool     `json:"*,omitempty"` // there may be any number, otherwise one
	Summary  bool     `json:"s,omitempty"`
	Modifier bool     `json:"m,omitempty"`
	Binding  int      `json:"v,omitzero"` // position in File.Bindings plus one
}

// Binding has the codes of a value set by their systems; none where they cannot be listed.
type Binding struct {
	ValueSet string              `json:"u"`
	Codes    map[string][]string `json:"c,omitempty"`
}

// SearchParameter of the registry.
type SearchParameter struct {
	URL        string      `json:"u"`
	Code       string      `json:"n"`
	Base       []string    `json:"b"`
	Type       string      `json:"t"`
	Expression string      `json:"x,omitempty"`
	Target     []string    `json:"r,omitempty"`
	Components []Component `json:"p,omitempty"`
	Modifiers  []string    `json:"m,omitempty"`
	Chains     []string    `json:"h,omitempty"`
}

// Component of a composite SearchParameter.
type Component struct {
	Definition string `json:"u"`
	Expression string `json:"x"`
}

// Write gives the same bytes for the same File.
func Write(f *File) ([]byte, error) {
	text, err := json.Marshal(f, json.Deterministic(true))
	if err != nil {
		return nil, err
	}
	w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	return w.EncodeAll(text, nil), nil
}

// Read is the File that Write wrote.
func Read(data []byte) (*File, error) {
	r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	text, err := r.DecodeAll(data, nil)
	if err != nil {
		return nil, fmt.Errorf("definitions file: %w", err)
	}
	f := new(File)
	if err := json.Unmarshal(text, f); err != nil {
		return nil, fmt.Errorf("definitions file: %w", err)
	}
	return f, nil
}
