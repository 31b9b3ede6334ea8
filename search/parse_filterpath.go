package search

import (
	"slices"
	"strings"

	"fhirside/fhir"
)

func (j filterJoin) build(p *parser, types []string, depth int) (Filter, error) {
	left, err := j.left.build(p, types, depth)
	if err != nil {
		return nil, err
	}
	right, err := j.right.build(p, types, depth)
	switch {
	case err != nil:
		return nil, err
	case j.or:
		return AnyOf(left, right), nil
	}
	return And{left, right}, nil
}

func (n filterNot) build(p *parser, types []string, depth int) (Filter, error) {
	part, err := n.part.build(p, types, depth)
	return Not{part}, err
}

func (j filterJoin) knownTo(p *parser, resourceType string) bool {
	return j.left.knownTo(p, resourceType) && j.right.knownTo(p, resourceType)
}

func (n filterNot) knownTo(p *parser, resourceType string) bool {
	return n.part.knownTo(p, resourceType)
}

func (c filterComparison) knownTo(p *parser, resourceType string) bool {
	return c.path.knownTo(p, resourceType)
}

func (path *filterPath) knownTo(p *parser, resourceType string) bool {
	if path.within == nil {
		return p.knows(resourceType, path.name)
	}
	name, err := p.bracketed(path.name)
	return err == nil && p.knows(resourceType, name)
}

// build reads the comparison as one on resources of these types.
func (c filterComparison) build(p *parser, types []string, depth int) (Filter, error) {
	defer p.at(c.place)()
	if err := p.step(1); err != nil {
		return nil, err
	}
	if c.op == "pr" && c.value != "true" && c.value != "false" {
		return nil, p.errorf(fhir.CodeValue, "%q is neither true nor false", clip(c.value))
	}
	f, err := c.along(p, c.path, types, depth)
	if err == nil && c.op == "pr" && c.value == "false" {
		f = Not{f}
	}
	return f, err
}

// along goes a path from resources of these types, and compares what is at its end. For pr it holds where there is something.
func (c filterComparison) along(p *parser, path *filterPath, types []string, depth int) (Filter, error) {
	if path.within == nil {
		return p.condition(types, path.name, func(param *Param, modifier string) (Filter, error) {
			if modifier != "" {
				return nil, p.errorf(fhir.CodeNotSupported, "a filter has operators and no modifiers: %q", clip(path.name))
			}
			return c.compare(p, operand{param: param, code: param.Code, op: c.op, text: c.value})
		}, depth)
	}
	name, err := p.bracketed(path.name)
	if err != nil {
		return nil, err
	}
	return p.condition(types, name, func(param *Param, modifier string) (Filter, error) {
		if group := choosable[param.URL]; group != nil && group.composite != "" {
			param = p.reg.Param(group.resourceType, group.composite)
		}
		switch param.Type {
		case TypeReference:
			knows := func(target string) bool {
				return path.rest.knownTo(p, target) && path.within.knownTo(p, target)
			}
			return p.through(param, modifier, path.rest.name, knows, func(target string) (Filter, error) {
				return c.chosen(p, path, target, depth+1+strings.Count(name, "."))
			})
		case TypeComposite:
			return c.tuples(p, param, path)
		}
		return nil, p.errorf(fhir.CodeInvalid,
			"brackets choose among what a reference refers to, or among the tuples of a composite: %q is of type %s", param.Code, param.Type)
	}, depth)
}

// chosen is the condition on a resource of a type to be chosen by the brackets and to be what is asked behind them.
func (c filterComparison) chosen(p *parser, path *filterPath, target string, depth int) (Filter, error) {
	if depth > maxDepth {
		return nil, p.errorf(fhir.CodeTooCostly, "chains and _has go at most %d resources far", maxDepth)
	}
	within, err := path.within.build(p, []string{target}, depth)
	if err != nil {
		return nil, err
	}
	behind, err := c.along(p, path.rest, []string{target}, depth)
	return AllOf(within, behind), err
}

// compare compares the values of a parameter.
func (c filterComparison) compare(p *parser, o operand) (Filter, error) {
	if o.op == "pr" {
		if o.param.Type == TypeSpecial || o.param.Words {
			return nil, p.inapplicable(o)
		}
		return p.missing(comparison{param: o.param, code: o.code}, "false")
	}
	f, err := filterOps[o.op](p, o)
	if err == nil {
		err = p.step(leaves(f))
	}
	return f, err
}

// choices are what brackets behind an additional parameter of search_filter.html choose from: the tuples of a composite, whose
// components have other names there.
type choices struct {
	resourceType, composite string
	names                   map[string]string // of components, by their names in filters
}

// choosable are the additional parameters, by the URL of R4's parameter that brackets make one of.
var choosable = map[string]*choices{
	"http://hl7.org/fhir/SearchParameter/Group-characteristic": {"Group", "characteristic-value", nil},
	"http://hl7.org/fhir/SearchParameter/Group-characteristic-value": {
		names: map[string]string{"code": "characteristic", "value": "value"}},
	"http://hl7.org/fhir/SearchParameter/DocumentReference-relationship": {
		names: map[string]string{"code": "relation", "target": "relatesto"}},
}

// bracketed is the name of the parameter that brackets follow: additional ones are called otherwise in R4, or are not in it any more.
func (p *parser) bracketed(name string) (string, error) {
	last := name[strings.LastIndexByte(name, '.')+1:]
	switch last {
	case "relatesTo":
		return strings.TrimSuffix(name, last) + "relationship", nil
	case "related":
		return "", p.errorf(fhir.CodeNotSupported, "R4 has no parameters related-type and related-target any more: write has-member or derived-from, without brackets")
	}
	return name, nil
}

// tuples is the condition that one tuple of a composite is chosen by the brackets and is what is asked behind them.
func (c filterComparison) tuples(p *parser, composite *Param, path *filterPath) (Filter, error) {
	b := tupleBuilder{p, composite}
	within, err := b.alternatives(path.within)
	if err != nil {
		return nil, err
	}
	behind := []tuple{b.any()}
	if path.rest.within != nil {
		return nil, p.errorf(fhir.CodeNotSupported, "tuples have no brackets in them")
	}
	if c.op != "pr" {
		c.path = path.rest
		if behind, err = b.alternatives(c); err != nil {
			return nil, err
		}
	} else if _, err := b.component(path.rest.name); err != nil {
		return nil, err
	}
	all, err := b.product(within, behind)
	if err != nil {
		return nil, err
	}
	alternatives := make(Or, 0, len(all))
	for _, t := range all {
		f, err := b.filter(t)
		if err != nil {
			return nil, err
		}
		alternatives = append(alternatives, f)
	}
	return AnyOf(alternatives...), nil
}

// tupleBuilder reads conditions on the tuples of a composite.
type tupleBuilder struct {
	p         *parser
	composite *Param
}

// tuple are conditions on one tuple: for each component those that it must satisfy.
type tuple struct {
	parts []And
	// converted and own say which of the conditions on quantities are in canonical units, and which are not.
	converted, own bool
}

func (b tupleBuilder) any() tuple { return tuple{parts: make([]And, len(b.composite.Components))} }

// alternatives are the conditions of which a tuple must satisfy one.
func (b tupleBuilder) alternatives(x filterExpression) ([]tuple, error) {
	switch x := x.(type) {
	case filterComparison:
		return b.comparison(x)
	case filterJoin:
		left, err := b.alternatives(x.left)
		if err != nil {
			return nil, err
		}
		right, err := b.alternatives(x.right)
		switch {
		case err != nil:
			return nil, err
		case x.or:
			return append(left, right...), nil
		}
		return b.product(left, right)
	}
	return nil, b.p.errorf(fhir.CodeNotSupported, "not is not supported in the brackets of a composite")
}

func (b tupleBuilder) comparison(c filterComparison) ([]tuple, error) {
	p := b.p
	defer p.at(c.place)()
	if c.path.within != nil {
		return nil, p.errorf(fhir.CodeNotSupported, "tuples have no brackets in them")
	}
	i, err := b.component(c.path.name)
	if err != nil {
		return nil, err
	}
	component := b.composite.Components[i]
	if c.op == "pr" {
		return nil, p.errorf(fhir.CodeNotSupported, "pr is not supported in the brackets of a composite: its tuples have all of their components")
	}
	f, err := c.compare(p, operand{param: component, op: c.op, text: c.value, ownUnits: !HasCanonicalTuples(b.composite)})
	if err != nil {
		return nil, err
	}
	t := b.any()
	switch f := f.(type) {
	case None:
		return nil, nil
	case Not:
		return nil, p.errorf(fhir.CodeNotSupported, "%s is not supported in the brackets of a composite", c.op)
	case Or:
		if component.Type == TypeQuantity { // in the canonical unit, of tuples as they are and of converted ones
			t.parts[i], t.converted = And{f[0]}, true
			return []tuple{t}, nil
		}
	}
	t.parts[i], t.own = And{f}, component.Type == TypeQuantity
	return []tuple{t}, nil
}

// component finds a component by its name.
func (b tupleBuilder) component(name string) (int, error) {
	code := name
	if other := choosable[b.composite.URL]; other != nil && other.names[name] != "" {
		code = other.names[name]
	}
	i := slices.IndexFunc(b.composite.Components, func(c *Param) bool { return c.Code == code })
	if i < 0 {
		return 0, b.p.errorf(fhir.CodeInvalid, "%q is no part of %q, which is %s", clip(name), b.composite.Code, componentNames(b.composite))
	}
	return i, nil
}

// product are the conditions of both.
func (b tupleBuilder) product(left, right []tuple) (both []tuple, err error) {
	if err := b.p.step(len(left) * len(right)); err != nil {
		return nil, err
	}
	for _, x := range left {
		for _, y := range right {
			t := tuple{parts: make([]And, len(x.parts)), converted: x.converted || y.converted, own: x.own || y.own}
			for i := range t.parts {
				t.parts[i] = slices.Concat(x.parts[i], y.parts[i])
			}
			both = append(both, t)
		}
	}
	return both, nil
}

func (b tupleBuilder) filter(t tuple) (Filter, error) {
	if t.converted && t.own {
		return nil, b.p.errorf(fhir.CodeNotSupported, "quantities of one tuple are compared with units of UCUM, or without: not with both")
	}
	f, bounded := Composite{Param: b.composite.Code}, false
	for _, part := range t.parts {
		f.Parts = append(f.Parts, AllOf(part...))
		bounded = bounded || len(part) > 0
	}
	switch {
	case !bounded:
		return Present{b.composite.Code}, nil
	case t.converted:
		return Or{f, Composite{f.Param + CanonicalEntries, f.Parts}}, nil
	}
	return f, nil
}
