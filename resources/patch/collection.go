package patch

import (
	"slices"
	"strings"

	"fhirside/fhir"
	"fhirside/fhir/definitions"
)

// collection is what an object holds of one element: the items of one that repeats, else one item or none.
type collection struct {
	object  fhir.Element // does not exist for the "_name" of a primitive that has none yet: then owner is the primitive
	owner   *place
	typ     *definitions.Type // of the object
	element *definitions.Element
	items   []entry
}

// entry is an item: its JSON value and, of a primitive, the object with its id and extensions; nil for what it has not.
type entry struct {
	name             string // of its JSON member: of a choice with the type
	value, companion []byte
	// What it is in the resource; these do not exist for a new one.
	element, sibling fhir.Element
}

// collect reads what an object holds of an element.
func collect(object fhir.Element, typ *definitions.Type, el *definitions.Element) *collection {
	c := &collection{object: object, typ: typ, element: el}
	for member := range object.Children() {
		name, companion := strings.CutPrefix(member.Name(), "_")
		if found, _ := typ.Child(name); found != el {
			continue
		}
		at := 0
		for item := range member.Each() {
			if at == len(c.items) {
				c.items = append(c.items, entry{name: name})
			}
			if item.Kind() != fhir.Null {
				c.items[at].set(item, companion)
			}
			at++
		}
	}
	return c
}

func (en *entry) set(e fhir.Element, companion bool) {
	if companion {
		en.companion, en.sibling = e.Raw(), e
	} else {
		en.value, en.element = e.Raw(), e
	}
}

func (c *collection) remove(at int) { c.items = slices.Delete(c.items, at, at+1) }

func (c *collection) insert(at int, en entry) { c.items = slices.Insert(c.items, at, en) }

// repeats says whether there may be more than one item.
func (c *collection) repeats() bool { return c.element.Max == definitions.Many }

// hasNeighbours says whether the object holds anything else.
func (c *collection) hasNeighbours() bool {
	for member := range c.object.Children() {
		if el, _ := c.typ.Child(strings.TrimPrefix(member.Name(), "_")); el != c.element {
			return true
		}
	}
	return false
}

// write puts the collection in the place of what the object holds of the element.
func (c *collection) write(ed *fhir.Edits) {
	if !c.object.Exists() {
		around := c.owner.collection()
		around.items[c.owner.at].companion = objectOf(c.typ, map[*definitions.Element][]entry{c.element: c.items})
		around.write(ed)
		return
	}
	name, value, companion := members(c.element, c.items)
	after := c.predecessor()
	for member := range c.object.Children() {
		if el, _ := c.typ.Child(strings.TrimPrefix(member.Name(), "_")); el != c.element {
			continue
		}
		if written := member.Name() == name && value != nil || member.Name() == "_"+name && companion != nil; !written {
			ed.Remove(member)
		}
	}
	if value != nil {
		ed.SetAfter(c.object, after, name, value)
		after = name
	}
	if companion != nil {
		ed.SetAfter(c.object, after, "_"+name, companion)
	}
}

// predecessor is the member behind which a new one belongs, by the order of the definition; "" if it is the first.
func (c *collection) predecessor() string {
	last := ""
	if c.typ.Class == definitions.Resource {
		last = "resourceType"
	}
	most, own := -1, slices.IndexFunc(c.typ.Elements, func(el definitions.Element) bool { return el.Name == c.element.Name })
	for member := range c.object.Children() {
		el, _ := c.typ.Child(strings.TrimPrefix(member.Name(), "_"))
		if el == nil {
			continue
		}
		at := slices.IndexFunc(c.typ.Elements, func(o definitions.Element) bool { return o.Name == el.Name })
		if at <= own && at >= most {
			most, last = at, member.Name()
		}
	}
	return last
}

// members are the two JSON members that items are written as; nil for one that is not needed.
func members(el *definitions.Element, items []entry) (name string, value, companion []byte) {
	if len(items) == 0 {
		return "", nil, nil
	}
	name = items[0].name
	if el.Max != definitions.Many {
		return name, items[0].value, items[0].companion
	}
	return name,
		array(items, func(en *entry) []byte { return en.value }),
		array(items, func(en *entry) []byte { return en.companion })
}

// array is an array of one side of the items, filled up with null; nil where there is nothing else.
func array(items []entry, side func(*entry) []byte) []byte {
	out, some := []byte{'['}, false
	for i := range items {
		if i > 0 {
			out = append(out, ',')
		}
		raw := side(&items[i])
		some = some || raw != nil
		if raw == nil {
			raw = []byte("null")
		}
		out = append(out, raw...)
	}
	if !some {
		return nil
	}
	return append(out, ']')
}

// objectOf is the text of an object with these elements, in the order of its type.
func objectOf(typ *definitions.Type, content map[*definitions.Element][]entry) []byte {
	out := []byte{'{'}
	add := func(name string, raw []byte) {
		if raw == nil {
			return
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(append(out, fhir.Quote(name)...), ':'), raw...)
	}
	for i := range typ.Elements {
		el := &typ.Elements[i]
		name, value, companion := members(el, content[el])
		add(name, value)
		add("_"+name, companion)
	}
	return append(out, '}')
}
