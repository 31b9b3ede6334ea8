package resources

import (
	"context"
	"errors"
	"iter"

	"fhirside/fhir"
	"fhirside/resources/store"
	"fhirside/search"
)

// A page of many big resources is not held in memory: as many as fit into a window are, and of the others only keys and versions are
// known until they are written. Then they are read again, some at a time, in the version that was found.

const (
	// tasted is how many matches are read with their bodies before it is known how big they are.
	tasted = 100
	// reread is how many are read again at once.
	reread = 16
)

// window is what a page holds of its resources.
type window struct {
	s     *Service
	limit int  // bytes; 0: no limit
	most  int  // bytes of all resources together, of which a page may not have more; 0: no limit
	held  int  // bytes
	short bool // something is not held
	store storeView
}

// window is one of so many bytes. Inside a commit there is none: its writes can be read nowhere else.
func (s *Service) window(v view, limit int) window {
	outside, ok := v.(storeView)
	if !ok {
		return window{}
	}
	// Whoever reads slowly has no less time for that than for a page that was held.
	return window{s: s, limit: limit, store: storeView{context.WithoutCancel(outside.ctx), outside.store}}
}

// hold is the version with its body if there is room for that.
func (w *window) hold(v store.Version) store.Version {
	if w.limit > 0 && (v.Body == nil || w.held+len(v.Body) > w.limit) {
		v.Body, w.short = nil, true
	}
	w.held += len(v.Body)
	return v
}

// full refuses a page with more than it may have.
func (w *window) full() error {
	if w.most == 0 || w.held <= w.most {
		return nil
	}
	return fhir.Errorf(fhir.TooLarge, fhir.CodeTooLong, "the answer has more than %d bytes, the most that is left for it in this Bundle: ask for less at once", w.most)
}

// search is the view's. What will not be held is not read.
func (w *window) search(v view, q store.Search) iter.Seq2[store.Match, error] {
	if w.limit == 0 || q.Limit <= tasted {
		return v.Search(q)
	}
	return func(yield func(store.Match, error) bool) {
		left := q.Limit
		for q.Limit = tasted; left > 0; q.Limit = left {
			n := 0
			for match, err := range v.Search(q) {
				if !yield(match, err) || err != nil {
					return
				}
				q.After = match.Position
				n++
			}
			if n < q.Limit {
				return
			}
			left -= n
			q.KeysOnly = w.short || w.held/n*left > w.limit-w.held
		}
	}
}

// whole yields versions with their bodies, or with their damage. One that was erased since it was found is left out.
func (w *window) whole(list []store.Version) iter.Seq2[store.Version, error] {
	return func(yield func(store.Version, error) bool) {
		for len(list) > 0 {
			if list[0].Body != nil || !w.short {
				if !yield(list[0], nil) {
					return
				}
				list = list[1:]
				continue
			}
			n := 1
			for n < min(len(list), reread) && list[n].Body == nil {
				n++
			}
			again, err := w.againAll(list[:n])
			if err != nil {
				yield(store.Version{}, err)
				return
			}
			for _, v := range again {
				if !yield(v, nil) {
					return
				}
			}
			list = list[n:]
		}
	}
}

// againAll reads versions once more; contained ones from those around them.
func (w *window) againAll(list []store.Version) ([]store.Version, error) {
	outer := make([]store.Version, len(list))
	for i, v := range list {
		if outer[i] = v; search.IsContained(v.Type) {
			outer[i].Key = containerOf(v.Key)
		}
	}
	read, err := w.again(outer)
	if err != nil {
		return nil, err
	}
	byKey := map[store.Key]store.Version{}
	for _, v := range read {
		byKey[v.Key] = v
	}
	var all []store.Version
	for i, v := range list {
		again, ok := byKey[outer[i].Key]
		if ok && outer[i].Key != v.Key {
			if again, ok, err = w.s.containedIn(again, v.Key); err != nil {
				return nil, err
			}
		}
		if ok {
			all = append(all, again)
		}
	}
	return all, nil
}

// again reads versions once more.
func (w *window) again(list []store.Version) (read []store.Version, err error) {
	keys := make([]store.Key, len(list))
	for i, v := range list {
		keys[i] = v.Key
	}
	current, err := w.store.ReadMany(keys)
	if err != nil {
		return nil, err
	}
	byKey := make(map[store.Key]store.Version, len(current))
	for _, v := range current {
		byKey[v.Key] = v
	}
	for _, v := range list {
		now, ok := byKey[v.Key]
		if !ok || now.Version != v.Version { // changed meanwhile
			now, err = w.store.store.ReadVersion(w.store.ctx, v.Type, v.ID, v.Version)
			if errors.Is(err, store.ErrNotFound) {
				continue
			}
			if err != nil {
				return nil, err
			}
		}
		if !now.Deleted() {
			read = append(read, now)
		}
	}
	return read, nil
}

// holdVersion is hold for versions of a history, of which deletions have no body, nor those that cannot be read.
func (w *window) holdVersion(v store.Version) store.Version {
	if v.Deleted() || v.Damage != nil {
		return v
	}
	return w.hold(v)
}

// versions yields versions of a history with their bodies. One that was erased since it was found is left out.
func (w *window) versions(list []store.Version) iter.Seq2[store.Version, error] {
	return func(yield func(store.Version, error) bool) {
		for _, v := range list {
			var err error
			if w.short && v.Body == nil && !v.Deleted() && v.Damage == nil {
				v, err = w.store.store.ReadVersion(w.store.ctx, v.Type, v.ID, v.Version)
			}
			if errors.Is(err, store.ErrNotFound) {
				continue
			}
			if !yield(v, err) || err != nil {
				return
			}
		}
	}
}

// Whole says whether the page holds all of its resources.
func (page *Page) Whole() bool { return !page.window.short }

// Write sends the page as a searchset, resource by resource; see Bundle.
func (page *Page) Write(to BundleSink, base string) error {
	w, err := sendBundle(to, "searchset", base, page.Total, page.links)
	if err == nil {
		err = page.entries(w, base)
	}
	if err != nil {
		return err
	}
	return to.End()
}
