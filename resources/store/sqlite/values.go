package sqlite

import (
	"encoding/binary"
	"errors"
	"math"

	"fhirside/search/index"
)

// Index values are stored beside the body, so that an update removes exactly the rows that were written for the old version,
// whatever the registry of search parameters says by then, and so that conditions and orders that no table serves are judged
// without reading the resource.

func appendValues(b []byte, v index.Values) []byte {
	b = appendCount(b, len(v.Tokens))
	for _, x := range v.Tokens {
		b = appendStrings(b, x.Param, x.System, x.Code)
		b = appendBool(b, x.Fold)
	}
	b = appendCount(b, len(v.Strings))
	for _, x := range v.Strings {
		b = appendStrings(b, x.Param, x.Text, x.Folded)
		b = appendBool(b, x.Part)
	}
	b = appendCount(b, len(v.References))
	for _, x := range v.References {
		b = appendStrings(b, x.Param, x.Type, x.ID, x.URL, x.Version)
	}
	b = appendCount(b, len(v.Dates))
	for _, x := range v.Dates {
		b = appendStrings(b, x.Param)
		b = binary.AppendVarint(b, x.Lo)
		b = binary.AppendVarint(b, x.Hi)
	}
	b = appendCount(b, len(v.Numbers))
	for _, x := range v.Numbers {
		b = appendNumber(b, x)
	}
	b = appendCount(b, len(v.Quantities))
	for _, x := range v.Quantities {
		b = appendNumber(b, x.Number)
		b = appendStrings(b, x.System, x.Code, x.Unit)
	}
	b = appendCount(b, len(v.URIs))
	for _, x := range v.URIs {
		b = appendStrings(b, x.Param, x.Value)
	}
	b = appendCount(b, len(v.Composites))
	for _, x := range v.Composites {
		b = appendStrings(b, x.Param)
		b = appendCount(b, len(x.Components))
		for _, c := range x.Components {
			b = appendValues(b, c)
		}
	}
	return b
}

func appendCount(b []byte, n int) []byte { return binary.AppendUvarint(b, uint64(n)) }

func appendStrings(b []byte, list ...string) []byte {
	for _, s := range list {
		b = appendCount(b, len(s))
		b = append(b, s...)
	}
	return b
}

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

func appendNumber(b []byte, n index.Number) []byte {
	b = appendStrings(b, n.Param)
	b = binary.LittleEndian.AppendUint64(b, math.Float64bits(n.Lo))
	return binary.LittleEndian.AppendUint64(b, math.Float64bits(n.Hi))
}

// decodeValues reads what appendValues wrote. The strings share one copy of the data.
func decodeValues(data []byte) (index.Values, error) {
	d := decoder{rest: string(data)}
	v := d.values()
	if d.bad || d.rest != "" {
		return index.Values{}, errors.New("stored index values cannot be read")
	}
	return v, nil
}

type decoder struct {
	rest string
	bad  bool
}

func (d *decoder) values() (v index.Values) {
	v.Tokens = list(d, func() index.Token {
		return index.Token{Param: d.text(), System: d.text(), Code: d.text(), Fold: d.bool()}
	})
	v.Strings = list(d, func() index.String {
		return index.String{Param: d.text(), Text: d.text(), Folded: d.text(), Part: d.bool()}
	})
	v.References = list(d, func() index.Reference {
		return index.Reference{Param: d.text(), Type: d.text(), ID: d.text(), URL: d.text(), Version: d.text()}
	})
	v.Dates = list(d, func() index.Date { return index.Date{Param: d.text(), Lo: d.varint(), Hi: d.varint()} })
	v.Numbers = list(d, d.number)
	v.Quantities = list(d, func() index.Quantity {
		return index.Quantity{Number: d.number(), System: d.text(), Code: d.text(), Unit: d.text()}
	})
	v.URIs = list(d, func() index.URI { return index.URI{Param: d.text(), Value: d.text()} })
	v.Composites = list(d, func() index.Composite {
		return index.Composite{Param: d.text(), Components: list(d, d.values)}
	})
	return v
}

func list[T any](d *decoder, one func() T) []T {
	n := d.uvarint()
	if n == 0 || n > uint64(len(d.rest)) { // an entry takes at least a byte
		d.bad = d.bad || n != 0
		return nil
	}
	items := make([]T, 0, n)
	for range n {
		if d.bad {
			return nil
		}
		items = append(items, one())
	}
	return items
}

func (d *decoder) uvarint() (n uint64) {
	for shift := 0; shift < 64; shift += 7 {
		if d.rest == "" {
			break
		}
		c := d.rest[0]
		d.rest = d.rest[1:]
		n |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return n
		}
	}
	d.bad, d.rest = true, ""
	return 0
}

func (d *decoder) varint() int64 {
	u := d.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

func (d *decoder) text() string {
	n := d.uvarint()
	if n > uint64(len(d.rest)) {
		d.bad, d.rest = true, ""
		return ""
	}
	s := d.rest[:n]
	d.rest = d.rest[n:]
	return s
}

func (d *decoder) bool() bool {
	return d.uvarint() != 0
}

func (d *decoder) number() index.Number {
	n := index.Number{Param: d.text()}
	if len(d.rest) < 16 {
		d.bad, d.rest = true, ""
		return n
	}
	var bits [2]uint64
	for i := range bits {
		for j := range 8 {
			bits[i] |= uint64(d.rest[8*i+j]) << (8 * j)
		}
	}
	n.Lo, n.Hi = math.Float64frombits(bits[0]), math.Float64frombits(bits[1])
	d.rest = d.rest[16:]
	return n
}
