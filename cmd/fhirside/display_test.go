package main

import (
	"bytes"
	"testing"
	"time"
)

// TestDisplayInALog: what is no terminal gets a line now and then, and none of the signs that draw a bar.
func TestDisplayInALog(t *testing.T) {
	var out bytes.Buffer
	d := newDisplay(&out)
	step := func(done, all int64, words string) {
		d.last = d.last.Add(-lineEvery)
		d.at(done, all, words)
		d.at(done, all, "too soon after the last one")
	}
	d.last = time.Now()
	d.at(0, 4, "too soon")
	step(1, 4, "1,000 resources")
	step(2, 0, "2,000 versions copied")
	d.line("refused:", "x")
	d.end()
	if want := " 25 %  1,000 resources\n2,000 versions copied\nrefused: x\n"; out.String() != want {
		t.Errorf("%q", out.String())
	}
}
