package fhirpath

import (
	"strings"

	"fhirside/fhir"
	"fhirside/fhir/definitions"
)

// program is a compiled node: it appends its result on a focus to dst. It neither keeps nor changes the focus.
type program func(c *evaluation, focus, dst []Item) ([]Item, error)

// compiler turns a syntax tree into programs.
type compiler struct {
	source string
	// keepsEqual makes unions keep items that equal an earlier one.
	keepsEqual bool
}

func (k *compiler) errorf(n *node, format string, args ...any) error {
	return syntaxError(k.source, n.at, format, args...)
}

// failure is an error of an evaluation, with its place in the expression.
func (k *compiler) failure(n *node, format string, args ...any) error {
	e := syntaxError(k.source, n.at, format, args...)
	e.Reason = fhir.Unprocessable
	e.Issues[0].Code = fhir.CodeProcessing
	return e
}

func (k *compiler) compile(n *node) (program, error) {
	switch n.kind {
	case nodeLiteral:
		return literal(n.value), nil
	case nodeMember:
		return k.path(n)
	case nodeDot:
		if n.args[1].kind == nodeMember {
			return k.path(n)
		}
		return k.dot(n)
	case nodeFunction:
		return k.function(n)
	case nodeIndex:
		return k.index(n)
	case nodeUnary:
		return k.unary(n)
	case nodeBinary:
		return k.binary(n)
	case nodeType:
		return k.typeOperator(n)
	case nodeVariable:
		return variable(n.name), nil
	}
	return k.external(n)
}

func literal(value any) program {
	if value == nil {
		return func(_ *evaluation, _, dst []Item) ([]Item, error) { return dst, nil }
	}
	it := Item{value: value}
	return func(_ *evaluation, _, dst []Item) ([]Item, error) { return append(dst, it), nil }
}

func variable(name string) program {
	return func(c *evaluation, _, dst []Item) ([]Item, error) {
		switch name {
		case "this":
			return append(dst, c.this...), nil
		case "index":
			return append(dst, Item{value: int64(c.index)}), nil
		}
		return append(dst, c.total...), nil
	}
}

// path compiles a.b.c as one program that walks the tree depth first, without intermediate collections.
func (k *compiler) path(n *node) (program, error) {
	var steps []*step
	for n.kind == nodeDot && n.args[1].kind == nodeMember {
		steps = append([]*step{newStep(n.args[1].name)}, steps...)
		n = n.args[0]
	}
	if n.kind == nodeMember {
		return k.pathFrom(n, steps), nil
	}
	head, err := k.compile(n)
	if err != nil {
		return nil, err
	}
	return func(c *evaluation, focus, dst []Item) ([]Item, error) {
		start, err := head(c, focus, c.buffer())
		if err == nil {
			dst, err = c.walkAll(start, steps, dst)
		}
		c.release(start)
		return dst, err
	}, nil
}

// pathFrom compiles a path that begins with a name: of the focus's type ("Patient", which may be a base type) or of a child.
func (k *compiler) pathFrom(n *node, steps []*step) program {
	if !isTypeName(n.name) {
		steps = append([]*step{newStep(n.name)}, steps...)
		return func(c *evaluation, focus, dst []Item) ([]Item, error) { return c.walkAll(focus, steps, dst) }
	}
	return func(c *evaluation, focus, dst []Item) (_ []Item, err error) {
		for i := range focus {
			if focus[i].typ == nil || !focus[i].typ.Is(n.name) {
				continue
			}
			if len(steps) == 0 {
				dst = append(dst, focus[i])
			} else if dst, err = c.walk(&focus[i], steps, dst); err != nil {
				return dst, err
			}
		}
		return dst, nil
	}
}

func (c *evaluation) walkAll(focus []Item, steps []*step, dst []Item) (_ []Item, err error) {
	for i := range focus {
		if dst, err = c.walk(&focus[i], steps, dst); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// dot compiles an invocation of a function or variable on what stands before it.
func (k *compiler) dot(n *node) (program, error) {
	left, err := k.compile(n.args[0])
	if err != nil {
		return nil, err
	}
	right, err := k.compile(n.args[1])
	if err != nil {
		return nil, err
	}
	return func(c *evaluation, focus, dst []Item) ([]Item, error) {
		middle, err := left(c, focus, c.buffer())
		if err == nil {
			dst, err = right(c, middle, dst)
		}
		c.release(middle)
		return dst, err
	}, nil
}

func (k *compiler) index(n *node) (program, error) {
	left, err := k.compile(n.args[0])
	if err != nil {
		return nil, err
	}
	at, err := k.argument(n.args[1])
	if err != nil {
		return nil, err
	}
	return func(c *evaluation, focus, dst []Item) ([]Item, error) {
		items, err := left(c, focus, c.buffer())
		defer func() { c.release(items) }()
		if err != nil {
			return dst, err
		}
		i, ok, err := k.integer(c, n, at)
		if err != nil || !ok || i < 0 || i >= int64(len(items)) {
			return dst, err
		}
		return append(dst, items[i]), nil
	}, nil
}

// argument compiles an expression that is evaluated on $this and not on the collection before the dot: the argument of a
// function, an index.
func (k *compiler) argument(n *node) (program, error) {
	p, err := k.compile(n)
	if err != nil {
		return nil, err
	}
	return func(c *evaluation, _, dst []Item) ([]Item, error) { return p(c, c.this, dst) }, nil
}

// one evaluates an argument to its single item; ok is false where it is empty.
func (k *compiler) one(c *evaluation, n *node, p program) (it Item, ok bool, err error) {
	items, err := p(c, c.this, c.buffer())
	if err == nil && len(items) > 1 {
		err = k.failure(n, "one item is wanted here, not %d", len(items))
	}
	if err == nil && len(items) == 1 {
		it, ok = items[0], true
	}
	c.release(items)
	return it, ok, err
}

// integer evaluates an argument to an integer; ok is false where it is empty.
func (k *compiler) integer(c *evaluation, n *node, p program) (i int64, ok bool, err error) {
	it, ok, err := k.one(c, n, p)
	if err != nil || !ok {
		return 0, false, err
	}
	i, isInteger := it.system().(int64)
	if !isInteger {
		return 0, false, k.failure(n, "an integer is wanted here, not %s", it.Type())
	}
	return i, true, nil
}

// text evaluates an argument to a string; ok is false where it is empty.
func (k *compiler) text(c *evaluation, n *node, p program) (s string, ok bool, err error) {
	it, ok, err := k.one(c, n, p)
	if err != nil || !ok {
		return "", false, err
	}
	if s, ok = it.system().(string); !ok {
		return "", false, k.failure(n, "a string is wanted here, not %s", it.Type())
	}
	return s, true, c.spendText(s)
}

// external compiles %name.
func (k *compiler) external(n *node) (program, error) {
	constants := map[string]string{
		"sct": "http://snomed.info/sct", "loinc": "http://loinc.org", "ucum": ucum,
	}
	if url, ok := constants[n.name]; ok {
		return literal(url), nil
	}
	if id, ok := strings.CutPrefix(n.name, "vs-"); ok {
		return literal("http://hl7.org/fhir/ValueSet/" + id), nil
	}
	if id, ok := strings.CutPrefix(n.name, "ext-"); ok {
		return literal("http://hl7.org/fhir/StructureDefinition/" + id), nil
	}
	switch n.name {
	case "resource":
		return single((*evaluation).resource), nil
	case "rootResource":
		return single((*evaluation).rootResource), nil
	case "context":
		return single(func(c *evaluation) Item { return c.context[0] }), nil
	}
	return func(c *evaluation, _, dst []Item) ([]Item, error) {
		items, ok := c.env.Variables[n.name]
		if !ok {
			return dst, k.failure(n, "the variable %%%s is not defined", n.name)
		}
		return append(dst, items...), nil
	}, nil
}

func single(get func(*evaluation) Item) program {
	return func(c *evaluation, _, dst []Item) ([]Item, error) {
		if it := get(c); it.typ != nil || it.value != nil {
			dst = append(dst, it)
		}
		return dst, nil
	}
}

// spend counts work and ends an evaluation that does too much of it.
func (c *evaluation) spend(n int) error {
	if c.work -= n; c.work < 0 {
		return fhir.Errorf(fhir.TooCostly, fhir.CodeTooCostly, "the FHIRPath expression takes too much work on this resource")
	}
	return nil
}

// typeTest is what is, as and ofType ask for.
type typeTest struct {
	typ    *definitions.Type // a FHIR type; nil if only the system type of that name is meant
	system string            // one of FHIRPath's own types; "" if only the FHIR type is meant
}

// typeNamed resolves a type with or without its namespace; without one FHIR's come first. System.Patient is no type of anything.
func (k *compiler) typeNamed(n *node, name string) (typeTest, error) {
	namespace, local, qualified := strings.Cut(name, ".")
	if !qualified {
		namespace, local = "", name
	}
	var t typeTest
	if namespace == "" || namespace == "FHIR" {
		t.typ = definitions.Lookup(local)
	}
	if t.typ == nil && (namespace == "" || namespace == "System") {
		switch local {
		case "Boolean", "String", "Integer", "Decimal", "Date", "DateTime", "Time", "Quantity", "Any":
			t.system = local
		}
	}
	if t.typ == nil && t.system == "" && definitions.Lookup(local) == nil {
		return t, k.errorf(n, "there is no type %s", name)
	}
	if namespace == "" && local == "Quantity" {
		t.system = local // 4 'mg' is a Quantity as well
	}
	return t, nil
}

func (t typeTest) matches(it *Item) bool {
	if it.typ == nil {
		return t.system == "Any" || t.system != "" && t.system == systemType(it.value)
	}
	return t.typ != nil && (t.typ == it.typ || it.typ.Is(t.typ.Name)) || t.system == "Any"
}

func (k *compiler) typeOperator(n *node) (program, error) {
	left, err := k.compile(n.args[0])
	if err != nil {
		return nil, err
	}
	test, err := k.typeNamed(n, n.typeName)
	if err != nil {
		return nil, err
	}
	apply := k.isType(n, test)
	if n.name == "as" {
		apply = ofType(test)
	}
	return func(c *evaluation, focus, dst []Item) ([]Item, error) {
		items, err := left(c, focus, c.buffer())
		if err == nil {
			dst, err = apply(c, items, dst)
		}
		c.release(items)
		return dst, err
	}, nil
}

func (k *compiler) isType(n *node, t typeTest) program {
	return func(_ *evaluation, focus, dst []Item) ([]Item, error) {
		if len(focus) == 0 {
			return dst, nil
		}
		if len(focus) > 1 {
			return dst, k.failure(n, "is asks for the type of one item, not of %d", len(focus))
		}
		return append(dst, Item{value: t.matches(&focus[0])}), nil
	}
}

// ofType keeps the items of a type. The operator as does the same: R4's search parameters apply it to repeating elements.
func ofType(t typeTest) program {
	return func(_ *evaluation, focus, dst []Item) ([]Item, error) {
		for i := range focus {
			if t.matches(&focus[i]) {
				dst = append(dst, focus[i])
			}
		}
		return dst, nil
	}
}
