package mongo

import (
	"fmt"
	"sync"

	"fhirside/fhir"
)

// A transaction must fit into the part of the server's cache that may be changed and not yet written: a fifth, where nobody has set it
// otherwise, of which one transaction gets three quarters. There it takes its documents, twice, the keys of their indexes, and the pages that
// these lie on, which depends on what else is there. No client can know; so whoever is refused is told what it was, and what is likely to fit.

// extent is what a commit writes.
type extent struct {
	entries int
	bytes   int // of documents, index values included and history not
}

// largest is the largest commit that this process has made.
type largest struct {
	mu sync.Mutex
	extent
}

func (l *largest) note(e extent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e.bytes > l.bytes {
		l.extent = e
	}
}

// refusal says that a commit was more than the server takes, which it has said or shown by rolling it back so many times, and how many
// entries like its own to send instead: half of them, or as many as are known to have fitted, by their bytes.
func (l *largest) refusal(e extent, conflicts int) *fhir.Error {
	l.mu.Lock()
	fits := l.bytes
	l.mu.Unlock()
	half := e.entries / 2
	known := int(int64(e.entries) * int64(min(fits, e.bytes)) / int64(max(e.bytes, 1)))
	says := "which is more than its cache takes at once"
	if conflicts > 0 {
		says = fmt.Sprintf("and was rolled back %d times, most likely because its cache does not take that at once", conflicts)
	}
	return fhir.Errorf(fhir.TooLarge, fhir.CodeTooCostly,
		"this transaction writes %d resources, %.1f MiB as the database keeps them, %s; nothing of it was stored: send at most %d of them at once, or give the database a bigger cache",
		e.entries, float64(e.bytes)/(1<<20), says, max(half, min(known, e.entries-1), 1))
}
