package main

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
)

// The parts of the official resources that are read.

type structureDefinition struct {
	URL            string
	Type           string
	Kind           string // primitive-type, complex-type, resource, logical
	Derivation     string // specialization, constraint; "" for a root
	BaseDefinition string
	Abstract       bool
	Snapshot       struct{ Element []elementDefinition }
}

type elementDefinition struct {
	Path             string
	Min              int
	Max              string
	Base             struct{ Path string }
	Type             []typeRef
	ContentReference string
	IsSummary        bool
	IsModifier       bool
	Binding          struct{ Strength, ValueSet string }
}

type typeRef struct {
	Code          string
	TargetProfile []string
	Extension     []struct{ URL, ValueURL string }
}

type valueSet struct {
	URL       string
	Expansion struct {
		Extension []struct{ URL string }
		Contains  []contains
	}
}

type contains struct {
	System, Code string
	Abstract     bool
	Contains     []contains
}

type searchParameter struct {
	URL, Code, Type, Expression string
	Base, Target                []string
	Component                   []struct{ Definition, Expression string }
	Modifier, Chain             []string
}

type compartmentDefinition struct {
	URL, Code string
	Resource  []struct {
		Code  string
		Param []string
	}
}

type bundle[T any] struct {
	Entry []struct{ Resource T }
}

// officialPackage is what the generator reads of the npm package.
type officialPackage struct {
	structures   map[string]*structureDefinition // by URL
	expansions   map[string]*valueSet            // by URL
	registry     []searchParameter               // R4's own; the package holds examples beside it
	compartments []compartmentDefinition
}

func readPackage(file string) (*officialPackage, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	p := &officialPackage{structures: map[string]*structureDefinition{}, expansions: map[string]*valueSet{}}
	for archive := tar.NewReader(z); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return p, p.check()
		}
		if err != nil {
			return nil, err
		}
		if err := p.add(path.Base(header.Name), archive); err != nil {
			return nil, fmt.Errorf("%s: %w", header.Name, err)
		}
	}
}

// add reads a file of the package if it is one that matters.
func (p *officialPackage) add(name string, r io.Reader) error {
	decode := json.NewDecoder(r).Decode
	switch {
	case strings.HasPrefix(name, "StructureDefinition-"):
		s := new(structureDefinition)
		if err := decode(s); err != nil {
			return err
		}
		p.structures[s.URL] = s
	case strings.HasPrefix(name, "CompartmentDefinition-"):
		var c compartmentDefinition
		if err := decode(&c); err != nil {
			return err
		}
		if c.URL == "http://hl7.org/fhir/CompartmentDefinition/"+lowerFirst(c.Code) { // the package has an example beside R4's five
			p.compartments = append(p.compartments, c)
		}
	case name == "Bundle-searchParams.json":
		var b bundle[searchParameter]
		if err := decode(&b); err != nil {
			return err
		}
		for _, e := range b.Entry {
			p.registry = append(p.registry, e.Resource)
		}
	case name == "Bundle-valueset-expansions.json":
		var b bundle[*valueSet]
		if err := decode(&b); err != nil {
			return err
		}
		for _, e := range b.Entry {
			p.expansions[e.Resource.URL] = e.Resource
		}
	}
	return nil
}

// check refuses a package that is not the one whose counts are known.
func (p *officialPackage) check() error {
	if n := len(p.registry); n != 1375 {
		return fmt.Errorf("the registry has %d search parameters, R4 has 1375", n)
	}
	if n := len(p.compartments); n != 5 {
		return fmt.Errorf("there are %d compartments, R4 has 5", n)
	}
	return nil
}

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }
