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

// fitting is how many entries like those of a commit to send instead: half of them, or as many as are known to have fitted, by their bytes.
func (l *largest) fitting(e extent) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := int(int64(e.entries) * int64(min(l.bytes, e.bytes)) / int64(max(e.bytes, 1)))
	return max(e.entries/2, min(known, e.entries-1), 1)
}

func (e extent) String() string {
	return fmt.Sprintf("%d resources, %.1f MiB as the database keeps them", e.entries, float64(e.bytes)/(1<<20))
}

// refusal says that a commit was more than the server takes, which it has said or shown by rolling it back so many times.
func (l *largest) refusal(e extent, conflicts int) *fhir.Error {
	says := "which is more than its cache takes at once"
	if conflicts > 0 {
		says = fmt.Sprintf("and was rolled back %d times, most likely because its cache does not take that at once", conflicts)
	}
	return fhir.Errorf(fhir.TooLarge, fhir.CodeTooCostly,
		"this transaction writes %v, %s; nothing of it was stored: send at most %d of them at once, or give the database a bigger cache", e, says, l.fitting(e))
}

// delay says that a big commit has not ended in its time, which may have been its size: a server whose cache is full slows down before it
// refuses.
func (l *largest) delay(e extent) *fhir.Error {
	return fhir.Errorf(fhir.Unavailable, fhir.CodeTimeout,
		"this transaction writes %v, which the database did not take in time; nothing of it was stored: try again later, or send at most %d of them at once", e, l.fitting(e))
}
