package definitions

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden file")

// A sample of the definitions as a reader knows them from the specification's tables.
func TestGolden(t *testing.T) {
	const file = "testdata/sample.golden"
	var b strings.Builder
	for _, name := range []string{"id", "Period", "Extension", "Timing.repeat", "Patient", "Patient.contact", "Observation", "Bundle.entry", "Parameters.parameter"} {
		writeType(&b, Lookup(name))
	}
	for _, code := range []string{"individual-birthdate", "Observation-code-value-quantity", "Location-near", "Resource-id"} {
		for _, p := range SearchParameters() {
			if strings.HasSuffix(p.URL, "/"+code) {
				fmt.Fprintf(&b, "%+v\n", p)
			}
		}
	}
	got := b.String()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the definitions differ from %s (rewrite it with -update):\n%s", file, got)
	}
}

func writeType(b *strings.Builder, t *Type) {
	fmt.Fprintf(b, "%s is a %s\n", t.Name, t.Base)
	for _, e := range t.Elements {
		name, upper, flags := e.Name, "1", ""
		if e.Choice {
			name += "[x]"
		}
		if e.Max == Many {
			upper = "*"
		}
		if e.Modifier {
			flags += "?!"
		}
		if e.Summary {
			flags += "Σ"
		}
		fmt.Fprintf(b, "\t%s %d..%s %s %s", name, e.Min, upper, flags, strings.Join(e.Types, "|"))
		if e.TargetTypes != nil {
			fmt.Fprintf(b, " (%s)", strings.Join(e.TargetTypes, "|"))
		}
		if e.Binding != nil {
			fmt.Fprintf(b, " <%s: %d codes>", e.Binding.ValueSet, len(e.Binding.Codes))
		}
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
}
