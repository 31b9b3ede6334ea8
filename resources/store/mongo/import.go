package mongo

import (
	"errors"
	"fmt"

	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"fhirside/resources/store"
)

// Import gives a version the place in the order of commits that it would have had. See store.Tx.
func (t *tx) Import(r store.Record) error {
	if t.Now(); t.failed != nil {
		return t.failed
	}
	last, err := t.lastStamp()
	if err != nil {
		return err
	}
	at := stamp{commit: max(r.Updated.UnixMicro(), last.commit)}
	switch {
	case timeOf(at.commit) != r.Updated.UnixMicro():
		return fmt.Errorf("import %s/%s: its time %v lies before that of a version that is there", r.Type, r.ID, r.Updated)
	case r.Updated.After(t.now):
		return fmt.Errorf("import %s/%s: its time %v lies ahead of the database's clock", r.Type, r.ID, r.Updated)
	case at.commit == last.commit:
		at.n = last.n + 1
	}
	v := &version{Version: r.Version}
	if !r.Deleted() {
		if v, err = t.s.version(r); err != nil {
			return err
		}
	}
	v.at = &at
	return t.add(v)
}

// lastStamp is the place of the version that was written last.
func (t *tx) lastStamp() (stamp, error) {
	if n := len(t.order); n > 0 && t.order[n-1].at != nil {
		return *t.order[n-1].at, nil
	}
	v, err := t.view()
	if err != nil {
		return stamp{}, err
	}
	raw, err := v.collection(historyName).FindOne(v.ctx, d(), options.FindOne().SetSort(d("commit", -1, "n", -1)).SetProjection(d("resource", 0, "numbers", 0))).Raw()
	if errors.Is(err, driver.ErrNoDocuments) {
		return stamp{}, nil
	}
	if err != nil {
		return stamp{}, t.fail(err)
	}
	commit, err := whole(raw.Lookup("commit"))
	if err != nil {
		return stamp{}, err
	}
	n, err := whole(raw.Lookup("n"))
	return stamp{commit, n}, err
}
