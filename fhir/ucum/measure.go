package ucum

import (
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// measure is what a unit measures: x of it are x × factor + offset of the base units with the exponents in dimension.
type measure struct {
	factor    *big.Rat
	offset    *big.Rat // nil but for temperatures that do not begin at absolute zero
	dimension dimension
}

// dimension is the exponents of base units and of units that nothing else can be converted to.
type dimension map[string]int

var one = big.NewRat(1, 1)

// maxBits and maxExponent bound what is computed with. The factors of real units have a few hundred bits.
const (
	maxBits     = 8192
	maxExponent = 99
)

// baseUnits are in UCUM's order.
var baseUnits = []string{"m", "s", "g", "rad", "K", "C", "cd"}

// String is the dimension as a unit: "m-3.g", "1" for pure numbers.
func (d dimension) String() string {
	if len(d) == 0 {
		return "1"
	}
	var own []string
	for name := range d {
		if !slices.Contains(baseUnits, name) {
			own = append(own, name)
		}
	}
	slices.Sort(own)
	var parts []string
	for _, name := range append(slices.Clone(baseUnits), own...) {
		switch n := d[name]; n {
		case 0:
		case 1:
			parts = append(parts, name)
		default:
			parts = append(parts, name+strconv.Itoa(n))
		}
	}
	return strings.Join(parts, ".")
}

// times is the product of a measure and another one to the power of n. It is false where the product has no meaning, as that of a
// temperature scale with an offset, or is out of bounds.
func (m measure) times(other measure, n int) (measure, bool) {
	if m.offset != nil || other.offset != nil {
		if m.isOne() && n == 1 {
			return other, true
		}
		return measure{}, false
	}
	product := measure{factor: new(big.Rat).Mul(m.factor, power(other.factor, n)), dimension: dimension{}}
	for name, exponent := range m.dimension {
		product.dimension[name] = exponent
	}
	for name, exponent := range other.dimension {
		if product.dimension[name] += exponent * n; product.dimension[name] == 0 {
			delete(product.dimension, name)
		}
	}
	for _, exponent := range product.dimension {
		if exponent > maxExponent || exponent < -maxExponent {
			return measure{}, false
		}
	}
	return product, product.factor.Num().BitLen() <= maxBits && product.factor.Denom().BitLen() <= maxBits
}

func (m measure) isOne() bool {
	return m.offset == nil && len(m.dimension) == 0 && m.factor.Cmp(one) == 0
}

// power is r to the power of n.
func power(r *big.Rat, n int) *big.Rat {
	if n < 0 {
		r, n = new(big.Rat).Inv(r), -n
	}
	exponent := big.NewInt(int64(n))
	return new(big.Rat).SetFrac(new(big.Int).Exp(r.Num(), exponent, nil), new(big.Int).Exp(r.Denom(), exponent, nil))
}
