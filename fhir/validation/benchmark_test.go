package validation

import "testing"

func BenchmarkTables(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		makeTables()
	}
}
