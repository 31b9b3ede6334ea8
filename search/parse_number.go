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
	op, d, err := p.decimal(text)
	if err != nil {
		return nil, err
	}
	return numberOf(c.code, op, d), nil
}

// decimal reads a number with its prefix.
func (p *parser) decimal(text string) (Op, fhir.Decimal, error) {
	op, digits := cutPrefix(unescape(text))
	d, err := fhir.ParseDecimal(digits)
	if err != nil {
		err = p.errorf(fhir.CodeValue, "%q is not a number: write one such as 5.4 or 1e-3, after %s or nothing", clip(text), comparators)
	}
	return op, d, err
}

// numberOf compares with a number at the precision that it is written with.
func numberOf(code string, op Op, d fhir.Decimal) Number {
	n := Number{Param: code, Op: op, Value: d.Float()}
	n.Lo, n.Hi = d.Range()
	if op == Ap {
		lo, hi := tenthAround(d.Rat())
		n.Lo, n.Hi = min(n.Lo, float(lo)), max(n.Hi, float(hi))
	}
	n.Hi = max(n.Hi, math.Nextafter(n.Value, math.Inf(1))) // of more digits than a double has only the value is left
	return n
}

// tenthAround is what ap widens a number to: a tenth of the value to both sides (search.html#prefix).
func tenthAround(value *big.Rat) (lo, hi *big.Rat) {
	tenth := new(big.Rat).Quo(value, big.NewRat(10, 1))
	tenth.Abs(tenth)
	return new(big.Rat).Sub(value, tenth), new(big.Rat).Add(value, tenth)
}

// float is the nearest double.
func float(r *big.Rat) float64 {
	f, _ := r.Float64()
	return f
}
