package ucum_test

import (
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"fhirside/fhir"
	"fhirside/fhir/fhirtest"
	"fhirside/fhir/ucum"
)

func rat(t *testing.T, text string) *big.Rat {
	t.Helper()
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		t.Fatalf("no number: %s", text)
	}
	return r
}

// Each row says that so many of one unit are so many of another.
func TestConversions(t *testing.T) {
	for _, c := range []struct{ number, code, otherNumber, otherCode string }{
		{"1", "g", "1000", "mg"},
		{"1", "kg", "1e9", "ug"},
		{"1", "g/dL", "10", "g/l"},
		{"1", "mg/dL", "0.01", "g/L"},
		{"1", "mg/L", "1", "ug/mL"},
		{"1", "g%", "1", "g/dL"},
		{"10", "[in_i]", "25.4", "cm"},
		{"1", "[mi_i]", "1609.344", "m"},
		{"3937", "[ft_us]", "1200", "m"},
		{"1", "[lb_av]", "453.59237", "g"},
		{"16", "[oz_av]", "1", "[lb_av]"},
		{"12", "[oz_tr]", "5760", "[gr]"},
		{"1", "[gal_us]", "3785.411784", "mL"},
		{"3", "[tsp_us]", "1", "[tbs_us]"},
		{"37", "Cel", "310.15", "K"},
		{"98.6", "[degF]", "37", "Cel"},
		{"-40", "[degF]", "-40", "Cel"},
		{"0", "[degRe]", "0", "Cel"},
		{"80", "[degRe]", "100", "Cel"},
		{"1000", "mCel", "1", "Cel"},
		{"1", "mm[Hg]", "133.3220", "Pa"},
		{"1", "m[H2O]", "9.80665", "kPa"},
		{"1", "bar", "100", "kPa"},
		{"60", "/min", "1", "Hz"},
		{"60", "/min", "1", "/s"},
		{"60", "{beats}/min", "1", "s-1"},
		{"1", "a", "365.25", "d"},
		{"12", "mo", "1", "a"},
		{"2", "wk", "336", "h"},
		{"1", "10*3/uL", "1", "10*9/L"},
		{"1", "10^3/uL", "1000", "/uL"},
		{"1", "10*-2", "1", "%"},
		{"1", "{score}", "1", "1"},
		{"1", "1", "100", "%"},
		{"1", "mmol/L", "1", "umol/mL"},
		{"1", "mol", "6.0221367e23", "1"},
		{"1", "eq", "1", "mol"},
		{"1", "U/L", "1e-6", "mol/min/L"},
		{"60e6", "U", "1", "kat"},
		{"1", "k[IU]/L", "1", "[IU]/mL"},
		{"1", "[IU]", "1", "[iU]"},
		{"1", "J", "1", "kg.m2/s2"},
		{"1", "J", "1", "kg.m2.s-2"},
		{"4184", "J", "1", "kcal_th"},
		{"1", "[Cal]", "1", "kcal"},
		{"1", "Gy", "100", "RAD"},
		{"1", "L/min", "1", "dm3/min"},
		{"1", "mL/min/{1.73_m2}", "1", "mL/min"},
		{"1", "ml/(kg.min)", "1", "mL/min/kg"},
		{"1", "m/s/s", "1", "m.s-2"},
		{"1", "m/(s/s)", "1", "m"},
		{"10", "dB", "1", "B"},
		{"1", "KiBy", "1024", "By"},
		{"1", "circ", "360", "deg"},
		{"5", "[diop]", "5", "m-1"},
	} {
		one, err := ucum.Parse(c.code)
		if err != nil {
			t.Error(err)
			continue
		}
		other, err := ucum.Parse(c.otherCode)
		if err != nil {
			t.Error(err)
			continue
		}
		x, y := one.ToCanonical(rat(t, c.number)), other.ToCanonical(rat(t, c.otherNumber))
		if one.Canonical() != other.Canonical() || x.Cmp(y) != 0 {
			t.Errorf("%s %s is %s %s, but %s %s is %s %s", c.number, c.code, x.RatString(), one.Canonical(),
				c.otherNumber, c.otherCode, y.RatString(), other.Canonical())
		}
	}
}

func TestIncomparable(t *testing.T) {
	for _, c := range []struct{ one, other string }{
		{"g", "mL"}, {"[pH]", "mol/L"}, {"[IU]", "U"}, {"[IU]/mL", "U/mL"}, {"[CFU]", "[PFU]"}, {"B[V]", "V"}, {"Cel", "m"}, {"%", "%[slope]"},
		{"cd", "d"}, {"Pa", "a"}, {"m", "min"},
	} {
		one, err := ucum.Parse(c.one)
		if err != nil {
			t.Fatal(err)
		}
		other, err := ucum.Parse(c.other)
		if err != nil {
			t.Fatal(err)
		}
		if one.Canonical() == other.Canonical() {
			t.Errorf("%s and %s both become %s", c.one, c.other, one.Canonical())
		}
	}
}

func TestNoUnits(t *testing.T) {
	for _, code := range []string{
		"", " ", "mgs", "lbs", "mmHg", "mm[hg]", "mg/", "/", "mg//dL", "mg.", ".mg", "mg dL", "(mg", "mg)", "()", "{", "{a", "a}", "{a{b}}",
		"mg{a}{b}", "{a}mg", "2.Cel", "Cel2", "/Cel", "Cel/d", "kmin", "m[in_i]", "m1000", "m-", "m--2", "-2", "0", "m2.0", "mg/0", "+2",
		"µg", "degF", "°C", "kkg", "m[", "m]", strings.Repeat("m.", 200) + "m", strings.Repeat("(", 150) + "m", strings.Repeat("mol99.", 20) + "m",
	} {
		if u, err := ucum.Parse(code); err == nil {
			t.Errorf("%q is read as %s", code, u.Canonical())
		}
	}
}

// The units of R4's value set of common UCUM codes are all known.
func TestCommonUnits(t *testing.T) {
	valueSet, err := fhir.Parse(fhirtest.File(t, "ValueSet-ucum-common.json"))
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for include := range valueSet.Root().Get("compose").Get("include").Each() {
		for c := range include.Get("concept").Each() {
			count++
			if _, err := ucum.Parse(c.Get("code").Text()); err != nil {
				t.Error(err)
			}
		}
	}
	if count < 1000 {
		t.Errorf("only %d codes", count)
	}
}

func TestCanonicalUnits(t *testing.T) {
	for _, code := range []string{"kg", "cm", "mm[Hg]", "mg/dL", "mmol/L", "/min", "%", "Cel", "U/L", "kg/m2", "[pH]", "m-1.s-1.g"} {
		u, err := ucum.Parse(code)
		if err != nil || !u.IsCanonical() || u.Canonical() != code || u.ToCanonical(big.NewRat(7, 3)).Cmp(big.NewRat(7, 3)) != 0 {
			t.Errorf("%s: %+v, %v", code, u, err)
		}
	}
}

// What Canonical names is a unit, and its own canonical one; conversion keeps the order of numbers.
func TestCanonicalIsItsOwn(t *testing.T) {
	codes := []string{"kg", "ug", "L", "m", "[ft_i]", "s", "h", "Cel", "[degF]", "[IU]", "10*3", "mol", "mm[Hg]", "B", "%", "{x}", "[pH]", "Pa"}
	rapid.Check(t, func(t *rapid.T) {
		code := strings.Join(rapid.SliceOfN(rapid.SampledFrom(codes), 1, 4).Draw(t, "parts"), rapid.SampledFrom([]string{".", "/"}).Draw(t, "operator"))
		u, err := ucum.Parse(code)
		if err != nil {
			return // a temperature scale in a product
		}
		c, err := ucum.Parse(u.Canonical())
		if err != nil || !c.IsCanonical() {
			t.Fatalf("%s: the canonical %s: %v", code, u.Canonical(), err)
		}
		x := big.NewRat(rapid.Int64().Draw(t, "x"), 1000)
		y := new(big.Rat).Add(x, big.NewRat(1, 1000))
		if u.ToCanonical(x).Cmp(u.ToCanonical(y)) >= 0 {
			t.Fatalf("%s turns the order of %v and %v", code, x, y)
		}
	})
}

// Convert is ToCanonical, rounded.
func TestConvert(t *testing.T) {
	codes := []string{"g", "mg", "kg", "[lb_av]", "[degF]", "K", "10*3/uL", "ug/mL", "[pi].rad", "mol", "Ymol", "m[H2O]"}
	rapid.Check(t, func(t *rapid.T) {
		u, err := ucum.Parse(rapid.SampledFrom(codes).Draw(t, "code"))
		if err != nil {
			t.Fatal(err)
		}
		number := rapid.StringMatching(`-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?(e-?[0-9]{1,2})?`).Draw(t, "number")
		got, ok := u.Convert(number)
		exact, _ := new(big.Rat).SetString(number)
		if want, _ := u.ToCanonical(exact).Float64(); !ok || got != want {
			t.Fatalf("%s: %v, want %v", number, got, want)
		}
	})
	for _, text := range []string{"", "x", "1e", "NaN", "0x1"} {
		if f, ok := must(ucum.Parse("mg")).Convert(text); ok {
			t.Errorf("%q is read as %v", text, f)
		}
	}
}

func must(u *ucum.Unit, err error) *ucum.Unit {
	if err != nil {
		panic(err)
	}
	return u
}

func BenchmarkConvert(b *testing.B) {
	for _, code := range []string{"mg", "[lb_av]"} {
		u := must(ucum.Parse(code))
		b.Run(code, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				u.Convert("185.5")
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, code := range []string{"mg/dL", "10*3/uL", "mL/min/{1.73_m2}", "kg.m2.s-2", "[in_i'Hg]", "(a/(b.c))", "m[Hg]2", "Cel{body}"} {
		f.Add(code)
	}
	f.Fuzz(func(t *testing.T, code string) {
		u, err := ucum.Parse(code)
		if err != nil {
			return
		}
		if c, err := ucum.Parse(u.Canonical()); err != nil || c.Canonical() != u.Canonical() {
			t.Fatalf("%q: the canonical %q: %v", code, u.Canonical(), err)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		ucum.Parse("10*3/uL")
	}
}
