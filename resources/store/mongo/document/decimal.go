package document

import (
	"math/bits"
	"strconv"
)

// decimal128 is an IEEE 754-2008 decimal in its binary integer encoding, as BSON holds it.
type decimal128 struct{ hi, lo uint64 }

const (
	maxDigits   = 34
	bias        = 6176
	minExponent = -bias
	maxExponent = 6111 // of the coefficient's last digit
)

var (
	infinity = decimal128{hi: 0x78 << 56}
	// tenTo34 is the first coefficient that does not fit.
	tenTo34 = coefficient{0x0001ed09bead87c0, 0x378d8e6400000000}
)

// coefficient is an unsigned integer below 2^128.
type coefficient struct{ hi, lo uint64 }

func (c coefficient) less(d coefficient) bool { return c.hi < d.hi || c.hi == d.hi && c.lo < d.lo }

func (c coefficient) isZero() bool { return c.hi|c.lo == 0 }

// timesTenPlus is 10c+d; it does not overflow below 34 digits.
func (c coefficient) timesTenPlus(d uint64) coefficient {
	hi, lo := bits.Mul64(c.lo, 10)
	lo, carry := bits.Add64(lo, d, 0)
	return coefficient{c.hi*10 + hi + carry, lo}
}

func (c coefficient) overTen() coefficient {
	lo, _ := bits.Div64(c.hi%10, c.lo, 10)
	return coefficient{c.hi / 10, lo}
}

// appendDigits writes the coefficient without leading zeros.
func (c coefficient) appendDigits(dst []byte) []byte {
	if c.hi == 0 {
		return strconv.AppendUint(dst, c.lo, 10)
	}
	const tenTo19 = 1e19
	high, low := bits.Div64(c.hi, c.lo, tenTo19)
	dst = strconv.AppendUint(dst, high, 10)
	for limit := uint64(tenTo19 / 10); low < limit && limit > 1; limit /= 10 {
		dst = append(dst, '0')
	}
	return strconv.AppendUint(dst, low, 10)
}

// number is a JSON number taken apart: ±coefficient × 10^exponent, rounded to 34 digits.
type number struct {
	negative    bool
	coefficient coefficient
	exponent    int
}

// parseNumber reads a JSON number (RFC 8259); ok is false where the text is none.
func parseNumber(text []byte) (n number, ok bool) {
	i := 0
	if i < len(text) && text[i] == '-' {
		n.negative = true
		i++
	}
	whole := i
	r := rounder{}
	for ; i < len(text) && isDigit(text[i]); i++ {
		r.digit(text[i], false)
	}
	if i == whole || text[whole] == '0' && i > whole+1 {
		return n, false
	}
	if i < len(text) && text[i] == '.' {
		i++
		fraction := i
		for ; i < len(text) && isDigit(text[i]); i++ {
			r.digit(text[i], true)
		}
		if i == fraction {
			return n, false
		}
	}
	power := 0
	if i < len(text) && text[i]|0x20 == 'e' {
		if power, i, ok = parsePower(text, i+1); !ok {
			return n, false
		}
	}
	n.coefficient, n.exponent = r.round()
	n.exponent += power
	return n, i == len(text)
}

// parsePower reads the digits behind an e. What is far beyond any Decimal128 is cut short.
func parsePower(text []byte, i int) (power, end int, ok bool) {
	negative := false
	if i < len(text) && (text[i] == '+' || text[i] == '-') {
		negative = text[i] == '-'
		i++
	}
	first := i
	for ; i < len(text) && isDigit(text[i]); i++ {
		if power < 1e8 {
			power = power*10 + int(text[i]-'0')
		}
	}
	if negative {
		power = -power
	}
	return power, i, i > first
}

func isDigit(c byte) bool { return c-'0' < 10 }

// rounder collects significant digits and rounds half to even what is beyond the 34th.
type rounder struct {
	coefficient coefficient
	digits      int
	exponent    int
	next        byte // first digit dropped
	dropped     bool
	sticky      bool // a later dropped digit is not zero
}

func (r *rounder) digit(c byte, fraction bool) {
	switch {
	case r.digits < maxDigits:
		r.coefficient = r.coefficient.timesTenPlus(uint64(c - '0'))
		if !r.coefficient.isZero() {
			r.digits++
		}
		if fraction {
			r.exponent--
		}
		return
	case !r.dropped:
		r.dropped, r.next = true, c
	case c != '0':
		r.sticky = true
	}
	if !fraction {
		r.exponent++
	}
}

func (r *rounder) round() (coefficient, int) {
	c, exponent := r.coefficient, r.exponent
	if r.next > '5' || r.next == '5' && (r.sticky || c.lo&1 == 1) {
		var carry uint64
		c.lo, carry = bits.Add64(c.lo, 1, 0)
		c.hi += carry
		if c == tenTo34 {
			return c.overTen(), exponent + 1
		}
	}
	return c, exponent
}

// decimal is the nearest Decimal128; infinite where the number is too large, zero where it is too small.
func (n number) decimal() decimal128 {
	c, exponent := n.coefficient, n.exponent
	for exponent > maxExponent && !c.isZero() && c.less(tenTo34.overTen()) {
		c = c.timesTenPlus(0)
		exponent--
	}
	for exponent < minExponent && !c.isZero() {
		c = c.overTen()
		exponent++
	}
	var d decimal128
	switch {
	case c.isZero():
		exponent = min(max(exponent, minExponent), maxExponent)
		d.hi = uint64(exponent+bias) << 49
	case exponent > maxExponent:
		d = infinity
	default:
		d = decimal128{uint64(exponent+bias)<<49 | c.hi, c.lo}
	}
	if n.negative {
		d.hi |= 1 << 63
	}
	return d
}

// appendText writes a decimal as FHIR would: digits and a point, without an exponent as long as there is no need for one
// (a Decimal128 with zeros that were not written: 1E+5). ok is false for what is no number of JSON.
func (d decimal128) appendText(dst []byte) (text []byte, ok bool) {
	if d.hi>>61&3 == 3 { // infinite, not a number, or a coefficient that is too large
		return dst, false
	}
	c := coefficient{d.hi & (1<<49 - 1), d.lo}
	if !c.less(tenTo34) {
		return dst, false
	}
	if d.hi>>63 == 1 {
		dst = append(dst, '-')
	}
	var buffer [maxDigits]byte
	digits := c.appendDigits(buffer[:0])
	exponent := int(d.hi>>49&0x3fff) - bias
	switch point := len(digits) + exponent; {
	case exponent > 0:
		dst = append(dst, digits[0])
		if len(digits) > 1 {
			dst = append(append(dst, '.'), digits[1:]...)
		}
		dst = append(dst, 'E', '+')
		dst = strconv.AppendInt(dst, int64(exponent+len(digits)-1), 10)
	case exponent == 0:
		dst = append(dst, digits...)
	case point > 0:
		dst = append(dst, digits[:point]...)
		dst = append(append(dst, '.'), digits[point:]...)
	default:
		dst = append(dst, '0', '.')
		for ; point < 0; point++ {
			dst = append(dst, '0')
		}
		dst = append(dst, digits...)
	}
	return dst, true
}
