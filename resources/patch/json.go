package patch

import (
	"errors"
	"slices"

	"fhirside/fhir"
)

// JSON reads a JSON Patch (RFC 6902). The error is an *fhir.Error of reason Invalid, or TooLarge for too many operations. The
// patch keeps no part of data.
func JSON(data []byte) (*Patch, error) {
	root, err := fhir.ParseValue(data)
	if err != nil {
		return nil, err
	}
	operations, err := parseOperations(root)
	if err != nil {
		return nil, err
	}
	return &Patch{
		change: func(r *fhir.Resource) (change, error) { return operations.apply(r) },
		tests:  slices.ContainsFunc(operations, func(o operation) bool { return o.op == "test" }),
	}, nil
}

// operations of a JSON Patch.
type operations []operation

type operation struct {
	at         int // its number in the patch, from 1
	op         string
	path, from pointer
	value      fhir.Element
}

func parseOperations(root fhir.Element) (operations, error) {
	if root.Kind() != fhir.Array {
		return nil, fhir.Errorf(fhir.Invalid, fhir.CodeStructure, `a JSON Patch is an array of operations, as in [{"op":"replace","path":"/active","value":true}]`)
	}
	if err := tooMany(root.Len()); err != nil {
		return nil, err
	}
	var list operations
	for e := range root.Children() {
		o, err := parseOperation(len(list)+1, e)
		if err != nil {
			return nil, err
		}
		list = append(list, o)
	}
	return list, nil
}

func parseOperation(at int, e fhir.Element) (operation, error) {
	o := operation{at: at, op: e.Get("op").Text(), value: e.Get("value")}
	bad := func(format string, args ...any) (operation, error) {
		return o, o.errorf(fhir.Invalid, fhir.CodeStructure, format, args...)
	}
	if e.Kind() != fhir.Object {
		return bad("it is not an object with op and path")
	}
	switch o.op {
	case "add", "replace", "test":
		if !o.value.Exists() {
			return bad("it has no value")
		}
	case "move", "copy":
		if err := o.pointer(e, "from", &o.from); err != nil {
			return o, err
		}
	case "remove":
	default:
		return bad("op is add, remove, replace, move, copy or test, not %q", clip(o.op))
	}
	if err := o.pointer(e, "path", &o.path); err != nil {
		return o, err
	}
	if o.op == "move" && o.path.within(o.from) {
		return bad("%s cannot be moved into itself", o.from)
	}
	return o, nil
}

func (o *operation) pointer(e fhir.Element, name string, p *pointer) error {
	text, ok := e.Get(name), false
	if text.Kind() == fhir.String {
		*p, ok = parsePointer(text.Text())
	}
	if !ok {
		return o.errorf(fhir.Invalid, fhir.CodeValue, "%s is a JSON Pointer like /name/0/family (with ~0 for ~ and ~1 for /), not %q", name, clip(text.Text()))
	}
	return nil
}

// errorf is a refusal that names the operation.
func (o *operation) errorf(reason fhir.Reason, code fhir.Code, format string, args ...any) *fhir.Error {
	name := ""
	if o.op != "" {
		name = " (" + clip(o.op) + ")"
	}
	return fhir.Errorf(reason, code, "operation %d%s of the patch: "+format, append([]any{o.at, name}, args...)...)
}

func (list operations) apply(r *fhir.Resource) (change, error) {
	text, narrated, err := list.changed(r.Root())
	if e := (*missing)(nil); errors.As(err, &e) {
		return change{}, e.refusal(r)
	}
	if err != nil {
		return change{}, err
	}
	out, err := fhir.Parse(text)
	if err != nil {
		return change{}, noResource(err)
	}
	return change{out, narrated}, nil
}

// missing is an operation that found nothing to work on.
type missing struct {
	operation *operation
	path      pointer
	text      string
}

func (m *missing) Error() string { return m.path.String() + ": " + m.text }

func (m *missing) refusal(r *fhir.Resource) error {
	return m.operation.errorf(fhir.Unprocessable, fhir.CodeNotFound, "%s: %s", m.path, m.text).At(m.path.expression(r))
}

// changed is a document's text after the operations.
func (list operations) changed(root fhir.Element) (text []byte, narrated bool, err error) {
	d := document{root: &node{element: root}}
	for i := range list {
		o := &list[i]
		if err := d.apply(o); err != nil {
			return nil, false, err
		}
		narrated = narrated || o.narrates()
	}
	return d.root.append(make([]byte, 0, d.root.size())), narrated, nil
}

// narrates says whether the operation writes the narrative.
func (o *operation) narrates() bool {
	if o.op == "remove" || o.op == "test" {
		return false
	}
	return len(o.path) == 0 || o.path[0] == "text" && (len(o.path) == 1 || len(o.path) == 2 && o.path[1] == "div")
}

// document is what the operations change.
type document struct {
	root   *node
	copied int
}

func (d *document) apply(o *operation) error {
	switch o.op {
	case "add":
		return d.add(o, &node{element: o.value})
	case "remove":
		_, err := d.remove(o, o.path)
		return err
	case "replace":
		n, err := d.at(o, o.path)
		if err == nil {
			*n = node{name: n.name, element: o.value}
		}
		return err
	case "move":
		if slices.Equal(o.from, o.path) {
			_, err := d.at(o, o.from)
			return err
		}
		n, err := d.remove(o, o.from)
		if err != nil {
			return err
		}
		return d.add(o, n)
	case "copy":
		n, err := d.at(o, o.from)
		if err == nil {
			err = d.spend(o, n.size())
		}
		if err != nil {
			return err
		}
		return d.add(o, n.clone())
	}
	return d.test(o)
}

// spend counts what is copied and compared.
func (d *document) spend(o *operation, n int) error {
	if d.copied += n; d.copied > maxCopied {
		return o.errorf(fhir.TooLarge, fhir.CodeTooLong, "the patch copies and compares more than %d MiB", maxCopied>>20)
	}
	return nil
}

// at is what a pointer points to.
func (d *document) at(o *operation, p pointer) (*node, error) {
	n := d.root
	for i, token := range p {
		at := n.find(token)
		if at < 0 {
			return nil, &missing{o, p[:i+1], "there is nothing"}
		}
		n = n.children[at]
	}
	return n, nil
}

func (d *document) remove(o *operation, p pointer) (*node, error) {
	n, err := d.at(o, p)
	if err != nil {
		return nil, err
	}
	if len(p) == 0 {
		return nil, o.errorf(fhir.Unprocessable, fhir.CodeBusinessRule, "the whole resource cannot be taken away")
	}
	parent, err := d.at(o, p[:len(p)-1])
	if err != nil {
		return nil, err
	}
	at := parent.find(p[len(p)-1])
	parent.children = slices.Delete(parent.children, at, at+1)
	return n, nil
}

// add puts a node where the operation's path says.
func (d *document) add(o *operation, n *node) error {
	if len(o.path) == 0 {
		d.root = n
		return nil
	}
	parent, err := d.at(o, o.path[:len(o.path)-1])
	if err != nil {
		return err
	}
	last := o.path[len(o.path)-1]
	switch parent.kind() {
	case fhir.Object:
		n.name = last
		if at := parent.find(last); at >= 0 {
			parent.children[at] = n
		} else {
			parent.children = append(parent.opened(), n)
		}
		return nil
	case fhir.Array:
		n.name = ""
		at, length := position(last), len(parent.opened())
		if last == "-" {
			at = length
		}
		if at < 0 || at > length {
			return &missing{o, o.path, "the array has no such place: positions are 0 to the number of its items, or - for the end"}
		}
		parent.children = slices.Insert(parent.children, at, n)
		return nil
	}
	return &missing{o, o.path, "only objects and arrays have something inside"}
}

// test compares; numbers by their value, and objects whatever the order of their members.
func (d *document) test(o *operation) error {
	n, err := d.at(o, o.path)
	if err != nil {
		return err
	}
	e := n.element
	if n.open {
		if err := d.spend(o, n.size()); err != nil {
			return err
		}
		if e, err = fhir.ParseValue(n.append(nil)); err != nil {
			return noResource(err)
		}
	}
	if !e.Equal(o.value) {
		return o.errorf(fhir.Unprocessable, fhir.CodeConflict, "the test fails: the value at %q is not the one given", o.path.String())
	}
	return nil
}
