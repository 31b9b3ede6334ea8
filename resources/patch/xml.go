package patch

import (
	"slices"
	"strings"

	"fhirside/fhir"
	"fhirside/fhir/xml"
	"fhirside/fhir/xml/token"
)

// XML reads an XML Patch (RFC 5261): add, replace and remove elements in a root element patch or diff. The error is an *fhir.Error
// of reason Invalid with line and column, or TooLarge for too many operations. The patch keeps no part of data.
//
// It is applied to the resource as fhir/xml writes it. The prefixes f (FHIR) and h (XHTML) are known in selectors without
// declaration. What is added may stand anywhere among an element's children: it gets the place that the definition says. Members
// of the result come in the order of the definitions.
func XML(data []byte) (*Patch, error) {
	list, err := parseXML(data)
	if err != nil {
		return nil, err
	}
	return &Patch{
		change: list.apply,
		tests:  slices.ContainsFunc(list, func(o *xmlOperation) bool { return o.sel.asks() }),
	}, nil
}

type xmlOperations []*xmlOperation

// xmlOperation is an operation of an XML Patch.
type xmlOperation struct {
	at      int // its number in the patch, from 1
	op      string
	sel     *selector
	pos     string // of add: prepend, before, after, or "" for last
	ws      string // of remove: before, after, both, or ""
	added   *added // of add: an attribute or a namespace instead of the content
	content []*xmlNode
	text    string // the content, where it is text only
}

// added is what type says: an attribute (@name) or a prefix (namespace::prefix).
type added struct {
	attribute token.Attr
	prefix    string
}

func parseXML(data []byte) (xmlOperations, error) {
	in := token.NewReader(data)
	root, err := nextTag(in)
	if err != nil {
		return nil, err
	}
	if name := root.Name.Local; name != "patch" && name != "diff" {
		return nil, in.Errorf(root.From, "an XML Patch is an element patch or diff with add, replace and remove inside, not <%s>", clip(name))
	}
	space := root.Name.Space
	var list xmlOperations
	for {
		t, err := nextTag(in)
		if err != nil {
			return nil, err
		}
		if t.Kind == token.End {
			break
		}
		if t.Name.Space != space {
			return nil, in.Errorf(t.From, "<%s> is not in the namespace of the patch", clip(t.Name.Local))
		}
		o, err := parseXMLOperation(in, t, len(list)+1)
		if err != nil {
			return nil, err
		}
		if list = append(list, o); len(list) > maxOperations {
			return nil, tooMany(len(list))
		}
	}
	if len(list) == 0 {
		return nil, fhir.Errorf(fhir.Invalid, fhir.CodeRequired, "the patch has no operations")
	}
	for { // nothing else may follow
		if t, err := in.Next(); err != nil || t.Kind == token.Done {
			return list, err
		}
	}
}

// nextTag is the next token that is no comment and no white space.
func nextTag(in *token.Reader) (*token.Token, error) {
	for {
		t, err := in.Next()
		switch {
		case err != nil:
			return nil, err
		case t.Kind == token.Text && !token.Blank(t.Text):
			return nil, in.Errorf(t.From, "text stands only inside add and replace")
		case t.Kind != token.Text && t.Kind != token.Comment:
			return t, nil
		}
	}
}

func parseXMLOperation(in *token.Reader, t *token.Token, at int) (*xmlOperation, error) {
	from := t.From
	refuse := func(format string, args ...any) (*xmlOperation, error) { return nil, in.Errorf(from, format, args...) }
	o := &xmlOperation{at: at, op: t.Name.Local}
	var allowed []string
	switch o.op {
	case "add":
		allowed = []string{"sel", "pos", "type"}
	case "replace":
		allowed = []string{"sel"}
	case "remove":
		allowed = []string{"sel", "ws"}
	default:
		return refuse("the operations are add, replace and remove, not %s", clip(o.op))
	}
	for i := range t.Attrs {
		if a := &t.Attrs[i]; a.Space != "" || !slices.Contains(allowed, a.Local) {
			return refuse("<%s> has no attribute %s", o.op, clip(a.Written()))
		}
	}
	resolve := prefixes(in)
	sel, ok := t.Attr("sel")
	if !ok {
		return refuse("<%s> lacks the attribute sel", o.op)
	}
	var err error
	if o.sel, err = parseSelector(sel, resolve); err != nil {
		return refuse("the selector %q: %v", clip(sel), err)
	}
	if o.pos, _ = t.Attr("pos"); !slices.Contains([]string{"", "prepend", "before", "after"}, o.pos) {
		return refuse("pos is prepend, before or after")
	}
	if o.ws, _ = t.Attr("ws"); !slices.Contains([]string{"", "before", "after", "both"}, o.ws) {
		return refuse("ws is before, after or both")
	}
	if kind, ok := t.Attr("type"); ok {
		if o.added, err = parseAdded(kind, resolve); err != nil {
			return refuse("type: %v", err)
		}
	}
	inside := &xmlNode{}
	if err := readChildren(in, inside, false); err != nil {
		return nil, err
	}
	if text := o.take(inside); text != "" {
		return refuse("%s", text)
	}
	return o, nil
}

// prefixes finds namespaces where the reader is.
func prefixes(in *token.Reader) func(string) (string, bool) {
	bound := map[string]string{"f": xml.Namespace, "h": xml.XHTMLNamespace, "": xml.Namespace, "xml": "http://www.w3.org/XML/1998/namespace"}
	return func(prefix string) (string, bool) {
		if space, ok := in.Lookup(prefix); ok && (space != "" || prefix != "") {
			return space, true
		}
		space, ok := bound[prefix]
		return space, ok
	}
}

// parseAdded reads the type of an add: @name or namespace::prefix.
func parseAdded(text string, resolve func(string) (string, bool)) (*added, error) {
	s := &selector{}
	p := &selectorParser{rest: text, resolve: resolve}
	if _, err := p.step(s); err != nil || p.rest != "" || s.kind != selectsAttribute && s.kind != selectsNamespace {
		return nil, fhir.Errorf(fhir.Invalid, fhir.CodeValue, "it is @name or namespace::prefix")
	}
	if s.kind == selectsNamespace {
		return &added{prefix: s.name.Local}, nil
	}
	a := token.Attr{Name: s.name}
	if s.name.Space != "" {
		a.Prefix, _, _ = strings.Cut(text[1:], ":")
	}
	return &added{attribute: a}, nil
}

// take keeps the content of an operation, and says what is wrong with it.
func (o *xmlOperation) take(inside *xmlNode) (problem string) {
	o.content = inside.children
	elements, comments := 0, 0
	for _, n := range o.content {
		switch n.kind {
		case token.Start:
			elements++
		case token.Comment:
			comments++
		case token.Text:
			o.text += n.text
		}
	}
	blank := token.Blank([]byte(o.text))
	switch kind := o.sel.kind; {
	case o.op == "remove":
		if len(o.content) > 0 && (elements+comments > 0 || !blank) {
			return "<remove> is empty"
		}
	case o.op == "add" && o.added == nil:
		if kind != token.Start && o.pos != "before" && o.pos != "after" || kind >= selectsAttribute {
			return "only an element has something inside: the selector of an <add> leads to one"
		}
		if len(o.content) == 0 {
			return "<add> has nothing inside to be added"
		}
	case o.op == "replace" && kind == token.Start:
		if elements != 1 || !blank {
			return "an element is replaced by one element"
		}
		o.content = slices.DeleteFunc(o.content, func(n *xmlNode) bool { return n.kind != token.Start })
	case o.op == "replace" && kind == token.Comment:
		if elements > 0 || comments != 1 || !blank {
			return "a comment is replaced by one comment"
		}
		o.content = slices.DeleteFunc(o.content, func(n *xmlNode) bool { return n.kind != token.Comment })
	case elements+comments > 0:
		return "the new value is text, without elements and comments"
	case o.added != nil && (kind != token.Start || o.pos != ""):
		return "an attribute is added to an element, without pos"
	}
	return ""
}
