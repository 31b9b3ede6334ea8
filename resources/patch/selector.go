package patch

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"fhirside/fhir/xml/token"
)

// selector is what sel says: the part of XPath that RFC 5261 takes (chapter 8), and conditions on what is deeper inside, as in
// f:identifier[f:system/@value='urn:x'], without which FHIR's values could not be asked for.
type selector struct {
	text  string
	steps []selectorStep
	// What the last step leads to in the element: token.Start for the element itself.
	kind token.Kind
	name token.Name // of an attribute (selectsAttribute), or in Local the prefix of a namespace (selectsNamespace)
	at   int        // position of a text or comment, from 1; 0: the only one
}

const (
	selectsAttribute token.Kind = 100 + iota
	selectsNamespace
)

type selectorStep struct {
	any        bool // *
	name       token.Name
	conditions []condition
}

// condition is a predicate: a position, or a value that something inside the element has.
type condition struct {
	position  int // from 1; 0: there is a path
	path      []token.Name
	attribute bool // the last of the path is an attribute
	value     string
}

// asks says whether the selector depends on the values in the resource.
func (s *selector) asks() bool {
	return slices.ContainsFunc(s.steps, func(st selectorStep) bool {
		return slices.ContainsFunc(st.conditions, func(c condition) bool { return c.position == 0 })
	})
}

// selectorParser reads a selector; resolve finds the namespace of a prefix.
type selectorParser struct {
	rest    string
	resolve func(prefix string) (space string, ok bool)
}

func parseSelector(text string, resolve func(string) (string, bool)) (*selector, error) {
	p := &selectorParser{rest: strings.TrimSpace(text), resolve: resolve}
	s := &selector{text: text, kind: token.Start}
	p.take("/")
	for {
		last, err := p.step(s)
		if err != nil {
			return nil, err
		}
		if p.rest == "" {
			break
		}
		if last || !p.take("/") {
			return nil, fmt.Errorf("%q is not expected", clip(p.rest))
		}
	}
	if len(s.steps) == 0 {
		return nil, errors.New("it begins with the name of the resource")
	}
	return s, nil
}

func (p *selectorParser) take(prefix string) bool {
	rest, ok := strings.CutPrefix(p.rest, prefix)
	if ok {
		p.rest = rest
	}
	return ok
}

// step reads a step, and says whether it must be the last.
func (p *selectorParser) step(s *selector) (last bool, err error) {
	switch {
	case p.take("@"):
		s.kind = selectsAttribute
		s.name, err = p.qname(false)
		return true, err
	case p.take("text()"):
		s.kind = token.Text
		return true, p.position(&s.at)
	case p.take("comment()"):
		s.kind = token.Comment
		return true, p.position(&s.at)
	case p.take("namespace::"):
		s.kind = selectsNamespace
		s.name.Local, err = p.ncname()
		return true, err
	}
	var st selectorStep
	if p.take("*") {
		st.any = true
	} else if st.name, err = p.qname(true); err != nil {
		return false, err
	}
	for p.take("[") {
		c, err := p.condition()
		if err != nil {
			return false, err
		}
		st.conditions = append(st.conditions, c)
	}
	s.steps = append(s.steps, st)
	return false, nil
}

// position reads the [n] of a text or comment, where there is one.
func (p *selectorParser) position(n *int) error {
	if !p.take("[") {
		return nil
	}
	c, err := p.condition()
	if err == nil && c.position == 0 {
		err = errors.New("a position is expected")
	}
	*n = c.position
	return err
}

func (p *selectorParser) condition() (c condition, err error) {
	inside, rest, found := cutOutsideQuotes(p.rest, ']')
	if !found {
		return c, errors.New("a ] is missing")
	}
	p.rest = rest
	if n, err := strconv.ParseUint(strings.TrimSpace(inside), 10, 31); err == nil {
		if n == 0 {
			return c, errors.New("positions begin with 1")
		}
		return condition{position: int(n)}, nil
	}
	left, right, found := cutOutsideQuotes(inside, '=')
	right = strings.TrimSpace(right)
	if n := len(right); !found || n < 2 || right[0] != '"' && right[0] != '\'' || right[n-1] != right[0] || strings.Contains(right[1:n-1], right[:1]) {
		return c, fmt.Errorf("a condition is a position, or a name, @attribute or . with = and a value in quotes, not [%s]", clip(inside))
	}
	c.value = right[1 : len(right)-1]
	if left = strings.TrimSpace(left); left == "." {
		return c, nil
	}
	inner := selectorParser{rest: left, resolve: p.resolve}
	for {
		c.attribute = inner.take("@")
		name, err := inner.qname(!c.attribute)
		if err != nil {
			return c, err
		}
		c.path = append(c.path, name)
		if inner.rest == "" {
			return c, nil
		}
		if c.attribute || !inner.take("/") {
			return c, fmt.Errorf("%q is not expected", clip(inner.rest))
		}
	}
}

// cutOutsideQuotes cuts at the first such character that is not in a quoted value.
func cutOutsideQuotes(text string, at byte) (before, after string, found bool) {
	var quote byte
	for i := range len(text) {
		switch c := text[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == at:
			return text[:i], text[i+1:], true
		case c == '"' || c == '\'':
			quote = c
		}
	}
	return text, "", false
}

// ncname reads a name without prefix.
func (p *selectorParser) ncname() (string, error) {
	end := strings.IndexFunc(p.rest, func(c rune) bool {
		return (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' && c != '.' && c < 0x80
	})
	if end < 0 {
		end = len(p.rest)
	}
	name := p.rest[:end]
	if name == "" || strings.ContainsRune("0123456789-.", rune(name[0])) {
		return "", fmt.Errorf("a name is expected, not %q", clip(p.rest))
	}
	p.rest = p.rest[end:]
	return name, nil
}

// qname reads a name in a namespace. An element's without a prefix is in the default namespace of the patch (RFC 5261, chapter
// 4.2.2), and in FHIR's where the patch has none.
func (p *selectorParser) qname(element bool) (name token.Name, err error) {
	if name.Local, err = p.ncname(); err != nil {
		return name, err
	}
	prefix := ""
	if rest, ok := strings.CutPrefix(p.rest, ":"); ok && !strings.HasPrefix(rest, ":") {
		prefix, p.rest = name.Local, rest
		if name.Local, err = p.ncname(); err != nil {
			return name, err
		}
	}
	if prefix == "" && !element {
		return name, nil
	}
	space, ok := p.resolve(prefix)
	if !ok {
		return name, fmt.Errorf("the namespace prefix %s is not declared", clip(prefix))
	}
	name.Space = space
	return name, nil
}

// search finds nodes, and counts what it looks at.
type search struct{ visited int }

// elements are those that the steps lead to.
func (w *search) elements(doc *xmlNode, s *selector) []*xmlNode {
	found := []*xmlNode{doc}
	for i := range s.steps {
		st := &s.steps[i]
		var next []*xmlNode
		for _, n := range found {
			next = append(next, w.step(n, st)...)
		}
		found = next
	}
	return found
}

func (w *search) step(n *xmlNode, st *selectorStep) []*xmlNode {
	var found []*xmlNode
	for _, c := range n.children {
		w.visited++
		if c.kind == token.Start && (st.any || c.name == st.name) {
			found = append(found, c)
		}
	}
	for i := range st.conditions {
		c := &st.conditions[i]
		if c.position == 0 {
			found = slices.DeleteFunc(found, func(n *xmlNode) bool { return !w.holds(n, c, c.path) })
			continue
		}
		if c.position > len(found) {
			return nil
		}
		found = found[c.position-1 : c.position]
	}
	return found
}

// holds says whether something at the rest of a condition's path has its value.
func (w *search) holds(n *xmlNode, c *condition, path []token.Name) bool {
	w.visited++
	if len(path) == 0 {
		return string(w.text(nil, n)) == c.value
	}
	if len(path) == 1 && c.attribute {
		return slices.ContainsFunc(n.attrs, func(a token.Attr) bool { return a.Name == path[0] && a.Value == c.value })
	}
	return slices.ContainsFunc(n.children, func(child *xmlNode) bool {
		w.visited++
		return child.kind == token.Start && child.name == path[0] && w.holds(child, c, path[1:])
	})
}

// text appends the text in an element and in what is inside it.
func (w *search) text(dst []byte, n *xmlNode) []byte {
	for _, c := range n.children {
		w.visited++
		switch c.kind {
		case token.Text:
			dst = append(dst, c.text...)
		case token.Start:
			dst = w.text(dst, c)
		}
	}
	return dst
}

// pieces are an element's texts or comments that the selector leads to.
func (s *selector) pieces(n *xmlNode) []*xmlNode {
	var found []*xmlNode
	for _, c := range n.children {
		if c.kind == s.kind {
			found = append(found, c)
		}
	}
	if s.at == 0 {
		return found
	}
	if s.at > len(found) {
		return nil
	}
	return found[s.at-1 : s.at]
}
