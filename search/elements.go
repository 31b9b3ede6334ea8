package search

import (
	"slices"
	"strings"

	"fhirside/fhir"
	"fhirside/fhir/definitions"
)

// Elements reads a value of _elements for resources of these types (search.html#elements): names of elements at the top of at
// least one of them. A choice is named as the definitions do, value[x] or value, or as it stands in JSON, valueQuantity, which
// leaves out what is of another type. The error is an *fhir.Error at _elements.
func Elements(value string, types []string) ([]string, error) {
	var names []string
	for name := range strings.SplitSeq(value, ",") {
		name = strings.TrimSuffix(strings.TrimSpace(name), "[x]")
		if name == "" || slices.Contains(names, name) {
			continue
		}
		if name != "resourceType" && !slices.ContainsFunc(types, func(t string) bool { return hasElement(t, name) }) {
			of := types[0]
			if len(types) > 1 {
				of = "any of the types"
			}
			return nil, fhir.Errorf(fhir.Invalid, fhir.CodeValue, "search parameter %q: %q is not the name of an element at the top of %s", elementsName, clip(name), of).At(elementsName)
		}
		names = append(names, name)
	}
	return names, nil
}

func hasElement(resourceType, name string) bool {
	t := definitions.Lookup(resourceType)
	if t == nil {
		return false
	}
	el, _ := t.Child(name)
	return el != nil || t.Element(name) != nil
}
