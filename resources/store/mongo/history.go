package mongo

import (
	"context"
	"encoding/base64"
	"iter"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"fhirside/resources/store"
)

// History yields versions, newest first. That of a type, or of everything, ends at a horizon (see clock), so that whoever comes
// back with the time of the newest misses nothing.
func (s *Store) History(ctx context.Context, h store.History) iter.Seq2[store.HistoryEntry, error] {
	return func(yield func(store.HistoryEntry, error) bool) {
		after, err := openStamp(h.After, "history/"+h.Type+"/"+h.ID)
		if err != nil {
			yield(store.HistoryEntry{}, err)
			return
		}
		r := s.versions(ctx)
		n := 0
		for e, err := range r.history(h, after) {
			if err != nil {
				yield(store.HistoryEntry{}, explain(ctx, err))
				return
			}
			entry := store.HistoryEntry{Version: e.Version, Position: sealStamp("history/"+h.Type+"/"+h.ID, e.stamp)}
			if !yield(entry, nil) {
				return
			}
			if n++; n == h.Limit {
				return
			}
		}
	}
}

// Changes yields every version in the order of its commit, up to the horizon. They come from the history, which is never
// trimmed: no consumer comes too late.
func (s *Store) Changes(ctx context.Context, after string) iter.Seq2[store.Change, error] {
	return func(yield func(store.Change, error) bool) {
		from, err := openStamp(after, "changes")
		if err != nil {
			yield(store.Change{}, err)
			return
		}
		for e, err := range s.versions(ctx).changes(from) {
			if err != nil {
				yield(store.Change{}, explain(ctx, err))
				return
			}
			if !yield(store.Change{Version: e.Version, Position: sealStamp("changes", e.stamp)}, nil) {
				return
			}
		}
	}
}

// stamp is the place of a version in the order of commits: the commit's number and the version's place in it.
type stamp struct{ commit, n int64 }

// sealStamp writes a stamp as the position of one kind of list.
func sealStamp(list string, s stamp) string {
	data, _ := bson.Marshal(d("l", sum(list), "c", s.commit, "n", s.n))
	return base64.RawURLEncoding.EncodeToString(data)
}

// openStamp reads what sealStamp wrote; nil for "".
func openStamp(position, list string) (*stamp, error) {
	if position == "" {
		return nil, nil
	}
	data, err := base64.RawURLEncoding.DecodeString(position)
	if err != nil || bson.Raw(data).Validate() != nil {
		return nil, store.ErrCursor
	}
	of, ok1 := bson.Raw(data).Lookup("l").Int64OK()
	commit, ok2 := bson.Raw(data).Lookup("c").Int64OK()
	n, ok3 := bson.Raw(data).Lookup("n").Int64OK()
	if !ok1 || !ok2 || !ok3 || of != sum(list) {
		return nil, store.ErrCursor
	}
	return &stamp{commit, n}, nil
}

// stamped is a version with its place.
type stamped struct {
	store.Version
	stamp
}

// versions reads the history batch by batch.
type versions struct {
	s   *Store
	ctx context.Context
}

func (s *Store) versions(ctx context.Context) versions { return versions{s, ctx} }

// historyBatch is how many versions are read at once.
const historyBatch = 100

func (r versions) history(h store.History, after *stamp) iter.Seq2[stamped, error] {
	return func(yield func(stamped, error) bool) {
		filter, err := r.scope(h)
		if err != nil {
			yield(stamped{}, err)
			return
		}
		order, hint := d("commit", -1, "n", -1), "commits"
		switch {
		case h.ID != "":
			order, hint = d("_id", -1), ""
		case h.Type != "":
			hint = "types"
		}
		for e, err := range r.read(filter, order, hint, after, true, batchOf(h.Limit)) {
			if err != nil {
				yield(stamped{}, err)
				return
			}
			if !h.At.IsZero() {
				current, err := r.wasCurrent(e, h.At.From.UnixMicro())
				if err != nil {
					yield(stamped{}, err)
					return
				}
				if !current {
					continue
				}
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

func batchOf(limit int) int {
	if limit > 0 {
		return min(limit, historyBatch)
	}
	return historyBatch
}

// scope selects the versions that a history asks for.
func (r versions) scope(h store.History) (bson.D, error) {
	var filter bson.D
	until := unbounded.hi
	switch {
	case h.ID != "":
		filter = versionsOf(store.Key{Type: h.Type, ID: h.ID})
	case h.Type != "":
		filter = d("type", h.Type)
	}
	if h.ID == "" {
		horizon, err := r.horizon()
		if err != nil {
			return nil, err
		}
		until = horizon
	}
	if !h.At.IsZero() {
		until = min(until, h.At.To.UnixMicro()+perTime-1)
	}
	within := bounds{unbounded.lo, until}
	if !h.Since.IsZero() {
		within.lo = h.Since.UnixMicro()
	}
	if cond := within.document(); cond != nil {
		filter = append(filter, bson.E{Key: "commit", Value: cond})
	}
	return filter, nil
}

func (r versions) horizon() (int64, error) {
	ctx, cancel := context.WithTimeout(r.ctx, r.s.opt.Timeout)
	defer cancel()
	if err := r.s.check(ctx); err != nil {
		return 0, err
	}
	return r.s.clock.horizon(ctx)
}

func (r versions) changes(after *stamp) iter.Seq2[stamped, error] {
	return func(yield func(stamped, error) bool) {
		horizon, err := r.horizon()
		if err != nil {
			yield(stamped{}, err)
			return
		}
		for e, err := range r.read(d("commit", lte(horizon)), d("commit", 1, "n", 1), "commits", after, false, historyBatch) {
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// read yields versions in an order, batch by batch: whoever reads them takes their time, which no cursor of the server survives.
func (r versions) read(filter, order bson.D, hint string, after *stamp, newestFirst bool, batch int) iter.Seq2[stamped, error] {
	return func(yield func(stamped, error) bool) {
		for {
			page, err := r.page(filter, order, hint, after, newestFirst, batch)
			if err != nil {
				yield(stamped{}, err)
				return
			}
			for i := range page {
				if !yield(page[i], nil) {
					return
				}
				after = &page[i].stamp
			}
			if len(page) < batch {
				return
			}
			batch = historyBatch
		}
	}
}

func (r versions) page(filter, order bson.D, hint string, after *stamp, newestFirst bool, size int) (page []stamped, err error) {
	ctx, cancel := context.WithTimeout(r.ctx, r.s.opt.Timeout)
	defer cancel()
	if err := r.s.check(ctx); err != nil {
		return nil, err
	}
	conditions := []bson.D{filter}
	if after != nil {
		conditions = append(conditions, d("commit", bound(newestFirst, after.commit, true)),
			anyOf([]bson.D{d("commit", bound(newestFirst, after.commit, false)), d("n", bound(newestFirst, after.n, false))}))
	}
	find := options.Find().SetSort(order).SetLimit(int64(size)).SetBatchSize(int32(size))
	if hint != "" {
		find.SetHint(hint)
	}
	v := &view{s: r.s, ctx: ctx, outside: ctx}
	err = v.retried(func() error {
		page = page[:0]
		cursor, err := v.collection(historyName).Find(ctx, allOf(conditions), find)
		if err != nil {
			return err
		}
		page, err = appendVersions(ctx, page, cursor)
		return err
	})
	return page, err
}

func appendVersions(ctx context.Context, page []stamped, cursor *driver.Cursor) ([]stamped, error) {
	defer cursor.Close(ctx)
	for cursor.Next(ctx) {
		version, place, err := decodeStamped(cursor.Current)
		if err != nil {
			return page, err
		}
		page = append(page, stamped{version, place})
	}
	return page, cursor.Err()
}

// wasCurrent says whether a version was still current at a time, or came later: whether the next one came after it, or none did.
func (r versions) wasCurrent(e stamped, at int64) (bool, error) {
	ctx, cancel := context.WithTimeout(r.ctx, r.s.opt.Timeout)
	defer cancel()
	next := d("_id", versionID(e.Key, e.Version.Version+1), "commit", lte(at+perTime-1))
	n, err := r.s.db.Collection(historyName).CountDocuments(ctx, next)
	return n == 0, err
}
