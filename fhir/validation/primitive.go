package validation

import (
	"bytes"
	"strconv"
	"unicode/utf8"
	"unsafe"

	"fhirside/fhir"
)

// format is the form of a primitive type (datatypes.html#primitive). Valid sees the JSON text without quotes: canonical text
// escapes only quotes, backslashes and control characters.
type format struct {
	kind  fhir.Kind
	valid func(text []byte) bool // nil: any text of that kind
	want  string
}

var formats = map[string]*format{
	"boolean":      {fhir.Bool, nil, "true or false"},
	"decimal":      {fhir.Number, nil, "a number"},
	"integer":      {fhir.Number, isInteger, "a whole number from -2147483648 to 2147483647"},
	"unsignedInt":  {fhir.Number, isUnsignedInt, "a whole number from 0 to 2147483647"},
	"positiveInt":  {fhir.Number, isPositiveInt, "a whole number from 1 to 2147483647"},
	"string":       {fhir.String, isString, stringWant},
	"markdown":     {fhir.String, isString, stringWant},
	"code":         {fhir.String, isCode, "text without spaces at either end and with no white space inside but single spaces"},
	"id":           {fhir.String, isID, "1 to 64 letters, digits, '-' and '.'"},
	"uri":          {fhir.String, isURI, "a URI without white space"},
	"url":          {fhir.String, isURI, "a URL without white space"},
	"canonical":    {fhir.String, isURI, "a URL without white space, with |version behind it where wanted"},
	"oid":          {fhir.String, isOID, "urn:oid: and an OID such as urn:oid:1.2.3.4.5"},
	"uuid":         {fhir.String, isUUID, "urn:uuid: and a UUID in lower case such as urn:uuid:c757873d-ec9a-4326-a141-556f43239520"},
	"date":         {fhir.String, isDate, "a date that exists: YYYY, YYYY-MM or YYYY-MM-DD"},
	"dateTime":     {fhir.String, isDateTime, "YYYY, YYYY-MM, YYYY-MM-DD, or YYYY-MM-DDThh:mm:ss with Z or a zone such as +01:00"},
	"instant":      {fhir.String, isInstant, "YYYY-MM-DDThh:mm:ss.sss with Z or a zone such as +01:00"},
	"time":         {fhir.String, isTime, "hh:mm:ss, from 00:00:00 to 23:59:59"},
	"base64Binary": {fhir.String, isBase64, "base64 in groups of four characters"},
	"xhtml":        {fhir.String, nil, "XHTML"}, // see xhtml.go
}

// elementID is the form of the id of an element that is no resource (element.html#id).
var elementID = &format{fhir.String, isURI, "text without white space"}

const (
	maxString  = 1 << 20
	stringWant = "text with something visible, without control characters, of at most 1,048,576 characters"
)

// primitive checks the form of a primitive and, where its element is bound, its code.
func (c *checker) primitive(e fhir.Element, m *member) {
	raw := e.Raw()
	switch {
	case e.Kind() != m.format.kind:
		c.report(fhir.CodeStructure, "%s is of type %s: a JSON %s, not %s", m.name, m.typeName, m.format.kind, written(e.Kind()))
	case string(raw) == `""`:
		c.report(fhir.CodeValue, "%s is an empty string: leave it out", m.name)
	case m.typeName == "xhtml":
		c.narrative(e)
	case m.format.valid != nil && !m.format.valid(unquoted(raw)):
		c.report(fhir.CodeValue, "%s: %q is not a valid %s: write %s", m.name, clip(e.Text()), m.typeName, m.format.want)
	case m.element.Binding != nil && m.typeName == "code":
		c.code(e, m)
	case m.typeName == "canonical":
		c.fragment(view(e))
	}
}

// unquoted takes the quotes off a string's raw text; escapes stay.
func unquoted(raw []byte) []byte {
	if raw[0] == '"' {
		return raw[1 : len(raw)-1]
	}
	return raw
}

// view is the content of a string, without a copy where it has no escapes. It must not outlive the document.
func view(e fhir.Element) string {
	text := unquoted(e.Raw())
	if bytes.IndexByte(text, '\\') >= 0 {
		return e.Text()
	}
	return viewOf(text)
}

// viewOf is a string over the document's own bytes, which never change.
func viewOf(text []byte) string { return unsafe.String(unsafe.SliceData(text), len(text)) }

func isInteger(text []byte) bool { return whole(text, -1<<31) }

func isUnsignedInt(text []byte) bool { return whole(text, 0) }

func isPositiveInt(text []byte) bool { return whole(text, 1) }

// whole says whether a JSON number is a 32-bit integer, written as one, and not below the minimum.
func whole(text []byte, minimum int64) bool {
	if len(text) > len("-2147483648") {
		return false
	}
	n, err := strconv.ParseInt(viewOf(text), 10, 32)
	return err == nil && n >= minimum && string(text) != "-0"
}

func isString(text []byte) bool {
	if len(text) > maxString && utf8.RuneCount(text) > maxString {
		return false
	}
	visible := false
	for i := 0; i < len(text); i++ {
		if visible { // only escapes matter now
			escape := bytes.IndexByte(text[i:], '\\')
			if escape < 0 {
				return true
			}
			i += escape
		}
		if text[i] != '\\' {
			visible = text[i] != ' '
			continue
		}
		i++
		switch text[i] {
		case '"', '\\':
			visible = true
		case 'n', 'r', 't':
		default: // \b, \f, \u00xx
			return false
		}
	}
	return visible
}

func isCode(text []byte) bool {
	space := true // before this place there is a space, or the beginning
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == ' ':
			if space {
				return false
			}
			space = true
			continue
		case c == '\\':
			i++
			if text[i] != '"' && text[i] != '\\' {
				return false
			}
		}
		space = false
	}
	return !space
}

func isID(text []byte) bool { return fhir.ValidID(viewOf(text)) }

func isURI(text []byte) bool {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case ' ':
			return false
		case '\\':
			i++
			if text[i] != '"' && text[i] != '\\' {
				return false
			}
		}
	}
	return true
}

func isOID(text []byte) bool {
	arcs, ok := bytes.CutPrefix(text, []byte("urn:oid:"))
	if !ok || len(arcs) < len("1.2") || arcs[0] > '2' || arcs[1] != '.' {
		return false
	}
	for first := true; len(arcs) > 0; first = false {
		arc, rest, more := bytes.Cut(arcs, []byte("."))
		if len(arc) == 0 || arc[0] == '0' && len(arc) > 1 || first && len(arc) > 1 || more && len(rest) == 0 {
			return false
		}
		for _, c := range arc {
			if c < '0' || c > '9' {
				return false
			}
		}
		arcs = rest
	}
	return true
}

func isUUID(text []byte) bool {
	const form = "urn:uuid:xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
	if len(text) != len(form) {
		return false
	}
	for i, c := range text {
		hex := c >= '0' && c <= '9' || c >= 'a' && c <= 'f'
		if form[i] == 'x' && !hex || form[i] != 'x' && c != form[i] {
			return false
		}
	}
	return true
}

func isDate(text []byte) bool {
	m, err := fhir.ParseMoment(viewOf(text))
	return err == nil && m.Precision <= fhir.Day
}

func isDateTime(text []byte) bool {
	m, err := fhir.ParseMoment(viewOf(text))
	return err == nil && (m.Precision <= fhir.Day || m.Precision >= fhir.Second && m.HasZone)
}

func isInstant(text []byte) bool {
	m, err := fhir.ParseMoment(viewOf(text))
	return err == nil && m.Precision >= fhir.Second && m.HasZone
}

func isTime(text []byte) bool {
	const form = "00:00:00"
	if len(text) < len(form) {
		return false
	}
	for i, c := range text {
		switch {
		case i == 2 || i == 5:
			if c != ':' {
				return false
			}
		case i == len(form):
			if c != '.' || len(text) == i+1 {
				return false
			}
		case c < '0' || c > '9':
			return false
		}
	}
	second := string(text[6:8])
	return string(text[:2]) < "24" && string(text[3:5]) < "60" && second <= "60" // 60: a leap second
}

// isBase64 allows white space, as the official schema does.
func isBase64(text []byte) bool {
	digits, padding := 0, 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '+', c == '/':
			if padding > 0 {
				return false
			}
			digits++
		case c == '=':
			padding++
		case c == ' ':
		case c == '\\' && (text[i+1] == 'n' || text[i+1] == 'r' || text[i+1] == 't'):
			i++
		default:
			return false
		}
	}
	return digits > 0 && padding <= 2 && (digits+padding)%4 == 0
}
