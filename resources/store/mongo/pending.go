package mongo

import (
	"iter"
	"slices"

	"fhirside/resources/store"
	"fhirside/search"
	"fhirside/search/match"
)

// maxUnsent bounds how many writes a search looks through before it sends them.
const maxUnsent = 200

// unsent says what a search would not see of the writes that were not sent yet: whether some replace or delete resources that it may
// find in the database, and whether it would find some of them.
func (t *tx) unsent(types []string, f search.Filter) (replaced, added bool) {
	waiting := t.order[t.sent:]
	if len(waiting) == 0 {
		return false, false
	}
	if len(waiting) > maxUnsent || search.HasLinks(f) || slices.ContainsFunc(types, search.IsContained) {
		return true, true
	}
	for _, v := range waiting {
		w := t.writes[v.Key]
		if w.last != v || len(types) > 0 && !slices.Contains(types, v.Type) {
			continue
		}
		replaced = replaced || w.present
		if v.Deleted() {
			continue
		}
		held, err := match.Matches(f, match.Subject{Type: v.Type, ID: v.ID, Updated: v.Updated, Values: &v.values}, nil)
		if held || err != nil {
			return true, true
		}
	}
	return replaced, false
}

// search finds what matches. Writes that wait stay where they are if they make no difference.
func (t *tx) search(q store.Search) iter.Seq2[store.Match, error] {
	return func(yield func(store.Match, error) bool) {
		replaced, added := t.unsent(q.Types, q.Filter)
		if replaced && !added && q.KeysOnly && 0 < q.Limit && q.Limit <= maxUnsent {
			found, current, err := t.peek(q)
			if err != nil {
				yield(store.Match{}, err)
				return
			}
			if current {
				for _, match := range found {
					if !yield(match, nil) {
						return
					}
				}
				return
			}
		}
		if replaced || added {
			if err := t.send(); err != nil {
				yield(store.Match{}, err)
				return
			}
		}
		v, err := t.view()
		if err != nil {
			yield(store.Match{}, err)
			return
		}
		v.search(q)(yield)
	}
}

// peek searches without the writes that wait, none of which matches, and says whether what it finds is current: none of it is replaced.
func (t *tx) peek(q store.Search) (found []store.Match, current bool, err error) {
	v, err := t.view()
	if err != nil {
		return nil, false, err
	}
	for match, err := range v.search(q) {
		if err != nil {
			return nil, false, err
		}
		if t.writes[match.Key] != nil {
			return nil, false, nil
		}
		found = append(found, match)
	}
	return found, true, nil
}
