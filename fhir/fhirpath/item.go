package fhirpath

import (
	"fhirside/fhir"
	"fhirside/fhir/definitions"
)

// Item is a member of a collection: an element of a resource, or a value that was computed.
//
// An element has a FHIR type ("Patient", "Quantity", "code", "Patient.contact" for a backbone element). What resolve() could
// not fetch is an element with a type and nothing else. A computed value has one of FHIRPath's own types ("System.Boolean").
type Item struct {
	element fhir.Element      // the JSON value; a primitive that has only an extension has none
	sibling fhir.Element      // of a primitive: the "_name" object with its id and extensions
	typ     *definitions.Type // nil for a computed value
	value   any               // of a computed value: bool, string, int64, *apd.Decimal, *temporal, *quantity or typeInfo
}

// Focus is the resource as an Item to evaluate an expression on.
func Focus(r *fhir.Resource) Item {
	return Item{element: r.Root(), typ: definitions.Lookup(r.Type())}
}

// FocusOn is an element as an Item, given its FHIR type and, for a primitive, its "_name" sibling.
func FocusOn(e, sibling fhir.Element, typeName string) Item {
	return Item{element: e, sibling: sibling, typ: definitions.Lookup(typeName)}
}

// Type is the name of the item's type.
func (it Item) Type() string {
	if it.typ != nil {
		return it.typ.Name
	}
	if it.value == nil {
		return ""
	}
	return "System." + systemType(it.value)
}

// Element is the JSON value of an element. It does not exist for a computed value, nor for a primitive that has only
// extensions.
func (it Item) Element() fhir.Element { return it.element }

// Sibling is the "_name" object of a primitive, which holds its id and extensions.
func (it Item) Sibling() fhir.Element { return it.sibling }

// Boolean is the value of a boolean, be it an element or computed.
func (it Item) Boolean() (value, ok bool) {
	if it.value != nil {
		value, ok = it.value.(bool)
		return value, ok
	}
	if it.element.Kind() == fhir.Bool {
		return it.element.Raw()[0] == 't', true
	}
	return false, false
}

// Text is the value of a primitive or of a computed value as FHIRPath's toString() writes it; "" for anything else.
func (it Item) Text() string {
	if v := it.system(); v != nil {
		text, _ := toText(v)
		return text
	}
	return ""
}

// primitive says whether the item is an element of a primitive type.
func (it *Item) primitive() bool { return it.typ != nil && it.typ.Class == definitions.Primitive }

// system is the item as a value of FHIRPath's own types; nil where it is none, or where its text is no such value.
func (it *Item) system() any {
	if it.typ == nil {
		return it.value
	}
	if it.typ.Class == definitions.Complex {
		return it.quantity()
	}
	if it.typ.Class != definitions.Primitive {
		return nil
	}
	switch it.element.Kind() {
	case fhir.Bool:
		return it.element.Raw()[0] == 't'
	case fhir.Number:
		if n, ok := parseNumber(it.element.Text()); ok {
			return asType(n, it.typ.Name)
		}
	case fhir.String:
		return it.stringValue()
	}
	return nil
}

// asType gives a number of a decimal element its type: 1 is a decimal there.
func asType(n any, typeName string) any {
	if typeName == "decimal" {
		return decimalOf(n)
	}
	return n
}

// stringValue is the value of an element written as a JSON string.
func (it *Item) stringValue() any {
	text := it.element.Text()
	switch it.typ.Name {
	case "date", "dateTime", "instant", "time":
		t, ok := parseFHIRTemporal(text, it.typ.Name)
		if !ok {
			return text
		}
		return t
	}
	return text
}

// quantity is a FHIR Quantity as FHIRPath's own; nil for other types, and where a comparator makes it a range (fhirpath.html).
func (it *Item) quantity() any {
	if !it.measured() {
		return nil
	}
	value := it.element.Get("value")
	if value.Kind() != fhir.Number || it.element.Get("comparator").Exists() {
		return nil
	}
	n, ok := parseNumber(value.Text())
	if !ok {
		return nil
	}
	q := &quantity{value: decimalOf(n), unit: it.element.Get("code").Text()}
	switch system := it.element.Get("system"); {
	case system.Is(ucum):
	case !system.Exists() && q.unit == "":
		q.unit = it.element.Get("unit").Text()
	case system.Exists():
		q.system = system.Text()
	}
	if q.unit == "" {
		q.unit = "1"
	}
	if q.system == "" {
		q.fromFHIR()
	}
	return q
}

const ucum = "http://unitsofmeasure.org"

// measured says whether the item is a Quantity or of a type that derives from it.
func (it *Item) measured() bool { return it.typ.Name == "Quantity" || it.typ.Base == "Quantity" }
