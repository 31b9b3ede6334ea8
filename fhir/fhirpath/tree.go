package fhirpath

import (
	"time"

	"fhirside/fhir"
)

// treeFunctions are those of FHIRPath's chapters "Tree navigation" and "Utility functions".
var treeFunctions = map[string]function{
	"children": plain(func(c *evaluation, focus, dst []Item) (_ []Item, err error) {
		for i := range focus {
			if dst, err = c.children(&focus[i], dst); err != nil {
				return dst, err
			}
		}
		return dst, nil
	}),
	"descendants": plain(func(c *evaluation, focus, dst []Item) (_ []Item, err error) {
		for i := range focus {
			if dst, err = c.descendants(&focus[i], dst); err != nil {
				return dst, err
			}
		}
		return dst, nil
	}),
	// trace only gives its input back: there is nobody to read what it would print.
	"trace": {1, 2, func(k *compiler, n *node) (program, error) {
		_, err := k.compileAll(n.args)
		return func(_ *evaluation, focus, dst []Item) ([]Item, error) { return append(dst, focus...), nil }, err
	}},
	"now": plain(func(c *evaluation, _, dst []Item) ([]Item, error) { return append(dst, Item{value: c.clock()}), nil }),
	"today": plain(func(c *evaluation, _, dst []Item) ([]Item, error) {
		return append(dst, Item{value: c.clock().as(kindDate)}), nil
	}),
	"timeOfDay": plain(func(c *evaluation, _, dst []Item) ([]Item, error) {
		return append(dst, Item{value: c.clock().as(kindTime)}), nil
	}),
}

// descendants appends an item's children, and theirs.
func (c *evaluation) descendants(it *Item, dst []Item) ([]Item, error) {
	start := len(dst)
	dst, err := c.children(it, dst)
	for i := start; err == nil && i < len(dst); i++ {
		child := dst[i]
		dst, err = c.children(&child, dst)
	}
	return dst, err
}

// clock is the time of the evaluation: one time, however often it is asked for.
func (c *evaluation) clock() *temporal {
	if c.now == nil {
		now := time.Now
		if c.env.Now != nil {
			now = c.env.Now
		}
		c.now = fromTime(now())
	}
	return c.now
}

// fhirFunctions are those that FHIR adds (fhirpath.html).
var fhirFunctions = map[string]function{
	"extension": {1, 1, (*compiler).extension},
	"hasValue": onTruth(func(focus []Item) bool {
		return len(focus) == 1 && (focus[0].typ == nil || focus[0].primitive() && focus[0].element.Exists())
	}),
	"getValue": {0, 0, func(*compiler, *node) (program, error) {
		return func(c *evaluation, focus, dst []Item) ([]Item, error) {
			if len(focus) != 1 || focus[0].typ != nil && !focus[0].primitive() {
				return dst, nil
			}
			return c.emit(dst, focus[0].system())
		}, nil
	}},
	"resolve": plain(func(c *evaluation, focus, dst []Item) ([]Item, error) {
		for i := range focus {
			if target, ok := c.resolve(&focus[i]); ok {
				dst = append(dst, target)
			}
		}
		return dst, nil
	}),
}

// extension(url) is short for extension.where(url = …).
func (k *compiler) extension(n *node) (program, error) {
	arg, err := k.argument(n.args[0])
	path := []*step{newStep("extension")}
	return func(c *evaluation, focus, dst []Item) ([]Item, error) {
		url, ok, err := k.text(c, n, arg)
		if err != nil || !ok {
			return dst, err
		}
		all, err := c.walkAll(focus, path, c.buffer())
		for i := range all {
			if err == nil && all[i].element.Get("url").Is(url) {
				dst = append(dst, all[i])
			}
		}
		c.release(all)
		return dst, err
	}, err
}

// resolve is what a Reference, canonical or uri refers to: a contained resource, what the environment finds, or else an item that
// has nothing but the type which the reference tells.
func (c *evaluation) resolve(it *Item) (Item, bool) {
	text, stated := it.element.Text(), ""
	if it.element.Kind() == fhir.Object {
		text, stated = it.element.Get("reference").Text(), it.element.Get("type").Text()
	}
	if text == "" {
		return unresolved(stated)
	}
	ref := fhir.ParseReference(text)
	if ref.Fragment != "" && ref.URL == "" {
		return c.contained(ref.Fragment)
	}
	if c.env.Resolve != nil {
		if r := c.env.Resolve(text); r != nil {
			return Focus(r), true
		}
	}
	if ref.Type != "" {
		return unresolved(ref.Type)
	}
	return unresolved(stated)
}

// unresolved is a resource of which only the type is known.
func unresolved(typeName string) (Item, bool) {
	it := FocusOn(fhir.Element{}, fhir.Element{}, typeName)
	return it, it.typ != nil
}

// contained is the resource inside the root resource with that id; "" is the root itself ("#").
func (c *evaluation) contained(id string) (Item, bool) {
	root := c.rootResource()
	if id == "" {
		return root, root.typ != nil
	}
	for e := range root.element.Get("contained").Each() {
		if e.Get("id").Is(id) {
			return FocusOn(e, fhir.Element{}, e.Get("resourceType").Text()), true
		}
	}
	return Item{}, false
}
