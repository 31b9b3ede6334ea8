package patch

import (
	"slices"

	"fhirside/fhir"
	"fhirside/fhir/definitions"
	"fhirside/fhir/xml"
	"fhirside/fhir/xml/token"
)

func (list xmlOperations) apply(r *fhir.Resource) (change, error) {
	text, err := xml.Encode(r, false)
	if err != nil {
		return change{}, fhir.Errorf(fhir.Unprocessable, fhir.CodeNotSupported, "an XML Patch works on the XML format: %s", reasonOf(err))
	}
	doc, err := readDocument(text)
	if err != nil {
		return change{}, err
	}
	narrated, err := list.changed(doc)
	if err != nil {
		return change{}, err
	}
	if root := doc.root(); root != nil {
		arrange(root, definitions.Lookup(root.name.Local))
	}
	out, err := xml.Decode(doc.write(nil, ""))
	if err != nil {
		return change{}, noResource(err)
	}
	return change{out, narrated}, nil
}

// changed carries the operations out on a document, and says whether they write the narrative.
func (list xmlOperations) changed(doc *xmlNode) (narrated bool, err error) {
	if doc.root() == nil {
		return false, fhir.Errorf(fhir.Unprocessable, fhir.CodeNotFound, "there is no document to patch")
	}
	var w search
	for _, o := range list {
		found := w.elements(doc, o.sel)
		if w.visited > maxVisited {
			return false, o.errorf(fhir.TooCostly, fhir.CodeTooCostly, "the selectors look at more than %d elements", maxVisited)
		}
		if err := o.apply(found); err != nil {
			return false, err
		}
		narrated = narrated || slices.ContainsFunc(found, o.narrates)
	}
	return narrated, nil
}

func (o *xmlOperation) errorf(reason fhir.Reason, code fhir.Code, format string, args ...any) *fhir.Error {
	return fhir.Errorf(reason, code, "operation %d (%s) of the patch: "+format, append([]any{o.at, o.op}, args...)...)
}

// narrates says whether the operation, applied to that element, writes the narrative: it works in it, or puts a new one into its
// place. (What was replaced or removed still knows where it was.)
func (o *xmlOperation) narrates(n *xmlNode) bool {
	var path []string
	for e := n; e.parent != nil; e = e.parent {
		path = append(path, e.name.Local)
	}
	slices.Reverse(path) // the resource's type first
	whole := o.sel.kind == token.Start
	if len(path) > 2 && path[1] == "text" && path[2] == "div" {
		return len(path) > 3 || o.op != "remove" || !whole
	}
	if o.op == "add" && whole && (o.pos == "before" || o.pos == "after") {
		path = path[:len(path)-1] // what is added is a child of the element around
	}
	brings := func(name string) bool {
		return o.op == "add" && slices.ContainsFunc(o.content, func(c *xmlNode) bool { return c.name.Local == name })
	}
	switch {
	case len(path) == 1:
		return whole && o.op == "replace" || brings("text")
	case len(path) == 2 && path[1] == "text":
		return whole && o.op == "replace" || brings("div")
	}
	return false
}

func (o *xmlOperation) apply(found []*xmlNode) error {
	if len(found) == 1 && (o.sel.kind == token.Text || o.sel.kind == token.Comment) {
		if pieces := o.sel.pieces(found[0]); len(pieces) > 0 {
			found = pieces
		} else {
			found = nil
		}
	}
	switch {
	case len(found) == 0:
		return o.errorf(fhir.Unprocessable, fhir.CodeNotFound, "there is nothing at %s", clip(o.sel.text))
	case len(found) > 1:
		return o.errorf(fhir.Unprocessable, fhir.CodeMultipleMatches, "%s leads to %d nodes; it must lead to one", clip(o.sel.text), len(found))
	}
	n := found[0]
	n.touch()
	switch {
	case o.sel.kind == selectsAttribute:
		return o.attribute(n)
	case o.sel.kind == selectsNamespace:
		return o.namespace(n)
	case o.added != nil:
		return o.add(n)
	case o.op == "add":
		return o.insert(n)
	case o.op == "remove":
		return o.remove(n)
	}
	if n.kind == token.Text {
		n.text = o.text
		return nil
	}
	n.replace(o.copies()...)
	return nil
}

// copies are the content for one application.
func (o *xmlOperation) copies() []*xmlNode {
	list := make([]*xmlNode, 0, len(o.content))
	for _, c := range o.content {
		list = append(list, c.clone())
	}
	return list
}

// attribute replaces or removes one.
func (o *xmlOperation) attribute(n *xmlNode) error {
	i := slices.IndexFunc(n.attrs, func(a token.Attr) bool { return a.Name == o.sel.name })
	switch {
	case i < 0:
		return o.errorf(fhir.Unprocessable, fhir.CodeNotFound, "there is nothing at %s", clip(o.sel.text))
	case o.op == "remove":
		n.attrs = slices.Delete(n.attrs, i, i+1)
	default:
		n.attrs[i].Value = o.text
	}
	return nil
}

// namespace replaces or removes the declaration of a prefix.
func (o *xmlOperation) namespace(n *xmlNode) error {
	i := slices.IndexFunc(n.declared, func(d token.Declaration) bool { return d.Prefix == o.sel.name.Local })
	switch {
	case i < 0:
		return o.errorf(fhir.Unprocessable, fhir.CodeNotFound, "there is nothing at %s", clip(o.sel.text))
	case o.op == "remove":
		n.declared = slices.Delete(n.declared, i, i+1)
	default:
		n.declared[i].Space = o.text
	}
	return nil
}

// add adds an attribute or the declaration of a prefix.
func (o *xmlOperation) add(n *xmlNode) error {
	if o.added.prefix != "" {
		if slices.ContainsFunc(n.declared, func(d token.Declaration) bool { return d.Prefix == o.added.prefix }) {
			return o.errorf(fhir.Unprocessable, fhir.CodeDuplicate, "the prefix %s is declared there already", clip(o.added.prefix))
		}
		n.declared = append(n.declared, token.Declaration{Prefix: o.added.prefix, Space: o.text})
		return nil
	}
	a := o.added.attribute
	if slices.ContainsFunc(n.attrs, func(b token.Attr) bool { return b.Name == a.Name }) {
		return o.errorf(fhir.Unprocessable, fhir.CodeDuplicate, "the attribute %s is there already: replace it", clip(a.Written()))
	}
	a.Value = o.text
	n.attrs = append(n.attrs, a)
	return nil
}

// insert adds elements, text and comments.
func (o *xmlOperation) insert(n *xmlNode) error {
	switch o.pos {
	case "":
		n.insert(len(n.children), o.copies()...)
		return nil
	case "prepend":
		n.insert(0, o.copies()...)
		return nil
	}
	if n.parent.parent == nil && slices.ContainsFunc(o.content, func(c *xmlNode) bool { return c.kind != token.Comment }) {
		return o.errorf(fhir.Unprocessable, fhir.CodeStructure, "nothing but comments can stand beside the resource")
	}
	at := n.position()
	if o.pos == "after" {
		at++
	}
	n.parent.insert(at, o.copies()...)
	return nil
}

// remove takes a node away, and where ws says so the white space beside it. Between elements it is no part of a resource, so that
// it need not be there.
func (o *xmlOperation) remove(n *xmlNode) error {
	p, from := n.parent, n.position()
	if n.kind == token.Start && p.parent == nil {
		return o.errorf(fhir.Unprocessable, fhir.CodeBusinessRule, "the resource itself cannot be removed by a patch")
	}
	to := from + 1
	blank := func(i int) bool {
		return i >= 0 && i < len(p.children) && p.children[i].kind == token.Text && token.Blank([]byte(p.children[i].text))
	}
	if (o.ws == "after" || o.ws == "both") && blank(to) {
		to++
	}
	if (o.ws == "before" || o.ws == "both") && blank(from-1) {
		from--
	}
	p.children = slices.Delete(p.children, from, to)
	p.join()
	return nil
}

// arrange puts the children of changed elements in the order of the definitions.
func arrange(n *xmlNode, typ *definitions.Type) {
	if typ == nil || n.source != nil {
		return
	}
	place := map[*xmlNode]int{}
	last := -1
	for _, c := range n.children {
		if el, typeName := typ.Child(c.name.Local); c.kind == token.Start && el != nil {
			last = slices.IndexFunc(typ.Elements, func(o definitions.Element) bool { return o.Name == el.Name })
			arrangeInside(c, typeName)
		}
		place[c] = last // text, comments and what is unknown stay with what is before them
	}
	slices.SortStableFunc(n.children, func(a, b *xmlNode) int { return place[a] - place[b] })
}

func arrangeInside(n *xmlNode, typeName string) {
	switch typeName {
	case "xhtml":
	case "Resource":
		if inner := n.root(); inner != nil {
			arrange(inner, definitions.Lookup(inner.name.Local))
		}
	default:
		arrange(n, definitions.Lookup(typeName))
	}
}
