package resources

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"fhirside/resources/store"
	"fhirside/search"
	"fhirside/search/index"
)

// Reindexing is the state of indexing resources anew: what is under way, or was last. It is an entry of the store's State: one
// process at a time holds a lease on it and goes on where it, or another, stopped.
type Reindexing struct {
	Types []string  `json:"types"` // empty: all
	Rules int64     `json:"rules"` // the number of rules that what is written meanwhile has at least
	After string    `json:"after"` // how far it is, for the store
	Done  int64     `json:"done"`
	Total int64     `json:"total"` // resources when it began
	Kept  int64     `json:"kept"`  // resources that cannot be read, whose values stay as they were
	Names []string  `json:"names"` // of the first of these: "Patient/7"
	Begun time.Time `json:"begun"`
	Ended time.Time `json:"ended"` // zero: under way
	Owner string    `json:"owner"`
	Until time.Time `json:"until"` // the end of the owner's lease
}

const (
	reindexKey   = "reindex"
	reindexLease = 30 * time.Second
	reindexBatch = 200
)

// IsOver says whether nothing is left to do.
func (r Reindexing) IsOver() bool { return r.Begun.IsZero() || !r.Ended.IsZero() }

func (s *Service) readReindexing(ctx context.Context) (r Reindexing, revision int64, err error) {
	e, err := s.Store.State().Get(ctx, stateKind, reindexKey)
	if errors.Is(err, store.ErrNotFound) {
		return r, 0, nil
	}
	if err == nil {
		err = json.Unmarshal(e.Value, &r)
	}
	return r, e.Revision, err
}

func (s *Service) writeReindexing(ctx context.Context, r Reindexing, revision int64) (int64, error) {
	value, err := json.Marshal(r)
	if err != nil {
		return 0, err
	}
	return s.Store.State().Put(ctx, store.Entry{Kind: stateKind, Key: reindexKey, Revision: revision, Value: value})
}

// ReindexProgress is how far indexing anew is.
func (s *Service) ReindexProgress(ctx context.Context) (Reindexing, error) {
	r, _, err := s.readReindexing(ctx)
	return r, err
}

// RequestReindex asks for resources of some types (none: all) to be indexed anew by rules of at least that number. What does that
// already goes on; what does something else begins again for both.
func (s *Service) RequestReindex(ctx context.Context, types []string, rules int64) error {
	for _, name := range types {
		if err := checkType(name); err != nil {
			return err
		}
	}
	for {
		r, revision, err := s.readReindexing(ctx)
		if err != nil {
			return err
		}
		next := Reindexing{Types: slices.Sorted(slices.Values(types)), Rules: max(rules, r.Rules), Begun: s.Now().UTC()}
		if !r.IsOver() {
			if covers(r.Types, types) && r.Rules >= rules {
				break
			}
			next.Types = union(r.Types, next.Types)
		}
		if next.Total, err = s.Store.Count(ctx, nil, reindexed(next.Types)); err != nil {
			return err
		}
		if _, err = s.writeReindexing(ctx, next, revision); err == nil {
			break
		} else if !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	select {
	case s.parameters.work <- struct{}{}:
	default:
	}
	return nil
}

// reindexed holds for what is indexed anew: resources of the types (none: all), and what contains such.
func reindexed(types []string) search.Filter {
	if len(types) == 0 {
		return search.All{}
	}
	some := search.Or{search.Type(types)}
	for _, t := range types {
		some = append(some, search.Containing(t))
	}
	return some
}

// covers says whether a list of types, of which none are all, has another.
func covers(all, types []string) bool {
	if len(all) == 0 || len(types) == 0 {
		return len(all) == 0
	}
	return !slices.ContainsFunc(types, func(t string) bool { return !slices.Contains(all, t) })
}

func union(a, b []string) []string {
	if len(a) == 0 || len(b) == 0 {
		return nil
	}
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// Reindex does what was requested, unless another process is at it: it indexes batch after batch, calling progress where that is not
// nil, and goes on where whoever did it before has stopped. Parameters that all resources are indexed by afterwards can be searched.
func (s *Service) Reindex(ctx context.Context, progress func(Reindexing)) error {
	owner := uuid.NewString()
	for {
		r, revision, err := s.readReindexing(ctx)
		if err != nil || r.IsOver() || r.Owner != "" && r.Owner != owner && s.Now().Before(r.Until) {
			return err
		}
		r.Owner, r.Until = owner, s.Now().Add(reindexLease).UTC()
		if revision, err = s.writeReindexing(ctx, r, revision); err == nil {
			err = s.reindex(ctx, r, revision, progress)
		}
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
		// Somebody has asked for more, or has taken over.
	}
}

// reindex does all that is left. It is a conflict if it is not the only one any more.
func (s *Service) reindex(ctx context.Context, r Reindexing, revision int64, progress func(Reindexing)) error {
	if err := s.Refresh(ctx); err != nil {
		return err
	}
	if err := s.Store.Require(ctx, r.Rules); err != nil {
		return err
	}
	for more := true; more; {
		done, err := s.reindexBatch(ctx, r)
		if err != nil {
			return err
		}
		r.After, r.Done = done.Last, r.Done+int64(done.Done)
		s.keep(&r, done.Kept)
		r.Until = s.Now().Add(reindexLease).UTC()
		more = done.Last != ""
		if more {
			if revision, err = s.writeReindexing(ctx, r, revision); err != nil {
				return err
			}
		}
		if progress != nil {
			progress(r)
		}
	}
	if err := s.activate(ctx, r); err != nil {
		return err
	}
	r.Ended, r.Owner = s.Now().UTC(), ""
	_, err := s.writeReindexing(ctx, r, revision)
	return err
}

// maxKept is how many of the resources that cannot be read the state names; the log names all.
const maxKept = 100

func (s *Service) keep(r *Reindexing, kept []store.Key) {
	r.Kept += int64(len(kept))
	for _, k := range kept {
		name := k.Type + "/" + k.ID
		s.Log.Error("a stored resource cannot be read, and keeps its index values", "resource", name)
		if len(r.Names) < maxKept {
			r.Names = append(r.Names, name)
		}
	}
}

// reindexBatch indexes some resources by the rules of this moment.
func (s *Service) reindexBatch(ctx context.Context, r Reindexing) (done store.Reindexed, err error) {
	err = s.byCurrentRules(ctx, func() error {
		by := s.rules()
		done, err = s.Store.Reindex(ctx, store.Reindex{
			Types: r.Types, After: r.After, Limit: reindexBatch, Rules: by.number,
			Values: func(v store.Version) (index.Values, error) {
				resource, err := parseStored(v)
				if err != nil {
					return index.Values{}, err
				}
				return by.extractor.Extract(resource), nil
			},
		})
		return err
	})
	return done, err
}

// activate lets the parameters be searched that all resources are indexed by now.
func (s *Service) activate(ctx context.Context, r Reindexing) error {
	ready := func(a addedParameter) bool {
		return !a.Active && a.Since <= r.Rules && covers(r.Types, typesOf(a.Definition))
	}
	if added, _, err := s.readParameters(ctx); err != nil || !slices.ContainsFunc(added.Parameters, ready) {
		return err
	}
	_, _, err := s.changeParameters(ctx, func(added *addedParameters) {
		for i, a := range added.Parameters {
			added.Parameters[i].Active = a.Active || ready(a)
		}
	})
	if err != nil {
		return err
	}
	return s.Refresh(ctx)
}
