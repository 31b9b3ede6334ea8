package fhirpath

import "slices"

// subsetFunctions are those of FHIRPath's chapters "Subsetting" and "Combining".
var subsetFunctions = map[string]function{
	"single": {0, 0, func(k *compiler, n *node) (program, error) {
		return func(_ *evaluation, focus, dst []Item) ([]Item, error) {
			if len(focus) > 1 {
				return dst, k.failure(n, "single() is asked of one item, not of %d", len(focus))
			}
			return append(dst, focus...), nil
		}, nil
	}},
	"first": plain(func(_ *evaluation, focus, dst []Item) ([]Item, error) {
		return append(dst, focus[:min(1, len(focus))]...), nil
	}),
	"last": plain(func(_ *evaluation, focus, dst []Item) ([]Item, error) {
		return append(dst, focus[max(0, len(focus)-1):]...), nil
	}),
	"tail": plain(func(_ *evaluation, focus, dst []Item) ([]Item, error) {
		return append(dst, focus[min(1, len(focus)):]...), nil
	}),
	"skip":      slice(func(items []Item, n int) []Item { return items[n:] }),
	"take":      slice(func(items []Item, n int) []Item { return items[:n] }),
	"sort":      {0, 8, (*compiler).sort},
	"intersect": onCollections(func(c *evaluation, a, b, dst []Item) ([]Item, error) { return c.common(a, b, true, dst) }),
	"exclude":   onCollections(func(c *evaluation, a, b, dst []Item) ([]Item, error) { return c.common(a, b, false, dst) }),
	"combine": onCollections(func(c *evaluation, a, b, dst []Item) ([]Item, error) {
		return append(append(dst, a...), b...), c.spend(len(a) + len(b))
	}),
	"union": onCollections(func(c *evaluation, a, b, dst []Item) ([]Item, error) {
		all := append(append(c.buffer(), a...), b...)
		dst, err := c.distinct(all, dst)
		c.release(all)
		return dst, err
	}),
}

// sort orders a collection by keys, each an expression on $this; a minus sign before one turns its order around. Without keys the
// items themselves are compared. Items without a key come first.
func (k *compiler) sort(n *node) (program, error) {
	type key struct {
		lambda
		descending bool
	}
	var keys []key
	for _, arg := range n.args {
		descending := arg.kind == nodeUnary && arg.name == "-"
		if descending {
			arg = arg.args[0]
		}
		l, err := k.lambda(arg)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key{l, descending})
	}
	if len(keys) == 0 {
		keys = []key{{lambda: lambda{k, n, variable("this")}}}
	}
	return func(c *evaluation, focus, dst []Item) ([]Item, error) {
		type row struct {
			item Item
			keys []any
		}
		rows := make([]row, len(focus))
		for i := range focus {
			rows[i].item = focus[i]
			for _, key := range keys {
				items, err := key.on(c, focus, i, nil)
				if err != nil {
					return dst, err
				}
				v, err := k.value(c, n, items)
				if err != nil {
					return dst, err
				}
				rows[i].keys = append(rows[i].keys, v)
			}
			if err := c.spend(1); err != nil {
				return dst, err
			}
		}
		slices.SortStableFunc(rows, func(a, b row) int {
			for i, key := range keys {
				if order := keyOrder(a.keys[i], b.keys[i], key.descending); order != 0 {
					return order
				}
			}
			return 0
		})
		for i := range rows {
			dst = append(dst, rows[i].item)
		}
		return dst, nil
	}, nil
}

// keyOrder compares two sort keys; what cannot be compared is left as it was.
func keyOrder(x, y any, descending bool) int {
	switch {
	case x == nil && y == nil:
		return 0
	case x == nil:
		return -1
	case y == nil:
		return 1
	}
	o, known, comparable := order(x, y)
	switch {
	case !known || !comparable:
		return 0
	case descending:
		return -o
	}
	return o
}

// slice is a function with a number of items; cut gets one between 0 and the length.
func slice(cut func(items []Item, n int) []Item) function {
	return function{1, 1, func(k *compiler, n *node) (program, error) {
		arg, err := k.argument(n.args[0])
		return func(c *evaluation, focus, dst []Item) ([]Item, error) {
			i, ok, err := k.integer(c, n, arg)
			if err != nil || !ok {
				return dst, err
			}
			return append(dst, cut(focus, int(max(0, min(i, int64(len(focus))))))...), nil
		}, err
	}}
}

// common appends the items of a that are in b, each once, or those that are not, as often as they occur.
func (c *evaluation) common(a, b []Item, in bool, dst []Item) ([]Item, error) {
	others := newSet()
	for i := range b {
		if _, err := others.add(c, &b[i]); err != nil {
			return dst, err
		}
	}
	kept := c.buffer()
	defer func() { c.release(kept) }()
	for i := range a {
		found, err := others.has(c, &a[i])
		if err != nil {
			return dst, err
		}
		if found == in {
			kept = append(kept, a[i])
		}
	}
	if in {
		return c.distinct(kept, dst)
	}
	return append(dst, kept...), nil
}
