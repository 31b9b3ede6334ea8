package mongo

import (
	"cmp"
	"context"
	"encoding/base64"
	"iter"
	"slices"

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
		within, err := r.times(h)
		if err != nil {
			yield(stamped{}, err)
			return
		}
		for e, err := range r.read(r.lists(store.Key{Type: h.Type, ID: h.ID}, within, true), after, true, batchOf(h.Limit)) {
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

// times are the numbers of the commits that a history asks for.
func (r versions) times(h store.History) (within bounds, err error) {
	within = unbounded
	if h.ID == "" {
		if within.hi, _, err = r.horizon(); err != nil {
			return within, err
		}
	}
	if !h.At.IsZero() {
		within.hi = min(within.hi, h.At.To.UnixMicro()+perTime-1)
	}
	if !h.Since.IsZero() {
		within.lo = h.Since.UnixMicro()
	}
	return within, nil
}

// list is versions in an order that an index has.
type list struct {
	filter, order bson.D
	hint          string // of the index; "": MongoDB chooses
}

// lists are the versions of a resource, of a type or of everything: one list, and a second one before it where there may be versions in
// layout 1.
func (r versions) lists(of store.Key, within bounds, newestFirst bool) []list {
	direction := 1
	if newestFirst {
		direction = -1
	}
	byCommit := d("commit", direction, "n", direction)
	now, earlier := list{d(), byCommit, commitsIndex}, list{d("_id", d("$type", "object")), byCommit, commitsIndex}
	old := r.s.upgrade.old.Load()
	switch {
	case of.ID != "":
		now, earlier = list{versionsOf(of), d("_id", direction), ""}, list{earlierVersionsOf(of), d("_id", direction), ""}
	case of.Type != "":
		now, earlier.filter = list{d("type", of.Type), byCommit, typesIndex}, d("_id.type", of.Type)
	case old:
		now.filter = d("_id", d("$type", "string"))
	}
	if cond := within.document(); cond != nil {
		now.filter = append(now.filter, bson.E{Key: "commit", Value: cond})
		earlier.filter = append(earlier.filter, bson.E{Key: "commit", Value: cond})
	}
	if old {
		return []list{earlier, now}
	}
	return []list{now}
}

func (r versions) horizon() (last int64, all bool, err error) {
	ctx, cancel := context.WithTimeout(r.ctx, r.s.opt.Timeout)
	defer cancel()
	if err := r.s.check(ctx); err != nil {
		return 0, false, err
	}
	return r.s.clock.horizon(ctx)
}

// read yields versions in an order, batch by batch: whoever reads them takes their time, which no cursor of the server survives.
func (r versions) read(lists []list, after *stamp, newestFirst bool, batch int) iter.Seq2[stamped, error] {
	return func(yield func(stamped, error) bool) {
		for {
			page, err := r.page(lists, after, newestFirst, batch)
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

// page is the next versions of the lists. What is in both has been converted between the two reads.
func (r versions) page(lists []list, after *stamp, newestFirst bool, size int) (page []stamped, err error) {
	for _, l := range lists {
		if page, err = r.append(page, l, after, newestFirst, size); err != nil {
			return nil, err
		}
	}
	if len(lists) > 1 {
		slices.SortStableFunc(page, func(a, b stamped) int {
			if order := cmp.Or(cmp.Compare(a.commit, b.commit), cmp.Compare(a.n, b.n)); newestFirst {
				return -order
			} else {
				return order
			}
		})
		page = slices.CompactFunc(page, func(a, b stamped) bool { return a.stamp == b.stamp })
		page = page[:min(len(page), size)]
	}
	return page, nil
}

// append adds the next versions of a list.
func (r versions) append(page []stamped, l list, after *stamp, newestFirst bool, size int) ([]stamped, error) {
	ctx, cancel := context.WithTimeout(r.ctx, r.s.opt.Timeout)
	defer cancel()
	if err := r.s.check(ctx); err != nil {
		return nil, err
	}
	filter := l.filter
	if after != nil {
		filter = allOf([]bson.D{filter, behind(*after, newestFirst)})
	}
	v := &view{s: r.s, ctx: ctx, outside: ctx}
	before, hint := len(page), l.hint
	read := func() error {
		page = page[:before]
		find := options.Find().SetSort(l.order).SetLimit(int64(size)).SetBatchSize(int32(size))
		if hint != "" {
			find.SetHint(hint)
		}
		cursor, err := v.collection(historyName).Find(ctx, filter, find)
		if err != nil {
			return err
		}
		page, err = appendVersions(ctx, page, cursor)
		return err
	}
	err := v.retried(read)
	if hint != "" && hasCode(err, codeBadValue) { // there is no such index: it is made anew, and meanwhile this takes its time
		hint = ""
		r.s.catalog.wake()
		err = v.retried(read)
	}
	return page, err
}

// behind selects what comes after a place in the order of commits.
func behind(place stamp, newestFirst bool) bson.D {
	return d("commit", bound(newestFirst, place.commit, true),
		"$or", bson.A{d("commit", bound(newestFirst, place.commit, false)), d("n", bound(newestFirst, place.n, false))})
}

func appendVersions(ctx context.Context, page []stamped, cursor *driver.Cursor) ([]stamped, error) {
	defer cursor.Close(ctx)
	for cursor.Next(ctx) {
		version, place, placed := decodeStamped(cursor.Current)
		if n := len(page); !placed && n > 0 {
			place = page[n-1].stamp
		}
		page = append(page, stamped{version, place})
	}
	return page, cursor.Err()
}

// wasCurrent says whether a version was still current at a time, or came later: whether the next one came after it, or none did.
func (r versions) wasCurrent(e stamped, at int64) (bool, error) {
	ctx, cancel := context.WithTimeout(r.ctx, r.s.opt.Timeout)
	defer cancel()
	ids := []any{versionID(e.Key, e.Version.Version+1)}
	if r.s.upgrade.old.Load() {
		ids = append(ids, earlierVersionID(e.Key, e.Version.Version+1))
	}
	n, err := r.s.db.Collection(historyName).CountDocuments(ctx, d("_id", d("$in", ids), "commit", lte(at+perTime-1)))
	return n == 0, err
}
