package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// display shows how far a command is: a bar on a terminal, elsewhere a line now and then.
type display struct {
	out  io.Writer
	bar  *progressbar.ProgressBar
	all  int64 // of the bar
	tty  bool
	last time.Time
}

const lineEvery = 10 * time.Second

func newDisplay(out io.Writer) *display {
	f, ok := out.(*os.File)
	return &display{out: out, tty: ok && term.IsTerminal(int(f.Fd())), last: time.Now()}
}

// at is how much of all is done, and the same in words. All is 0 where nobody knows it.
func (d *display) at(done, all int64, words string) {
	if d.tty {
		d.draw(done, all, words)
		return
	}
	if time.Since(d.last) < lineEvery {
		return
	}
	d.last = time.Now()
	if all > 0 {
		fmt.Fprintf(d.out, "%3d %%  ", 100*done/all)
	}
	fmt.Fprintln(d.out, words)
}

func (d *display) draw(done, all int64, words string) {
	if all == 0 {
		all = -1 // a spinner
	}
	if d.bar == nil {
		d.all = all
		d.bar = progressbar.NewOptions64(all, progressbar.OptionSetWriter(d.out),
			progressbar.OptionFullWidth(), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	}
	if d.all != all {
		d.bar.ChangeMax64(all)
		d.all = all
	}
	d.bar.Describe(words)
	_ = d.bar.Set64(done) // a bar that cannot be drawn is no reason to stop
}

// line writes one in place of the bar, which comes again below it.
func (d *display) line(parts ...any) {
	if d.bar != nil {
		_ = d.bar.Clear()
	}
	fmt.Fprintln(d.out, parts...)
}

func (d *display) end() {
	if d.bar != nil {
		_ = d.bar.Finish()
	}
}
