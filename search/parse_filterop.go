package search

import (
	"strings"

	"fhirside/fhir"
	"fhirside/fhir/ucum"
)

// operand is what an operator of _filter compares: a parameter with a value.
type operand struct {
	param    *Param
	code     string // the Param of the leaves: the parameter's code, or "" in a tuple
	op       string
	text     string
	ownUnits bool // a quantity is compared in its own unit only
}

func (o operand) comparison() comparison {
	return comparison{param: o.param, code: o.code, ownUnits: o.ownUnits}
}

// filterOp reads a comparison of _filter.
type filterOp func(p *parser, o operand) (Filter, error)

// filterOps are the operators of search_filter.html; pr is about paths and not values.
var filterOps = map[string]filterOp{
	"eq": (*parser).filterEqual,
	"ne": (*parser).filterUnequal,
	"co": (*parser).filterContains,
	"sw": (*parser).filterText, "ew": (*parser).filterText,
	"gt": (*parser).filterOrder, "lt": (*parser).filterOrder, "ge": (*parser).filterOrder, "le": (*parser).filterOrder,
	"ap": (*parser).filterOrder, "sa": (*parser).filterOrder, "eb": (*parser).filterOrder,
	"po": (*parser).filterOverlap,
	"ss": (*parser).filterConcept, "sb": (*parser).filterConcept, "in": (*parser).filterConcept, "ni": (*parser).filterConcept,
	"re": (*parser).filterReference,
	"pr": nil,
}

// filterOpNames are the operators in a message.
const filterOpNames = "eq, ne, co, sw, ew, gt, lt, ge, le, ap, sa, eb, pr, po, ss, sb, in, ni, re"

// ordered says whether the parameter's values are numbers, quantities or dates, whose comparisons are prefixes of the value.
func (o operand) ordered() bool {
	return o.param.Type == TypeNumber || o.param.Type == TypeDate || o.param.Type == TypeQuantity
}

// value reads the operand's text as one value of the parameter.
func (p *parser) value(o operand, prefix string) (Filter, error) {
	if o.param.Type == TypeComposite {
		return p.compositeLeaf(o.comparison(), o.text)
	}
	return leafReaders[o.param.Type](p, o.comparison(), prefix+o.text)
}

func (p *parser) inapplicable(o operand) error {
	return p.errorf(fhir.CodeNotSupported, "%s does not apply to %q, which is of type %s", o.op, o.param.Code, o.param.Type)
}

func (p *parser) filterEqual(o operand) (Filter, error) {
	switch {
	case o.param.Type == TypeString:
		return p.filterText(o)
	case o.param.Type == TypeQuantity:
		o.text = withNamespace(o.text, 1)
		return p.value(o, "eq")
	case o.ordered():
		return p.value(o, "eq")
	case o.param.Type == TypeToken:
		return p.filterToken(o)
	}
	return p.value(o, "")
}

// filterUnequal: ne holds where some value differs.
func (p *parser) filterUnequal(o operand) (Filter, error) {
	switch {
	case o.ordered():
		return p.filterOrder(o)
	case o.param.Type == TypeString:
		return p.filterText(o)
	case o.code == idName: // there is one, and no more
		f, err := p.value(o, "")
		return Not{f}, err
	case o.param.Type == TypeToken:
		f, err := p.filterToken(o)
		return other(o.code, f), err
	}
	return nil, p.errorf(fhir.CodeNotSupported, "ne on %q is not supported: write not (%s eq …), which holds where no value is equal", o.param.Code, o.param.Code)
}

// other is the filter for a token that is none of those that another one is for.
func other(param string, f Filter) Filter {
	switch f := f.(type) {
	case Token:
		return Other{param, []Token{f}}
	case Or:
		o := Other{Param: param}
		for _, part := range f {
			if t, ok := part.(Token); ok {
				o.Tokens = append(o.Tokens, t)
			}
		}
		return o
	}
	return f
}

// filterContains: co compares texts, and dates: a period includes the one that the value stands for.
func (p *parser) filterContains(o operand) (Filter, error) {
	switch o.param.Type {
	case TypeDate:
		return p.dateBy(o, Covers)
	case TypeNumber:
		return nil, p.errorf(fhir.CodeNotSupported, "co on %q is not supported, since it is not indexed how exactly numbers were written: write eq, or ge and le", o.param.Code)
	}
	return p.filterText(o)
}

var textOps = map[string]StringOp{
	"eq": Equal, "ne": Unequal, "co": Contains, "sw": Begins, "ew": Suffix,
	"gt": Greater, "lt": Less, "ge": GreaterOrEqual, "le": LessOrEqual,
}

func (p *parser) filterText(o operand) (Filter, error) {
	op, ok := textOps[o.op]
	if !ok || o.param.Type != TypeString || o.param.Words {
		return nil, p.inapplicable(o)
	}
	folded := Fold(o.text)
	if folded == "" {
		return None{}, nil // nothing of the text counts
	}
	return String{o.code, op, folded}, nil
}

func (p *parser) filterOrder(o operand) (Filter, error) {
	if !o.ordered() {
		return p.filterText(o)
	}
	if o.param.Type == TypeQuantity {
		o.text = withNamespace(o.text, 1)
	}
	return p.value(o, o.op)
}

// filterOverlap: po holds where a period overlaps with the one that the value stands for.
func (p *parser) filterOverlap(o operand) (Filter, error) {
	if o.param.Type != TypeDate {
		return nil, p.inapplicable(o)
	}
	return p.dateBy(o, Ap) // without widening
}

// dateBy compares with the interval that the value stands for.
func (p *parser) dateBy(o operand, op Op) (Filter, error) {
	f, err := p.value(o, "eq")
	if err != nil {
		return nil, err
	}
	d := f.(Date)
	d.Op = op
	return d, nil
}

// filterToken reads a token, which is never case sensitive here.
func (p *parser) filterToken(o operand) (Filter, error) {
	o.text = withNamespace(o.text, 0)
	f, err := p.value(o, "")
	if err != nil {
		return nil, err
	}
	list, ok := f.(Or)
	if !ok {
		list = Or{f}
	}
	var all Or
	for _, part := range list {
		t, ok := part.(Token)
		if !ok || t.Fold || t.AnyCode {
			all = append(all, part)
			continue
		}
		for _, code := range spellings(t.Code) {
			t.Code = code
			all = append(all, t)
		}
	}
	return AnyOf(all...), nil
}

// namespaces have names of their own in filters.
var namespaces = map[string]string{
	"loinc": "http://loinc.org", "snomed": "http://snomed.info/sct", "rxnorm": "http://www.nlm.nih.gov/research/umls/rxnorm", "ucum": ucum.System,
}

// withNamespace puts the URL of a system in the place of its name, in that part between the pipes of a value.
func withNamespace(text string, part int) string {
	parts := split(text, '|')
	if part+1 >= len(parts) {
		return text
	}
	if url, ok := namespaces[strings.ToLower(parts[part])]; ok {
		parts[part] = url
	}
	return strings.Join(parts, "|")
}

// filterConcept reads ss (the value subsumes a concept), sb (it is subsumed by one), in (a value set has one) and ni (it has none).
func (p *parser) filterConcept(o operand) (Filter, error) {
	if o.param.Type != TypeToken || !yields(o.param, concepts) {
		return nil, p.inapplicable(o)
	}
	c, value := o.comparison(), commas.Replace(o.text)
	switch o.op {
	case "ss":
		return p.subsumed(c, withNamespace(value, 0))
	case "sb":
		return p.subsuming(c, withNamespace(value, 0))
	case "ni":
		return p.notIn(c, value)
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
