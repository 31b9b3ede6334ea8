package xml

import (
	"strconv"

	"fhirside/fhir"
	"fhirside/fhir/xml/token"
)

// Encode writes a resource as an XML document, with an XML declaration; pretty puts each element on a line of its own, indented
// by two spaces (the narrative stays as it is). The error is an *fhir.Error of reason NotAcceptable that names the element which
// XML has no place for: the structure of the resource is not what R4 says, or its text holds a character that XML does not know.
func Encode(r *fhir.Resource, pretty bool) ([]byte, error) {
	const header = `<?xml version="1.0" encoding="UTF-8"?>`
	e := &encoder{pretty: pretty, out: make([]byte, 0, len(header)+len(r.Bytes())+len(r.Bytes())/4)}
	e.out = append(e.out, header...)
	if err := e.resource(r.Root()); err != nil {
		return nil, err
	}
	if pretty {
		e.out = append(e.out, '\n')
	}
	return e.out, nil
}

type encoder struct {
	out    []byte
	pretty bool
	depth  int
	path   []byte // FHIRPath to where it is, for messages
	slots  []slot // of the objects that are being written, the innermost last
}

// slot is what an object holds of one element.
type slot struct {
	member           *member
	value, companion fhir.Element
}

func (e *encoder) refuse(format string, args ...any) *fhir.Error {
	return fhir.Errorf(fhir.NotAcceptable, fhir.CodeStructure, "the resource cannot be written as XML: "+format, args...).At(string(e.path))
}

// begin starts a tag; the caller adds attributes and ends it.
func (e *encoder) begin(name string) {
	e.line()
	e.out = append(append(e.out, '<'), name...)
}

func (e *encoder) end(name string) {
	e.line()
	e.out = append(append(append(e.out, "</"...), name...), '>')
}

// line begins an indented line where the output is pretty.
func (e *encoder) line() {
	if !e.pretty {
		return
	}
	e.out = append(e.out, '\n')
	for range e.depth {
		e.out = append(e.out, "  "...)
	}
}

func (e *encoder) resource(r fhir.Element) error {
	name := r.Get("resourceType").Text()
	l := resourceLayout(name)
	if l == nil {
		return e.refuse("%q is no resource type of R4", shown(name))
	}
	root := len(e.path) == 0
	if root {
		e.path = append(e.path, name...)
	}
	slots, err := e.members(r, l)
	if err != nil {
		return err
	}
	e.begin(name)
	if root {
		e.out = token.AppendAttr(e.out, "xmlns", Namespace)
	}
	return e.content(name, slots)
}

// members sorts an object's members by the elements they hold.
func (e *encoder) members(object fhir.Element, l *layout) ([]slot, error) {
	from := len(e.slots)
	for range l.size {
		e.slots = append(e.slots, slot{})
	}
	slots := e.slots[from:]
	for value := range object.Children() {
		name := value.Name()
		companion := name[0] == '_'
		if companion {
			name = name[1:]
		}
		m := l.members[name]
		if m == nil || companion && m.companion == "" {
			if l.resource && name == "resourceType" && !companion {
				continue
			}
			return nil, e.refuse("%s has no element %q", l.name, shown(value.Name()))
		}
		s := &slots[m.at]
		if s.member != nil && s.member != m {
			return nil, e.refuse("%s and %s: there may be only one %s[x]", s.member.name, m.name, m.element)
		}
		s.member = m
		if companion {
			s.companion = value
		} else {
			s.value = value
		}
	}
	return slots, nil
}

// content ends the start tag that was begun, after the attributes among the members, and writes the others and the end tag.
func (e *encoder) content(name string, slots []slot) error {
	defer func(n int) { e.slots = e.slots[:n] }(len(e.slots) - len(slots))
	elements := false
	for i := range slots {
		s := &slots[i]
		switch {
		case s.member == nil:
		case s.member.form == attributeForm && s.value.Kind() != fhir.String:
			return e.refuse("%s is a string", s.member.name)
		case s.member.form == attributeForm:
			if err := e.attribute(s.member.name, s.member.name, s.value); err != nil {
				return err
			}
		default:
			elements = true
		}
	}
	if !elements {
		e.out = append(e.out, "/>"...)
		return nil
	}
	e.out = append(e.out, '>')
	e.depth++
	for i := range slots {
		if s := &slots[i]; s.member != nil && s.member.form != attributeForm {
			if err := e.element(s); err != nil {
				return err
			}
		}
	}
	e.depth--
	e.end(name)
	return nil
}

// element writes an element: as often as it is there, where it repeats.
func (e *encoder) element(s *slot) error {
	mark := len(e.path)
	e.path = append(append(e.path, '.'), s.member.element...)
	defer func() { e.path = e.path[:mark] }()
	if !s.member.repeats {
		return e.item(s.member, s.value, s.companion)
	}
	for _, a := range []fhir.Element{s.value, s.companion} {
		if a.Exists() && (a.Kind() != fhir.Array || a.Len() == 0) {
			return e.refuse("%s may repeat and is an array of one or more", s.member.name)
		}
	}
	if s.value.Exists() && s.companion.Exists() && s.value.Len() != s.companion.Len() {
		return e.refuse("%s and %s have different lengths", s.member.name, s.member.companion)
	}
	return e.items(s)
}

func (e *encoder) items(s *slot) error {
	companions := make([]fhir.Element, 0, 4)
	for c := range s.companion.Children() {
		companions = append(companions, c)
	}
	mark, i := len(e.path), 0
	one := func(value fhir.Element) error {
		e.path = append(strconv.AppendInt(append(e.path[:mark], '['), int64(i), 10), ']')
		var companion fhir.Element
		if i < len(companions) {
			companion = companions[i]
		}
		i++
		return e.item(s.member, value, companion)
	}
	if !s.value.Exists() {
		for range companions {
			if err := one(fhir.Element{}); err != nil {
				return err
			}
		}
		return nil
	}
	for value := range s.value.Children() {
		if err := one(value); err != nil {
			return err
		}
	}
	return nil
}

// item writes one element.
func (e *encoder) item(m *member, value, companion fhir.Element) error {
	if m.repeats && m.form.primitive() { // the arrays of values and companions are filled up with null
		value, companion = notNull(value), notNull(companion)
	}
	switch {
	case m.form.primitive():
		return e.primitive(m, value, companion)
	case m.form == xhtmlForm:
		return e.xhtml(value)
	case value.Kind() != fhir.Object || value.Len() == 0:
		return e.refuse("%s is an object with content", m.name)
	case m.form == resourceForm:
		e.begin(m.name)
		e.out = append(e.out, '>')
		e.depth++
		if err := e.resource(value); err != nil {
			return err
		}
		e.depth--
		e.end(m.name)
		return nil
	}
	slots, err := e.members(value, m.layout)
	if err != nil {
		return err
	}
	e.begin(m.name)
	return e.content(m.name, slots)
}

func notNull(e fhir.Element) fhir.Element {
	if e.Kind() == fhir.Null {
		return fhir.Element{}
	}
	return e
}

// primitive writes a value and what is in the companion, of which there must be one.
func (e *encoder) primitive(m *member, value, companion fhir.Element) error {
	if want := m.form.kind(); value.Exists() && value.Kind() != want {
		return e.refuse("%s is a JSON %s", m.name, want)
	}
	var slots []slot
	if companion.Exists() {
		if companion.Kind() != fhir.Object || companion.Len() == 0 {
			return e.refuse("%s is an object with id or extensions", m.companion)
		}
		var err error
		if slots, err = e.members(companion, m.layout); err != nil {
			return err
		}
	} else if !value.Exists() {
		return e.refuse("%s has neither a value nor an extension", m.name)
	}
	e.begin(m.name)
	if value.Exists() {
		if err := e.attribute(m.name, "value", value); err != nil {
			return err
		}
	}
	return e.content(m.name, slots)
}

// kind is the JSON kind of a primitive.
func (f form) kind() fhir.Kind {
	switch f {
	case numberForm:
		return fhir.Number
	case booleanForm:
		return fhir.Bool
	}
	return fhir.String
}

// attribute writes the value of an element as an attribute.
func (e *encoder) attribute(element, name string, value fhir.Element) error {
	text := value.Text()
	if text == "" {
		return e.refuse("%s is a value, and not empty", element)
	}
	if c, found := token.Illegal(text); found {
		return e.refuse("%s holds the character U+%04X", element, c)
	}
	e.out = token.AppendAttr(e.out, name, text)
	return nil
}

func (e *encoder) xhtml(value fhir.Element) error {
	if value.Kind() != fhir.String {
		return e.refuse("the narrative is a JSON string")
	}
	div, err := narrative(value.Text())
	if err != nil {
		return e.refuse("%v", err)
	}
	e.line()
	e.out = append(e.out, div...)
	return nil
}
