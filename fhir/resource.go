package fhir

import (
	"bytes"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxDepth is how deep objects and arrays may nest in a document. BSON ends at 100 levels, wrappers included.
const MaxDepth = 64

// Resource is an immutable JSON document with a resourceType: canonical bytes and a light tree over them.
//
// Canonical means: no white space between tokens, strings with the fewest escapes, member order and number text as they were
// received. Stores keep these bytes and give them back unchanged; nothing is ever rebuilt through Go structs.
type Resource struct {
	data  []byte // canonical text; of the whole document for a resource inside another one
	nodes []node // the tree in document order; nodes[0] is the resource
}

// node is one JSON value. Its children follow it in document order.
type node struct {
	name       uint32 // offset of the member name's opening quote; equal to start where there is none
	start, end uint32 // the value's text
	size       uint32 // number of nodes of the subtree, this one included
	kind       Kind
	escaped    bool // the text is a string with escapes
}

// Parse reads one resource strictly: UTF-8, no duplicate members, nothing after the value, at most MaxDepth levels, and member
// names without NUL, "$" or ".". The error is an *Error of kind Invalid that names line and column.
func Parse(data []byte) (*Resource, error) {
	r, err := parse(data)
	if err != nil {
		return nil, err
	}
	if r.nodes[0].kind != Object {
		return nil, Errorf(Invalid, CodeStructure, "a resource is a JSON object, not %s", r.nodes[0].kind.article())
	}
	if t := r.Root().Get("resourceType"); t.Kind() != String || t.Text() == "" {
		return nil, Errorf(Invalid, CodeStructure, "the resource has no resourceType").At("resourceType")
	}
	return r, nil
}

// ParseValue reads any JSON value as strictly as Parse, a JSON Patch for example.
func ParseValue(data []byte) (Element, error) {
	r, err := parse(data)
	if err != nil {
		return Element{}, err
	}
	return r.Root(), nil
}

// Bytes is the canonical text. Callers must not change it.
func (r *Resource) Bytes() []byte {
	n := &r.nodes[0]
	return r.data[n.start:n.end:n.end]
}

// Root is the resource itself as an Element.
func (r *Resource) Root() Element { return Element{r, 0} }

// Type is the resourceType.
func (r *Resource) Type() string { return r.Root().Get("resourceType").Text() }

// ID is the logical id, "" if there is none.
func (r *Resource) ID() string { return r.Root().Get("id").Text() }

// VersionID is meta.versionId, "" if there is none.
func (r *Resource) VersionID() string { return r.Root().Get("meta").Get("versionId").Text() }

// parser turns tokens into canonical text and tree.
type parser struct {
	dec   *jsontext.Decoder
	input []byte
	data  []byte
	nodes []node
}

var decoders = sync.Pool{New: func() any { return jsontext.NewDecoder(bytes.NewReader(nil)) }}

func parse(input []byte) (*Resource, error) {
	if uint64(len(input)) >= 1<<32 {
		return nil, Errorf(TooLarge, CodeTooLong, "a document is at most 4 GiB long")
	}
	dec := decoders.Get().(*jsontext.Decoder)
	defer decoders.Put(dec)
	dec.Reset(bytes.NewBuffer(input)) // read in place: the decoder does not copy from a bytes.Buffer
	p := &parser{dec: dec, input: input, data: make([]byte, 0, len(input)), nodes: make([]node, 0, len(input)/24+8)}
	if err := p.value(-1); err != nil {
		return nil, p.syntaxError(err)
	}
	if err := p.end(); err != nil {
		return nil, err
	}
	return &Resource{p.data, p.nodes}, nil
}

// value reads one value; name is the offset of its member name, -1 if it has none.
func (p *parser) value(name int) error {
	at := len(p.nodes)
	p.nodes = append(p.nodes, node{})
	n := node{start: uint32(len(p.data)), kind: kindOf(p.dec.PeekKind())}
	n.name = n.start
	if name >= 0 {
		n.name = uint32(name)
	}
	var err error
	switch n.kind {
	case Object:
		err = p.object()
	case Array:
		err = p.array()
	default:
		n.escaped, err = p.scalar(n.kind)
	}
	if err != nil {
		return err
	}
	n.end = uint32(len(p.data))
	n.size = uint32(len(p.nodes) - at)
	p.nodes[at] = n
	return nil
}

func (p *parser) object() error {
	if err := p.open('{'); err != nil {
		return err
	}
	for first := true; p.dec.PeekKind() != '}'; first = false {
		if !first {
			p.data = append(p.data, ',')
		}
		name := len(p.data)
		if _, err := p.scalar(String); err != nil {
			return err
		}
		if err := p.checkName(p.data[name+1 : len(p.data)-1]); err != nil {
			return err
		}
		p.data = append(p.data, ':')
		if err := p.value(name); err != nil {
			return err
		}
	}
	return p.close('}')
}

func (p *parser) array() error {
	if err := p.open('['); err != nil {
		return err
	}
	for first := true; p.dec.PeekKind() != ']'; first = false {
		if !first {
			p.data = append(p.data, ',')
		}
		if err := p.value(-1); err != nil {
			return err
		}
	}
	return p.close(']')
}

func (p *parser) open(c byte) error {
	if _, err := p.dec.ReadToken(); err != nil {
		return err
	}
	if p.dec.StackDepth() > MaxDepth {
		return p.errorf(int(p.dec.InputOffset()), "objects and arrays nest more than %d levels deep", MaxDepth)
	}
	p.data = append(p.data, c)
	return nil
}

func (p *parser) close(c byte) error {
	if _, err := p.dec.ReadToken(); err != nil {
		return err
	}
	p.data = append(p.data, c)
	return nil
}

// scalar copies a string, number, true, false or null, and says whether it is a string that needs escapes.
func (p *parser) scalar(k Kind) (escaped bool, err error) {
	v, err := p.dec.ReadValue()
	if err != nil {
		return false, err
	}
	if k != String || bytes.IndexByte(v, '\\') < 0 {
		p.data = append(p.data, v...)
		return false, nil
	}
	text, err := jsontext.AppendUnquote(nil, v)
	if err != nil {
		return false, err
	}
	start := len(p.data)
	if p.data, err = jsontext.AppendQuote(p.data, text); err != nil {
		return false, err
	}
	return bytes.IndexByte(p.data[start:], '\\') >= 0, nil
}

// checkName refuses names that a document database cannot hold, or that a query could not address.
func (p *parser) checkName(name []byte) error {
	switch {
	case len(name) == 0:
		return p.errorf(int(p.dec.InputOffset()), "a member name is empty")
	case bytes.ContainsAny(name, "$.") || bytes.Contains(name, []byte(`\u0000`)):
		return p.errorf(int(p.dec.InputOffset()), "member name %q: names hold no NUL, '$' or '.'", name)
	}
	return nil
}

// Get is the member's value, or an Element that does not exist.
func (r *Resource) Get(name string) Element { return r.Root().Get(name) }
