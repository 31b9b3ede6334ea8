package fhirpath

import (
	"github.com/cockroachdb/apd/v3"
)

// operands evaluates the two sides of an operator.
func (c *evaluation) operands(focus []Item, left, right program, use func(a, b []Item) error) error {
	a, err := left(c, focus, c.buffer())
	defer func() { c.release(a) }()
	if err != nil {
		return err
	}
	b, err := right(c, focus, c.buffer())
	defer func() { c.release(b) }()
	if err != nil {
		return err
	}
	return use(a, b)
}

func (k *compiler) binary(n *node) (program, error) {
	if n.name == "|" {
		return k.union(n)
	}
	left, err := k.compile(n.args[0])
	if err != nil {
		return nil, err
	}
	right, err := k.compile(n.args[1])
	if err != nil {
		return nil, err
	}
	switch n.name {
	case "and", "or", "xor", "implies":
		return k.logic(n, left, right), nil
	case "=", "!=", "~", "!~", "in", "contains":
		return k.equality(n, left, right), nil
	case "<", ">", "<=", ">=":
		return k.inequality(n, left, right), nil
	}
	return k.arithmetic(n, left, right), nil
}

// union compiles a | b | c as one program over all parts.
func (k *compiler) union(n *node) (program, error) {
	var parts []program
	for _, part := range n.unions() {
		p, err := k.compile(part)
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	union := func(c *evaluation, focus, dst []Item) (_ []Item, err error) {
		for _, p := range parts {
			if dst, err = p(c, focus, dst); err != nil {
				return dst, err
			}
		}
		return dst, nil
	}
	if k.keepsEqual {
		return union, nil
	}
	return func(c *evaluation, focus, dst []Item) ([]Item, error) {
		all, err := union(c, focus, c.buffer())
		defer func() { c.release(all) }()
		if err != nil {
			return dst, err
		}
		return c.distinct(all, dst)
	}, nil
}

// truth is a collection as an operand of and, or, …: a single item that is no boolean is true (FHIRPath, "Singleton Evaluation of
// Collections").
func (k *compiler) truth(n *node, items []Item) (truth, error) {
	switch len(items) {
	case 0:
		return unknown, nil
	case 1:
		if b, ok := items[0].Boolean(); ok {
			return truthOf(b), nil
		}
		return yes, nil
	}
	return unknown, k.failure(n, "true or false is wanted here, not %d items", len(items))
}

// test evaluates a condition.
func (k *compiler) test(c *evaluation, n *node, p program, focus []Item) (truth, error) {
	items, err := p(c, focus, c.buffer())
	defer func() { c.release(items) }()
	if err != nil {
		return unknown, err
	}
	return k.truth(n, items)
}

func (k *compiler) logic(n *node, left, right program) program {
	return func(c *evaluation, focus, dst []Item) ([]Item, error) {
		a, err := k.test(c, n, left, focus)
		if err != nil {
			return dst, err
		}
		switch {
		case n.name == "and" && a == no:
			return no.append(dst), nil
		case n.name == "or" && a == yes, n.name == "implies" && a == no:
			return yes.append(dst), nil
		}
		b, err := k.test(c, n, right, focus)
		if err != nil {
			return dst, err
		}
		return combine(n.name, a, b).append(dst), nil
	}
}

// combine is the truth table of and, or, xor and implies.
func combine(operator string, a, b truth) truth {
	switch operator {
	case "and":
		return combine("or", a.not(), b.not()).not()
	case "implies":
		return combine("or", a.not(), b)
	case "or":
		switch {
		case a == yes || b == yes:
			return yes
		case a == no && b == no:
			return no
		}
		return unknown
	}
	if a == unknown || b == unknown {
		return unknown
	}
	return truthOf(a != b)
}

func (k *compiler) equality(n *node, left, right program) program {
	return func(c *evaluation, focus, dst []Item) ([]Item, error) {
		var result truth
		err := c.operands(focus, left, right, func(a, b []Item) (err error) {
			switch n.name {
			case "=", "!=":
				result, err = c.equal(a, b)
			case "~", "!~":
				var same bool
				same, err = c.equivalent(a, b)
				result = truthOf(same)
			case "in":
				result, err = k.member(c, n, a, b)
			case "contains":
				result, err = k.member(c, n, b, a)
			}
			return err
		})
		if n.name[0] == '!' {
			result = result.not()
		}
		return result.append(dst), err
	}
}

// member says whether an item is in a collection.
func (k *compiler) member(c *evaluation, n *node, item, collection []Item) (truth, error) {
	switch len(item) {
	case 0:
		return unknown, nil
	case 1:
		found, err := c.includes(collection, &item[0])
		return truthOf(found), err
	}
	return unknown, k.failure(n, "%s looks for one item, not for %d", n.name, len(item))
}

func (c *evaluation) includes(collection []Item, it *Item) (bool, error) {
	for i := range collection {
		if err := c.spendEqual(it); err != nil {
			return false, err
		}
		if itemsEqual(&collection[i], it) == yes {
			return true, nil
		}
	}
	return false, nil
}

func (k *compiler) inequality(n *node, left, right program) program {
	return func(c *evaluation, focus, dst []Item) ([]Item, error) {
		result := unknown
		err := c.operands(focus, left, right, func(a, b []Item) error {
			x, y, ok, err := k.pair(n, a, b)
			if err != nil || !ok {
				return err
			}
			order, known, comparable := order(x, y)
			if !comparable {
				return k.failure(n, "%s and %s cannot be compared by %s", a[0].Type(), b[0].Type(), n.name)
			}
			if known {
				result = truthOf(holds(n.name, order))
			}
			return nil
		})
		return result.append(dst), err
	}
}

func holds(operator string, order int) bool {
	switch operator {
	case "<":
		return order < 0
	case ">":
		return order > 0
	case "<=":
		return order <= 0
	}
	return order >= 0
}

// pair are the values of two operands; ok is false where one is empty.
func (k *compiler) pair(n *node, a, b []Item) (x, y any, ok bool, err error) {
	if len(a) == 0 || len(b) == 0 {
		return nil, nil, false, nil
	}
	if len(a) > 1 || len(b) > 1 {
		return nil, nil, false, k.failure(n, "%s is between single items, not %d and %d", n.name, len(a), len(b))
	}
	x, y = a[0].system(), b[0].system()
	if x == nil || y == nil {
		return nil, nil, false, k.failure(n, "%s cannot be applied to %s and %s", n.name, a[0].Type(), b[0].Type())
	}
	return x, y, true, nil
}

func (k *compiler) unary(n *node) (program, error) {
	operand, err := k.compile(n.args[0])
	if err != nil {
		return nil, err
	}
	return func(c *evaluation, focus, dst []Item) ([]Item, error) {
		it, ok, err := k.one(c, n, operand)
		if err != nil || !ok {
			return dst, err
		}
		v := it.system()
		if asQuantity(v) == nil {
			return dst, k.failure(n, "%s stands before a number, not %s", n.name, it.Type())
		}
		if n.name == "-" {
			v = negate(v)
		}
		return append(dst, Item{value: v}), nil
	}, nil
}

func negate(v any) any {
	switch v := v.(type) {
	case int64:
		return -v
	case *apd.Decimal:
		return new(apd.Decimal).Neg(v)
	case *quantity:
		q := *v
		q.value = new(apd.Decimal).Neg(v.value)
		return &q
	}
	return v
}

func (k *compiler) arithmetic(n *node, left, right program) program {
	return func(c *evaluation, focus, dst []Item) ([]Item, error) {
		err := c.operands(focus, left, right, func(a, b []Item) error {
			if n.name == "&" {
				text, err := k.concatenate(n, a, b)
				if err != nil {
					return err
				}
				dst, err = c.emit(dst, text)
				return err
			}
			x, y, ok, err := k.pair(n, a, b)
			if err != nil || !ok {
				return err
			}
			v, ok := calculate(n.name, x, y)
			if !ok {
				return k.failure(n, "%s cannot be applied to %s and %s", n.name, a[0].Type(), b[0].Type())
			}
			dst, err = c.emit(dst, v)
			return err
		})
		return dst, err
	}
}

// concatenate is the operator &, for which an empty collection is an empty string.
func (k *compiler) concatenate(n *node, a, b []Item) (string, error) {
	var text string
	for _, side := range [][]Item{a, b} {
		if len(side) > 1 {
			return "", k.failure(n, "& is between single items, not %d and %d", len(a), len(b))
		}
		if len(side) == 0 {
			continue
		}
		s, ok := side[0].system().(string)
		if !ok {
			return "", k.failure(n, "& joins strings, not %s", side[0].Type())
		}
		text += s
	}
	return text, nil
}
