package definitions

import (
	"maps"
	"slices"
	"strings"
)

// Lookup is the type with that name: a resource type ("Patient"), a data type ("HumanName", "string"), an abstract type
// ("DomainResource"), or a backbone element by its path ("Patient.contact"). It is nil if there is none.
func Lookup(name string) *Type { return r4().types[name] }

// ResourceTypes are the concrete resource types, sorted: all of R4 but Resource and DomainResource. Callers must not change it.
func ResourceTypes() []string { return r4().resources }

// IsResource says whether this is the name of a concrete resource type.
func IsResource(name string) bool {
	t := Lookup(name)
	return t != nil && t.Class == Resource && !t.Abstract
}

// SearchParameters is R4's search parameter registry (searchparameter-registry.html), sorted by URL. Callers must not change it.
func SearchParameters() []SearchParameter { return r4().parameters }

// Compartment maps the resource types that can be in a compartment ("Patient") to the codes of the search parameters that put
// them there (compartmentdefinition.html). The code "{def}" means the compartment's own resource. It is nil for an unknown
// compartment. Callers must not change it.
func Compartment(name string) map[string][]string { return r4().compartments[name] }

// Compartments are the names of the five compartments, sorted.
func Compartments() []string { return slices.Sorted(maps.Keys(r4().compartments)) }

// Element is the direct child with that name ("value" for value[x]); nil if there is none.
func (t *Type) Element(name string) *Element {
	i, ok := t.byName[name]
	if !ok {
		return nil
	}
	return &t.Elements[i]
}

// Child finds a direct child by its JSON name: "subject" gives (subject, "Reference") and "valueQuantity" (value, "Quantity").
// It is nil where there is none. The "_name" members of primitives are not looked up here.
func (t *Type) Child(jsonName string) (el *Element, typeName string) {
	if el := t.Element(jsonName); el != nil {
		if el.Choice {
			return nil, ""
		}
		return el, el.Types[0]
	}
	for i := range t.Elements {
		el := &t.Elements[i]
		if !el.Choice {
			continue
		}
		if suffix, ok := strings.CutPrefix(jsonName, el.Name); ok {
			for _, name := range el.Types {
				if suffix[1:] == name[1:] && suffix[0] == name[0]&^0x20 {
					return el, name
				}
			}
		}
	}
	return nil, ""
}

// Is says whether the type is the named one or derives from it: Patient is a DomainResource, an id is a string.
func (t *Type) Is(name string) bool {
	for t != nil {
		if t.Name == name {
			return true
		}
		t = Lookup(t.Base)
	}
	return false
}
