package fhir

import (
	"iter"

	"github.com/go-json-experiment/json/jsontext"
)

// Kind is the JSON kind of an Element.
type Kind uint8

const (
	Absent Kind = iota // there is no such element
	Null
	Bool
	Number
	String
	Array
	Object
)

func (k Kind) String() string {
	return [...]string{"nothing", "null", "boolean", "number", "string", "array", "object"}[k]
}

func (k Kind) article() string {
	switch k {
	case Absent, Null:
		return k.String()
	case Array, Object:
		return "an " + k.String()
	}
	return "a " + k.String()
}

func kindOf(k jsontext.Kind) Kind {
	switch k {
	case 'n':
		return Null
	case 't', 'f':
		return Bool
	case '0':
		return Number
	case '"':
		return String
	case '[':
		return Array
	case '{':
		return Object
	}
	return Absent
}

// Element is a JSON value of a document. The zero Element does not exist; asking it for anything is safe and gives nothing.
type Element struct {
	doc *Resource
	i   int32
}

func (e Element) node() *node { return &e.doc.nodes[e.i] }

// Exists says whether there is such an element.
func (e Element) Exists() bool { return e.doc != nil }

// Kind is the JSON kind; Absent for an element that does not exist.
func (e Element) Kind() Kind {
	if e.doc == nil {
		return Absent
	}
	return e.node().kind
}

// Raw is the element's canonical text. Callers must not change it.
func (e Element) Raw() []byte {
	if e.doc == nil {
		return nil
	}
	n := e.node()
	return e.doc.data[n.start:n.end:n.end]
}

// Text is the content of a string, the text of a number, true or false; "" for anything else.
func (e Element) Text() string {
	switch e.Kind() {
	case String:
		raw := e.Raw()
		if !e.node().escaped {
			return string(raw[1 : len(raw)-1])
		}
		text, err := jsontext.AppendUnquote(nil, raw)
		if err != nil {
			return ""
		}
		return string(text)
	case Number, Bool:
		return string(e.Raw())
	}
	return ""
}

// Is says whether the element is a string with this content, without allocating.
func (e Element) Is(text string) bool {
	if e.Kind() != String {
		return false
	}
	if raw := e.Raw(); !e.node().escaped {
		return string(raw[1:len(raw)-1]) == text
	}
	return e.Text() == text
}

// Name is the name of a member; "" for an item, a root, or an element that does not exist.
func (e Element) Name() string {
	if e.doc == nil {
		return ""
	}
	raw := e.rawName()
	for _, c := range raw {
		if c == '\\' {
			text, _ := jsontext.AppendUnquote(nil, e.doc.data[e.node().name:e.node().start-1])
			return string(text)
		}
	}
	return string(raw)
}

// rawName is the member name's text between the quotes.
func (e Element) rawName() []byte {
	n := e.node()
	if n.name == n.start {
		return nil
	}
	return e.doc.data[n.name+1 : n.start-2]
}

// Get is the member of an object with that name, or an Element that does not exist.
func (e Element) Get(name string) Element {
	if e.Kind() != Object {
		return Element{}
	}
	end := e.i + int32(e.node().size)
	for i := e.i + 1; i < end; i += int32(e.doc.nodes[i].size) {
		n := &e.doc.nodes[i]
		if string(e.doc.data[n.name+1:n.start-2]) == name {
			return Element{e.doc, i}
		}
	}
	return Element{}
}

// Children are an object's members or an array's items, in order.
func (e Element) Children() iter.Seq[Element] {
	return func(yield func(Element) bool) {
		if k := e.Kind(); k != Object && k != Array {
			return
		}
		end := e.i + int32(e.node().size)
		for i := e.i + 1; i < end; i += int32(e.doc.nodes[i].size) {
			if !yield(Element{e.doc, i}) {
				return
			}
		}
	}
}

// Each are the items of an array, or the element itself where it is no array: what FHIR means by a repeating element.
func (e Element) Each() iter.Seq[Element] {
	return func(yield func(Element) bool) {
		if e.Kind() != Array {
			if e.Exists() {
				yield(e)
			}
			return
		}
		end := e.i + int32(e.node().size)
		for i := e.i + 1; i < end; i += int32(e.doc.nodes[i].size) {
			if !yield(Element{e.doc, i}) {
				return
			}
		}
	}
}

// Index is an array's item, or an Element that does not exist.
func (e Element) Index(at int) Element {
	if e.Kind() != Array || at < 0 {
		return Element{}
	}
	for c := range e.Children() {
		if at == 0 {
			return c
		}
		at--
	}
	return Element{}
}

// Len is the number of an object's members or an array's items.
func (e Element) Len() int {
	n := 0
	for range e.Children() {
		n++
	}
	return n
}

// Resource is an object inside a document (a Bundle entry, a contained resource) as a resource of its own. It shares the
// document's memory. It is nil where the element is no object with a resourceType.
func (e Element) Resource() *Resource {
	if e.Kind() != Object || e.Get("resourceType").Kind() != String {
		return nil
	}
	return &Resource{e.doc.data, e.doc.nodes[e.i : e.i+int32(e.node().size)]}
}

// Document is the resource whose tree the element belongs to.
func (e Element) Document() *Resource { return e.doc }
