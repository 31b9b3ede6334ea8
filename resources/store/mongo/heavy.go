package mongo

import (
	"context"
	"fmt"
	"time"

	"fhirside/fhir"
)

// A resource of many MiB is written twice in one transaction, as the current version and into the history. A server with a small cache
// says that this does not fit, or gets stuck in making room for it: SecantusDB with 256 MiB takes two times 8 MiB, refuses two times 10,
// and does not answer at all to two times 12.

const (
	// heavyEntry is from how many bytes on an entry may be too much by itself.
	heavyEntry = 4 << 20
	// cacheShare is which part of the cache a transaction is likely to get, as far as servers were seen to take it.
	cacheShare = 20
)

// isHeavy says whether few entries are so large that sending fewer of them is no way out.
func (e extent) isHeavy() bool { return e.entries > 0 && e.bytes/e.entries >= heavyEntry }

// needed is the size of a cache in MiB that takes one such entry with its history.
func (e extent) needed() int { return 2 * cacheShare * e.bytes / e.entries >> 20 }

// tooHeavy is the refusal of a commit whose entries are each more than the server's cache takes.
func tooHeavy(e extent) *fhir.Error {
	return fhir.Errorf(fhir.TooLarge, fhir.CodeTooLong,
		"a resource of %.1f MiB, as the database keeps it, is more than its cache takes together with its history; nothing of it was stored: give the database a cache of %d MiB, or make the resource smaller",
		float64(e.bytes)/float64(e.entries)/(1<<20), e.needed())
}

// isStuck says whether the time of a heavy commit ended because it can never work: because the server's cache is too small for it.
func (c *committer) isStuck() bool {
	if !c.written.isHeavy() || time.Until(c.deadline()) > 0 {
		return false
	}
	size, err := c.s.cacheSize()
	return err == nil && size < int64(c.written.needed())<<20
}

// cacheSize is what the server's cache holds, in bytes. Not everybody may ask for it.
func (s *Store) cacheSize() (int64, error) {
	ctx, cancel := context.WithTimeout(s.closing, s.opt.Timeout)
	defer cancel()
	status, err := s.db.RunCommand(ctx, d("serverStatus", 1, "metrics", 0, "repl", 0)).Raw()
	if err != nil {
		return 0, err
	}
	size, err := status.LookupErr("wiredTiger", "cache", "maximum bytes configured")
	if err != nil {
		return 0, fmt.Errorf("the server does not tell the size of its cache: %w", err)
	}
	return whole(size)
}
