package fhirpath

import (
	"strings"

	"github.com/cockroachdb/apd/v3"

	"fhirside/fhir"
	"fhirside/fhir/definitions"
)

// truth is a value of FHIRPath's three-valued logic.
type truth uint8

const (
	unknown truth = iota // the empty collection
	no
	yes
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

func (t truth) not() truth {
	switch t {
	case yes:
		return no
	case no:
		return yes
	}
	return unknown
}

func (t truth) append(dst []Item) []Item {
	if t == unknown {
		return dst
	}
	return append(dst, Item{value: t == yes})
}

// equal is the operator = on two collections.
func (c *evaluation) equal(a, b []Item) (truth, error) {
	if len(a) == 0 || len(b) == 0 {
		return unknown, nil
	}
	if len(a) != len(b) {
		return no, nil
	}
	result := yes
	for i := range a {
		if err := c.spendEqual(&a[i]); err != nil {
			return unknown, err
		}
		switch itemsEqual(&a[i], &b[i]) {
		case no:
			return no, nil
		case unknown:
			result = unknown
		}
	}
	return result, nil
}

// itemsEqual is = on two items.
func itemsEqual(a, b *Item) truth {
	if literal, ok := b.value.(string); ok && a.element.Kind() == fhir.String && !timed(a) {
		return truthOf(a.element.Is(literal)) // where(system='phone')
	}
	if a.element.Exists() && a.element == b.element {
		return yes
	}
	if a.structured() && b.structured() {
		return truthOf(a.typ == b.typ && a.element.Equal(b.element))
	}
	x, y := a.system(), b.system()
	if x == nil || y == nil {
		return truthOf(x == nil && y == nil && a.typ == b.typ && a.object().Equal(b.object()))
	}
	return valuesEqual(x, y)
}

// structured says whether the item is an element that has no value of its own, only children.
func (it *Item) structured() bool {
	return it.typ != nil && it.typ.Class != definitions.Primitive && !it.measured()
}

// object is what holds an item's children.
func (it *Item) object() fhir.Element {
	if it.primitive() {
		return it.sibling
	}
	return it.element
}

// timed says whether the item's text is a date or a time.
func timed(it *Item) bool {
	if it.typ == nil {
		return false
	}
	switch it.typ.Name {
	case "date", "dateTime", "instant", "time":
		return true
	}
	return false
}

func valuesEqual(x, y any) truth {
	switch x := x.(type) {
	case bool:
		y, ok := y.(bool)
		return truthOf(ok && x == y)
	case string:
		return stringEquals(x, y)
	case int64:
		if y, ok := y.(int64); ok {
			return truthOf(x == y)
		}
	case *temporal:
		return temporalEquals(x, y)
	case typeInfo:
		return truthOf(any(x) == y)
	}
	p, q := asQuantity(x), asQuantity(y)
	if p == nil || q == nil {
		return no
	}
	order, known := p.compare(q)
	if !known {
		return unknown
	}
	return truthOf(order == 0)
}

func stringEquals(x string, y any) truth {
	switch y := y.(type) {
	case string:
		return truthOf(x == y)
	case *temporal:
		return temporalEquals(y, x)
	}
	return no
}

// temporalEquals compares a date or time; a string is read as one.
func temporalEquals(x *temporal, y any) truth {
	if s, ok := y.(string); ok {
		t, ok := parseFHIRTemporal(s, map[temporalKind]string{kindDate: "date", kindDateTime: "dateTime", kindTime: "time"}[x.kind])
		if !ok {
			return no
		}
		y = t
	}
	t, ok := y.(*temporal)
	if !ok || (x.kind == kindTime) != (t.kind == kindTime) {
		return no
	}
	order, known := x.compare(t)
	if !known {
		return unknown
	}
	return truthOf(order == 0)
}

// asQuantity is a number or quantity as a quantity; nil for what is neither. A number has the unit 1.
func asQuantity(v any) *quantity {
	if q, ok := v.(*quantity); ok {
		return q
	}
	if d := decimalOf(v); d != nil {
		return &quantity{value: d, unit: "1"}
	}
	return nil
}

// compare orders two quantities; known is false where their units cannot be compared.
func (q *quantity) compare(r *quantity) (order int, known bool) {
	if q.system != r.system {
		return 0, false
	}
	if q.unit == r.unit && q.calendar == r.calendar {
		return q.value.Cmp(r.value), true
	}
	a, b := q.milliseconds(), r.milliseconds()
	if a == nil || b == nil {
		return 0, false
	}
	return a.Cmp(b), true
}

// durations are the units of time that are a fixed number of milliseconds, in both spellings.
var durations = map[string]int64{
	"week": 7 * 86_400_000, "day": 86_400_000, "hour": 3_600_000, "minute": 60_000, "second": 1000, "millisecond": 1,
	"wk": 7 * 86_400_000, "d": 86_400_000, "h": 3_600_000, "min": 60_000, "s": 1000, "ms": 1,
}

func (q *quantity) milliseconds() *apd.Decimal {
	factor, ok := durations[q.unit]
	if !ok {
		return nil
	}
	var out apd.Decimal
	if _, err := decimals.Mul(&out, q.value, apd.New(factor, 0)); err != nil {
		return nil
	}
	return &out
}

// equivalent is the operator ~ on two collections: the order does not count.
func (c *evaluation) equivalent(a, b []Item) (bool, error) {
	if len(a) != len(b) {
		return false, nil
	}
	used := make([]bool, len(b))
next:
	for i := range a {
		for j := range b {
			if err := c.spendEqual(&a[i]); err != nil {
				return false, err
			}
			if !used[j] && itemsEquivalent(&a[i], &b[j]) {
				used[j] = true
				continue next
			}
		}
		return false, nil
	}
	return true, nil
}

// itemsEquivalent is ~ on two items: strings without case and white space, decimals to the digits that both have, dates of one
// precision.
func itemsEquivalent(a, b *Item) bool {
	x, y := a.system(), b.system()
	if x == nil || y == nil {
		return x == nil && y == nil && a.typ == b.typ && equivalentElement(a.object(), b.object())
	}
	switch x := x.(type) {
	case string:
		if y, ok := y.(string); ok {
			return plainText(x) == plainText(y)
		}
	case *temporal:
		if y, ok := y.(*temporal); ok {
			order, known := x.compare(y)
			return (x.kind == kindTime) == (y.kind == kindTime) && known && order == 0
		}
	}
	p, q := asQuantity(x), asQuantity(y)
	if p == nil || q == nil {
		return valuesEqual(x, y) == yes
	}
	return p.equivalent(q)
}

func (q *quantity) equivalent(r *quantity) bool {
	a, b := *q, *r
	for _, x := range []*quantity{&a, &b} { // 1 year ~ 1 'a'
		if x.system == "" {
			x.fromFHIR()
		}
	}
	if a.unit != b.unit || a.system != b.system {
		order, known := a.compare(&b)
		return known && order == 0
	}
	return a.value.Cmp(b.value) == 0 || roundedEqual(a.value, b.value)
}

// roundedEqual compares two decimals rounded to the fewer places of the two.
func roundedEqual(a, b *apd.Decimal) bool {
	var x, y apd.Decimal
	places := max(a.Exponent, b.Exponent)
	if _, err := decimals.Quantize(&x, a, places); err != nil {
		return false
	}
	if _, err := decimals.Quantize(&y, b, places); err != nil {
		return false
	}
	return x.Cmp(&y) == 0
}

// plainText is a string in lower case with single spaces.
func plainText(s string) string { return strings.Join(strings.Fields(strings.ToLower(s)), " ") }

// equivalentElement is ~ on elements: as sameElement, but without regard to the case of strings and the order of items.
func equivalentElement(a, b fhir.Element) bool {
	if a.Kind() != b.Kind() {
		return false
	}
	switch a.Kind() {
	case fhir.String:
		return plainText(a.Text()) == plainText(b.Text())
	case fhir.Object:
		if a.Len() != b.Len() {
			return false
		}
		for member := range a.Children() {
			if !equivalentElement(member, b.Get(member.Name())) {
				return false
			}
		}
		return true
	}
	return a.Equal(b)
}

// order is how two values compare for < and >; known is false where that cannot be said, comparable where it makes no sense.
func order(x, y any) (order int, known, comparable bool) {
	if a, ok := x.(string); ok {
		if b, ok := y.(string); ok {
			return strings.Compare(a, b), true, true
		}
		return 0, false, false
	}
	if a, ok := x.(*temporal); ok {
		b, ok := y.(*temporal)
		if !ok || (a.kind == kindTime) != (b.kind == kindTime) {
			return 0, false, false
		}
		order, known = a.compare(b)
		return order, known, true
	}
	p, q := asQuantity(x), asQuantity(y)
	if p == nil || q == nil {
		return 0, false, false
	}
	order, known = p.compare(q)
	return order, known, true
}
