package patch

import (
	"slices"
	"strings"

	"fhirside/fhir"
	"fhirside/fhir/definitions"
)

// errorf refuses something; it knows in which operation.
type errorf func(reason fhir.Reason, code fhir.Code, format string, args ...any) *fhir.Error

// child is the element of a type that a name means: with the type of a choice (valueQuantity) or without (value); typeName is "" where
// the name leaves it open. It is nil if there is none.
func child(typ *definitions.Type, name string) (el *definitions.Element, typeName string) {
	if el := typ.Element(name); el != nil && el.Choice {
		return el, ""
	}
	return typ.Child(name)
}

// entryOf makes an item of an element from a part of a Parameters resource: from its value[x], its resource, or the parts inside
// it (fhirpatch.html#anonymous). typeName restricts a choice.
func entryOf(part fhir.Element, el *definitions.Element, typeName string, refuse errorf) (entry, error) {
	types := el.Types
	if typeName != "" {
		types = []string{typeName}
	}
	value, companion, given := valueOf(part)
	switch {
	case given != "":
		return valueEntry(value, companion, given, el, types, refuse)
	case part.Get("resource").Exists():
		if types[0] != "Resource" {
			return entry{}, wrongType(el, types, "a resource", refuse)
		}
		return entry{name: el.Name, value: part.Get("resource").Raw()}, nil
	case part.Get("part").Exists():
		return partsEntry(part.Get("part"), el, types, refuse)
	}
	return entry{}, refuse(fhir.Invalid, fhir.CodeRequired, "there is no value for %s: a value[x], a resource or parts", el.Name)
}

func wrongType(el *definitions.Element, types []string, given string, refuse errorf) error {
	named := make([]string, 0, len(types))
	for _, t := range types {
		if strings.Contains(t, ".") {
			t = "an element with parts of its own"
		}
		named = append(named, t)
	}
	const many = 8
	if len(named) > many {
		named = append(named[:many], "…")
	}
	return refuse(fhir.Unprocessable, fhir.CodeStructure, "%s is of type %s, and the value given is %s", el.Name, strings.Join(named, " or "), given)
}

// valueOf is the value[x] of a part with its "_value[x]" and its type, which is "" where there is none.
func valueOf(part fhir.Element) (value, companion fhir.Element, typeName string) {
	parameter := definitions.Lookup("Parameters.parameter")
	for member := range part.Children() {
		name, underscore := strings.CutPrefix(member.Name(), "_")
		el, found := parameter.Child(name)
		switch {
		case el == nil || el.Name != "value":
			continue
		case underscore:
			companion = member
		default:
			value = member
		}
		typeName = found
	}
	return value, companion, typeName
}

// valueEntry is a value[x] as an item. The type must be the element's, or derived from it.
func valueEntry(value, companion fhir.Element, given string, el *definitions.Element, types []string, refuse errorf) (entry, error) {
	taken := ""
	switch typ := definitions.Lookup(given); {
	case slices.Contains(types, given):
		taken = given
	case given == "string" && types[0] == "xhtml": // there is no valueXhtml
		taken = "xhtml"
	default:
		if i := slices.IndexFunc(types, typ.Is); i >= 0 {
			taken = types[i]
		}
	}
	if taken == "" {
		return entry{}, wrongType(el, types, given, refuse)
	}
	en := entry{name: jsonName(el, taken)}
	if value.Exists() {
		en.value = value.Raw()
	}
	if companion.Exists() {
		en.companion = companion.Raw()
	}
	return en, nil
}

// jsonName is how an element of that type is written in JSON.
func jsonName(el *definitions.Element, typeName string) string {
	if !el.Choice {
		return el.Name
	}
	return el.Name + strings.ToUpper(typeName[:1]) + typeName[1:]
}

// partsEntry is an item that is composed of parts, one for each element inside it.
func partsEntry(parts fhir.Element, el *definitions.Element, types []string, refuse errorf) (entry, error) {
	if len(types) > 1 {
		return entry{}, refuse(fhir.Invalid, fhir.CodeStructure, "%s may be of several types: name the one that the parts make, as in %s", el.Name, jsonName(el, types[0]))
	}
	typ := definitions.Lookup(types[0])
	if typ.Class == definitions.Primitive || typ.Class == definitions.Resource {
		return entry{}, wrongType(el, types, "made of parts", refuse)
	}
	content := map[*definitions.Element][]entry{}
	for part := range parts.Each() {
		name := part.Get("name").Text()
		inner, typeName := child(typ, name)
		if inner == nil {
			return entry{}, refuse(fhir.Unprocessable, fhir.CodeStructure, "%s has no element %q", typ.Name, clip(name))
		}
		en, err := entryOf(part, inner, typeName, refuse)
		if err != nil {
			return entry{}, err
		}
		content[inner] = append(content[inner], en)
		if inner.Max != definitions.Many && len(content[inner]) > 1 {
			return entry{}, refuse(fhir.Unprocessable, fhir.CodeStructure, "%s of %s does not repeat", inner.Name, typ.Name)
		}
	}
	return entry{name: jsonName(el, types[0]), value: objectOf(typ, content)}, nil
}
