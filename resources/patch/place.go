package patch

import (
	"strings"

	"fhirside/fhir"
	"fhirside/fhir/definitions"
	"fhirside/fhir/fhirpath"
)

// place is where an element is in a resource: in an object, as one of the items of an element of that object's type.
type place struct {
	parent  *place // of what the object is; nil where it is the resource
	object  fhir.Element
	typ     *definitions.Type // of the object; a primitive's where it is the "_name" with the extensions
	element *definitions.Element
	at      int // position among the items; 0 where the element does not repeat
}

// locate finds an item in a resource; nil where it is the resource itself, or not in it.
func locate(r *fhir.Resource, it *fhirpath.Item) *place {
	target := it.Element()
	if !target.Exists() {
		target = it.Sibling()
	}
	return find(r.Root(), definitions.Lookup(r.Type()), nil, target)
}

func find(object fhir.Element, typ *definitions.Type, parent *place, target fhir.Element) *place {
	if typ == nil || !target.Exists() {
		return nil
	}
	for member := range object.Children() {
		el, typeName := typ.Child(strings.TrimPrefix(member.Name(), "_"))
		if el == nil {
			continue
		}
		at := 0
		for item := range member.Each() {
			p := &place{parent, object, typ, el, at}
			if item == target {
				return p
			}
			if item.Kind() == fhir.Object {
				if found := find(item, typeOf(item, typeName), p, target); found != nil {
					return found
				}
			}
			at++
		}
	}
	return nil
}

// typeOf is the type of what an element of that type holds.
func typeOf(e fhir.Element, typeName string) *definitions.Type {
	if typeName == "Resource" {
		typeName = e.Get("resourceType").Text()
	}
	return definitions.Lookup(typeName)
}

// collection is the list that the place is in.
func (p *place) collection() *collection {
	return collect(p.object, p.typ, p.element)
}

// remove takes the element away, and with it the elements around it that would be empty then: none may be (json.html).
func (p *place) remove(ed *fhir.Edits) {
	c := p.collection()
	c.remove(p.at)
	if len(c.items) > 0 || p.parent == nil || c.hasNeighbours() {
		c.write(ed)
		return
	}
	if p.typ.Class != definitions.Primitive {
		p.parent.remove(ed)
		return
	}
	around := p.parent.collection()
	if it := &around.items[p.parent.at]; it.value != nil {
		it.companion = nil
		around.write(ed)
		return
	}
	p.parent.remove(ed)
}

// narrative says whether what is written there is the resource's narrative: text as a whole or its div.
func (p *place) narrative() bool {
	switch p.element.Types[0] {
	case "Narrative":
		return p.parent == nil
	case "xhtml":
		return p.parent != nil && p.parent.parent == nil
	}
	return false
}
