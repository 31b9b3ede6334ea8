package xml

import (
	"strings"
	"sync"

	"fhirside/fhir/definitions"
)

// layout is a type as the format sees it.
type layout struct {
	name     string
	resource bool
	members  map[string]*member // by JSON name, which is the XML name
	size     int                // number of elements
}

// member is an element of a type. A choice has one for each of its types.
type member struct {
	name      string
	companion string // "_name" for id and extensions of a primitive; "" where there are none
	at        int    // position among the type's elements
	element   string // the element's name, without the type of a choice
	repeats   bool
	form      form
	trimmed   bool    // white space around the value does not count
	layout    *layout // of what is inside: a complex type; for primitives with a companion: Element
}

// form is how an element is written.
type form uint8

const (
	textForm      form = iota + 1 // <name value="…"/>, a JSON string
	numberForm                    // …, a JSON number
	booleanForm                   // …, true or false
	complexForm                   // <name>…</name>
	resourceForm                  // <name><Patient>…</Patient></name>
	xhtmlForm                     // <div xmlns="http://www.w3.org/1999/xhtml">…</div>, a JSON string
	attributeForm                 // an attribute of the parent
)

func (f form) primitive() bool { return f <= booleanForm }

// layouts are all types, made at the first use.
var layouts = sync.OnceValue(func() map[string]*layout {
	b := builder{}
	for _, name := range definitions.ResourceTypes() {
		b.layout(name)
	}
	return b
})

// resourceLayout is that of a resource type; nil if there is no such type.
func resourceLayout(name string) *layout {
	if l := layouts()[name]; l != nil && l.resource {
		return l
	}
	return nil
}

type builder map[string]*layout

func (b builder) layout(name string) *layout {
	if l := b[name]; l != nil {
		return l
	}
	typ := definitions.Lookup(name)
	l := &layout{name: name, resource: typ.Class == definitions.Resource, members: map[string]*member{}, size: len(typ.Elements)}
	b[name] = l // before the members: types hold each other
	for i := range typ.Elements {
		el := &typ.Elements[i]
		for _, typeName := range el.Types {
			m := b.member(l, el, typeName)
			m.at = i
			l.members[m.name] = m
		}
	}
	return l
}

func (b builder) member(l *layout, el *definitions.Element, typeName string) *member {
	m := &member{name: el.Name, element: el.Name, repeats: el.Max == definitions.Many}
	if el.Choice {
		m.name += strings.ToUpper(typeName[:1]) + typeName[1:]
	}
	typ := definitions.Lookup(typeName)
	switch {
	case el.Name == "id" && !l.resource, l.name == "Extension" && el.Name == "url":
		m.form = attributeForm
		return m
	case typeName == "xhtml":
		m.form = xhtmlForm
		return m
	case typeName == "Resource":
		m.form = resourceForm
		return m
	case typ.Class != definitions.Primitive:
		m.form, m.layout = complexForm, b.layout(typeName)
		return m
	case typeName == "boolean":
		m.form = booleanForm
	case typ.Is("integer") || typeName == "decimal":
		m.form = numberForm
	default:
		m.form = textForm
	}
	m.trimmed = typeName != "string" && typeName != "markdown"
	if el.Name != "id" {
		m.companion, m.layout = "_"+m.name, b.layout("Element")
	}
	return m
}
