package mongo

import (
	"context"
	"errors"
	"iter"
	"slices"

	"fhirside/resources/store"
	"fhirside/search"
)

// Search yields the resources that match, as they are at one moment. Where that takes longer than the server keeps a moment, or the
// connection is lost, it goes on behind what it has yielded, as of a later moment.
func (s *Store) Search(ctx context.Context, q store.Search) iter.Seq2[store.Match, error] {
	return func(yield func(store.Match, error) bool) {
		for failures := 0; ; {
			found, more, err := s.searchOnce(ctx, &q, yield)
			if found {
				failures = 0
			}
			if failures++; err == nil || failures > maxResumes || ctx.Err() != nil || !isUnreachable(err) && !isConflict(err) {
				if more && err != nil {
					yield(store.Match{}, explainSearch(ctx, err))
				}
				return
			}
		}
	}
}

// maxResumes is how often a search goes on after failures without finding anything in between.
const maxResumes = 1

// searchOnce yields what a search finds until it fails, and lets the search go on behind that. More says whether the caller wants
// more.
func (s *Store) searchOnce(ctx context.Context, q *store.Search, yield func(store.Match, error) bool) (found, more bool, err error) {
	if err := s.check(ctx); err != nil {
		return false, true, err
	}
	v := &view{s: s, ctx: ctx, outside: ctx}
	defer v.endMoment()
	switch {
	case isLookup(*q):
	case mayBeOneCommand(*q):
		v.single = true
	default:
		if err := v.oneMoment(); err != nil {
			return false, true, err
		}
	}
	for match, err := range v.search(*q) {
		if err != nil {
			return found, true, err
		}
		if !yield(match, nil) {
			return true, false, nil
		}
		found, q.After = true, match.Position
		if q.Limit > 0 {
			if q.Limit--; q.Limit == 0 {
				return true, false, nil
			}
		}
	}
	return found, true, nil
}

// isLookup says whether a search only wants to know whether its criteria find nothing, one or several: that needs no moment for all.
func isLookup(q store.Search) bool { return q.KeysOnly && q.Limit > 0 && q.Limit <= 2 }

// mayBeOneCommand says whether a search can turn out to be one command that answers at once. That sees one moment by itself, without a
// transaction that would have to be ended.
func mayBeOneCommand(q store.Search) bool {
	return len(q.Types) == 1 && q.Limit > 0 && q.Limit <= maxBatch && !search.HasLinks(q.Filter)
}

// Count is the number of resources that match.
func (s *Store) Count(ctx context.Context, types []string, f search.Filter) (int64, error) {
	if err := s.check(ctx); err != nil {
		return 0, explain(ctx, err)
	}
	v := &view{s: s, ctx: ctx, outside: ctx}
	n, err := v.count(types, f)
	return n, explainSearch(ctx, err)
}

func (v *view) search(q store.Search) iter.Seq2[store.Match, error] {
	return func(yield func(store.Match, error) bool) {
		mark := fingerprint(q.Types, q.Filter, q.Sort)
		after, err := openPosition(q.After, mark)
		if err != nil {
			yield(store.Match{}, err)
			return
		}
		n, last := 0, position{}
		for {
			err := error(nil)
			for h, herr := range v.hits(q, after) {
				if err = herr; err != nil {
					break
				}
				match := store.Match{Position: h.position.seal(mark)}
				if q.KeysOnly {
					match.Version = decodeKeys(h.position.resourceType, h.document)
				} else {
					match.Version = decodeCurrent(h.position.resourceType, h.document)
				}
				if !yield(match, nil) {
					return
				}
				if n++; n == q.Limit {
					return
				}
				last = h.position
			}
			if !errors.Is(err, errUnplaced) {
				if err != nil {
					yield(store.Match{}, err)
				}
				return
			}
			if v.unlimited = true; n > 0 {
				after = &last
			}
		}
	}
}

// hits are those of all types in the order of the search.
func (v *view) hits(q store.Search, after *position) iter.Seq2[hit, error] {
	return func(yield func(hit, error) bool) {
		found, err := v.streams(q, after)
		if err != nil {
			yield(hit{}, err)
			return
		}
		all := inTurn(found)
		if len(q.Sort) > 0 && len(found) > 1 {
			all = mergedHits(found)
		}
		for h, err := range all {
			if !yield(h, err) || err != nil {
				return
			}
		}
	}
}

// stream is what a search finds on one type, in the order of a sorting.
type stream struct {
	hits    iter.Seq2[hit, error]
	sorting sorting
}

func (v *view) streams(q store.Search, after *position) (found []stream, err error) {
	types, err := v.types(q.Types)
	if err != nil {
		return nil, err
	}
	horizon, err := v.horizonFor(q)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(q.Sort, func(k search.SortKey) bool { return k.Param == paramID }); i >= 0 && len(types) == 1 {
		q.Sort = q.Sort[:i+1] // what comes behind the id decides nothing
	}
	for _, resourceType := range types {
		f := finder{view: v, compiler: newCompiler(resourceType), horizon: horizon, limit: q.Limit, keysOnly: q.KeysOnly}
		f.sorting = f.sortingOf(q.Sort, isByTime(q.Filter))
		if len(types) > 1 && len(q.Sort) > 0 && f.sorting.natural {
			f.sorting = f.computed(q.Sort) // types have orders of their own, which cannot be merged
		}
		from := after
		switch {
		case after == nil:
		case len(q.Sort) > 0: // all types go on there; of equal places those of the types behind
			from = &position{after.resourceType, after.values, after.id, resourceType > after.resourceType}
		case resourceType < after.resourceType:
			continue
		case resourceType > after.resourceType:
			from = nil
		}
		if from != nil && len(from.values) != len(f.sorting.fields) {
			return nil, store.ErrCursor
		}
		found = append(found, stream{f.find(q.Filter, from), f.sorting})
	}
	return found, nil
}

// types are the resource types to be searched, in order.
func (v *view) types(asked []string) ([]string, error) {
	if len(asked) > 0 {
		return distinct(asked), nil
	}
	return v.s.catalog.types(v.outside)
}

// isByTime says whether a search is one for what was last changed: without keys it is ordered by that.
func isByTime(f search.Filter) bool {
	switch f := f.(type) {
	case search.Date:
		return f.Param == paramUpdated
	case search.And:
		return slices.ContainsFunc(f, isByTime)
	}
	return false
}

// horizonFor is the time up to which a search by time may see, so that whoever goes on from the last time seen misses nothing.
// Other searches see what there is (0), as those within a commit do, and those that end before it.
func (v *view) horizonFor(q store.Search) (int64, error) {
	byTime := func(k search.SortKey) bool { return k.Param == paramUpdated }
	if v.tx != nil || !mentionsUpdated(q.Filter) && !slices.ContainsFunc(q.Sort, byTime) || v.s.clock.isBehind(endOf(q.Filter)) {
		return 0, nil
	}
	last, _, err := v.s.clock.horizon(v.outside)
	return last, err
}

// endOf is the time after which nothing that matches was last changed, as far as the filter's own conditions say.
func endOf(f search.Filter) int64 {
	switch f := f.(type) {
	case search.Date:
		if f.Param == paramUpdated {
			within, _ := beginnings(f) // an instant ends where it begins
			return within.hi
		}
	case search.And:
		end := unbounded.hi
		for _, part := range f {
			end = min(end, endOf(part))
		}
		return end
	}
	return unbounded.hi
}

func mentionsUpdated(f search.Filter) bool {
	return search.Some(f, func(f search.Filter) bool {
		date, is := f.(search.Date)
		return is && date.Param == paramUpdated
	})
}

func (v *view) count(types []string, filter search.Filter) (total int64, err error) {
	total, err = v.countOnce(types, filter)
	if errors.Is(err, errUnplaced) { // met by a chain
		v.unlimited = true
		total, err = v.countOnce(types, filter)
	}
	return total, err
}

func (v *view) countOnce(types []string, filter search.Filter) (total int64, err error) {
	types, err = v.types(types)
	if err != nil {
		return 0, err
	}
	horizon, err := v.horizonFor(store.Search{Filter: filter})
	if err != nil {
		return 0, err
	}
	for _, resourceType := range types {
		f := finder{view: v, compiler: newCompiler(resourceType), horizon: horizon, keysOnly: true}
		f.sorting = f.natural()
		n, err := f.count(filter)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// inTurn yields one stream after the other.
func inTurn(streams []stream) iter.Seq2[hit, error] {
	return func(yield func(hit, error) bool) {
		for _, s := range streams {
			for h, err := range s.hits {
				if !yield(h, err) || err != nil {
					return
				}
			}
		}
	}
}

// mergedHits yields streams of the same order as one. What several of them find is yielded once.
func mergedHits(streams []stream) iter.Seq2[hit, error] {
	return func(yield func(hit, error) bool) {
		type head struct {
			hit
			next func() (hit, error, bool)
		}
		var heads []*head
		for _, s := range streams {
			next, stop := iter.Pull2(s.hits)
			defer stop()
			h, err, ok := next()
			if err != nil {
				yield(hit{}, err)
				return
			}
			if ok {
				heads = append(heads, &head{h, next})
			}
		}
		order := streams[0].sorting
		var last *position
		for len(heads) > 0 {
			first := 0
			for i := range heads {
				if order.compare(heads[i].position, heads[first].position) < 0 {
					first = i
				}
			}
			h := heads[first].hit
			if last == nil || order.compare(*last, h.position) != 0 {
				if !yield(h, nil) {
					return
				}
				last = &h.position
			}
			next, err, ok := heads[first].next()
			switch {
			case err != nil:
				yield(hit{}, err)
				return
			case ok:
				heads[first].hit = next
			default:
				heads = slices.Delete(heads, first, first+1)
			}
		}
	}
}
