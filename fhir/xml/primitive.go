package xml

import (
	"bytes"
	"strings"

	"fhirside/fhir/xml/token"
)

// primitive reads an element with a value, or with extensions in its place, or both.
func (d *decoder) primitive(r *run) error {
	m, from := r.member, d.token.From
	value, id, err := d.attributes(m)
	if err != nil {
		return err
	}
	if err := d.value(r, value); err != nil {
		return err
	}
	r.valued = r.valued || value != ""
	companion, err := d.companion(m, id)
	switch {
	case err != nil:
		return err
	case value == "" && companion == nil:
		return d.in.Errorf(from, "<%s> is empty: leave it out, or give it a value or an extension", m.name)
	case m.repeats:
		r.addCompanion(companion)
	case companion != nil:
		d.key(m.companion)
		d.out = append(d.out, companion...)
	}
	r.items++
	return nil
}

// attributes are those of a primitive; "" for one that is not there.
func (d *decoder) attributes(m *member) (value, id string, err error) {
	for i := range d.token.Attrs {
		a := &d.token.Attrs[i]
		switch {
		case a.Space == "" && a.Local == "value":
			value = a.Value
		case a.Space == "" && a.Local == "id" && m.companion != "":
			id = a.Value
		default:
			return "", "", d.refuse("<%s> has no attribute %s", m.name, shown(a.Written()))
		}
		if a.Value == "" {
			return "", "", d.refuse("the attribute %s is empty: leave it out", a.Local)
		}
	}
	return value, id, nil
}

// value writes a primitive's value, or null for none in an array.
func (d *decoder) value(r *run, text string) error {
	m := r.member
	switch {
	case r.items > 0:
		d.out = append(d.out, ',')
	case m.repeats:
		d.key(m.name)
		if err := d.open('['); err != nil {
			return err
		}
	case text != "":
		d.key(m.name)
	}
	if text == "" {
		if m.repeats {
			d.out = append(d.out, "null"...)
		}
		return nil
	}
	if m.trimmed {
		text = strings.Trim(text, " \t\r\n")
	}
	switch {
	case text == "":
		return d.refuse("the value of <%s> is blank: leave it out", m.name)
	case m.form == textForm:
		d.string(text)
		return nil
	case m.form == booleanForm && text != "true" && text != "false":
		return d.refuse("<%s> is true or false, not %q", m.name, shown(text))
	case m.form == numberForm && !number(text):
		return d.refuse("<%s> is a number (no plus sign, no leading zeros), not %q", m.name, shown(text))
	}
	d.out = append(d.out, text...)
	return nil
}

// companion reads the rest of a primitive: the object of its id and extensions, nil if it has neither.
func (d *decoder) companion(m *member, id string) ([]byte, error) {
	if m.companion == "" {
		if kind, err := d.next(); err != nil {
			return nil, err
		} else if kind != token.End {
			return nil, d.refuse("<%s> has no elements inside", m.name)
		}
		return nil, nil
	}
	mark := len(d.out)
	if err := d.open('{'); err != nil {
		return nil, err
	}
	if id != "" {
		d.key("id")
		d.string(id)
	}
	if err := d.children(m.layout); err != nil {
		return nil, err
	}
	d.close('}')
	object := d.out[mark:]
	d.out = d.out[:mark]
	if len(object) == len("{}") {
		return nil, nil
	}
	return bytes.Clone(object), nil
}

// addCompanion adds an item to the companions, null if it is nil, and as many nulls before the first as there were items.
func (r *run) addCompanion(object []byte) {
	if object == nil && r.companions == nil {
		return
	}
	if r.companions == nil {
		r.companions = bytes.Repeat([]byte("null,"), r.items)
	} else {
		r.companions = append(r.companions, ',')
	}
	if object == nil {
		object = []byte("null")
	}
	r.companions = append(r.companions, object...)
}

// number says whether the text is a JSON number, which is what FHIR's numbers are (datatypes.html#decimal).
func number(text string) bool {
	text = strings.TrimPrefix(text, "-")
	rest := digits(text)
	if rest == text || text[0] == '0' && len(text)-len(rest) > 1 {
		return false
	}
	if fraction, ok := strings.CutPrefix(rest, "."); ok {
		if rest = digits(fraction); rest == fraction {
			return false
		}
	}
	if rest != "" && (rest[0] == 'e' || rest[0] == 'E') {
		exponent := strings.TrimLeft(rest[1:min(2, len(rest))], "+-") + rest[min(2, len(rest)):]
		if rest = digits(exponent); rest == exponent {
			return false
		}
	}
	return rest == ""
}

// digits is what follows the digits at the beginning.
func digits(text string) string { return strings.TrimLeft(text, "0123456789") }
