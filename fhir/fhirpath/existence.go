package fhirpath

// existenceFunctions are those of FHIRPath's chapter "Existence", and not().
var existenceFunctions = map[string]function{
	"empty":      onTruth(func(focus []Item) bool { return len(focus) == 0 }),
	"exists":     {0, 1, (*compiler).exists},
	"all":        {1, 1, (*compiler).all},
	"allTrue":    onBooleans(true, true),
	"anyTrue":    onBooleans(false, true),
	"allFalse":   onBooleans(true, false),
	"anyFalse":   onBooleans(false, false),
	"subsetOf":   onCollections(func(c *evaluation, a, b, dst []Item) ([]Item, error) { return c.within(a, b, dst) }),
	"supersetOf": onCollections(func(c *evaluation, a, b, dst []Item) ([]Item, error) { return c.within(b, a, dst) }),
	"count": plain(func(_ *evaluation, focus, dst []Item) ([]Item, error) {
		return append(dst, Item{value: int64(len(focus))}), nil
	}),
	"distinct": plain(func(c *evaluation, focus, dst []Item) ([]Item, error) { return c.distinct(focus, dst) }),
	"isDistinct": plain(func(c *evaluation, focus, dst []Item) ([]Item, error) {
		different, err := c.distinct(focus, c.buffer())
		same := len(different) == len(focus)
		c.release(different)
		return truthOf(same).append(dst), err
	}),
	"not": {0, 0, func(k *compiler, n *node) (program, error) {
		return func(_ *evaluation, focus, dst []Item) ([]Item, error) {
			t, err := k.truth(n, focus)
			return t.not().append(dst), err
		}, nil
	}},
}

func (k *compiler) exists(n *node) (program, error) {
	if len(n.args) == 0 {
		return func(_ *evaluation, focus, dst []Item) ([]Item, error) {
			return truthOf(len(focus) > 0).append(dst), nil
		}, nil
	}
	criterion, err := k.lambda(n.args[0])
	return func(c *evaluation, focus, dst []Item) ([]Item, error) {
		for i := range focus {
			if t, err := criterion.test(c, focus, i); err != nil || t == yes {
				return yes.append(dst), err
			}
		}
		return no.append(dst), nil
	}, err
}

func (k *compiler) all(n *node) (program, error) {
	criterion, err := k.lambda(n.args[0])
	return func(c *evaluation, focus, dst []Item) ([]Item, error) {
		for i := range focus {
			if t, err := criterion.test(c, focus, i); err != nil || t != yes {
				return no.append(dst), err
			}
		}
		return yes.append(dst), nil
	}, err
}

// onBooleans are allTrue() and its kin: whether all, or any, of the booleans have a value.
func onBooleans(all, value bool) function {
	return function{0, 0, func(k *compiler, n *node) (program, error) {
		return func(_ *evaluation, focus, dst []Item) ([]Item, error) {
			for i := range focus {
				b, ok := focus[i].Boolean()
				if !ok {
					return dst, k.failure(n, "%s() is asked of booleans, not of %s", n.name, focus[i].Type())
				}
				if (b == value) != all {
					return truthOf(!all).append(dst), nil
				}
			}
			return truthOf(all).append(dst), nil
		}, nil
	}}
}

// within says whether each item of a is in b.
func (c *evaluation) within(a, b, dst []Item) ([]Item, error) {
	for i := range a {
		if found, err := c.includes(b, &a[i]); err != nil || !found {
			return no.append(dst), err
		}
	}
	return yes.append(dst), nil
}
