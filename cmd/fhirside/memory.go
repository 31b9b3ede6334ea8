package main

import (
	"os"
	"runtime"
)

// headroom is memory that is never touched and so never there. The garbage collector runs when the heap has doubled: a server that
// holds little would have it run a hundred times a second, to free some megabytes each time. Counted with this it lets garbage
// grow by as much first, however small or large the rest is. Who sets GOGC or GOMEMLIMIT has decided otherwise.
const headroom = 32 << 20

func keepHeadroom() (release func()) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return func() {}
	}
	untouched := make([]byte, headroom)
	return func() { runtime.KeepAlive(untouched) }
}
