package token_test

import "testing"

func BenchmarkSignAccess(b *testing.B) {
	c := newClock()
	keys, a := open(b, tables(b, c), c), access(c.Now())
	for b.Loop() {
		sign(b, keys, a)
	}
}

// BenchmarkVerifyAccess is the first check of a token; guard remembers the result.
func BenchmarkVerifyAccess(b *testing.B) {
	c := newClock()
	keys := open(b, tables(b, c), c)
	signed := sign(b, keys, access(c.Now()))
	for b.Loop() {
		if _, err := keys.VerifyAccess(b.Context(), issuer, base, signed); err != nil {
			b.Fatal(err)
		}
	}
}
