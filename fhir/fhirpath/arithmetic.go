package fhirpath

import (
	"math"
	"time"

	"github.com/cockroachdb/apd/v3"
)

// calculate applies + - * / div mod; nil is the empty collection (a division by zero, an overflow), and ok is false where the
// operator does not apply to such values.
func calculate(operator string, x, y any) (v any, ok bool) {
	switch x := x.(type) {
	case string:
		s, ok := y.(string)
		return x + s, ok && operator == "+"
	case int64:
		if y, ok := y.(int64); ok && operator != "/" {
			return integers(operator, x, y), true
		}
	case *temporal:
		q, ok := y.(*quantity)
		if !ok || operator != "+" && operator != "-" {
			return nil, false
		}
		return shift(x, q, operator == "-")
	}
	if a, b := decimalOf(x), decimalOf(y); a != nil && b != nil {
		return decimal(operator, a, b), true
	}
	p, q := asQuantity(x), asQuantity(y)
	if p == nil || q == nil {
		return nil, false
	}
	return quantities(operator, p, q)
}

// integers calculates in 32 bits, as FHIRPath's Integer; nil where the result does not fit.
func integers(operator string, x, y int64) any {
	var v int64
	switch operator {
	case "+":
		v = x + y
	case "-":
		v = x - y
	case "*":
		if x != 0 && (y > math.MaxInt32 || y < math.MinInt32 || x > math.MaxInt32 || x < math.MinInt32) {
			return nil
		}
		v = x * y
	default:
		if y == 0 {
			return nil
		}
		if operator == "div" {
			v = x / y
		} else {
			v = x % y
		}
	}
	if v > math.MaxInt32 || v < math.MinInt32 {
		return nil
	}
	return v
}

func decimal(operator string, x, y *apd.Decimal) any {
	var out apd.Decimal
	var err error
	switch operator {
	case "+":
		_, err = decimals.Add(&out, x, y)
	case "-":
		_, err = decimals.Sub(&out, x, y)
	case "*":
		_, err = decimals.Mul(&out, x, y)
	case "/":
		if y.IsZero() {
			return nil
		}
		_, err = decimals.Quo(&out, x, y)
		out.Reduce(&out)
	case "div":
		if y.IsZero() {
			return nil
		}
		if _, err = decimals.QuoInteger(&out, x, y); err == nil {
			return integerOf(&out)
		}
	case "mod":
		if y.IsZero() {
			return nil
		}
		_, err = decimals.Rem(&out, x, y)
	}
	if err != nil {
		return nil
	}
	return &out
}

// integerOf is a decimal without fraction as an integer; nil where it is too large.
func integerOf(d *apd.Decimal) any {
	n, err := d.Int64()
	if err != nil {
		return nil
	}
	return n
}

func quantities(operator string, p, q *quantity) (any, bool) {
	var unit *quantity
	switch operator {
	case "+", "-":
		if p.unit != q.unit || p.calendar != q.calendar || p.system != q.system {
			return nil, true
		}
		unit = p
	case "*":
		unit = p
		if p.unit == "1" {
			unit = q
		} else if q.unit != "1" {
			return nil, true
		}
	case "/":
		unit = p
		if p.unit == q.unit && p.calendar == q.calendar && p.system == q.system {
			unit = &quantity{unit: "1"}
		} else if q.unit != "1" {
			return nil, true
		}
	default:
		return nil, false
	}
	value, ok := decimal(operator, p.value, q.value).(*apd.Decimal)
	if !ok {
		return nil, true
	}
	return &quantity{value: value, unit: unit.unit, calendar: unit.calendar, system: unit.system}, true
}

// shift adds a duration to a date or time (FHIRPath, "Date/Time Arithmetic"). A fraction counts for seconds only, and what is
// finer than the value's precision is counted in whole units of that. UCUM's years and months are no calendar's.
func shift(t *temporal, q *quantity, back bool) (any, bool) {
	unit := q.unit
	if !q.calendar {
		if q.system != "" || unit == "a" || unit == "mo" {
			return nil, false
		}
		if unit = ucumDurations[q.unit]; unit == "" {
			if _, word := calendarUnits[q.unit]; !word {
				return nil, false
			}
			unit = calendarUnits[q.unit]
		}
	}
	if t.kind == kindTime && (unit == "year" || unit == "month" || unit == "week" || unit == "day") {
		return nil, false
	}
	var whole apd.Decimal
	rounding := decimals
	rounding.Rounding = apd.RoundDown
	if _, err := rounding.Quantize(&whole, q.value, 0); err != nil {
		return nil, true
	}
	n, err := whole.Int64()
	if err != nil || n > 1e15 || n < -1e15 {
		return nil, true
	}
	if back {
		n = -n
	}
	if unit == "year" || unit == "month" {
		return shiftMonths(t, n, unit), true
	}
	return shiftTime(t, n, unit), true
}

func shiftMonths(t *temporal, n int64, unit string) any {
	if unit == "year" {
		n *= 12
	} else if t.precision == year {
		n = n / 12 * 12
	}
	months := int64(t.fields[year])*12 + int64(max(t.fields[month], 1)-1) + n
	if months < 12 || months >= 10000*12 {
		return nil
	}
	out := *t
	out.fields[year] = int(months / 12)
	if t.precision >= month {
		out.fields[month] = int(months%12) + 1
	}
	if t.precision >= day {
		out.fields[day] = min(t.fields[day], daysIn(out.fields[year], out.fields[month]))
	}
	return &out
}

func shiftTime(t *temporal, n int64, unit string) any {
	switch {
	case t.kind != kindTime && t.precision == year:
		return shiftMonths(t, durationIn(n, unit, 365*24*time.Hour), "year")
	case t.kind != kindTime && t.precision == month:
		return shiftMonths(t, durationIn(n, unit, 30*24*time.Hour), "month")
	case t.precision == day:
		n, unit = durationIn(n, unit, 24*time.Hour), "day"
	case t.precision == hour:
		n, unit = durationIn(n, unit, time.Hour), "hour"
	case t.precision == minute:
		n, unit = durationIn(n, unit, time.Minute), "minute"
	}
	ms := durations[unit]
	if limit := int64(9e18) / ms / 1e6; n > limit || n < -limit {
		return nil
	}
	moved := t.instant().Add(time.Duration(n*ms) * time.Millisecond)
	if t.kind == kindTime {
		return t.at(moved)
	}
	if y := moved.Year(); y < 1 || y > 9999 {
		return nil
	}
	out := t.at(moved)
	if unit == "millisecond" && out.digits < 3 {
		out.digits = 3
	}
	return out
}

// durationIn is n units as a whole number of a coarser unit.
func durationIn(n int64, unit string, coarse time.Duration) int64 {
	return int64(float64(n) * float64(durations[unit]) / float64(coarse.Milliseconds()))
}
