package fhirpath

import (
	"fmt"

	"github.com/cockroachdb/apd/v3"

	"fhirside/fhir"
)

// function is how a call of a function is compiled.
type function struct {
	min, max int // how many arguments it takes
	compile  func(k *compiler, n *node) (program, error)
}

// functions by name. It is filled by init, since the functions' arguments are compiled by what looks here.
var functions = map[string]function{}

func init() {
	for _, group := range []map[string]function{
		existenceFunctions, filterFunctions, subsetFunctions, conversionFunctions, stringFunctions, mathFunctions, boundaryFunctions, treeFunctions, fhirFunctions,
	} {
		for name, f := range group {
			functions[name] = f
		}
	}
}

func (k *compiler) function(n *node) (program, error) {
	f, ok := functions[n.name]
	if !ok {
		return nil, k.errorf(n, "the function %s() is not supported", n.name)
	}
	if len(n.args) < f.min || len(n.args) > f.max {
		wanted := fmt.Sprint(f.min)
		if f.max > f.min {
			wanted = fmt.Sprintf("%d to %d", f.min, f.max)
		}
		return nil, k.errorf(n, "%s() takes %s arguments, not %d", n.name, wanted, len(n.args))
	}
	return f.compile(k, n)
}

// plain is a function without arguments.
func plain(p program) function {
	return function{0, 0, func(*compiler, *node) (program, error) { return p, nil }}
}

// onTruth is a function of the whole collection that says yes or no.
func onTruth(f func(focus []Item) bool) function {
	return plain(func(_ *evaluation, focus, dst []Item) ([]Item, error) {
		return truthOf(f(focus)).append(dst), nil
	})
}

// onValue is a function of one value; nil is the empty collection. It gives nothing for an empty collection and refuses several
// items.
func onValue(f func(v any) any) function {
	return function{0, 0, func(k *compiler, n *node) (program, error) {
		return func(c *evaluation, focus, dst []Item) ([]Item, error) {
			v, err := k.value(c, n, focus)
			if err != nil || v == nil {
				return dst, err
			}
			return c.emit(dst, f(v))
		}, nil
	}}
}

// maxText bounds the strings that an expression can make, in bytes.
const maxText = 1 << 20

// emit appends a computed value, and nothing where it is nil.
func (c *evaluation) emit(dst []Item, v any) ([]Item, error) {
	if v == nil {
		return dst, nil
	}
	if s, ok := v.(string); ok && len(s) > maxText {
		return dst, fhir.Errorf(fhir.TooCostly, fhir.CodeTooCostly, "the FHIRPath expression makes a text of more than %d bytes", maxText)
	}
	return append(dst, Item{value: v}), c.spendText(v)
}

// spendText pays for reading or making a value: long strings are work.
func (c *evaluation) spendText(v any) error {
	s, _ := v.(string)
	return c.spend(1 + len(s)/16)
}

// value is the value of a single item; nil where the collection is empty or the item has no value.
func (k *compiler) value(c *evaluation, n *node, focus []Item) (any, error) {
	switch len(focus) {
	case 0:
		return nil, nil
	case 1:
		v := focus[0].system()
		return v, c.spendText(v)
	}
	return nil, k.failure(n, "%s() is asked of one item, not of %d", n.name, len(focus))
}

// compileAll compiles all arguments as functions of $this.
func (k *compiler) compileAll(nodes []*node) ([]program, error) {
	programs := make([]program, 0, len(nodes))
	for _, n := range nodes {
		p, err := k.argument(n)
		if err != nil {
			return nil, err
		}
		programs = append(programs, p)
	}
	return programs, nil
}

// onCollections is a function of the collection and one other.
func onCollections(f func(c *evaluation, focus, other, dst []Item) ([]Item, error)) function {
	return function{1, 1, func(k *compiler, n *node) (program, error) {
		arg, err := k.argument(n.args[0])
		if err != nil {
			return nil, err
		}
		return func(c *evaluation, focus, dst []Item) ([]Item, error) {
			other, err := arg(c, focus, c.buffer())
			if err == nil {
				dst, err = f(c, focus, other, dst)
			}
			c.release(other)
			return dst, err
		}, nil
	}}
}

// lambda is an argument that is evaluated for each item, which is $this then, with its position as $index.
type lambda struct {
	k    *compiler
	node *node
	run  program
}

func (k *compiler) lambda(n *node) (lambda, error) {
	p, err := k.compile(n)
	return lambda{k, n, p}, err
}

// on appends the result for the item at a position of the focus.
func (l lambda) on(c *evaluation, focus []Item, i int, dst []Item) ([]Item, error) {
	return l.with(c, focus[i:i+1:i+1], i, dst)
}

// with appends the result with these for $this and $index.
func (l lambda) with(c *evaluation, this []Item, index int, dst []Item) ([]Item, error) {
	outer, outerIndex := c.this, c.index
	c.this, c.index = this, index
	dst, err := l.run(c, c.this, dst)
	c.this, c.index = outer, outerIndex
	return dst, err
}

// test is the result for the item as a condition.
func (l lambda) test(c *evaluation, focus []Item, i int) (truth, error) {
	if err := c.spend(1); err != nil {
		return unknown, err
	}
	items, err := l.on(c, focus, i, c.buffer())
	defer func() { c.release(items) }()
	if err != nil {
		return unknown, err
	}
	return l.k.truth(l.node, items)
}

// distinct appends the items of a collection without those that equal an earlier one.
func (c *evaluation) distinct(items, dst []Item) ([]Item, error) {
	start := len(dst)
	const few = 16
	if len(items) <= few {
		for i := range items {
			found, err := c.includes(dst[start:], &items[i])
			if err != nil {
				return dst, err
			}
			if !found {
				dst = append(dst, items[i])
			}
		}
		return dst, nil
	}
	seen := newSet()
	for i := range items {
		added, err := seen.add(c, &items[i])
		if err != nil {
			return dst, err
		}
		if added {
			dst = append(dst, items[i])
		}
	}
	return dst, nil
}

// set holds items, no two of them equal.
type set struct{ buckets map[string][]Item }

func newSet() *set { return &set{map[string][]Item{}} }

// add says whether the item was new.
func (s *set) add(c *evaluation, it *Item) (bool, error) {
	key := it.bucket()
	found, err := c.includes(s.buckets[key], it)
	if err != nil || found {
		return false, err
	}
	s.buckets[key] = append(s.buckets[key], *it)
	return true, nil
}

func (s *set) has(c *evaluation, it *Item) (bool, error) {
	return c.includes(s.buckets[it.bucket()], it)
}

// bucket is the same for items that are equal.
func (it *Item) bucket() string {
	switch v := it.system().(type) {
	case nil:
		return it.Type()
	case string:
		return "'" + v
	case bool:
		return fmt.Sprint(v)
	case *temporal:
		return "@"
	default:
		if q := asQuantity(v); q.unit == "1" && q.system == "" {
			reduced, _ := new(apd.Decimal).Reduce(q.value)
			return reduced.Text('e')
		}
		return "quantity"
	}
}

// spendEqual pays for comparing an item, which is more work for a large element.
func (c *evaluation) spendEqual(it *Item) error { return c.spend(1 + len(it.element.Raw())/64) }
