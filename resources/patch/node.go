package patch

import (
	"slices"

	"fhirside/fhir"
)

// node is a JSON value that can change. Until something in it changes it is the element it was read as.
type node struct {
	name     string // of a member
	element  fhir.Element
	open     bool // an object or array whose children are nodes; element counts no more, but for its kind
	children []*node
}

func (n *node) kind() fhir.Kind { return n.element.Kind() }

// opened are an object's members or an array's items as nodes.
func (n *node) opened() []*node {
	if !n.open {
		n.open = true
		for e := range n.element.Children() {
			n.children = append(n.children, &node{name: e.Name(), element: e})
		}
	}
	return n.children
}

// find is the place of a member or an item, -1 if there is none.
func (n *node) find(token string) int {
	switch n.kind() {
	case fhir.Object:
		return slices.IndexFunc(n.opened(), func(c *node) bool { return c.name == token })
	case fhir.Array:
		if i := position(token); i < len(n.opened()) {
			return i
		}
	}
	return -1
}

// append writes the node's text.
func (n *node) append(dst []byte) []byte {
	if !n.open {
		return append(dst, n.element.Raw()...)
	}
	object := n.kind() == fhir.Object
	brackets := "[]"
	if object {
		brackets = "{}"
	}
	dst = append(dst, brackets[0])
	for i, c := range n.children {
		if i > 0 {
			dst = append(dst, ',')
		}
		if object {
			dst = append(append(dst, fhir.Quote(c.name)...), ':')
		}
		dst = c.append(dst)
	}
	return append(dst, brackets[1])
}

// size is the length of the node's text, near enough.
func (n *node) size() int {
	if !n.open {
		return len(n.element.Raw())
	}
	size := len("{}")
	for _, c := range n.children {
		size += len(c.name) + len(`"":,`) + c.size()
	}
	return size
}

// clone is a node of its own with the same content.
func (n *node) clone() *node {
	c := *n
	c.children = nil
	for _, child := range n.children {
		c.children = append(c.children, child.clone())
	}
	return &c
}
