package patch

import (
	"slices"

	"fhirside/fhir/xml/token"
)

// xmlNode is a node of an XML document that can change: the document itself (kind 0), an element (token.Start), text or a comment.
type xmlNode struct {
	kind     token.Kind
	name     token.Name
	attrs    []token.Attr
	declared []token.Declaration // of prefixes; default namespaces are declared as needed
	text     string
	children []*xmlNode
	parent   *xmlNode
	source   []byte // the text that an element was read from; nil once something in it has changed
}

// readDocument reads a whole document.
func readDocument(data []byte) (*xmlNode, error) {
	in, doc := token.NewReader(data), &xmlNode{}
	if err := readChildren(in, doc, true); err != nil {
		return nil, err
	}
	return doc, nil
}

// readChildren reads what is inside an element, its end tag included. Sources are kept where they can be written as they are: not
// in a patch, whose namespaces are declared elsewhere.
func readChildren(in *token.Reader, around *xmlNode, sources bool) error {
	top, from := around, []int(nil)
	for {
		t, err := in.Next()
		if err != nil {
			return err
		}
		switch t.Kind {
		case token.Start:
			n := &xmlNode{kind: token.Start, name: t.Name, attrs: slices.Clone(t.Attrs)}
			for _, d := range t.Declared {
				if d.Prefix != "" {
					n.declared = append(n.declared, d)
				}
			}
			top.add(n)
			top = n
			from = append(from, t.From)
		case token.Text:
			top.add(&xmlNode{kind: token.Text, text: string(t.Text)})
		case token.Comment:
			top.add(&xmlNode{kind: token.Comment, text: string(t.Text)})
		case token.End:
			if top == around {
				return nil
			}
			if sources {
				top.source = in.Data()[from[len(from)-1]:t.To]
			}
			top, from = top.parent, from[:len(from)-1]
		case token.Done:
			return nil
		}
	}
}

// add puts a child last; text joins the text before it.
func (n *xmlNode) add(child *xmlNode) {
	if last := len(n.children) - 1; child.kind == token.Text && last >= 0 && n.children[last].kind == token.Text {
		n.children[last].text += child.text
		return
	}
	child.parent = n
	n.children = append(n.children, child)
}

// insert puts children before the one at that position. Texts that come to lie side by side become one.
func (n *xmlNode) insert(at int, children ...*xmlNode) {
	for _, c := range children {
		c.parent = n
	}
	n.children = slices.Insert(n.children, at, children...)
	n.join()
	n.touch()
}

// replace puts children in the place of one.
func (n *xmlNode) replace(children ...*xmlNode) {
	p := n.parent
	at := n.position()
	p.children = slices.Delete(p.children, at, at+1)
	p.insert(at, children...)
}

func (n *xmlNode) position() int { return slices.Index(n.parent.children, n) }

// join makes one text of neighbouring ones.
func (n *xmlNode) join() {
	kept := n.children[:0]
	for _, c := range n.children {
		if last := len(kept) - 1; c.kind == token.Text && last >= 0 && kept[last].kind == token.Text {
			kept[last] = &xmlNode{kind: token.Text, text: kept[last].text + c.text, parent: n}
			continue
		}
		kept = append(kept, c)
	}
	clear(n.children[len(kept):])
	n.children = kept
}

// touch forgets the texts that an element and those around it were read from.
func (n *xmlNode) touch() {
	for ; n != nil; n = n.parent {
		n.source = nil
	}
}

// root is the document's element; nil if it has none.
func (n *xmlNode) root() *xmlNode {
	for _, c := range n.children {
		if c.kind == token.Start {
			return c
		}
	}
	return nil
}

// clone is a node of its own with the same content.
func (n *xmlNode) clone() *xmlNode {
	c := *n
	c.attrs, c.declared, c.children = slices.Clone(n.attrs), slices.Clone(n.declared), make([]*xmlNode, 0, len(n.children))
	for _, child := range n.children {
		inner := child.clone()
		inner.parent = &c
		c.children = append(c.children, inner)
	}
	return &c
}

// write appends the node's text, in a place where space is the default namespace.
func (n *xmlNode) write(dst []byte, space string) []byte {
	switch {
	case n.source != nil:
		return append(dst, n.source...)
	case n.kind == token.Text:
		return token.AppendText(dst, n.text)
	case n.kind == token.Comment:
		return append(append(append(dst, "<!--"...), n.text...), "-->"...)
	}
	if n.kind == token.Start {
		dst = n.writeTag(dst, space)
		space = n.name.Space
	}
	for _, c := range n.children {
		dst = c.write(dst, space)
	}
	if n.kind == token.Start {
		dst = append(append(append(dst, "</"...), n.name.Local...), '>')
	}
	return dst
}

func (n *xmlNode) writeTag(dst []byte, space string) []byte {
	dst = append(append(dst, '<'), n.name.Local...)
	if n.name.Space != space {
		dst = token.AppendAttr(dst, "xmlns", n.name.Space)
	}
	for _, d := range n.declared {
		dst = token.AppendAttr(dst, "xmlns:"+d.Prefix, d.Space)
	}
	for i := range n.attrs {
		dst = token.AppendAttr(dst, n.attrs[i].Written(), n.attrs[i].Value)
	}
	return append(dst, '>')
}
