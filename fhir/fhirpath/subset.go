package fhirpath

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
