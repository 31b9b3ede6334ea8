package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"fhirside/fhir/definitions"
	"fhirside/fhir/definitions/internal/packed"
)

const (
	structurePrefix = "http://hl7.org/fhir/StructureDefinition/"
	fhirTypeURL     = structurePrefix + "structuredefinition-fhir-type"
	systemPrefix    = "http://hl7.org/fhirpath/System."
)

// typesOf are R4's own types (no profiles, no logical models) and those of their backbone elements, each behind its base.
func typesOf(structures map[string]*structureDefinition, bindings *bindings) ([]packed.Type, error) {
	b := &typeBuilder{structures: structures, bindings: bindings, depth: map[string]int{}}
	for _, url := range sortedKeys(structures) {
		s := structures[url]
		if s.Kind == "logical" || s.Derivation == "constraint" || !strings.HasPrefix(url, structurePrefix) {
			continue
		}
		if err := b.add(s); err != nil {
			return nil, fmt.Errorf("%s: %w", url, err)
		}
	}
	slices.SortFunc(b.types, func(x, y packed.Type) int {
		return cmp.Or(cmp.Compare(b.depthOf(x.Base), b.depthOf(y.Base)), cmp.Compare(x.Name, y.Name))
	})
	return b.types, nil
}

type typeBuilder struct {
	structures map[string]*structureDefinition
	bindings   *bindings
	types      []packed.Type
	depth      map[string]int
}

// depthOf is how many bases a type has, itself included.
func (b *typeBuilder) depthOf(name string) int {
	if name == "" {
		return 0
	}
	return 1 + b.depthOf(strings.TrimPrefix(b.structures[structurePrefix+name].BaseDefinition, structurePrefix))
}

func (b *typeBuilder) add(s *structureDefinition) error {
	root := packed.Type{
		Name:     s.Type,
		Class:    uint8(classOf(s.Kind)),
		Base:     strings.TrimPrefix(s.BaseDefinition, structurePrefix),
		Abstract: s.Abstract,
	}
	parents := map[string]*packed.Type{s.Type: &root} // by path
	order := []*packed.Type{&root}
	if s.Kind == "primitive-type" {
		b.types = append(b.types, root) // its children are Element's; the value is the JSON value itself
		return nil
	}
	for _, e := range s.Snapshot.Element[1:] {
		at := strings.LastIndexByte(e.Path, '.')
		parent := parents[e.Path[:at]]
		if parent == nil {
			return fmt.Errorf("%s has no parent", e.Path)
		}
		if len(e.Type) == 1 && (e.Type[0].Code == "BackboneElement" || e.Type[0].Code == "Element") {
			t := &packed.Type{Name: e.Path, Class: uint8(definitions.Backbone), Base: e.Type[0].Code}
			parents[e.Path] = t
			order = append(order, t)
		}
		if e.Base.Path != e.Path {
			continue // inherited
		}
		el, err := b.element(e)
		if err != nil {
			return fmt.Errorf("%s: %w", e.Path, err)
		}
		parent.Elements = append(parent.Elements, el)
	}
	for _, t := range order {
		b.types = append(b.types, *t)
	}
	return nil
}

func classOf(kind string) definitions.Class {
	switch kind {
	case "primitive-type":
		return definitions.Primitive
	case "resource":
		return definitions.Resource
	}
	return definitions.Complex
}

func (b *typeBuilder) element(e elementDefinition) (packed.Element, error) {
	name, choice := strings.CutSuffix(e.Path[strings.LastIndexByte(e.Path, '.')+1:], "[x]")
	el := packed.Element{Name: name, Choice: choice, Min: e.Min, Summary: e.IsSummary, Modifier: e.IsModifier}
	switch e.Max {
	case "1":
	case "*":
		el.Many = true
	default:
		return el, fmt.Errorf("a maximum of %s is not foreseen", e.Max)
	}
	if e.ContentReference != "" {
		el.Types = []string{strings.TrimPrefix(e.ContentReference, "#")}
	}
	for _, t := range e.Type {
		el.Types = append(el.Types, typeName(e.Path, t))
		for _, profile := range t.TargetProfile {
			if target := b.structures[profile].Type; target != "Resource" && !slices.Contains(el.Targets, target) {
				el.Targets = append(el.Targets, target)
			}
		}
	}
	if e.Binding.Strength == "required" {
		var err error
		if el.Binding, err = b.bindings.add(e.Binding.ValueSet); err != nil {
			return el, err
		}
	}
	return el, nil
}

// typeName is the name of an element's type. The definitions give the few elements that can have no extension a FHIRPath type,
// with the FHIR type in an extension.
func typeName(path string, t typeRef) string {
	switch {
	case path == "Resource.id":
		return "id" // R4 says string, by an oversight that R5 corrects; resource.html#id says id
	case t.Code == "BackboneElement" || t.Code == "Element":
		return path
	case strings.HasPrefix(t.Code, systemPrefix):
		for _, x := range t.Extension {
			if x.URL == fhirTypeURL {
				return x.ValueURL
			}
		}
	}
	return t.Code
}
