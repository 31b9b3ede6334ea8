package fhirpath

// filterFunctions are those of FHIRPath's chapters "Filtering and projection" and "Aggregates", and the functions of types.
var filterFunctions = map[string]function{
	"where":     {1, 1, (*compiler).where},
	"select":    {1, 1, (*compiler).selects},
	"repeat":    {1, 1, (*compiler).repeat},
	"aggregate": {1, 2, (*compiler).aggregate},
	"iif":       {2, 3, (*compiler).iif},
	"ofType":    {1, 1, (*compiler).typeFunction},
	"as":        {1, 1, (*compiler).typeFunction},
	"is":        {1, 1, (*compiler).typeFunction},
	"type": plain(func(_ *evaluation, focus, dst []Item) ([]Item, error) {
		for i := range focus {
			dst = append(dst, Item{value: focus[i].typeInfo()})
		}
		return dst, nil
	}),
}

func (it *Item) typeInfo() typeInfo {
	if it.typ != nil {
		return typeInfo{"FHIR", it.typ.Name}
	}
	return typeInfo{"System", systemType(it.value)}
}

func (k *compiler) where(n *node) (program, error) {
	criterion, err := k.lambda(n.args[0])
	return func(c *evaluation, focus, dst []Item) ([]Item, error) {
		for i := range focus {
			t, err := criterion.test(c, focus, i)
			if err != nil {
				return dst, err
			}
			if t == yes {
				dst = append(dst, focus[i])
			}
		}
		return dst, nil
	}, err
}

func (k *compiler) selects(n *node) (program, error) {
	projection, err := k.lambda(n.args[0])
	return func(c *evaluation, focus, dst []Item) ([]Item, error) {
		for i := range focus {
			before := len(dst)
			var err error
			if dst, err = projection.on(c, focus, i, dst); err != nil {
				return dst, err
			}
			if err := c.spend(1 + len(dst) - before); err != nil {
				return dst, err
			}
		}
		return dst, nil
	}, err
}

// repeat applies the projection to its own results until nothing new comes.
func (k *compiler) repeat(n *node) (program, error) {
	projection, err := k.lambda(n.args[0])
	return func(c *evaluation, focus, dst []Item) ([]Item, error) {
		seen := newSet()
		queue := append([]Item(nil), focus...)
		found := c.buffer()
		defer func() { c.release(found) }()
		for len(queue) > 0 {
			var err error
			if found, err = projection.on(c, queue, 0, found[:0]); err != nil {
				return dst, err
			}
			queue = queue[1:]
			for i := range found {
				added, err := seen.add(c, &found[i])
				if err != nil {
					return dst, err
				}
				if added {
					dst, queue = append(dst, found[i]), append(queue, found[i])
				}
			}
		}
		return dst, nil
	}, err
}

func (k *compiler) aggregate(n *node) (program, error) {
	aggregator, err := k.lambda(n.args[0])
	if err != nil {
		return nil, err
	}
	initial := literal(nil)
	if len(n.args) > 1 {
		if initial, err = k.argument(n.args[1]); err != nil {
			return nil, err
		}
	}
	return func(c *evaluation, focus, dst []Item) ([]Item, error) {
		outer := c.total
		defer func() { c.total = outer }()
		total, err := initial(c, focus, nil)
		for i := 0; err == nil && i < len(focus); i++ {
			c.total = total
			total, err = aggregator.on(c, focus, i, nil)
			if err == nil {
				err = c.spend(1 + len(total))
			}
		}
		return append(dst, total...), err
	}, nil
}

// iif evaluates only the branch that its condition chooses.
func (k *compiler) iif(n *node) (program, error) {
	var args []lambda
	for _, a := range n.args {
		l, err := k.lambda(a)
		if err != nil {
			return nil, err
		}
		args = append(args, l)
	}
	return func(c *evaluation, focus, dst []Item) ([]Item, error) {
		if len(focus) > 1 {
			return dst, k.failure(n, "iif() is asked of one item, not of %d", len(focus))
		}
		on := func(l lambda, dst []Item) ([]Item, error) {
			if len(focus) == 0 {
				return l.run(c, c.this, dst)
			}
			return l.with(c, focus, c.index, dst)
		}
		condition, err := on(args[0], c.buffer())
		defer func() { c.release(condition) }()
		if err != nil {
			return dst, err
		}
		t, err := k.condition(n, condition)
		switch {
		case err != nil:
			return dst, err
		case t == yes:
			return on(args[1], dst)
		case len(args) > 2:
			return on(args[2], dst)
		}
		return dst, nil
	}, nil
}

// condition is a collection as iif's criterion, which must be a boolean.
func (k *compiler) condition(n *node, items []Item) (truth, error) {
	if len(items) == 1 {
		if _, ok := items[0].Boolean(); !ok {
			return unknown, k.failure(n, "the criterion of iif() is a boolean, not %s", items[0].Type())
		}
	}
	return k.truth(n, items)
}

// typeFunction compiles is(T), as(T) and ofType(T), whose argument is a type and no expression.
func (k *compiler) typeFunction(n *node) (program, error) {
	name, ok := typeArgument(n)
	if !ok {
		return nil, k.errorf(n.args[0], "%s() takes the name of a type", n.name)
	}
	test, err := k.typeNamed(n.args[0], name)
	if err != nil {
		return nil, err
	}
	if n.name == "is" {
		return k.isType(n, test), nil
	}
	return ofType(test), nil
}

// typeArgument is a function's argument as the name of a type, with or without its namespace.
func typeArgument(n *node) (name string, ok bool) {
	switch arg := n.args[0]; {
	case arg.kind == nodeMember:
		return arg.name, true
	case arg.kind == nodeDot && arg.args[0].kind == nodeMember && arg.args[1].kind == nodeMember:
		return arg.args[0].name + "." + arg.args[1].name, true
	}
	return "", false
}
