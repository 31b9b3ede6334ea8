package sqlite

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"fhirside/fhir"
	"fhirside/search"
	"fhirside/search/index"
)

// Index values are stored beside the body, so that an update removes exactly the rows that were written for the old version,
// whatever the registry of search parameters says by then, and so that conditions and orders that no table serves are judged
// without reading the resource.
//
// Their texts stand as they do in the body where they can ("Patient/1", numbers as digits): compression finds them there. What
// follows from the rest is left out: a parameter that is that of the entry before, folded texts, the ends of short intervals.

func appendValues(b []byte, v index.Values) []byte {
	e := encoder{b: b}
	e.values(v)
	return e.b
}

type encoder struct {
	b     []byte
	param string // of the entry before
}

func (e *encoder) values(v index.Values) {
	e.count(len(v.Tokens))
	for _, x := range v.Tokens {
		e.entry(x.Param)
		e.text(x.System)
		e.text(x.Code)
		e.bool(x.Fold)
	}
	e.count(len(v.Strings))
	for _, x := range v.Strings {
		e.entry(x.Param)
		e.string(x)
	}
	e.count(len(v.References))
	for _, x := range v.References {
		e.entry(x.Param)
		e.reference(x)
	}
	e.count(len(v.Dates))
	for _, x := range v.Dates {
		e.entry(x.Param)
		e.date(x)
	}
	e.count(len(v.Numbers))
	for _, x := range v.Numbers {
		e.entry(x.Param)
		e.number(x)
	}
	e.count(len(v.Quantities))
	for _, x := range v.Quantities {
		e.entry(x.Param)
		e.number(x.Number)
		e.text(x.System)
		e.text(x.Code)
		e.text(x.Unit)
	}
	e.count(len(v.URIs))
	for _, x := range v.URIs {
		e.entry(x.Param)
		e.text(x.Value)
	}
	e.count(len(v.Composites))
	for _, x := range v.Composites {
		e.entry(x.Param)
		e.count(len(x.Components))
		for _, c := range x.Components {
			e.values(c)
		}
	}
}

func (e *encoder) count(n int) { e.b = binary.AppendUvarint(e.b, uint64(n)) }

func (e *encoder) varint(n int64) { e.b = binary.AppendVarint(e.b, n) }

func (e *encoder) text(s string) {
	e.count(len(s))
	e.b = append(e.b, s...)
}

func (e *encoder) bool(v bool) {
	if v {
		e.count(1)
	} else {
		e.count(0)
	}
}

// entry begins an entry: 0 for the parameter of the one before, else the length of its name and 1.
func (e *encoder) entry(param string) {
	if param == e.param {
		e.count(0)
		return
	}
	e.count(len(param) + 1)
	e.b = append(e.b, param...)
	e.param = param
}

// The forms of a string.
const (
	foldedText  = iota // the text; its folded form follows from it
	partText           // only a folded text
	unusualText        // all three
)

func (e *encoder) string(x index.String) {
	switch {
	case !x.Part && x.Folded == search.Fold(x.Text):
		e.count(foldedText)
		e.text(x.Text)
	case x.Part && x.Text == "":
		e.count(partText)
		e.text(x.Folded)
	default:
		e.count(unusualText)
		e.text(x.Text)
		e.text(x.Folded)
		e.bool(x.Part)
	}
}

// The forms of a reference.
const (
	localReference   = iota // Type/ID
	unusualReference        // all four
)

func (e *encoder) reference(x index.Reference) {
	if x.URL == "" && x.Version == "" && x.Type != "" && !strings.Contains(x.Type, "/") {
		e.count(localReference)
		e.text(x.Type + "/" + x.ID)
		return
	}
	e.count(unusualReference)
	e.text(x.Type)
	e.text(x.ID)
	e.text(x.URL)
	e.text(x.Version)
}

// The forms of a date.
const (
	secondsDate = iota // in seconds, and how long it is
	microsDate         // both ends
)

func (e *encoder) date(x index.Date) {
	if x.Lo%second == 0 && x.Hi%second == 0 && x.Lo != fhir.BeginningOfTime && x.Hi != fhir.EndOfTime {
		e.count(secondsDate)
		e.varint(x.Lo / second)
		e.varint(x.Hi/second - x.Lo/second)
		return
	}
	e.count(microsDate)
	e.varint(x.Lo)
	e.varint(x.Hi)
}

func (e *encoder) number(x index.Number) {
	e.decimal(x.Lo)
	if x.Hi == x.Lo {
		e.count(0)
	} else {
		e.decimal(x.Hi)
	}
}

func (e *encoder) decimal(f float64) {
	var room [32]byte
	digits := strconv.AppendFloat(room[:0], f, 'g', -1, 64)
	e.count(len(digits))
	e.b = append(e.b, digits...)
}

// decodeValues reads what appendValues wrote. The strings share one copy of the data.
func decodeValues(data []byte) (index.Values, error) { return decodeSome(data, nil) }

// decodeSome reads the entries of some parameters; nil is all. What is in tuples is not complete then.
func decodeSome(data []byte, want *params) (index.Values, error) {
	d := decoder{rest: string(data), want: want}
	v := d.values()
	if d.bad || d.rest != "" {
		return index.Values{}, fmt.Errorf("%w: its index values", errDamaged)
	}
	return v, nil
}

type decoder struct {
	rest  string
	param string
	bad   bool
	want  *params // nil: all
	skip  bool    // the parameter is none of those wanted
}

func (d *decoder) values() (v index.Values) {
	v.Tokens = list(d, func() index.Token {
		return index.Token{Param: d.entry(), System: d.text(), Code: d.text(), Fold: d.bool()}
	})
	v.Strings = list(d, func() index.String { return d.string(d.entry()) })
	v.References = list(d, func() index.Reference { return d.reference(d.entry()) })
	v.Dates = list(d, func() index.Date { return d.date(d.entry()) })
	v.Numbers = list(d, func() index.Number { return d.number(d.entry()) })
	v.Quantities = list(d, func() index.Quantity {
		return index.Quantity{Number: d.number(d.entry()), System: d.text(), Code: d.text(), Unit: d.text()}
	})
	v.URIs = list(d, func() index.URI { return index.URI{Param: d.entry(), Value: d.text()} })
	v.Composites = list(d, func() index.Composite {
		c := index.Composite{Param: d.entry(), Components: list(d, d.values)}
		d.skip = d.want != nil && !d.want.has(c.Param) // which was said of an entry in it
		return c
	})
	return v
}

func list[T any](d *decoder, one func() T) []T {
	n := d.uvarint()
	if n == 0 || n > uint64(len(d.rest)) { // an entry takes at least a byte
		d.bad = d.bad || n != 0
		return nil
	}
	var items []T
	if d.want == nil {
		items = make([]T, 0, n)
	}
	for range n {
		if d.bad {
			return nil
		}
		if item := one(); !d.skip {
			items = append(items, item)
		}
	}
	return items
}

func (d *decoder) fail() {
	d.bad, d.rest = true, ""
}

func (d *decoder) uvarint() (n uint64) {
	for shift := 0; shift < 64 && d.rest != ""; shift += 7 {
		c := d.rest[0]
		d.rest = d.rest[1:]
		n |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return n
		}
	}
	d.fail()
	return 0
}

func (d *decoder) varint() int64 {
	u := d.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

func (d *decoder) text() string { return d.take(d.uvarint()) }

func (d *decoder) take(n uint64) string {
	if n > uint64(len(d.rest)) {
		d.fail()
		return ""
	}
	s := d.rest[:n]
	d.rest = d.rest[n:]
	return s
}

func (d *decoder) bool() bool { return d.uvarint() != 0 }

func (d *decoder) entry() string {
	if n := d.uvarint(); n > 0 {
		d.param = d.take(n - 1)
	}
	d.skip = d.want != nil && !d.want.has(d.param)
	return d.param
}

func (d *decoder) string(param string) index.String {
	switch d.uvarint() {
	case foldedText:
		s := d.text()
		if d.skip {
			return index.String{}
		}
		return index.String{Param: param, Text: s, Folded: search.Fold(s)}
	case partText:
		return index.String{Param: param, Folded: d.text(), Part: true}
	case unusualText:
		return index.String{Param: param, Text: d.text(), Folded: d.text(), Part: d.bool()}
	}
	d.fail()
	return index.String{}
}

func (d *decoder) reference(param string) index.Reference {
	switch d.uvarint() {
	case localReference:
		typ, id, _ := strings.Cut(d.text(), "/")
		return index.Reference{Param: param, Type: typ, ID: id}
	case unusualReference:
		return index.Reference{Param: param, Type: d.text(), ID: d.text(), URL: d.text(), Version: d.text()}
	}
	d.fail()
	return index.Reference{}
}

func (d *decoder) date(param string) index.Date {
	switch d.uvarint() {
	case secondsDate:
		lo := d.varint() * second
		return index.Date{Param: param, Lo: lo, Hi: lo + d.varint()*second}
	case microsDate:
		return index.Date{Param: param, Lo: d.varint(), Hi: d.varint()}
	}
	d.fail()
	return index.Date{}
}

func (d *decoder) number(param string) index.Number {
	n := index.Number{Param: param, Lo: d.decimal(d.text())}
	n.Hi = n.Lo
	if hi := d.text(); hi != "" {
		n.Hi = d.decimal(hi)
	}
	return n
}

func (d *decoder) decimal(digits string) float64 {
	if d.skip {
		return 0
	}
	f, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		d.fail()
	}
	return f
}
