package search

import (
	"strings"

	"fhirside/fhir"
)

// operand is what an operator of _filter compares: a parameter with a value.
type operand struct {
	param *Param
	op    string
	text  string
}

// filterOp reads a comparison of _filter.
type filterOp func(p *parser, o operand) (Filter, error)

// filterOps are the operators of search_filter.html; pr is about paths and not values.
var filterOps = map[string]filterOp{
	"eq": (*parser).filterEqual,
	"ne": (*parser).filterUnequal,
	"co": (*parser).filterText, "sw": (*parser).filterText, "ew": (*parser).filterText,
	"gt": (*parser).filterOrder, "lt": (*parser).filterOrder, "ge": (*parser).filterOrder, "le": (*parser).filterOrder,
	"ap": (*parser).filterOrder, "sa": (*parser).filterOrder, "eb": (*parser).filterOrder,
	"po": (*parser).filterOverlap,
	"ss": (*parser).filterConcept, "sb": (*parser).filterConcept, "in": (*parser).filterConcept,
	"re": (*parser).filterReference,
	"pr": nil,
}

// ordered says whether the parameter's values are numbers, quantities or dates, whose comparisons are prefixes of the value.
func (o operand) ordered() bool {
	return o.param.Type == TypeNumber || o.param.Type == TypeDate || o.param.Type == TypeQuantity
}

// value reads the operand's text as one value of the parameter.
func (p *parser) value(o operand, prefix string) (Filter, error) {
	c := comparison{param: o.param, code: o.param.Code}
	if o.param.Type == TypeComposite {
		return p.compositeLeaf(c, o.text)
	}
	return leafReaders[o.param.Type](p, c, prefix+o.text)
}

func (p *parser) inapplicable(o operand) error {
	return p.errorf(fhir.CodeNotSupported, "%s does not apply to %q, which is of type %s", o.op, o.param.Code, o.param.Type)
}

func (p *parser) filterEqual(o operand) (Filter, error) {
	switch {
	case o.param.Type == TypeString:
		return p.filterText(o)
	case o.ordered():
		return p.value(o, "eq")
	}
	return p.value(o, "")
}

// filterUnequal: ne holds where some value differs. Only the entries of ordered values can be asked that.
func (p *parser) filterUnequal(o operand) (Filter, error) {
	if !o.ordered() {
		return nil, p.errorf(fhir.CodeNotSupported, "ne on %q is not supported: write not (%s eq …), which holds where no value is equal", o.param.Code, o.param.Code)
	}
	return p.value(o, "ne")
}

var textOps = map[string]StringOp{"eq": Equal, "co": Contains, "sw": Prefix, "ew": Suffix}

func (p *parser) filterText(o operand) (Filter, error) {
	if o.param.Type != TypeString || o.param.Words {
		return nil, p.inapplicable(o)
	}
	folded := Fold(o.text)
	if folded == "" {
		return None{}, nil // nothing of the text counts
	}
	return String{o.param.Code, textOps[o.op], folded}, nil
}

func (p *parser) filterOrder(o operand) (Filter, error) {
	if !o.ordered() {
		return nil, p.inapplicable(o)
	}
	return p.value(o, o.op)
}

// filterOverlap: po holds where a period overlaps with the one that the value stands for.
func (p *parser) filterOverlap(o operand) (Filter, error) {
	if o.param.Type != TypeDate {
		return nil, p.inapplicable(o)
	}
	f, err := p.value(o, "eq")
	if err != nil {
		return nil, err
	}
	d := f.(Date)
	d.Op = Ap // without widening
	return d, nil
}

// filterConcept reads ss (the value subsumes a concept), sb (it is subsumed by one) and in (a value set has one).
func (p *parser) filterConcept(o operand) (Filter, error) {
	if o.param.Type != TypeToken || !yields(o.param, concepts) {
		return nil, p.inapplicable(o)
	}
	c := comparison{param: o.param, code: o.param.Code}
	value := commas.Replace(o.text)
	switch o.op {
	case "ss":
		return p.subsumed(c, value)
	case "sb":
		return p.subsuming(c, value)
	}
	return p.in(c, value)
}

// commas keeps a value of a filter from being a list.
var commas = strings.NewReplacer(",", `\,`)

func (p *parser) filterReference(o operand) (Filter, error) {
	if o.param.Type != TypeReference {
		return nil, p.inapplicable(o)
	}
	return p.value(o, "")
}
