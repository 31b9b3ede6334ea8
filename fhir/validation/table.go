package validation

import (
	"strings"
	"sync"

	"fhirside/fhir/definitions"
)

// table is a type prepared for the check: what a member name means is one look-up away.
type table struct {
	typ      *definitions.Type
	resource bool
	special  special
	members  map[string]*member
	required uint64 // the elements that must be there, by the bits of their positions in typ.Elements
}

// special names the types with rules of their own.
type special uint8

const (
	isOrdinary special = iota
	isExtension
	isReference
	isCoding
	isCodeableConcept
	isDomainResource
)

var specials = map[string]special{
	"Extension": isExtension, "Reference": isReference, "Coding": isCoding, "CodeableConcept": isCodeableConcept,
}

// member is what a JSON member of a type is.
type member struct {
	name      string // of the member: "valueString", "_birthDate"
	pair      string // of a primitive the companion's name, and the reverse: "_valueString", "birthDate"
	companion bool   // the name begins with _
	element   *definitions.Element
	bit       uint64
	typeName  string
	format    *format // of a primitive; nil for a companion and for complex types
	table     *table  // of a complex type, a backbone element or a companion; nil for a primitive and where any resource may stand
}

// idBit is the position of the id: the first element of every type.
const idBit = 1

// tables are made once, at the first check.
var tables = sync.OnceValue(makeTables)

func makeTables() map[string]*table {
	b := tableBuilder{}
	for _, name := range definitions.ResourceTypes() {
		b.table(name)
	}
	b.table("Element")
	return b
}

type tableBuilder map[string]*table

func (b tableBuilder) table(name string) *table {
	if t := b[name]; t != nil {
		return t
	}
	typ := definitions.Lookup(name)
	t := &table{typ: typ, special: specials[name], resource: typ.Class == definitions.Resource, members: map[string]*member{}}
	if typ.Is("DomainResource") {
		t.special = isDomainResource
	}
	b[name] = t // before the members: types hold each other
	for i := range typ.Elements {
		el := &typ.Elements[i]
		if el.Min > 0 {
			t.required |= 1 << i
		}
		for _, typeName := range el.Types {
			b.members(t, member{name: jsonName(el, typeName), element: el, bit: 1 << i, typeName: typeName})
		}
	}
	return t
}

// members adds an element of one type, and of a primitive its companion.
func (b tableBuilder) members(t *table, m member) {
	typ := definitions.Lookup(m.typeName)
	switch {
	case typ.Class == definitions.Primitive:
		m.format = formats[m.typeName]
		if m.bit == idBit && !t.resource {
			m.format = elementID
		}
		if !isXML(t, &m) {
			m.pair = "_" + m.name
			t.members[m.pair] = &member{
				name: m.pair, pair: m.name, companion: true, element: m.element, bit: m.bit, typeName: m.typeName, table: b.table("Element"),
			}
		}
	case typ.Name != "Resource":
		m.table = b.table(m.typeName)
	}
	t.members[m.name] = &m
}

// isXML says whether a primitive is what XML writes without an element of FHIR, so that it has neither id nor extensions.
func isXML(t *table, m *member) bool {
	return m.bit == idBit || m.typeName == "xhtml" || t.special == isExtension && m.name == "url"
}

// jsonName is how an element of that type is written in JSON.
func jsonName(el *definitions.Element, typeName string) string {
	if !el.Choice {
		return el.Name
	}
	return el.Name + strings.ToUpper(typeName[:1]) + typeName[1:]
}
