package fhir

import (
	"math/big"
	"strconv"
	"strings"
)

// Decimal is a FHIR decimal: an exact number whose text says how precise it is (datatypes.html#decimal). 1.0 and 1.00 are
// equal numbers of different precision.
type Decimal struct {
	unscaled *big.Int
	exponent int // the value is unscaled × 10^exponent
}

// maxExponent bounds what is computed with; IEEE doubles end at 308.
const maxExponent = 400

// ParseDecimal reads a JSON number; a leading plus sign, spaces or missing digits are refused.
func ParseDecimal(text string) (Decimal, error) {
	bad := func() (Decimal, error) {
		return Decimal{}, Errorf(Invalid, CodeValue, "%q is not a decimal number", clip(text))
	}
	mantissa, exp, hasExp := text, 0, false
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		n, err := strconv.Atoi(text[i+1:])
		if err != nil || n > maxExponent || n < -maxExponent {
			return bad()
		}
		mantissa, exp, hasExp = text[:i], n, true
	}
	digits := strings.TrimPrefix(mantissa, "-")
	whole, fraction, hasPoint := strings.Cut(digits, ".")
	if !allDigits(whole) || hasPoint && !allDigits(fraction) || len(digits) > maxExponent {
		return bad()
	}
	if hasExp && !hasPoint {
		fraction = "0" // R4's own example: 1e2 is [95,105), so the mantissa is read as 1.0
	}
	n, ok := new(big.Int).SetString(whole+fraction, 10)
	if !ok {
		return bad()
	}
	if strings.HasPrefix(mantissa, "-") {
		n.Neg(n)
	}
	return Decimal{n, exp - len(fraction)}, nil
}

func allDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// Float is the nearest double.
func (d Decimal) Float() float64 { return float(d.unscaled, d.exponent) }

// Range is what a search for this number means (search.html#number): half a unit of the last digit to either side, the lower
// bound included and the upper one not.
func (d Decimal) Range() (lo, hi float64) {
	below, above := d.bounds()
	return below.Float(), above.Float()
}

// Bounds are Range, exactly.
func (d Decimal) Bounds() (lo, hi *big.Rat) {
	below, above := d.bounds()
	return below.Rat(), above.Rat()
}

func (d Decimal) bounds() (below, above Decimal) {
	ten, five := new(big.Int).Mul(d.unscaled, big.NewInt(10)), big.NewInt(5)
	return Decimal{new(big.Int).Sub(ten, five), d.exponent - 1}, Decimal{ten.Add(ten, five), d.exponent - 1}
}

// Rat is the exact value.
func (d Decimal) Rat() *big.Rat {
	r := new(big.Rat).SetInt(d.unscaled)
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(d.exponent, -d.exponent))), nil)
	if d.exponent < 0 {
		return r.Quo(r, new(big.Rat).SetInt(scale))
	}
	return r.Mul(r, new(big.Rat).SetInt(scale))
}

func float(n *big.Int, exponent int) float64 {
	f, _ := strconv.ParseFloat(n.String()+"e"+strconv.Itoa(exponent), 64) // ±Inf where it is too large, which compares well
	return f
}

// clip keeps messages short.
func clip(text string) string {
	const limit = 80
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "…"
}
