package mongo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"fhirside/resources/store"
)

// insertHistory adds versions to the history; first is the place of the first in the commit.
func (v *view) insertHistory(versions []*version, commit int64, first int) error {
	documents := make([]bson.Raw, len(versions))
	for i, x := range versions {
		at := stamp{commit, int64(first + i)}
		if x.at != nil {
			at = *x.at
		}
		documents[i] = historyDocument(x.Version, x.content, at.commit, int(at.n))
	}
	_, err := v.collection(historyName).InsertMany(v.ctx, documents)
	return err
}

// writeCurrent brings the documents of a type in line with the last version of each resource.
func (v *view) writeCurrent(resourceType string, keys []store.Key) error {
	var created []bson.Raw
	var changes []driver.WriteModel
	for _, key := range keys {
		w := v.tx.writes[key]
		last := w.last
		switch {
		case last.Deleted():
			if w.present {
				changes = append(changes, driver.NewDeleteOneModel().SetFilter(d("_id", key.ID)))
			}
		case w.present:
			changes = append(changes, driver.NewReplaceOneModel().SetFilter(d("_id", key.ID)).SetReplacement(last.document()))
		default:
			created = append(created, last.document())
		}
		w.present = !last.Deleted()
	}
	if len(created) > 0 {
		if _, err := v.collection(resourceType).InsertMany(v.ctx, created); err != nil {
			return err
		}
	}
	if len(changes) == 0 {
		return nil
	}
	done, err := v.collection(resourceType).BulkWrite(v.ctx, changes, options.BulkWrite().SetOrdered(false))
	if err == nil && done.MatchedCount+done.DeletedCount != int64(len(changes)) {
		err = fmt.Errorf("%d of %d documents of type %s were found that the transaction had read", done.MatchedCount+done.DeletedCount, len(changes), resourceType)
	}
	return err
}

// commit makes the attempt durable.
func (t *tx) commit() error {
	if len(t.order) == 0 {
		return nil
	}
	if err := t.send(); err != nil {
		return err
	}
	v, err := t.view()
	if err != nil {
		return err
	}
	if err := t.lock(v); err != nil {
		return err
	}
	// From here on the caller's giving up changes nothing: the result must be known.
	patience := max(time.Until(t.committer.began.Add(t.s.opt.Patience)), settleTime)
	if t.committer.admitted > 0 {
		patience = max(patience, time.Until(t.committer.deadline()))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), patience)
	defer cancel()
	return t.settle(driver.NewSessionContext(ctx, t.session))
}

// settle commits until the result is known. The driver itself repeats a commit whose connection was lost, and a server that has
// started again may no longer know the transaction though it is durable: whatever a commit fails with, the history decides.
func (t *tx) settle(ctx context.Context) error {
	for {
		err := t.session.CommitTransaction(ctx)
		switch {
		case err == nil:
			return nil
		case !hasLabel(err, labelUnknownCommit) && !isUnreachable(err):
			return t.resolve(err)
		case !sleep(ctx, 20*time.Millisecond):
			return t.resolve(err)
		}
	}
}

const (
	// settleTime is the least time that the end of a commit gets.
	settleTime = 2 * time.Second
	// resolveTime bounds the search for a commit whose result is unknown.
	resolveTime = 1500 * time.Millisecond
)

// resolve looks in the history for a commit whose result is unknown. An attempt that the server has forgotten and that is not in
// the history has not become durable and never will; of one that the server could not be asked about nobody knows.
func (t *tx) resolve(cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), resolveTime)
	defer cancel()
	first := t.order[0]
	raw, err := t.s.db.Collection(historyName).FindOne(ctx, d("_id", versionID(first.Key, first.Version.Version)),
		options.FindOne().SetProjection(d("commit", 1))).Raw()
	if err == nil {
		if commit, _ := whole(raw.Lookup("commit")); commit == t.number || first.at != nil && commit == first.at.commit {
			return nil
		}
		return cause // another commit has taken its place
	}
	if errors.Is(err, driver.ErrNoDocuments) && isConflict(cause) {
		return cause
	}
	return fmt.Errorf("%w: %w", errUnknown, errors.Join(cause, err))
}

// outlive lets a commit that nobody could be asked about end as soon as the server answers again, so that readers need not wait until its
// time is over. A session has one transaction: when the next one has begun, the server has ended this one, one way or the other.
func (s *Store) outlive(session *driver.Session, numbers []int64) {
	s.background.begin(func() {
		ctx, cancel := context.WithTimeout(s.closing, s.clock.patience)
		defer cancel()
		defer endSession(ctx, session)
		for sleep(ctx, retryAfter) {
			if s.beginAnother(ctx, session) == nil {
				for _, number := range numbers {
					s.clock.end(number)
				}
				return
			}
		}
		for _, number := range numbers {
			s.clock.lapse(number)
		}
	})
}

// beginAnother begins a session's next transaction, and ends it.
func (s *Store) beginAnother(ctx context.Context, session *driver.Session) error {
	ctx, cancel := context.WithTimeout(ctx, s.opt.Timeout)
	defer cancel()
	if err := session.StartTransaction(); err != nil {
		return err
	}
	inside := driver.NewSessionContext(ctx, session)
	err := s.db.Collection(schemaName).FindOne(inside, d("_id", schemaID)).Err()
	return errors.Join(err, session.AbortTransaction(inside))
}
