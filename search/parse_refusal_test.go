package search_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"fhirside/fhir"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestRefusals compares every kind of 400 with testdata/refusals.txt: a search per line, and below it the refusal.
func TestRefusals(t *testing.T) {
	const file = "testdata/refusals.txt"
	golden, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for line := range strings.Lines(string(golden)) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "\t"):
			continue // written anew
		case line == "" || strings.HasPrefix(line, "#"):
			got.WriteString(line + "\n")
			continue
		}
		fmt.Fprintf(&got, "%s\n\t%s\n", line, refusal(line))
	}
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want := strings.Split(string(golden), "\n")
	for i, line := range strings.Split(got.String(), "\n") {
		if i >= len(want) || line != want[i] {
			t.Fatalf("%s:%d:\n got %s\nwant %s", file, i+1, line, want[min(i, len(want)-1)])
		}
	}
}

// refusal is the answer to a search that cannot be read: code, expression and text.
func refusal(query string) string {
	q, err := parse(query, options)
	if err == nil {
		return fmt.Sprintf("READ AS %#v", q.Filter)
	}
	e := (*fhir.Error)(nil)
	if !errors.As(err, &e) || e.Reason != fhir.Invalid || len(e.Issues) != 1 {
		return fmt.Sprintf("WRONG KIND OF ERROR %#v", err)
	}
	issue := e.Issues[0]
	code, _ := issue.Code.MarshalJSON()
	return fmt.Sprintf("%s at %s: %s", strings.Trim(string(code), `"`), strings.Join(issue.Expression, ", "), issue.Diagnostics)
}
