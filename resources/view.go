package resources

import (
	"context"
	"errors"
	"iter"

	"fhirside/resources/store"
	"fhirside/search"
)

// view is what interactions read: the store, or a commit in progress, which sees its own writes.
type view interface {
	Read(resourceType, id string) (store.Version, error)
	ReadMany(keys []store.Key) ([]store.Version, error)
	Search(s store.Search) iter.Seq2[store.Match, error]
	Count(types []string, f search.Filter) (int64, error)
}

// storeView reads what is committed.
type storeView struct {
	ctx   context.Context
	store store.Store
}

func (v storeView) Read(resourceType, id string) (store.Version, error) {
	return v.store.Read(v.ctx, resourceType, id)
}

func (v storeView) ReadMany(keys []store.Key) ([]store.Version, error) {
	return v.store.ReadMany(v.ctx, keys)
}

func (v storeView) Search(s store.Search) iter.Seq2[store.Match, error] {
	return v.store.Search(v.ctx, s)
}

func (v storeView) Count(types []string, f search.Filter) (int64, error) {
	return v.store.Count(v.ctx, types, f)
}

// commitView reads inside a commit.
type commitView struct{ store.Tx }

func (v commitView) ReadMany(keys []store.Key) ([]store.Version, error) {
	found := make([]store.Version, 0, len(keys))
	for _, key := range keys {
		switch version, err := v.Read(key.Type, key.ID); {
		case errors.Is(err, store.ErrNotFound) || err == nil && version.Deleted():
		case err != nil:
			return nil, err
		default:
			found = append(found, version)
		}
	}
	return found, nil
}
