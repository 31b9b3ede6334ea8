package resources

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"fhirside/resources/store"
	"fhirside/search/index"
)

// Copying is how far a copy of a whole store is. The target keeps it in its State until the copy is complete, and afterwards so that
// nobody takes it for data of its own.
type Copying struct {
	Source   string `json:"source"` // which store it is a copy of
	After    string `json:"after"`  // position of the last version that was copied, in the source's changes
	Versions int64  `json:"versions"`
	Complete bool   `json:"complete"`
	// Damaged are versions that cannot be read, and were left out: how many, and the first by name, "Patient/7/_history/2".
	Damaged  int64    `json:"damaged"`
	Names    []string `json:"names"`
	Verified int64    `json:"-"` // versions compared since
	Entries  int64    `json:"-"` // of the store's State
}

// CopyOptions are how a store is copied. The zero value is ready for use.
type CopyOptions struct {
	// Kinds are those of the entries of the State that come along: accounts, for example.
	Kinds []string
	// Until, where it is not nil, lets others write to the source meanwhile: what they write is copied as it comes, until this is closed.
	// From then on nobody may.
	Until <-chan struct{}
	// Progress is called now and then; nil: it is not.
	Progress func(Copying)
}

const (
	copyKey = "copy"
	// copyBatch and copyBytes bound what is copied in one commit; the first is below what a store queues as a big commit.
	copyBatch = 150
	copyBytes = 8 << 20
)

// CopyTo copies all versions of all resources into an empty store, as they are: numbers, times, deletions and what purges have left. What
// was interrupted goes on where it stopped. The search parameters that were added come with them. In the end both stores are read and
// compared, version by version; what cannot be read is left out. Nobody may write to either meanwhile (but see CopyOptions.Until): what is
// written to the source is copied too, or is found when the two are compared. A target that holds anything else is refused.
func (s *Service) CopyTo(ctx context.Context, target store.Store, o CopyOptions) (Copying, error) {
	if err := s.Refresh(ctx); err != nil {
		return Copying{}, err
	}
	c := copier{Service: s, target: target, CopyOptions: o, by: s.rules().number}
	copied, err := c.begin(ctx)
	if err != nil {
		return copied, err
	}
	if copied, err = c.versions(ctx, copied); err != nil {
		return copied, err
	}
	if c.Until != nil {
		if copied, err = c.follow(ctx, copied); err != nil {
			return copied, err
		}
	}
	if err := c.parameters(ctx); err != nil {
		return copied, err
	}
	if copied.Entries, err = c.entries(ctx); err != nil {
		return copied, err
	}
	copied.Complete = true
	if err := c.note(ctx, copied); err != nil {
		return copied, err
	}
	return c.verify(ctx, copied)
}

type copier struct {
	*Service
	CopyOptions
	target   store.Store
	by       int64 // the number of the rules that what is copied is indexed by
	revision int64 // of the target's note
}

// begin is where a copy goes on, or the beginning of one into an empty store.
func (c *copier) begin(ctx context.Context) (copied Copying, err error) {
	secret, err := c.Store.Secret(ctx, "copy")
	if err != nil {
		return copied, err
	}
	source := hex.EncodeToString(secret[:])
	e, err := c.target.State().Get(ctx, stateKind, copyKey)
	switch {
	case errors.Is(err, store.ErrNotFound):
		if empty, err := c.targetIsEmpty(ctx); err != nil || !empty {
			return copied, cmp.Or(err, errors.New("the target holds other data: copy into an empty database"))
		}
		copied.Source = source
		return copied, c.note(ctx, copied)
	case err != nil:
		return copied, err
	}
	if c.revision, err = e.Revision, json.Unmarshal(e.Value, &copied); err == nil && copied.Source != source {
		err = errors.New("the target holds a copy of another database")
	}
	return copied, err
}

func (c *copier) targetIsEmpty(ctx context.Context) (bool, error) {
	for _, err := range c.target.Changes(ctx, "") {
		return false, err
	}
	for _, kind := range c.Kinds {
		for _, err := range c.target.State().List(ctx, kind, "") {
			return false, err
		}
	}
	return true, nil
}

// note keeps how far the copy is. It is a conflict if somebody else copies into the target.
func (c *copier) note(ctx context.Context, copied Copying) error {
	value, err := json.Marshal(copied)
	if err != nil {
		return err
	}
	c.revision, err = c.target.State().Put(ctx, store.Entry{Kind: stateKind, Key: copyKey, Revision: c.revision, Value: value})
	if errors.Is(err, store.ErrConflict) {
		return fmt.Errorf("somebody else copies into the target: %w", err)
	}
	return err
}

// versions copies what is left, in the order of commits. A batch may be there already whose end was not noted.
func (c *copier) versions(ctx context.Context, copied Copying) (Copying, error) {
	var batch []store.Change
	size := 0
	for change, err := range c.Store.Changes(ctx, copied.After) {
		if err != nil {
			return copied, c.lost(err)
		}
		batch, size = append(batch, change), size+len(change.Body)
		if len(batch) == copyBatch || size >= copyBytes {
			if copied, err = c.some(ctx, copied, batch); err != nil {
				return copied, err
			}
			batch, size = nil, 0
		}
	}
	return c.some(ctx, copied, batch)
}

// follow copies what is written, and when that is to end what is there then.
func (c *copier) follow(ctx context.Context, copied Copying) (Copying, error) {
	following, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		select {
		case <-c.Until:
			stop()
		case <-following.Done():
		}
	}()
	for batch, err := range c.Store.Follow(following, copied.After) {
		if following.Err() != nil {
			break
		}
		if err == nil {
			copied, err = c.some(ctx, copied, batch)
		}
		if err != nil {
			return copied, c.lost(err)
		}
	}
	if err := ctx.Err(); err != nil {
		return copied, context.Cause(ctx)
	}
	copied, err := c.versions(ctx, copied)
	if err == nil {
		err = c.Refresh(ctx)
	}
	if now := c.rules().number; err == nil && now != c.by {
		err = errors.New("search parameters were added or removed meanwhile, which what is copied is not indexed by: copy into an empty database again")
	}
	return copied, err
}

// lost says what a position that is gone means for a copy.
func (c *copier) lost(err error) error {
	if errors.Is(err, store.ErrTooLate) || errors.Is(err, store.ErrCursor) {
		return fmt.Errorf("what was copied last is not in the source any more; copy into an empty database: %w", err)
	}
	return err
}

// some copies a few versions and notes that.
func (c *copier) some(ctx context.Context, copied Copying, batch []store.Change) (Copying, error) {
	if len(batch) == 0 {
		return copied, nil
	}
	var records []store.Record
	for _, change := range batch {
		values, err := c.valuesOf(change.Version)
		if err != nil {
			c.leaveOut(&copied, change.Version, err)
			continue
		}
		records = append(records, store.Record{Version: change.Version, Rules: c.by, Values: values})
	}
	if len(records) > 0 {
		if err := c.bring(ctx, records); err != nil {
			return copied, err
		}
	}
	copied.After, copied.Versions = batch[len(batch)-1].Position, copied.Versions+int64(len(records))
	if c.Progress != nil {
		c.Progress(copied)
	}
	return copied, c.note(ctx, copied)
}

// valuesOf are the index values of a version, of which a deletion has none. They fail where it cannot be read.
func (c *copier) valuesOf(v store.Version) (values index.Values, err error) {
	if v.Deleted() {
		return values, nil
	}
	r, err := parseStored(v)
	if err != nil {
		return values, err
	}
	return c.rules().extractor.Extract(r), nil
}

// maxLeftOut is how many of the versions that are left out are named; the log names all.
const maxLeftOut = 100

func (c *copier) leaveOut(copied *Copying, v store.Version, err error) {
	copied.Damaged++
	c.Log.Error("a version cannot be read, and is not copied", "version", Location(v), "error", err)
	if len(copied.Names) < maxLeftOut {
		copied.Names = append(copied.Names, Location(v))
	}
}

func (c *copier) bring(ctx context.Context, batch []store.Record) error {
	return c.target.Commit(ctx, func(tx store.Tx) error {
		for _, r := range batch {
			there, err := tx.Read(r.Type, r.ID)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			if err == nil && there.Version >= r.Version.Version {
				continue
			}
			if err := tx.Import(r); err != nil {
				return err
			}
		}
		return nil
	})
}

// parameters copies the added search parameters, by which the target is indexed already.
func (c *copier) parameters(ctx context.Context) error {
	added, revision, err := c.readParameters(ctx)
	if err != nil || revision == 0 {
		return err
	}
	value, err := json.Marshal(added)
	if err != nil {
		return err
	}
	there, err := c.target.State().Get(ctx, stateKind, parametersKey)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if !bytes.Equal(there.Value, value) {
		if _, err := c.target.State().Put(ctx, store.Entry{Kind: stateKind, Key: parametersKey, Revision: there.Revision, Value: value}); err != nil {
			return err
		}
	}
	return c.target.Require(ctx, added.Number)
}

// entries makes the target's State what the source's is, in the kinds that are copied, and counts them.
func (c *copier) entries(ctx context.Context) (n int64, err error) {
	to := c.target.State()
	for _, kind := range c.Kinds {
		there := map[string]store.Entry{}
		for e, err := range to.List(ctx, kind, "") {
			if err != nil {
				return n, err
			}
			there[e.Key] = e
		}
		for e, err := range c.Store.State().List(ctx, kind, "") {
			if err != nil {
				return n, err
			}
			n++
			old := there[e.Key]
			delete(there, e.Key)
			if old.Owner == e.Owner && old.Expires.Equal(e.Expires) && bytes.Equal(old.Value, e.Value) {
				continue
			}
			e.Revision = old.Revision
			if _, err := to.Put(ctx, e); err != nil {
				return n, fmt.Errorf("the %s %q: %w", kind, e.Key, err)
			}
		}
		for key := range there {
			if err := to.Delete(ctx, kind, key); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

// verify reads all versions of both and compares them.
func (c *copier) verify(ctx context.Context, copied Copying) (Copying, error) {
	next, stop := iter.Pull2(c.target.Changes(ctx, ""))
	defer stop()
	for want, err := range c.Store.Changes(ctx, "") {
		if err != nil {
			return copied, err
		}
		if _, err := parseStored(want.Version); err != nil && !want.Deleted() { // it was left out
			continue
		}
		got, err, ok := next()
		switch {
		case err != nil:
			return copied, err
		case !ok:
			return copied, fmt.Errorf("the copy ends before version %d of %s/%s", want.Version.Version, want.Type, want.ID)
		case got.Key != want.Key || got.Version.Version != want.Version.Version || got.Method != want.Method || !got.Updated.Equal(want.Updated) || !bytes.Equal(got.Body, want.Body):
			return copied, fmt.Errorf("version %d of %s/%s was not copied as it is: the copy has version %d of %s/%s there", want.Version.Version, want.Type, want.ID, got.Version.Version, got.Type, got.ID)
		}
		copied.Verified++
		if c.Progress != nil && copied.Verified%copyBatch == 0 {
			c.Progress(copied)
		}
	}
	if got, err, more := next(); err != nil || more {
		return copied, errors.Join(err, fmt.Errorf("the copy goes on with version %d of %s/%s, which the source does not have", got.Version.Version, got.Type, got.ID))
	}
	return copied, nil
}
