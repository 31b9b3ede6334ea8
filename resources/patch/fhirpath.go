package patch

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"fhirside/fhir"
	"fhirside/fhir/definitions"
	"fhirside/fhir/fhirpath"
)

// FHIRPath reads a FHIRPath Patch (fhirpatch.html) from a Parameters resource. The error is an *fhir.Error of reason Invalid, or
// TooLarge for too many operations.
//
// The value must be of the type of the element, or of one derived from it. A replaced primitive loses the extensions of the old
// one. What a deletion leaves empty goes with it; deleting what is not there is no error, any other operation on it is.
func FHIRPath(parameters *fhir.Resource) (*Patch, error) {
	if t := parameters.Type(); t != "Parameters" {
		return nil, fhir.Errorf(fhir.Invalid, fhir.CodeStructure, "a FHIRPath Patch is a Parameters resource, not %s", clip(t))
	}
	list := parameters.Get("parameter")
	if list.Exists() && list.Kind() != fhir.Array {
		return nil, fhir.Errorf(fhir.Invalid, fhir.CodeStructure, "parameter is an array").At("Parameters.parameter")
	}
	if err := tooMany(list.Len()); err != nil {
		return nil, err
	}
	var steps pathOperations
	conditions := 0
	for e := range list.Children() {
		o, err := parsePathOperation(len(steps), e)
		if err != nil {
			return nil, err
		}
		steps = append(steps, o)
		if !plainPath(o.path.String()) {
			conditions++
		}
	}
	if conditions > maxConditions {
		return nil, fhir.Errorf(fhir.TooLarge, fhir.CodeTooCostly,
			"%d paths of the patch are more than names and positions; at most %d are evaluated", conditions, maxConditions)
	}
	return &Patch{change: steps.apply, tests: conditions > 0}, nil
}

// plainPath says whether a path consists of names and positions: it says where, and asks nothing.
func plainPath(path string) bool {
	for name := range strings.SplitSeq(path, ".") {
		name, index, indexed := strings.Cut(name, "[")
		if !identifier(name) || indexed && position(strings.TrimSuffix(index, "]")) < 0 {
			return false
		}
	}
	return true
}

type pathOperations []*pathOperation

// pathOperation is an operation of a FHIRPath Patch.
type pathOperation struct {
	at   int // position of its parameter
	kind string
	path *fhirpath.Expression
	// around and last are the path's last step and the path before it, where it has one: for lists that have no items yet.
	around                     *fhirpath.Expression
	last                       string
	name                       string
	value                      fhir.Element // the part, not what is in it
	index, source, destination int          // -1: not given
}

func (o *pathOperation) errorf(reason fhir.Reason, code fhir.Code, format string, args ...any) *fhir.Error {
	name := ""
	if o.kind != "" {
		name = " (" + clip(o.kind) + ")"
	}
	return fhir.Errorf(reason, code, "operation %d%s of the patch: "+format, append([]any{o.at + 1, name}, args...)...)
}

// invalid refuses the operation as it is written.
func (o *pathOperation) invalid(code fhir.Code, format string, args ...any) error {
	return o.errorf(fhir.Invalid, code, format, args...).At("Parameters.parameter[" + strconv.Itoa(o.at) + "]")
}

// impossible refuses what the resource does not allow.
func (o *pathOperation) impossible(code fhir.Code, format string, args ...any) error {
	return o.errorf(fhir.Unprocessable, code, format, args...).At(clip(o.path.String()))
}

func parsePathOperation(at int, e fhir.Element) (*pathOperation, error) {
	o := &pathOperation{at: at, index: -1, source: -1, destination: -1}
	if !e.Get("name").Is("operation") {
		return nil, o.invalid(fhir.CodeValue, `its name is "operation", not %q`, clip(e.Get("name").Text()))
	}
	path, seen := "", map[string]bool{}
	for part := range e.Get("part").Each() {
		name := part.Get("name").Text()
		if seen[name] {
			return nil, o.invalid(fhir.CodeDuplicate, "it has the part %s twice", clip(name))
		}
		seen[name] = true
		if err := o.take(name, part, &path); err != nil {
			return nil, err
		}
	}
	if err := o.complete(seen); err != nil {
		return nil, err
	}
	var err error
	if o.path, err = fhirpath.Compile(path); err != nil {
		return nil, o.invalid(fhir.CodeValue, "path: %s", reasonOf(err))
	}
	if i := strings.LastIndexByte(path, '.'); i > 0 && identifier(path[i+1:]) {
		if o.around, err = fhirpath.Compile(path[:i]); err == nil {
			o.last = path[i+1:]
		}
	}
	return o, nil
}

func reasonOf(err error) string {
	if e := (*fhir.Error)(nil); errors.As(err, &e) {
		return e.Issues[0].Diagnostics
	}
	return err.Error()
}

// take reads a part.
func (o *pathOperation) take(name string, part fhir.Element, path *string) error {
	value, _, _ := valueOf(part)
	switch name {
	case "type":
		o.kind = value.Text()
	case "path":
		*path = value.Text()
	case "name":
		o.name = value.Text()
	case "value":
		o.value = part
	case "index":
		return o.number(name, value, &o.index)
	case "source":
		return o.number(name, value, &o.source)
	case "destination":
		return o.number(name, value, &o.destination)
	default:
		return o.invalid(fhir.CodeValue, "the parts are type, path, name, value, index, source and destination, not %q", clip(name))
	}
	return nil
}

func (o *pathOperation) number(name string, value fhir.Element, n *int) error {
	if *n = position(value.Text()); value.Kind() != fhir.Number || *n < 0 {
		return o.invalid(fhir.CodeValue, "%s is a valueInteger of 0 or more", name)
	}
	return nil
}

// needed are the parts of each kind of operation, beside its type.
var needed = map[string][]string{
	"add": {"path", "name", "value"}, "insert": {"path", "index", "value"}, "delete": {"path"}, "replace": {"path", "value"},
	"move": {"path", "source", "destination"},
}

func (o *pathOperation) complete(seen map[string]bool) error {
	parts, known := needed[o.kind]
	if !known {
		return o.invalid(fhir.CodeValue, "type is add, insert, delete, replace or move, not %q", clip(o.kind))
	}
	for _, part := range parts {
		if !seen[part] {
			return o.invalid(fhir.CodeRequired, "it lacks the part %s", part)
		}
	}
	return nil
}

func (list pathOperations) apply(r *fhir.Resource) (change, error) {
	c, read := change{resource: r}, 0
	for _, o := range list {
		if read += len(c.resource.Bytes()); read > maxRead {
			return change{}, o.errorf(fhir.TooCostly, fhir.CodeTooCostly, "so many operations on so large a resource are too much work: send them as a JSON Patch, or in several requests")
		}
		run := pathRun{pathOperation: o, r: c.resource, ed: c.resource.Edit()}
		if err := run.apply(); err != nil {
			return change{}, err
		}
		next, err := run.ed.Apply()
		if err != nil {
			return change{}, noResource(err)
		}
		c = change{next, c.narrated || run.narrated}
	}
	return c, nil
}

// pathRun is an operation at work on a resource.
type pathRun struct {
	*pathOperation
	r        *fhir.Resource
	ed       *fhir.Edits
	narrated bool
}

func (o *pathRun) apply() error {
	items, err := o.path.Evaluate(o.r)
	if err != nil {
		return o.impossible(fhir.CodeProcessing, "path: %s", reasonOf(err))
	}
	switch o.kind {
	case "add":
		return o.add(items)
	case "insert":
		return o.insert(items)
	case "move":
		return o.move(items)
	case "delete":
		return o.delete(items)
	}
	return o.replace(items)
}

// one is the only item that the path leads to. A place that is nil is the resource's own.
func (o *pathRun) one(items []fhirpath.Item) (*fhirpath.Item, *place, error) {
	switch {
	case len(items) == 0:
		return nil, nil, o.impossible(fhir.CodeNotFound, "there is nothing at %s", clip(o.path.String()))
	case len(items) > 1:
		return nil, nil, o.impossible(fhir.CodeMultipleMatches, "%s leads to %d elements; it must lead to one", clip(o.path.String()), len(items))
	}
	return o.inside(&items[0])
}

// inside refuses what is not an element of the resource.
func (o *pathRun) inside(it *fhirpath.Item) (*fhirpath.Item, *place, error) {
	p := locate(o.r, it)
	if p == nil && it.Element() != o.r.Root() {
		return nil, nil, o.impossible(fhir.CodeProcessing, "%s does not lead to an element of this resource", clip(o.path.String()))
	}
	return it, p, nil
}

// within is what an element holds of one of its children.
func (o *pathRun) within(it *fhirpath.Item, p *place, el *definitions.Element, typ *definitions.Type) *collection {
	object := it.Element()
	if typ.Class == definitions.Primitive {
		object = it.Sibling()
	}
	c := collect(object, typ, el)
	c.owner = p
	return c
}

// commit writes a collection that was changed.
func (o *pathRun) commit(c *collection, around *place) error {
	written := place{parent: around, object: c.object, typ: c.typ, element: c.element}
	o.narrated = written.narrative()
	c.write(o.ed)
	return nil
}

func (o *pathRun) add(items []fhirpath.Item) error {
	it, p, err := o.one(items)
	if err != nil {
		return err
	}
	typ := definitions.Lookup(it.Type())
	el, typeName := child(typ, o.name)
	if el == nil {
		return o.impossible(fhir.CodeStructure, "%s has no element %q", typ.Name, clip(o.name))
	}
	c := o.within(it, p, el, typ)
	if !c.repeats() && len(c.items) > 0 {
		return o.impossible(fhir.CodeBusinessRule, "there is a %s already, and it does not repeat: replace it", el.Name)
	}
	en, err := entryOf(o.value, el, typeName, o.errorf)
	if err != nil {
		return err
	}
	c.insert(len(c.items), en)
	return o.commit(c, p)
}

func (o *pathRun) insert(items []fhirpath.Item) error {
	c, around, err := o.list(items)
	if err != nil {
		return err
	}
	if o.index > len(c.items) {
		return o.impossible(fhir.CodeValue, "the list has %d items, so that the index cannot be %d", len(c.items), o.index)
	}
	en, err := entryOf(o.value, c.element, "", o.errorf)
	if err != nil {
		return err
	}
	c.insert(o.index, en)
	return o.commit(c, around)
}

func (o *pathRun) move(items []fhirpath.Item) error {
	c, around, err := o.list(items)
	if err != nil {
		return err
	}
	if max(o.source, o.destination) >= len(c.items) {
		return o.impossible(fhir.CodeValue, "the list has %d items, so that nothing can move from %d to %d", len(c.items), o.source, o.destination)
	}
	en := c.items[o.source]
	c.remove(o.source)
	c.insert(o.destination, en)
	return o.commit(c, around)
}

func (o *pathRun) delete(items []fhirpath.Item) error {
	if len(items) == 0 {
		return nil // "Path of the element to delete (if found)"
	}
	_, p, err := o.one(items)
	if err != nil {
		return err
	}
	if p == nil {
		return o.impossible(fhir.CodeBusinessRule, "the resource itself cannot be deleted by a patch")
	}
	p.remove(o.ed)
	return nil
}

func (o *pathRun) replace(items []fhirpath.Item) error {
	_, p, err := o.one(items)
	if err != nil {
		return err
	}
	if p == nil {
		return o.impossible(fhir.CodeBusinessRule, "the resource itself cannot be replaced by a patch: update it")
	}
	en, err := entryOf(o.value, p.element, "", o.errorf)
	if err != nil {
		return err
	}
	c := p.collection()
	c.items[p.at] = en
	return o.commit(c, p.parent)
}

// list is the list that the path leads to, and the place of what it is in.
func (o *pathRun) list(items []fhirpath.Item) (*collection, *place, error) {
	if len(items) == 0 {
		return o.emptyList()
	}
	_, p, err := o.inside(&items[0])
	if err != nil {
		return nil, nil, err
	}
	if p == nil {
		return nil, nil, o.impossible(fhir.CodeProcessing, "%s is no list", clip(o.path.String()))
	}
	c := p.collection()
	if !c.repeats() {
		return nil, nil, o.impossible(fhir.CodeBusinessRule, "%s does not repeat", c.element.Name)
	}
	same := slices.EqualFunc(c.items, items, func(en entry, it fhirpath.Item) bool {
		return en.element == it.Element() && en.sibling == it.Sibling()
	})
	if !same {
		return nil, nil, o.impossible(fhir.CodeProcessing, "%s does not lead to all items of one list", clip(o.path.String()))
	}
	return c, p.parent, nil
}

// emptyList is a list that has no items: the path before its last step must lead to what would have them.
func (o *pathRun) emptyList() (*collection, *place, error) {
	nothing := o.impossible(fhir.CodeNotFound, "there is nothing at %s", clip(o.path.String()))
	if o.around == nil {
		return nil, nil, nothing
	}
	items, err := o.around.Evaluate(o.r)
	if err != nil || len(items) != 1 {
		return nil, nil, nothing
	}
	it, p, err := o.inside(&items[0])
	if err != nil {
		return nil, nil, err
	}
	typ := definitions.Lookup(it.Type())
	el := typ.Element(o.last)
	if el == nil {
		return nil, nil, o.impossible(fhir.CodeStructure, "%s has no element %q", typ.Name, clip(o.last))
	}
	c := o.within(it, p, el, typ)
	if !c.repeats() || len(c.items) > 0 {
		return nil, nil, nothing
	}
	return c, p, nil
}
