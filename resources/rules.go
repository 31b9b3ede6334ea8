package resources

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"fhirside/fhir"
	"fhirside/fhir/definitions"
	"fhirside/resources/store"
	"fhirside/search"
	"fhirside/search/index"
)

// rules are how resources are indexed and what can be searched, at one moment: by R4's search parameters and by those that
// SearchParameter resources add. Every interaction takes them from Service.rules.
type rules struct {
	number    int64            // goes up with every change of the parameters that resources are indexed by
	registry  *search.Registry // what can be searched
	extractor *index.Extractor // indexes what can be searched, and what will be
	referrers referrers        // by what can be searched
	added     []addedParameter // as registered
	usable    []bool           // of added, which can be searched
	revision  int64            // of the entry that they were read from
}

// An addedParameter is registered when it is to be indexed. It can be searched while it is active and its resource still says what
// it said then.
type addedParameter struct {
	ID         string                      `json:"id"` // of the SearchParameter
	Definition definitions.SearchParameter `json:"definition"`
	Since      int64                       `json:"since"`  // the first number of rules that it was indexed by
	Active     bool                        `json:"active"` // all resources are indexed by it
}

// addedParameters is the entry of the store's State that all processes share. The number is required of records (store.Require)
// before the resources that are there are indexed by it: what is written afterwards is indexed by it already.
type addedParameters struct {
	Number     int64            `json:"number"`
	Parameters []addedParameter `json:"parameters"`
}

const (
	stateKind      = "search"
	parametersKey  = "parameters"
	refreshingTime = 500 * time.Millisecond // between looks for changes that other processes made
)

// parameters is what a Service keeps of them.
type parameters struct {
	current    atomic.Pointer[rules]
	known      atomic.Bool // what was added has been taken up
	refreshing sync.Mutex
	work       chan struct{} // has an element when there may be something to index anew
}

func (p *parameters) begin(o Options) {
	p.work = make(chan struct{}, 1)
	p.current.Store(newRules(o, o.Registry, o.Registry))
}

func newRules(o Options, searched, indexed *search.Registry) *rules {
	return &rules{registry: searched, extractor: index.New(indexed, o.Base), referrers: newReferrers(searched)}
}

// rules are those of this moment.
func (s *Service) rules() *rules { return s.parameters.current.Load() }

// SearchParameters are the search parameters by which resources can be found at this moment.
func (s *Service) SearchParameters() *search.Registry { return s.rules().registry }

// IndexValues computes index values from a stored body by the rules of this moment.
func (s *Service) IndexValues(body []byte) (index.Values, error) {
	r, err := fhir.Parse(body)
	if err != nil {
		return index.Values{}, err
	}
	return s.rules().extractor.Extract(r), nil
}

// CurrentRules takes up the rules of this moment, for IndexValues, and returns their number (see store.Store.Require).
func (s *Service) CurrentRules(ctx context.Context) (int64, error) {
	err := s.Refresh(ctx)
	return s.rules().number, err
}

// byCurrentRules runs what commits, and again where another process has changed the rules that it was prepared by.
func (s *Service) byCurrentRules(ctx context.Context, commit func() error) error {
	for attempt := 0; ; attempt++ {
		err := commit()
		if !errors.Is(err, store.ErrRules) || attempt == 3 {
			return err
		}
		if err := s.Refresh(ctx); err != nil {
			return err
		}
	}
}

// Follow keeps up with the search parameters that this and other processes add, change and remove, and takes part in indexing
// resources anew, until the context ends. What it cannot do now it tries again.
func (s *Service) Follow(ctx context.Context) {
	var both sync.WaitGroup
	both.Go(func() { s.repeat(ctx, "follow the search parameters", nil, s.Refresh) })
	both.Go(func() {
		s.repeat(ctx, "index resources anew", s.parameters.work, func(ctx context.Context) error { return s.Reindex(ctx, nil) })
	})
	both.Wait()
}

func (s *Service) repeat(ctx context.Context, what string, wake <-chan struct{}, do func(context.Context) error) {
	ticker := time.NewTicker(refreshingTime)
	defer ticker.Stop()
	failing := false
	for {
		err := do(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil && !failing {
			s.Log.Warn("cannot "+what+" now", "error", err)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-ticker.C:
		}
	}
}

// Refresh takes up what has become of the search parameters. A server calls it once before it serves.
func (s *Service) Refresh(ctx context.Context) error {
	s.parameters.refreshing.Lock()
	defer s.parameters.refreshing.Unlock()
	added, revision, err := s.readParameters(ctx)
	if err != nil {
		return err
	}
	defined, err := s.definitionsOf(ctx, added.Parameters)
	if err != nil {
		return err
	}
	removed := map[string]int64{} // of what was looked at: what somebody adds meanwhile was not
	for _, a := range added.Parameters {
		if defined[a.ID] == nil {
			removed[a.ID] = a.Since
		}
	}
	gone := func(a addedParameter) bool {
		since, ok := removed[a.ID]
		return ok && since == a.Since
	}
	if len(removed) > 0 {
		if added, revision, err = s.changeParameters(ctx, func(a *addedParameters) { a.Parameters = slices.DeleteFunc(a.Parameters, gone) }); err != nil {
			return err
		}
	}
	usable := make([]bool, len(added.Parameters))
	for i, a := range added.Parameters {
		usable[i] = a.Active && defined[a.ID] != nil && sameDefinition(a.Definition, *defined[a.ID])
	}
	if now := s.rules(); now.revision != revision || !slices.Equal(now.usable, usable) {
		next := s.rulesOf(added, usable)
		next.revision = revision
		s.parameters.current.Store(next)
	}
	s.parameters.known.Store(true)
	return nil
}

// Ready says whether requests can be served, and what the store does beside (see store.Store.Ready). They cannot before the search
// parameters that were added are known: searches by them would be refused.
func (s *Service) Ready(ctx context.Context) (work string, err error) {
	work, err = s.Store.Ready(ctx)
	if err == nil && !s.parameters.known.Load() {
		err = s.Refresh(ctx)
	}
	return work, err
}

// rulesOf makes rules of what is registered.
func (s *Service) rulesOf(added addedParameters, usable []bool) *rules {
	var searched, indexed []definitions.SearchParameter
	for i, a := range added.Parameters {
		indexed = append(indexed, a.Definition)
		if usable[i] {
			searched = append(searched, a.Definition)
		}
	}
	all := s.registryWith(indexed)
	some := all
	if len(searched) < len(indexed) {
		some = s.registryWith(searched)
	}
	next := newRules(s.Options, some, all)
	next.number, next.added, next.usable = added.Number, added.Parameters, usable
	return next
}

// registryWith is the registry with all parameters that can be: a composite counts only as long as its components are there.
func (s *Service) registryWith(list []definitions.SearchParameter) *search.Registry {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b definitions.SearchParameter) int { return cmp.Compare(len(a.Components), len(b.Components)) })
	registry := s.Registry
	for _, sp := range list {
		if with, err := registry.With(sp); err == nil {
			registry = with
		}
	}
	return registry
}

func sameDefinition(a, b definitions.SearchParameter) bool {
	x, errA := json.Marshal(a)
	y, errB := json.Marshal(b)
	return errA == nil && errB == nil && string(x) == string(y)
}

// definitionsOf are what the SearchParameters of registered parameters say now, by id; of those that are deleted or not active any
// more there is none.
func (s *Service) definitionsOf(ctx context.Context, added []addedParameter) (map[string]*definitions.SearchParameter, error) {
	if len(added) == 0 {
		return nil, nil
	}
	keys := make([]store.Key, len(added))
	for i, a := range added {
		keys[i] = store.Key{Type: searchParameter, ID: a.ID}
	}
	versions, err := s.Store.ReadMany(ctx, keys)
	if err != nil {
		return nil, err
	}
	found := map[string]*definitions.SearchParameter{}
	for _, v := range versions {
		if v.Damage != nil { // until it is put right, what was registered counts
			i := slices.IndexFunc(added, func(a addedParameter) bool { return a.ID == v.ID })
			found[v.ID] = &added[i].Definition
			continue
		}
		r, err := parseStored(v)
		if err != nil {
			return nil, err
		}
		if r.Get("status").Is("active") {
			sp := definitionIn(r)
			found[v.ID] = &sp
		}
	}
	return found, nil
}

// readParameters is the shared entry; one of revision 0 where there is none yet.
func (s *Service) readParameters(ctx context.Context) (added addedParameters, revision int64, err error) {
	e, err := s.Store.State().Get(ctx, stateKind, parametersKey)
	if errors.Is(err, store.ErrNotFound) {
		return added, 0, nil
	}
	if err == nil {
		err = json.Unmarshal(e.Value, &added)
	}
	return added, e.Revision, err
}

// changeParameters changes the shared entry, and gives it the next number. The change may be called several times.
func (s *Service) changeParameters(ctx context.Context, change func(*addedParameters)) (added addedParameters, revision int64, err error) {
	for {
		if added, revision, err = s.readParameters(ctx); err != nil {
			return added, 0, err
		}
		change(&added)
		added.Number++
		value, err := json.Marshal(added)
		if err != nil {
			return added, 0, err
		}
		revision, err = s.Store.State().Put(ctx, store.Entry{Kind: stateKind, Key: parametersKey, Revision: revision, Value: value})
		if !errors.Is(err, store.ErrConflict) {
			return added, revision, err
		}
	}
}
