package xml

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"fhirside/fhir"
	"fhirside/fhir/xml/token"
)

// Decode reads a resource. The errors are *fhir.Errors of reason Invalid that name line and column: of XML that is not
// well-formed, not UTF-8 or has a document type, and of what has no place in a resource of its type. The result keeps no part of
// data.
//
// Elements come in the order of the definitions, as xml.html demands, and nest as deep as objects and arrays may in JSON
// (fhir.MaxDepth). White space around values of other types than string and markdown is trimmed.
func Decode(data []byte) (*fhir.Resource, error) {
	d := &decoder{in: token.NewReader(data), out: make([]byte, 0, len(data))}
	if _, err := d.next(); err != nil {
		return nil, err
	}
	if err := d.resource(); err != nil {
		return nil, err
	}
	if _, err := d.next(); err != nil { // there must be no more
		return nil, err
	}
	return fhir.Parse(d.out)
}

// decoder writes the JSON text of what it reads.
type decoder struct {
	in    *token.Reader
	token *token.Token // the last one that was read
	out   []byte
	depth int // objects and arrays that are open
}

// next reads a token that says something.
func (d *decoder) next() (kind token.Kind, err error) {
	for {
		if d.token, err = d.in.Next(); err != nil {
			return 0, err
		}
		switch {
		case d.token.Kind == token.Text && !token.Blank(d.token.Text):
			return 0, d.refuse("text stands only in the narrative; values are in the attribute value")
		case d.token.Kind != token.Comment && d.token.Kind != token.Text:
			return d.token.Kind, nil
		}
	}
}

func (d *decoder) refuse(format string, args ...any) error {
	return d.in.Errorf(d.token.From, format, args...)
}

// open begins an object or an array.
func (d *decoder) open(bracket byte) error {
	if d.depth++; d.depth > fhir.MaxDepth {
		return d.refuse("elements nest too deep: in JSON, objects and arrays would nest more than %d levels deep", fhir.MaxDepth)
	}
	d.out = append(d.out, bracket)
	return nil
}

func (d *decoder) close(bracket byte) {
	d.depth--
	d.out = append(d.out, bracket)
}

// key writes a member's name, and a comma unless it is the object's first.
func (d *decoder) key(name string) {
	if d.out[len(d.out)-1] != '{' {
		d.out = append(d.out, ',')
	}
	d.out = append(append(append(d.out, '"'), name...), '"', ':')
}

func (d *decoder) string(text string) { d.out = appendQuoted(d.out, text) }

func appendQuoted(dst []byte, text string) []byte {
	dst, _ = jsontext.AppendQuote(dst, text) // it fails at invalid UTF-8 only, which the reader refuses
	return dst
}

// resource reads the element whose start tag was read.
func (d *decoder) resource() error {
	l := resourceLayout(d.token.Name.Local)
	switch {
	case d.token.Name.Space != Namespace:
		return d.refuse("<%s> is in %s: FHIR's elements are in %s", shown(d.token.Name.Local), space(d.token.Name.Space), Namespace)
	case l == nil:
		return d.refuse("R4 has no resource type %s", shown(d.token.Name.Local))
	case len(d.token.Attrs) > 0:
		return d.refuse("<%s> has no attribute %s", l.name, shown(d.token.Attrs[0].Written()))
	}
	if err := d.open('{'); err != nil {
		return err
	}
	d.key("resourceType")
	d.string(l.name)
	if err := d.children(l); err != nil {
		return err
	}
	d.close('}')
	return nil
}

// run is a member that is being written: the elements of one name that follow each other.
type run struct {
	member     *member
	items      int
	from       int    // where it begins in the output
	valued     bool   // one of a primitive's items has a value
	companions []byte // the items of a repeating primitive's "_name", with their commas; nil if there are none yet
}

// children reads what is inside an element, its end tag included.
func (d *decoder) children(l *layout) error {
	var r run
	for {
		kind, err := d.next()
		if err != nil {
			return err
		}
		if kind == token.End {
			d.finish(&r)
			return nil
		}
		m, err := d.member(l, r.member)
		if err != nil {
			return err
		}
		if m != r.member {
			d.finish(&r)
			r = run{member: m, from: len(d.out)}
		}
		if err := d.item(&r); err != nil {
			return err
		}
	}
}

// member finds what an element is, and whether it may stand here.
func (d *decoder) member(l *layout, before *member) (*member, error) {
	name := d.token.Name
	m := l.members[name.Local]
	if m == nil || m.form == attributeForm {
		return nil, d.refuse("%s has no element <%s>", l.name, shown(name.Local))
	}
	want := Namespace
	if m.form == xhtmlForm {
		want = XHTMLNamespace
	}
	switch {
	case name.Space != want:
		return nil, d.refuse("<%s> is in %s: it belongs in %s", m.name, space(name.Space), want)
	case before == nil || m.at > before.at || m == before && m.repeats:
		return m, nil
	case m == before:
		return nil, d.refuse("<%s> does not repeat", m.name)
	case m.at == before.at:
		return nil, d.refuse("<%s> and <%s>: there may be only one %s[x]", before.name, m.name, m.element)
	}
	return nil, d.refuse("<%s> must stand before <%s>: elements come in the order of the definition of %s", m.name, before.name, l.name)
}

// item reads one element of a run.
func (d *decoder) item(r *run) error {
	if r.member.form.primitive() {
		return d.primitive(r)
	}
	switch {
	case r.items > 0:
		d.out = append(d.out, ',')
	case r.member.repeats:
		d.key(r.member.name)
		if err := d.open('['); err != nil {
			return err
		}
	default:
		d.key(r.member.name)
	}
	r.items++
	switch r.member.form {
	case resourceForm:
		return d.inner(r.member)
	case xhtmlForm:
		return d.xhtml()
	}
	return d.complex(r.member)
}

// finish ends the arrays of a run.
func (d *decoder) finish(r *run) {
	if r.member == nil || !r.member.repeats {
		return
	}
	d.close(']')
	if r.member.form.primitive() && !r.valued {
		d.out = d.out[:r.from]
	}
	if r.companions != nil {
		d.key(r.member.companion)
		d.out = append(append(append(d.out, '['), r.companions...), ']')
	}
}

// complex reads an element of a complex type or a backbone element.
func (d *decoder) complex(m *member) error {
	from := d.token.From
	empty, err := d.object(m.layout)
	if err == nil && empty {
		return d.in.Errorf(from, "<%s> is empty: leave it out, or give it content", m.name)
	}
	return err
}

// object reads an element's attributes and children as an object.
func (d *decoder) object(l *layout) (empty bool, err error) {
	if err := d.open('{'); err != nil {
		return false, err
	}
	start := len(d.out)
	for i := range d.token.Attrs {
		a := &d.token.Attrs[i]
		m := l.members[a.Local]
		switch {
		case m == nil || m.form != attributeForm || a.Space != "":
			return false, d.refuse("<%s> has no attribute %s", shown(d.token.Name.Local), shown(a.Written()))
		case a.Value == "":
			return false, d.refuse("the attribute %s is empty: leave it out", m.name)
		}
		d.key(m.name)
		d.string(a.Value)
	}
	if err := d.children(l); err != nil {
		return false, err
	}
	empty = len(d.out) == start
	d.close('}')
	return empty, nil
}

// inner reads an element that holds a resource.
func (d *decoder) inner(m *member) error {
	if len(d.token.Attrs) > 0 {
		return d.refuse("<%s> has no attribute %s", m.name, shown(d.token.Attrs[0].Written()))
	}
	kind, err := d.next()
	if err != nil {
		return err
	}
	if kind == token.End {
		return d.refuse("<%s> holds a resource", m.name)
	}
	if err := d.resource(); err != nil {
		return err
	}
	if kind, err = d.next(); err == nil && kind != token.End {
		return d.refuse("<%s> holds one resource; write another <%s> for the next", m.name, m.name)
	}
	return err
}

// shown is a name in a message: not longer than names are.
func shown(name string) string {
	const limit = 64
	if len(name) <= limit {
		return name
	}
	return strings.ToValidUTF8(name[:limit], "") + "…"
}

func space(name string) string {
	if name == "" {
		return "no namespace"
	}
	return "the namespace " + shown(name)
}
