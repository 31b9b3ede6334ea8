package fhirpath

import (
	"github.com/cockroachdb/apd/v3"
)

// boundaryFunctions tell how precise a value is and what it may stand for (FHIRPath, "Boundaries" and "Precision").
var boundaryFunctions = map[string]function{
	"precision":    onValue(precision),
	"lowBoundary":  {0, 1, boundary(false)},
	"highBoundary": {0, 1, boundary(true)},
}

// places are the digits of a date or time up to each of its fields: 2014-01-05T10:30:00.000 has 17.
var places = [...]int64{year: 4, month: 6, day: 8, hour: 10, minute: 12, second: 14}

func precision(v any) any {
	switch v := v.(type) {
	case int64:
		return int64(0)
	case *apd.Decimal:
		return int64(max(0, -v.Exponent))
	case *quantity:
		return int64(max(0, -v.value.Exponent))
	case *temporal:
		n := places[v.precision]
		if v.digits > 0 {
			n += 3
		}
		if v.kind == kindTime {
			n -= places[day]
		}
		return n
	}
	return nil
}

// boundary compiles lowBoundary(precision) or highBoundary(precision).
func boundary(high bool) func(k *compiler, n *node) (program, error) {
	return func(k *compiler, n *node) (program, error) {
		args, err := k.compileAll(n.args)
		return func(c *evaluation, focus, dst []Item) ([]Item, error) {
			v, err := k.value(c, n, focus)
			if err != nil || v == nil {
				return dst, err
			}
			precision := int64(-1)
			if len(args) > 0 {
				i, ok, err := k.integer(c, n, args[0])
				if err != nil || !ok || i < 0 {
					return dst, err
				}
				precision = i
			}
			return c.emit(dst, boundaryOf(v, precision, high))
		}, err
	}
}

// boundaryOf is the least or greatest value that v may stand for, written with a precision; -1 is the kind's usual one.
func boundaryOf(v any, precision int64, high bool) any {
	switch v := v.(type) {
	case int64, *apd.Decimal:
		if d := decimalBoundary(decimalOf(v), precision, high); d != nil {
			return d
		}
	case *quantity:
		if d := decimalBoundary(v.value, precision, high); d != nil {
			q := *v
			q.value = d
			return &q
		}
	case *temporal:
		return v.boundary(precision, high)
	}
	return nil
}

func decimalBoundary(d *apd.Decimal, precision int64, high bool) *apd.Decimal {
	const usual, most = 8, 28
	if precision < 0 {
		precision = usual
	}
	if precision > most {
		return nil
	}
	half := apd.New(5, min(d.Exponent, 0)-1)
	directed := decimals
	directed.Rounding = apd.RoundFloor
	if high {
		directed.Rounding = apd.RoundCeiling
	} else {
		half.Negative = true
	}
	var edge, out apd.Decimal
	if _, err := decimals.Add(&edge, d, half); err != nil {
		return nil
	}
	if _, err := directed.Quantize(&out, &edge, int32(-precision)); err != nil {
		return nil
	}
	return &out
}

// boundary is the earliest or latest moment that a date or time may stand for. A dateTime without zone may be anywhere on Earth.
func (t *temporal) boundary(precision int64, high bool) any {
	out := *t
	if t.precision == hour {
		out.precision = minute // FHIR has no times of an hour only: T08 is 08:00
	}
	for i := out.precision + 1; i < len(out.fields); i++ {
		out.fields[i] = out.edge(i, high)
	}
	if t.digits == 0 && high {
		out.nano = 999_000_000
	}
	if !t.hasZone && t.kind == kindDateTime {
		out.hasZone, out.zone = true, 14*60
		if high {
			out.zone = -12 * 60
		}
	}
	if out.precision = t.placeOf(precision); out.precision < 0 {
		return nil
	}
	if out.precision == second {
		out.digits = 3
	}
	if out.precision <= day {
		return out.as(t.kind).withoutZone()
	}
	return &out
}

// edge is the least or greatest value of a field, given those before it.
func (t *temporal) edge(field int, high bool) int {
	switch {
	case field == month && high:
		return 12
	case field == day && high:
		return daysIn(t.fields[year], t.fields[month])
	case field == month || field == day:
		return 1
	case !high:
		return 0
	}
	return map[int]int{hour: 23, minute: 59, second: 59}[field]
}

// placeOf is the last field of a value with that many digits; -1 if no value of the kind has so many.
func (t *temporal) placeOf(precision int64) int {
	last := second
	if t.kind == kindDate {
		last = day
	}
	if precision < 0 {
		return last
	}
	if t.kind == kindTime {
		precision += places[day]
	}
	if precision == places[second]+3 && last == second {
		return second
	}
	for i := t.kind.first(); i <= min(last, minute); i++ {
		if places[i] == precision {
			return i
		}
	}
	return -1
}

func (t *temporal) withoutZone() *temporal {
	t.hasZone, t.zone = false, 0
	return t
}
