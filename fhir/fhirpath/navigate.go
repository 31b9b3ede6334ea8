package fhirpath

import (
	"slices"
	"sync/atomic"

	"fhirside/fhir"
	"fhirside/fhir/definitions"
)

// step goes from an item to its children of one name.
type step struct {
	name, sibling string
	// What the name means on the types that the step was last taken from: a step meets one or two of them, time and again.
	known atomic.Pointer[meaning]
}

// meaning is an element of a type, with the types that it may have.
type meaning struct {
	on      *definitions.Type
	element *definitions.Element // nil: the type has no such element
	types   []*definitions.Type
	next    *meaning // on another type
}

func newStep(name string) *step { return &step{name: name, sibling: "_" + name} }

func (s *step) on(t *definitions.Type) *meaning {
	const many = 4
	first, n := s.known.Load(), 0
	for m := first; m != nil; m = m.next {
		if m.on == t {
			return m
		}
		n++
	}
	if n >= many {
		first = nil
	}
	m := &meaning{on: t, element: t.Element(s.name), next: first}
	if m.element != nil {
		for _, name := range m.element.Types {
			m.types = append(m.types, definitions.Lookup(name))
		}
	}
	s.known.Store(m)
	return m
}

// choice is the type that a choice's member name ends in; nil if the element cannot have it.
func (m *meaning) choice(suffix []byte) *definitions.Type {
	for _, t := range m.types {
		if len(t.Name) == len(suffix) && t.Name[0]&^0x20 == suffix[0] && t.Name[1:] == string(suffix[1:]) {
			return t
		}
	}
	return nil
}

// walk appends what a path leads to from an item.
func (c *evaluation) walk(it *Item, path []*step, dst []Item) ([]Item, error) {
	s, rest := path[0], path[1:]
	if it.typ == nil {
		return c.walkValue(it, path, dst)
	}
	object := it.element
	if it.typ.Class == definitions.Primitive {
		object = it.sibling
		if s.name == "value" && len(rest) == 0 {
			if v := it.system(); v != nil {
				dst = append(dst, Item{value: v})
			}
			return dst, nil
		}
	}
	if object.Kind() != fhir.Object {
		return dst, nil
	}
	m := s.on(it.typ)
	if m.element == nil {
		return dst, nil
	}
	member, sibling, typ := m.find(object, s)
	if typ == nil {
		return dst, nil
	}
	return c.each(member, sibling, typ, rest, dst)
}

// find is the element's JSON member, its "_name" sibling if it is a primitive, and its type; the type is nil where there is none.
func (m *meaning) find(object fhir.Element, s *step) (member, sibling fhir.Element, typ *definitions.Type) {
	if m.element.Choice {
		return m.findChoice(object, s)
	}
	member, typ = object.Get(s.name), m.types[0]
	if typ.Class == definitions.Primitive {
		sibling = object.Get(s.sibling)
	}
	if !member.Exists() && !sibling.Exists() {
		return member, sibling, nil
	}
	return member, sibling, typ
}

func (m *meaning) findChoice(object fhir.Element, s *step) (member, sibling fhir.Element, typ *definitions.Type) {
	member = object.Choice(s.name, func(suffix []byte) bool {
		typ = m.choice(suffix)
		return typ != nil
	})
	if typ != nil && typ.Class != definitions.Primitive {
		return member, sibling, typ
	}
	valueType := typ
	sibling = object.Choice(s.sibling, func(suffix []byte) bool {
		typ = m.choice(suffix)
		return typ != nil && typ.Class == definitions.Primitive && (valueType == nil || typ == valueType)
	})
	if valueType != nil {
		return member, sibling, valueType
	}
	if !sibling.Exists() {
		return member, sibling, nil
	}
	return member, sibling, typ
}

// each goes on with the items of a repeating element, or with the element itself.
func (c *evaluation) each(member, sibling fhir.Element, typ *definitions.Type, rest []*step, dst []Item) ([]Item, error) {
	if member.Kind() != fhir.Array && sibling.Kind() != fhir.Array {
		return c.arrive(Item{element: member, sibling: sibling, typ: typ}, rest, dst)
	}
	var err error
	if !sibling.Exists() {
		for e := range member.Children() {
			if dst, err = c.arrive(Item{element: e, typ: typ}, rest, dst); err != nil {
				return dst, err
			}
		}
		return dst, nil
	}
	values, siblings := slices.Collect(member.Each()), slices.Collect(sibling.Each())
	for i := range max(len(values), len(siblings)) {
		it := Item{typ: typ}
		if i < len(values) {
			it.element = values[i]
		}
		if i < len(siblings) {
			it.sibling = siblings[i]
		}
		if dst, err = c.arrive(it, rest, dst); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// arrive appends a child, or walks on from it.
func (c *evaluation) arrive(it Item, rest []*step, dst []Item) ([]Item, error) {
	if it.element.Kind() == fhir.Null {
		it.element = fhir.Element{}
	}
	if it.sibling.Kind() == fhir.Null {
		it.sibling = fhir.Element{}
	}
	if !it.element.Exists() && !it.sibling.Exists() {
		return dst, nil
	}
	if it.typ.Class == definitions.Resource {
		if it.typ = definitions.Lookup(it.element.Get("resourceType").Text()); it.typ == nil {
			return dst, nil
		}
	}
	if err := c.spend(1); err != nil {
		return dst, err
	}
	if len(rest) == 0 {
		return append(dst, it), nil
	}
	return c.walk(&it, rest, dst)
}

// walkValue goes into a computed value: only what type() gives has parts.
func (c *evaluation) walkValue(it *Item, path []*step, dst []Item) ([]Item, error) {
	info, ok := it.value.(typeInfo)
	if !ok || len(path) > 1 {
		return dst, nil
	}
	switch path[0].name {
	case "namespace":
		return append(dst, Item{value: info.namespace}), nil
	case "name":
		return append(dst, Item{value: info.name}), nil
	}
	return dst, nil
}

// children appends all children of an item, in the order of the document.
func (c *evaluation) children(it *Item, dst []Item) ([]Item, error) {
	if it.typ == nil {
		return dst, nil
	}
	object := it.element
	if it.typ.Class == definitions.Primitive {
		object = it.sibling
	}
	if object.Kind() != fhir.Object {
		return dst, nil
	}
	var err error
	for member := range object.Children() {
		name, underscore := member.Name(), false
		if name[0] == '_' {
			name, underscore = name[1:], true
		}
		_, typeName := it.typ.Child(name)
		typ := definitions.Lookup(typeName)
		if typ == nil || underscore && typ.Class != definitions.Primitive {
			continue
		}
		var sibling fhir.Element
		switch {
		case underscore && object.Get(name).Exists():
			continue // comes with its value
		case underscore:
			member, sibling = fhir.Element{}, member
		case typ.Class == definitions.Primitive:
			sibling = object.Get("_" + name)
		}
		if dst, err = c.each(member, sibling, typ, nil, dst); err != nil {
			return dst, err
		}
	}
	return dst, nil
}
