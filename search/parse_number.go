package search

import (
	"math"
	"math/big"

	"fhirside/fhir"
)

// prefixes are the comparisons that a number, quantity or date may begin with (search.html#prefix).
var prefixes = map[string]Op{"eq": Eq, "ne": Ne, "gt": Gt, "lt": Lt, "ge": Ge, "le": Le, "sa": Sa, "eb": Eb, "ap": Ap}

// comparators are the prefixes in a message.
const comparators = "eq, ne, gt, lt, ge, le, sa, eb, ap"

// cutPrefix takes the comparison off a value; without one it is eq.
func cutPrefix(text string) (Op, string) {
	if len(text) >= 2 {
		if op, ok := prefixes[text[:2]]; ok {
			return op, text[2:]
		}
	}
	return Eq, text
}

func (p *parser) numberLeaf(c comparison, text string) (Filter, error) {
	number, err := p.number(c, unescape(text))
	if err != nil {
		return nil, err
	}
	return number, nil
}

// number reads a number with its prefix and the precision that it is written with. ap widens that to a tenth of the value to
// both sides (search.html#prefix).
func (p *parser) number(c comparison, text string) (Number, error) {
	op, digits := cutPrefix(text)
	d, err := fhir.ParseDecimal(digits)
	if err != nil {
		return Number{}, p.errorf(fhir.CodeValue, "%q is not a number: write one such as 5.4 or 1e-3, after %s or nothing", clip(text), comparators)
	}
	n := Number{Param: c.code, Op: op, Value: d.Float()}
	n.Lo, n.Hi = d.Range()
	n.Hi = max(n.Hi, math.Nextafter(n.Value, math.Inf(1))) // of more digits than a double has only the value is left
	if op == Ap {
		tenth := new(big.Rat).Quo(d.Rat(), big.NewRat(10, 1))
		tenth.Abs(tenth)
		lo, _ := new(big.Rat).Sub(d.Rat(), tenth).Float64()
		hi, _ := new(big.Rat).Add(d.Rat(), tenth).Float64()
		n.Lo, n.Hi = min(n.Lo, lo), max(n.Hi, hi)
	}
	return n, nil
}

// quantityLeaf reads number, number|system|code or number||unit (search.html#quantity).
func (p *parser) quantityLeaf(c comparison, text string) (Filter, error) {
	parts := split(text, '|')
	number, err := p.number(c, unescape(parts[0]))
	if err != nil {
		return nil, err
	}
	q := Quantity{Number: number, AnyUnit: true}
	if len(parts) == 1 {
		return q, nil
	}
	if len(parts) != 3 {
		return nil, p.errorf(fhir.CodeValue, "%q: write number, number|system|code or number||unit", clip(text))
	}
	q.System, q.Unit = unescape(parts[1]), unescape(parts[2])
	switch {
	case q.System == "" && q.Unit == "":
		return q, nil
	case q.Unit == "":
		return nil, p.errorf(fhir.CodeValue, "%q has a system of units and no unit", clip(text))
	}
	q.AnyUnit, q.AnySystem = false, q.System == ""
	return q, nil
}
