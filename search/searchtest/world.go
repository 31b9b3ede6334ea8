package searchtest

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"fhirside/fhir"
	"fhirside/search"
	"fhirside/search/index"
	"fhirside/search/match"
)

var extractor = index.New(search.R4(), Base)

// Extract computes the index values of a resource on the server at Base.
func Extract(r *fhir.Resource) index.Values { return extractor.Extract(r) }

// Values are the index values of a stored body: what a store that recomputes them is given.
func Values(body []byte) (index.Values, error) {
	r, err := fhir.Parse(body)
	if err != nil {
		return index.Values{}, err
	}
	return Extract(r), nil
}

// Key names a resource: Type/ID.
type Key struct{ Type, ID string }

// World is a store in memory that answers with search/match. It is a match.World of itself.
type World struct{ subjects map[Key]match.Subject }

// NewWorld is a World without resources.
func NewWorld() *World { return &World{map[Key]match.Subject{}} }

// Put adds or replaces a resource.
func (w *World) Put(r *fhir.Resource, updated time.Time) {
	w.Delete(Key{r.Type(), r.ID()})
	v := Extract(r).At(r.Type(), r.ID())
	w.subjects[Key{r.Type(), r.ID()}] = match.Subject{Type: r.Type(), ID: r.ID(), Updated: updated, Values: &v}
	for _, c := range v.Contained {
		t := search.ContainedType(c.Type)
		w.subjects[Key{t, c.ID}] = match.Subject{Type: t, ID: c.ID, Updated: updated, Values: &c.Values}
	}
}

// Delete removes a resource, and with it what it contains.
func (w *World) Delete(k Key) {
	s, ok := w.subjects[k]
	if !ok {
		return
	}
	delete(w.subjects, k)
	for _, c := range s.Values.Contained {
		delete(w.subjects, Key{search.ContainedType(c.Type), c.ID})
	}
}

// Clone is a World of its own with the same resources.
func (w *World) Clone() *World { return &World{maps.Clone(w.subjects)} }

// Subjects are all resources but those that are contained in others, by type and id.
func (w *World) Subjects() []match.Subject {
	return w.those(func(resourceType string) bool { return !search.IsContained(resourceType) })
}

// those are the resources of some types, by type and id.
func (w *World) those(wanted func(resourceType string) bool) []match.Subject {
	all := make([]match.Subject, 0, len(w.subjects))
	for _, s := range w.subjects {
		if wanted(s.Type) {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b match.Subject) int { return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.ID, b.ID)) })
	return all
}

// Resource is part of match.World.
func (w *World) Resource(resourceType, id string) (match.Subject, bool, error) {
	s, ok := w.subjects[Key{resourceType, id}]
	return s, ok, nil
}

// Find is part of match.World.
func (w *World) Find(resourceType string, f search.Filter) iter.Seq2[match.Subject, error] {
	return func(yield func(match.Subject, error) bool) {
		for _, s := range w.those(func(t string) bool { return t == resourceType }) {
			if held, err := match.Matches(f, s, nil); (held || err != nil) && !yield(s, err) {
				return
			}
		}
	}
}

// Search are the resources of the types (none: all that are not contained) for which the filter holds, in the order of the keys; ties are by type and
// id, where a store may have another order.
func (w *World) Search(types []string, f search.Filter, keys []search.SortKey) ([]match.Subject, error) {
	var found []match.Subject
	for _, s := range w.those(func(t string) bool { return slices.Contains(types, t) || len(types) == 0 && !search.IsContained(t) }) {
		held, err := match.Matches(f, s, w)
		if err != nil {
			return nil, fmt.Errorf("%s/%s: %w", s.Type, s.ID, err)
		}
		if held {
			found = append(found, s)
		}
	}
	slices.SortStableFunc(found, func(a, b match.Subject) int { return match.Compare(keys, a, b) })
	return found, nil
}
