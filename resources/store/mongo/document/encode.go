package document

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"fhirside/fhir"
)

// Types of BSON elements.
const (
	typeDouble  = 0x01
	typeString  = 0x02
	typeObject  = 0x03
	typeArray   = 0x04
	typeBool    = 0x08
	typeNull    = 0x0a
	typeInt32   = 0x10
	typeInt64   = 0x12
	typeDecimal = 0x13
)

// Number is a number of a document whose text its BSON value does not give back.
type Number struct {
	Path string // "component.1.valueQuantity.value"
	Text string // "1e2"
}

// maxLength keeps every length within BSON's int32.
const maxLength = 1 << 28

// Encode appends a JSON object as a BSON document. The text must be canonical, as fhir.Resource.Bytes gives it: no white space
// and no escapes where none are needed. Numbers are those that Decode needs to give back the same text, mostly none.
func Encode(dst, text []byte) (document []byte, numbers []Number, err error) {
	if len(text) > maxLength {
		return dst, nil, fmt.Errorf("a document of %d bytes is too long for BSON", len(text))
	}
	e := encoder{src: text, dst: dst}
	if e.peek() != '{' {
		return dst, nil, e.unexpected()
	}
	if err := e.object(); err != nil {
		return dst, nil, err
	}
	if e.at != len(text) {
		return dst, nil, e.unexpected()
	}
	return e.dst, e.numbers, nil
}

type encoder struct {
	src     []byte
	at      int
	dst     []byte
	numbers []Number
	places  [fhir.MaxDepth]place
	depth   int
}

// peek is the next byte, 0 at the end.
func (e *encoder) peek() byte {
	if e.at < len(e.src) {
		return e.src[e.at]
	}
	return 0
}

func (e *encoder) unexpected() error {
	if e.at >= len(e.src) {
		return fmt.Errorf("the JSON text ends too early")
	}
	return fmt.Errorf("not canonical JSON: unexpected byte %q at offset %d", e.src[e.at], e.at)
}

// open begins a BSON document and returns where.
func (e *encoder) open() (start int, err error) {
	if e.depth == fhir.MaxDepth {
		return 0, fmt.Errorf("objects and arrays nest more than %d levels deep", fhir.MaxDepth)
	}
	e.depth++
	e.at++
	start = len(e.dst)
	e.dst = append(e.dst, 0, 0, 0, 0)
	return start, nil
}

func (e *encoder) close(start int) {
	e.depth--
	e.at++
	e.dst = append(e.dst, 0)
	binary.LittleEndian.PutUint32(e.dst[start:], uint32(len(e.dst)-start))
}

func (e *encoder) object() error {
	start, err := e.open()
	if err != nil {
		return err
	}
	place := &e.places[e.depth-1]
	for more := e.peek() != '}'; more; {
		element := len(e.dst)
		e.dst = append(e.dst, 0)
		if err := e.name(); err != nil {
			return err
		}
		place.name = e.dst[element+1 : len(e.dst)-1]
		if err := e.value(element); err != nil {
			return err
		}
		if more, err = e.more('}'); err != nil {
			return err
		}
	}
	e.close(start)
	return nil
}

func (e *encoder) array() error {
	start, err := e.open()
	if err != nil {
		return err
	}
	place := &e.places[e.depth-1]
	place.name, place.index = nil, 0
	for more := e.peek() != ']'; more; place.index++ {
		element := len(e.dst)
		e.dst = append(appendIndex(append(e.dst, 0), place.index), 0)
		if err := e.value(element); err != nil {
			return err
		}
		if more, err = e.more(']'); err != nil {
			return err
		}
	}
	e.close(start)
	return nil
}

// more reads the comma before another member or item, or says that the closing bracket follows.
func (e *encoder) more(closing byte) (bool, error) {
	switch e.peek() {
	case ',':
		e.at++
		return true, nil
	case closing:
		return false, nil
	}
	return false, e.unexpected()
}

// appendIndex writes the position of an item, which is its name in BSON.
func appendIndex(dst []byte, i int) []byte {
	if i < 10 {
		return append(dst, '0'+byte(i))
	}
	return strconv.AppendInt(dst, int64(i), 10)
}

// name writes a member's name and reads the colon behind it.
func (e *encoder) name() error {
	if e.peek() != '"' {
		return e.unexpected()
	}
	start := len(e.dst)
	if err := e.text(); err != nil {
		return err
	}
	if name := e.dst[start:]; len(name) == 0 || bytes.IndexByte(name, 0) >= 0 {
		return fmt.Errorf("a member name is empty or holds NUL, before offset %d", e.at)
	}
	e.dst = append(e.dst, 0)
	if e.peek() != ':' {
		return e.unexpected()
	}
	e.at++
	return nil
}

// value writes one value and puts its type where the element begins.
func (e *encoder) value(element int) error {
	kind, err := byte(0), error(nil)
	switch c := e.peek(); c {
	case '"':
		kind = typeString
		start := len(e.dst)
		e.dst = append(e.dst, 0, 0, 0, 0)
		err = e.text()
		e.dst = append(e.dst, 0)
		binary.LittleEndian.PutUint32(e.dst[start:], uint32(len(e.dst)-start-4))
	case '{':
		kind, err = typeObject, e.object()
	case '[':
		kind, err = typeArray, e.array()
	case 't':
		kind, err = typeBool, e.word("true")
		e.dst = append(e.dst, 1)
	case 'f':
		kind, err = typeBool, e.word("false")
		e.dst = append(e.dst, 0)
	case 'n':
		kind, err = typeNull, e.word("null")
	default:
		kind, err = e.number()
	}
	e.dst[element] = kind
	return err
}

func (e *encoder) word(w string) error {
	if !bytes.HasPrefix(e.src[e.at:], []byte(w)) {
		return e.unexpected()
	}
	e.at += len(w)
	return nil
}

// text writes the content of a string.
func (e *encoder) text() error {
	begin := e.at + 1
	end := begin + plain(e.src[begin:])
	if end < len(e.src) && e.src[end] == '"' {
		e.dst = append(e.dst, e.src[begin:end]...)
		e.at = end + 1
		return nil
	}
	for end < len(e.src) && e.src[end] == '\\' {
		end = min(end+2, len(e.src)) // what is escaped is no end
		end += plain(e.src[end:])
	}
	if end >= len(e.src) || e.src[end] != '"' {
		e.at = end
		return e.unexpected()
	}
	var err error
	if e.dst, err = jsontext.AppendUnquote(e.dst, e.src[e.at:end+1]); err != nil {
		return fmt.Errorf("the string at offset %d: %w", e.at, err)
	}
	e.at = end + 1
	return nil
}

func (e *encoder) number() (kind byte, err error) {
	begin := e.at
	for e.at < len(e.src) && isNumeric(e.src[e.at]) {
		e.at++
	}
	text := e.src[begin:e.at]
	if i, ok := parseInteger(text); ok {
		if i == int64(int32(i)) {
			e.dst = binary.LittleEndian.AppendUint32(e.dst, uint32(i))
			return typeInt32, nil
		}
		e.dst = binary.LittleEndian.AppendUint64(e.dst, uint64(i))
		return typeInt64, nil
	}
	n, ok := parseNumber(text)
	if !ok {
		e.at = begin
		return 0, e.unexpected()
	}
	d := n.decimal()
	e.dst = binary.LittleEndian.AppendUint64(e.dst, d.lo)
	e.dst = binary.LittleEndian.AppendUint64(e.dst, d.hi)
	var buffer [64]byte
	if again, ok := d.appendText(buffer[:0]); !ok || !bytes.Equal(again, text) {
		e.numbers = append(e.numbers, Number{path(e.places[:e.depth]), string(text)})
	}
	return typeDecimal, nil
}

func isNumeric(c byte) bool {
	return isDigit(c) || c == '.' || c == '-' || c == '+' || c|0x20 == 'e'
}

// parseInteger reads an integer that an int64 gives back with the same text: -0 is none.
func parseInteger(text []byte) (int64, bool) {
	digits := text
	if len(digits) > 0 && digits[0] == '-' {
		digits = digits[1:]
	}
	if len(digits) == 0 || len(digits) > 19 || digits[0] == '0' && len(text) > 1 {
		return 0, false
	}
	var u uint64
	for _, c := range digits {
		if !isDigit(c) {
			return 0, false
		}
		u = u*10 + uint64(c-'0')
	}
	if len(digits) < len(text) {
		return -int64(u), u <= 1<<63
	}
	return int64(u), u <= math.MaxInt64
}
