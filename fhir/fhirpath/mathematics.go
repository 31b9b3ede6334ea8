package fhirpath

import "github.com/cockroachdb/apd/v3"

// mathFunctions are those of FHIRPath's chapter "Math".
var mathFunctions = map[string]function{
	"abs":      onValue(abs),
	"ceiling":  onNumber(func(out, d *apd.Decimal) error { return toInteger(out, d, decimals.Ceil) }),
	"floor":    onNumber(func(out, d *apd.Decimal) error { return toInteger(out, d, decimals.Floor) }),
	"truncate": onNumber(truncate),
	"exp":      onDecimal(decimals.Exp),
	"ln":       onDecimal(decimals.Ln),
	"sqrt":     onDecimal(decimals.Sqrt),
	"log":      {1, 1, binaryNumber(logarithm)},
	"power":    {1, 1, binaryNumber(power)},
	"round":    {0, 1, binaryNumber(round)},
}

func abs(v any) any {
	switch v := v.(type) {
	case int64:
		return max(v, -v)
	case *apd.Decimal:
		return new(apd.Decimal).Abs(v)
	case *quantity:
		q := *v
		q.value = new(apd.Decimal).Abs(v.value)
		return &q
	}
	return nil
}

func toInteger(out, d *apd.Decimal, f func(out, d *apd.Decimal) (apd.Condition, error)) error {
	_, err := f(out, d)
	return err
}

func truncate(out, d *apd.Decimal) error {
	down := decimals
	down.Rounding = apd.RoundDown
	_, err := down.Quantize(out, d, 0)
	return err
}

// onNumber is a function from a number to an integer.
func onNumber(f func(out, d *apd.Decimal) error) function {
	return onValue(func(v any) any {
		var out apd.Decimal
		d := decimalOf(v)
		if d == nil || f(&out, d) != nil {
			return nil
		}
		return integerOf(&out)
	})
}

// onDecimal is a function from a number to a decimal; where it is not defined (the root of a negative number) the result is
// empty.
func onDecimal(f func(out, d *apd.Decimal) (apd.Condition, error)) function {
	return onValue(func(v any) any {
		var out apd.Decimal
		d := decimalOf(v)
		if d == nil || d.NumDigits() > 100 || d.Exponent > 100 {
			return nil
		}
		if _, err := f(&out, d); err != nil || out.Form != apd.Finite {
			return nil
		}
		out.Reduce(&out)
		return &out
	})
}

// binaryNumber compiles a function of a number with an argument; it is nil where the call has none.
func binaryNumber(f func(v, arg any) any) func(k *compiler, n *node) (program, error) {
	return func(k *compiler, n *node) (program, error) {
		args, err := k.compileAll(n.args)
		return func(c *evaluation, focus, dst []Item) ([]Item, error) {
			v, err := k.value(c, n, focus)
			if err != nil || v == nil {
				return dst, err
			}
			var arg any
			if len(args) > 0 {
				it, ok, err := k.one(c, n, args[0])
				if err != nil || !ok {
					return dst, err
				}
				arg = it.system()
			}
			return c.emit(dst, f(v, arg))
		}, err
	}
}

func logarithm(v, base any) any {
	x, b := decimalOf(v), decimalOf(base)
	if x == nil || b == nil {
		return nil
	}
	var lnX, lnB, out apd.Decimal
	if _, err := decimals.Ln(&lnX, x); err != nil {
		return nil
	}
	if _, err := decimals.Ln(&lnB, b); err != nil || lnB.IsZero() {
		return nil
	}
	if _, err := decimals.Quo(&out, &lnX, &lnB); err != nil {
		return nil
	}
	return shorten(&out)
}

// shorten rounds away the last digits, in which a quotient of logarithms is not exact: 16.log(2) is 4.
func shorten(d *apd.Decimal) any {
	short := decimals
	short.Precision = 30
	if _, err := short.Round(d, d); err != nil {
		return nil
	}
	d.Reduce(d)
	return d
}

func power(v, exponent any) any {
	x, y := decimalOf(v), decimalOf(exponent)
	if x == nil || y == nil || y.Cmp(apd.New(10_000, 0)) > 0 || y.Cmp(apd.New(-10_000, 0)) < 0 {
		return nil
	}
	var out apd.Decimal
	if _, err := decimals.Pow(&out, x, y); err != nil || out.Form != apd.Finite {
		return nil
	}
	_, wholeBase := v.(int64)
	if n, ok := exponent.(int64); ok && wholeBase && n >= 0 {
		return integerOf(&out)
	}
	return shorten(&out)
}

func round(v, places any) any {
	d := decimalOf(v)
	n, ok := places.(int64)
	if places == nil {
		n, ok = 0, true
	}
	if d == nil || !ok || n < 0 || n > maxDigits {
		return nil
	}
	if -d.Exponent <= int32(n) {
		return v
	}
	var out apd.Decimal
	if _, err := decimals.Quantize(&out, d, int32(-n)); err != nil {
		return nil
	}
	return &out
}
