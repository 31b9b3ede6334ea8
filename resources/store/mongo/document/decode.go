package document

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"fhirside/fhir"
)

var errTruncated = errors.New("the BSON document is cut off or its lengths do not fit")

// Decode appends a resource's BSON document as canonical JSON: what Encode was given, where nobody changed the document since.
// The error says which element of a document edited by hand is nothing that a resource can hold; it names no values.
func Decode(dst, document []byte, numbers []Number) (text []byte, err error) {
	d := decoder{src: document, dst: dst}
	if len(numbers) > 0 {
		d.texts = make(map[string]string, len(numbers))
		for _, n := range numbers {
			d.texts[n.Path] = n.Text
		}
	}
	if err := d.container('{', '}'); err != nil {
		if d.depth > 0 {
			err = fmt.Errorf("at %s: %w", path(d.places[:d.depth]), err)
		}
		return dst, err
	}
	if d.at != len(document) {
		return dst, errTruncated
	}
	if !d.typed {
		return dst, errors.New("the document has no resourceType")
	}
	return d.dst, nil
}

type decoder struct {
	src    []byte
	at     int
	dst    []byte
	texts  map[string]string // of Numbers, by path
	places [fhir.MaxDepth]place
	depth  int
	typed  bool // the root has a resourceType
}

// take is the next n bytes, nil where there are fewer.
func (d *decoder) take(n int) []byte {
	if n < 0 || n > len(d.src)-d.at {
		return nil
	}
	b := d.src[d.at : d.at+n]
	d.at += n
	return b
}

func (d *decoder) length() (int, bool) {
	b := d.take(4)
	if b == nil {
		return 0, false
	}
	return int(int32(binary.LittleEndian.Uint32(b))), true
}

// container writes an object or an array. After an error depth and places still say where it was.
func (d *decoder) container(open, closing byte) error {
	begin := d.at
	length, ok := d.length()
	if !ok || length < 5 || length > len(d.src)-begin || d.src[begin+length-1] != 0 {
		return errTruncated
	}
	if d.depth == fhir.MaxDepth {
		return fmt.Errorf("objects and arrays nest more than %d levels deep", fhir.MaxDepth)
	}
	d.depth++
	place := &d.places[d.depth-1]
	end := begin + length - 1
	d.dst = append(d.dst, open)
	for i := 0; d.at < end; i++ {
		kind := d.src[d.at]
		d.at++
		size := bytes.IndexByte(d.src[d.at:end], 0)
		if size < 0 {
			return errTruncated
		}
		name := d.src[d.at : d.at+size]
		d.at += size + 1
		if i > 0 {
			d.dst = append(d.dst, ',')
		}
		if open == '[' {
			place.name, place.index = nil, i
		} else {
			place.name = name
			if err := d.name(name); err != nil {
				return err
			}
		}
		if err := d.value(kind); err != nil {
			return err
		}
	}
	if d.at != end {
		return errTruncated
	}
	d.at++
	d.dst = append(d.dst, closing)
	d.depth--
	return nil
}

func (d *decoder) name(name []byte) error {
	if len(name) == 0 || bytes.IndexByte(name, '.') >= 0 || bytes.IndexByte(name, '$') >= 0 {
		return errors.New("a member name is empty or holds '$' or '.'")
	}
	if d.depth == 1 && string(name) == "resourceType" {
		d.typed = true
	}
	if err := d.text(name); err != nil {
		return err
	}
	d.dst = append(d.dst, ':')
	return nil
}

// text writes a JSON string.
func (d *decoder) text(s []byte) error {
	if plain(s) == len(s) {
		if !utf8.Valid(s) {
			return errors.New("a text is not UTF-8")
		}
		d.dst = append(append(append(d.dst, '"'), s...), '"')
		return nil
	}
	var err error
	if d.dst, err = jsontext.AppendQuote(d.dst, s); err != nil {
		return errors.New("a text is not UTF-8")
	}
	return nil
}

func (d *decoder) value(kind byte) error {
	if d.depth == 1 && kind != typeString && string(d.places[0].name) == "resourceType" {
		return errors.New("the resourceType is not a string")
	}
	switch kind {
	case typeString:
		return d.string()
	case typeObject:
		return d.container('{', '}')
	case typeArray:
		return d.container('[', ']')
	case typeBool:
		b := d.take(1)
		if b == nil {
			return errTruncated
		}
		d.dst = strconv.AppendBool(d.dst, b[0] != 0)
		return nil
	case typeNull:
		d.dst = append(d.dst, "null"...)
		return nil
	case typeInt32, typeInt64, typeDouble, typeDecimal:
		return d.number(kind)
	}
	return fmt.Errorf("a resource holds no BSON values of type 0x%02x", kind)
}

func (d *decoder) string() error {
	length, ok := d.length()
	if !ok {
		return errTruncated
	}
	s := d.take(length)
	if len(s) == 0 || s[len(s)-1] != 0 {
		return errTruncated
	}
	return d.text(s[:len(s)-1])
}

// sizes of the numeric types.
var sizes = [...]int{typeDouble: 8, typeInt32: 4, typeInt64: 8, typeDecimal: 16}

func (d *decoder) number(kind byte) error {
	b := d.take(sizes[kind])
	if b == nil {
		return errTruncated
	}
	switch kind {
	case typeInt32:
		d.dst = strconv.AppendInt(d.dst, int64(int32(binary.LittleEndian.Uint32(b))), 10)
	case typeInt64:
		d.dst = strconv.AppendInt(d.dst, int64(binary.LittleEndian.Uint64(b)), 10)
	case typeDouble:
		return d.double(math.Float64frombits(binary.LittleEndian.Uint64(b)))
	case typeDecimal:
		return d.decimal(decimal128{hi: binary.LittleEndian.Uint64(b[8:]), lo: binary.LittleEndian.Uint64(b)})
	}
	return nil
}

// double writes what Encode never makes, but what becomes of a number that somebody types into mongosh.
func (d *decoder) double(f float64) error {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return errors.New("a number is infinite or none at all")
	}
	format := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	d.dst = strconv.AppendFloat(d.dst, f, format, -1, 64)
	return nil
}

func (d *decoder) decimal(v decimal128) error {
	if len(d.texts) > 0 {
		// A kept text counts only as long as it stands for this value.
		text := d.texts[path(d.places[:d.depth])]
		if n, ok := parseNumber([]byte(text)); ok && n.decimal() == v {
			d.dst = append(d.dst, text...)
			return nil
		}
	}
	var ok bool
	if d.dst, ok = v.appendText(d.dst); !ok {
		return errors.New("a number is infinite or none at all")
	}
	return nil
}
