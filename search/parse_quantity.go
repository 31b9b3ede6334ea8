package search

import (
	"math"

	"fhirside/fhir"
	"fhirside/fhir/ucum"
)

// CanonicalEntries is what follows a parameter's code in the name of the entries that hold its quantities in canonical units.
const CanonicalEntries = ":canonical"

// quantity is a value of a quantity parameter: number, number|system|code or number||unit (search.html#quantity).
type quantity struct {
	op           Op
	decimal      fhir.Decimal
	system, code string     // code: also the printed unit where there is no system
	unit         *ucum.Unit // nil: compared in its own unit only
}

// quantity reads a value. Of one in a UCUM unit it knows how to convert it; a code that is none of UCUM's is compared as it is.
func (p *parser) quantity(text string) (q quantity, err error) {
	parts := split(text, '|')
	if q.op, q.decimal, err = p.decimal(parts[0]); err != nil {
		return q, err
	}
	switch len(parts) {
	case 1:
		return q, nil
	case 3:
		q.system, q.code = unescape(parts[1]), unescape(parts[2])
	default:
		return q, p.errorf(fhir.CodeValue, "%q: write number, number|system|code or number||unit", clip(text))
	}
	if q.system != "" && q.code == "" {
		return q, p.errorf(fhir.CodeValue, "%q has a system of units and no unit", clip(text))
	}
	if q.system == ucum.System {
		q.unit, _ = ucum.Parse(q.code)
	}
	return q, nil
}

// leaf compares with the quantity in its own unit, or in the canonical one.
func (q quantity) leaf(code string) Quantity {
	f := Quantity{Number: numberOf(code, q.op, q.decimal), AnyUnit: q.code == "", AnySystem: q.code != "" && q.system == "", System: q.system, Unit: q.code}
	if q.unit == nil || q.unit.IsCanonical() {
		return f
	}
	f.Unit = q.unit.Canonical()
	value := q.decimal.Rat()
	lo, hi := q.decimal.Bounds()
	if q.op == Ap {
		if a, b := tenthAround(value); a.Cmp(lo) < 0 {
			lo, hi = a, b
		}
	}
	f.Value, f.Lo, f.Hi = float(q.unit.ToCanonical(value)), float(q.unit.ToCanonical(lo)), float(q.unit.ToCanonical(hi))
	f.Hi = max(f.Hi, math.Nextafter(f.Value, math.Inf(1)))
	return f
}

// quantityLeaf finds quantities in a UCUM unit in whichever unit of its dimension they are: those in the canonical one by their
// own entries, all others by their canonical ones.
func (p *parser) quantityLeaf(c comparison, text string) (Filter, error) {
	q, err := p.quantity(text)
	if err != nil {
		return nil, err
	}
	if c.ownUnits {
		q.unit = nil
	}
	if q.unit == nil {
		return q.leaf(c.code), nil
	}
	return Or{q.leaf(c.code), q.leaf(c.code + CanonicalEntries)}, nil
}

// HasCanonicalTuples says whether the tuples of a composite have canonical ones beside them: those with one quantity.
func HasCanonicalTuples(param *Param) bool {
	quantities := 0
	for _, c := range param.Components {
		if c.Type == TypeQuantity {
			quantities++
		}
	}
	return quantities == 1
}
