package ucum

import (
	"math/big"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"fhirside/fhir"
)

// System is the code system of UCUM codes.
const System = "http://unitsofmeasure.org"

// Unit is a unit of measure, with how to convert from it to the canonical unit of its dimension. It never changes.
type Unit struct {
	canonical string
	same      bool
	factor    *big.Rat
	offset    *big.Rat // nil: none
	power     string   // of ten, where the conversion is nothing else: "e-3"; "" otherwise
}

// maxCached bounds what is kept of codes that come from outside.
const maxCached = 4096

var (
	cache  sync.Map // code → *Unit
	cached atomic.Int64
)

// Parse reads a code such as "mg/dL" or "10*3/uL". The error, a *SyntaxError, is for what is no UCUM code, or one of the few that
// this package does not know.
func Parse(code string) (*Unit, error) {
	if u, ok := cache.Load(code); ok {
		return u.(*Unit), nil
	}
	m, err := parse(code)
	if err != nil {
		return nil, err
	}
	u := unitOf(code, m)
	if cached.Add(1) <= maxCached {
		cache.Store(code, u)
	}
	return u, nil
}

func unitOf(code string, m measure) *Unit {
	key := m.dimension.String()
	c, ok := canonicals()[key]
	if !ok {
		c = canonicalUnit{code: key, measure: measure{factor: one}}
	}
	u := &Unit{canonical: c.code, same: code == c.code, factor: new(big.Rat).Quo(m.factor, c.factor)}
	if m.offset != nil || c.offset != nil {
		offset := new(big.Rat).Sub(orZero(m.offset), orZero(c.offset))
		u.offset = offset.Quo(offset, c.factor)
	} else if n, ok := powerOfTen(u.factor); ok {
		u.power = "e" + strconv.Itoa(n)
	}
	return u
}

// powerOfTen is the n of 10^n; false if r is none, or out of the range of doubles.
func powerOfTen(r *big.Rat) (int, bool) {
	const most = 300
	whole, sign := r.Num(), 1
	if !r.IsInt() {
		whole, sign = r.Denom(), -1
	}
	if !r.IsInt() && r.Num().Cmp(one.Num()) != 0 {
		return 0, false
	}
	text := whole.String()
	zeros := len(text) - 1
	return sign * zeros, text[0] == '1' && strings.Trim(text[1:], "0") == "" && zeros <= most
}

func orZero(r *big.Rat) *big.Rat {
	if r == nil {
		return new(big.Rat)
	}
	return r
}

// Canonical is the code of the unit that all units of this one's dimension are compared in.
func (u *Unit) Canonical() string { return u.canonical }

// IsCanonical says whether the unit's code is that of the canonical unit.
func (u *Unit) IsCanonical() bool { return u.same }

// ToCanonical converts a number of this unit to one of the canonical unit, exactly. Greater numbers stay greater.
func (u *Unit) ToCanonical(number *big.Rat) *big.Rat {
	x := new(big.Rat).Mul(number, u.factor)
	if u.offset != nil {
		x.Add(x, u.offset)
	}
	return x
}

// Convert is ToCanonical for a JSON number, as the nearest double; false if the text is none.
func (u *Unit) Convert(number string) (float64, bool) {
	if u.power != "" && !strings.ContainsAny(number, "eE") {
		f, err := strconv.ParseFloat(number+u.power, 64) // a tenth of the work of the exact way, with the same result
		return f, err == nil
	}
	d, err := fhir.ParseDecimal(number)
	if err != nil {
		return 0, false
	}
	f, _ := u.ToCanonical(d.Rat()).Float64()
	return f, true
}

// canonicalUnit is the unit of a dimension that others are converted to.
type canonicalUnit struct {
	code string
	measure
}

// common are units that most records use for their dimension. They are the canonical ones, so that most quantities are in
// canonical form as they are. The canonical unit of other dimensions is made of base units ("m-1.s-1.g").
var common = []string{
	"%", "a", "cm", "kg", "fL", "Cel", "mm[Hg]", "/min", "mmol/L", "mg/dL", "kg/m2", "U/L", "mL/min", "[IU]/mL", "mV",
}

// canonicals are the common units by their dimensions.
var canonicals = sync.OnceValue(func() map[string]canonicalUnit {
	units := map[string]canonicalUnit{}
	for _, code := range common {
		m, err := parse(code)
		if err != nil {
			panic("ucum: " + err.Error()) // a mistake in the tables
		}
		key := m.dimension.String()
		if _, taken := units[key]; !taken {
			units[key] = canonicalUnit{code, m}
		}
	}
	return units
})
