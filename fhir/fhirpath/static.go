package fhirpath

import (
	"slices"

	"fhirside/fhir/definitions"
)

// For is what counts of a union (Patient.name | Practitioner.name) for resources of one type: the parts that begin with another
// type are left out, since they yield nothing there. It is nil if no part is left. Search parameters that several types share are
// such unions. What equals an earlier item stays in its result, unlike in FHIRPath: 5 mg in the code of a unit and 5 "mg" in words are
// equal there, but a search tells them apart.
func (x *Expression) For(resourceType string) *Expression {
	t := definitions.Lookup(resourceType)
	var left *node
	for _, part := range x.tree.unions() {
		if root := part.root(); t == nil || root.kind == nodeMember && isTypeName(root.name) && !t.Is(root.name) {
			continue
		}
		if left == nil {
			left = part
		} else {
			left = &node{kind: nodeBinary, at: part.at, name: "|", args: []*node{left, part}}
		}
	}
	switch {
	case left == nil:
		return nil
	case left == x.tree && len(left.unions()) == 1:
		return x
	}
	out, err := (&compiler{source: x.source, keepsEqual: true}).expression(left)
	if err != nil {
		panic("fhirpath: a part of a compiled expression does not compile: " + err.Error())
	}
	return out
}

// isTypeName tells the name of a type from that of an element, which begins with a small letter.
func isTypeName(name string) bool { return name != "" && name[0] >= 'A' && name[0] <= 'Z' }

// Yield is a type that an expression can yield, as far as the definitions tell.
type Yield struct {
	Type string // "Quantity", "code", "Patient.contact"; "boolean" and "integer" also for computed values
	// Element is the definition of the element it is found in; nil for a computed value and for the focus itself.
	Element *definitions.Element
	// Targets are the types that a reference may have, if the expression asks for some: where(resolve() is Patient).
	Targets []string
}

// Yields are the types that the expression can yield in a resource of that type, on a focus of one of the others (without any: on
// the resource itself), without duplicates and in order. What cannot be told without a resource (resolve(), %variables) is left
// out.
func (x *Expression) Yields(resourceType string, focus ...string) []Yield {
	root := []Yield{{Type: resourceType}}
	in := root
	if len(focus) > 0 {
		in = nil
	}
	for _, name := range focus {
		in = append(in, Yield{Type: name})
	}
	return distinctYields(yields(x.tree, in, root))
}

func distinctYields(all []Yield) (out []Yield) {
	for _, y := range all {
		if !slices.ContainsFunc(out, func(o Yield) bool {
			return o.Type == y.Type && o.Element == y.Element && slices.Equal(o.Targets, y.Targets)
		}) {
			out = append(out, y)
		}
	}
	return out
}

// yields walks a node; root is what %resource is.
func yields(n *node, focus, root []Yield) []Yield {
	switch n.kind {
	case nodeMember:
		return memberYields(n.name, focus)
	case nodeDot:
		return yields(n.args[1], yields(n.args[0], focus, root), root)
	case nodeIndex:
		return yields(n.args[0], focus, root)
	case nodeType:
		if n.name == "as" {
			return narrow(yields(n.args[0], focus, root), n.typeName)
		}
		return []Yield{{Type: "boolean"}}
	case nodeVariable:
		if n.name == "this" {
			return focus
		}
	case nodeExternal:
		if n.name == "resource" || n.name == "rootResource" {
			return root
		}
	case nodeBinary:
		if n.name == "|" {
			return append(yields(n.args[0], focus, root), yields(n.args[1], focus, root)...)
		}
		if precedences[n.name] <= precedences[">"] {
			return []Yield{{Type: "boolean"}}
		}
	case nodeFunction:
		return functionYields(n, focus, root)
	}
	return nil
}

func memberYields(name string, focus []Yield) (out []Yield) {
	for _, y := range focus {
		t := definitions.Lookup(y.Type)
		if t == nil {
			continue
		}
		if isTypeName(name) {
			if t.Is(name) {
				out = append(out, y)
			}
			continue
		}
		if el := t.Element(name); el != nil {
			for _, typeName := range el.Types {
				out = append(out, Yield{Type: typeName, Element: el})
			}
		}
	}
	return out
}

// narrow keeps the types that are the named one or derive from it.
func narrow(all []Yield, typeName string) (out []Yield) {
	test, err := (&compiler{}).typeNamed(&node{}, typeName)
	if err != nil || test.typ == nil {
		return nil
	}
	for _, y := range all {
		if t := definitions.Lookup(y.Type); t != nil && t.Is(test.typ.Name) {
			out = append(out, y)
		}
	}
	return out
}

func functionYields(n *node, focus, root []Yield) []Yield {
	switch n.name {
	case "as", "ofType":
		name, _ := typeArgument(n)
		return narrow(focus, name)
	case "where":
		return withTargets(focus, n.args[0])
	case "first", "last", "tail", "single", "skip", "take", "distinct", "trace", "intersect", "exclude", "sort":
		return focus
	case "select":
		return yields(n.args[0], focus, root)
	case "union", "combine":
		return append(slices.Clone(focus), yields(n.args[0], focus, root)...)
	case "extension":
		return memberYields("extension", focus)
	case "exists", "empty", "all", "not", "hasValue", "is":
		return []Yield{{Type: "boolean"}}
	case "count":
		return []Yield{{Type: "integer"}}
	}
	return nil
}

// withTargets notes what where(resolve() is T) asks of a reference.
func withTargets(focus []Yield, criterion *node) []Yield {
	if criterion.kind != nodeType || criterion.name != "is" || criterion.args[0].name != "resolve" {
		return focus
	}
	out := slices.Clone(focus)
	for i := range out {
		out[i].Targets = []string{criterion.typeName}
	}
	return out
}
