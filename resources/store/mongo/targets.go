package mongo

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"fhirside/resources/store"
)

// A commit that refers to a resource and one that deletes it write different documents, so no transaction keeps them apart. Their numbers
// do (docs/decisions/0018-references-on-mongodb.md):
//
//   - A commit that may delete what others refer to says so in the clock as it begins, waits until the commits with lower numbers are over,
//     and only then begins its transaction, in which it looks for references.
//   - A commit that refers to resources was told, as it began, what commits with lower numbers may delete. Where its targets are among that
//     it waits until those are over. Then it reads its targets, outside of its transaction, which may show an earlier moment.
//
// So of two such commits the one with the higher number sees what has become of the other. Waiting goes from higher to lower numbers, never
// in a circle. What may be deleted stands in the clock as long as its commit does: until the process takes it out or its time is over.
//
// A big commit takes long, and nobody is to wait for it in vain: it refers by a second number, which it takes when all is written but the
// end. One that deletes does not.

// deletion is what an open commit may delete.
type deletion struct {
	Commit, Owner int64
	Keys          bson.Binary // hashesOf
}

const hashSize = 4

func hashOf(key store.Key) uint32 { return uint32(sum(key.Type + "/" + key.ID)) }

// hashesOf are the hashes of resources, four bytes each: a Bundle may delete thousands, and each commit that begins reads them. Two
// resources with one hash cost a wait.
func hashesOf(keys map[store.Key]bool) []byte {
	hashes := make([]byte, 0, len(keys)*hashSize)
	for key := range keys {
		hashes = binary.LittleEndian.AppendUint32(hashes, hashOf(key))
	}
	return hashes
}

// mayDelete says whether one of the resources may be among what is deleted.
func (d deletion) mayDelete(hashes map[uint32]bool) bool {
	for chunk := range slices.Chunk(d.Keys.Data, hashSize) {
		if len(chunk) < hashSize || hashes[binary.LittleEndian.Uint32(chunk)] { // what nobody can read may be anything
			return true
		}
	}
	return false
}

var (
	// errRetires says that an attempt found out what it deletes when it had begun already.
	errRetires = errors.New("what is deleted is announced first")
	// errOutdated says that what an attempt has read is older than a deletion of what it refers to.
	errOutdated = errors.New("what the commit has read was deleted since")
	errNotOver  = fmt.Errorf("%w: commits that may refer to what is deleted are not over", store.ErrUnavailable)
	errDeletes  = fmt.Errorf("%w: commits that may delete what this refers to are not over", store.ErrUnavailable)
)

// Retire announces deletions. See store.Tx.
func (t *tx) Retire(keys []store.Key) error {
	if t.failed != nil {
		return t.failed
	}
	retired := t.committer.retired
	known := len(retired)
	for _, key := range keys {
		retired[key] = true
	}
	switch {
	case len(retired) == known:
		return nil
	case t.number != 0 || t.inside != nil:
		return t.fail(errRetires)
	}
	return t.retire()
}

// retire begins the attempt with what it may delete.
func (t *tx) retire() error {
	began, err := t.begin(role{deleting: hashesOf(t.committer.retired)})
	if err != nil {
		return err
	}
	return t.waitFor(began.before, errNotOver)
}

// waitFor waits until commits are over.
func (t *tx) waitFor(open []entry, otherwise error) error {
	if len(open) == 0 {
		return nil
	}
	left, err := t.s.clock.over(t.ctx, open, t.committer.deadline())
	if err == nil && len(left) > 0 {
		err = otherwise
	}
	return t.fail(err)
}

// Targets reads what the commit refers to. See store.Tx.
func (t *tx) Targets(keys []store.Key) (found []store.Version, err error) {
	if err := t.mayRefer(); err != nil {
		return nil, err
	}
	others := make([]store.Key, 0, len(keys))
	for _, key := range keys {
		switch w := t.writes[key]; {
		case w == nil:
			others = append(others, key)
		case !w.last.Deleted():
			found = append(found, w.last.Version)
		}
	}
	if len(others) == 0 {
		return found, nil
	}
	if err := t.waitForDeletions(others); err != nil {
		return nil, err
	}
	alive, err := t.readTargets(others)
	if err != nil {
		return nil, err
	}
	return append(found, alive...), nil
}

// mayRefer has the commit stand in the clock as one that may refer to something.
func (t *tx) mayRefer() error {
	if t.Now(); t.failed != nil || !t.late {
		return t.failed
	}
	if err := t.send(); err != nil {
		return err
	}
	began, err := t.s.clock.begin(t.ctx, role{})
	if err != nil {
		return t.fail(err)
	}
	t.late, t.reference, t.deleting = false, began.commit, began.deleting
	return nil
}

func (t *tx) waitForDeletions(keys []store.Key) error {
	if len(t.deleting) == 0 {
		return nil
	}
	hashes := make(map[uint32]bool, len(keys))
	for _, key := range keys {
		hashes[hashOf(key)] = true
	}
	var open []entry
	for _, other := range t.deleting {
		if other.mayDelete(hashes) {
			open = append(open, entry{Commit: other.Commit, Owner: other.Owner})
		}
	}
	return t.waitFor(open, errDeletes)
}

// readTargets reads what is current now. Where the transaction shows an earlier moment in which a resource was still there, what led to
// that is found again.
func (t *tx) readTargets(keys []store.Key) ([]store.Version, error) {
	now := &view{s: t.s, ctx: t.ctx, outside: t.ctx}
	found, err := now.readMany(keys)
	if err != nil || len(found) == len(keys) || !t.looked {
		return found, t.fail(err)
	}
	gone := make(map[store.Key]bool, len(keys))
	for _, key := range keys {
		gone[key] = true
	}
	for _, v := range found {
		delete(gone, v.Key)
	}
	for key := range gone {
		was, err := t.Read(key.Type, key.ID)
		switch {
		case errors.Is(err, store.ErrNotFound):
		case err != nil:
			return nil, err
		case !was.Deleted():
			return nil, t.fail(errOutdated)
		}
	}
	return found, nil
}

// begin gives the attempt its number.
func (t *tx) begin(as role) (begun, error) {
	began, err := t.s.clock.begin(t.ctx, as)
	if err != nil {
		return began, t.fail(err)
	}
	t.number, t.rules, t.now = began.commit, began.rules, time.UnixMicro(timeOf(began.commit)).UTC()
	t.deleting, t.late, t.looked = began.deleting, as.late, t.inside != nil
	return began, nil
}
