package resources

import (
	"strings"

	"fhirside/fhir"
	"fhirside/fhir/terminology"
	"fhirside/resources/access"
	"fhirside/resources/store"
	"fhirside/search"
)

// terminology is what a search under this policy may ask for: the ValueSets and CodeSystems of the server that the policy shows,
// then those of R4.
func (s *Service) terminology(v view, p access.Policy) terminology.Terminology {
	return terminology.Terminology{heldTerminology{s, v, p}, terminology.R4()}
}

// heldTerminology is the terminology in the store.
type heldTerminology struct {
	s *Service
	v view
	p access.Policy
}

// CodeSystem is the one with that URL that was changed last. What supplements it does not count.
func (h heldTerminology) CodeSystem(url string) (*terminology.CodeSystem, error) {
	find, granted := h.lastChanged("CodeSystem", search.URI{Param: "url", Value: url})
	if !granted {
		return nil, nil
	}
	keys := find
	keys.KeysOnly = true
	for match, err := range h.v.Search(keys) {
		if err != nil {
			return nil, err
		}
		s, known := h.s.codeSystems.Get(heldVersion{match.Key, match.Version.Version})
		if !known {
			if s, err = h.readCodeSystem(find, match.ID); err != nil {
				return nil, err
			}
		}
		if s != nil {
			return s, nil
		}
	}
	return nil, nil
}

// heldVersion names a state of a resource.
type heldVersion struct {
	store.Key
	version int64
}

// maxCodeSystems is how many code systems are kept as they were read: big ones take a while.
const maxCodeSystems = 64

// readCodeSystem reads and remembers one of the resources that a search finds; nil for a supplement.
func (h heldTerminology) readCodeSystem(find store.Search, id string) (s *terminology.CodeSystem, err error) {
	find.Filter = search.AllOf(search.ID{id}, find.Filter)
	for match, err := range h.v.Search(find) {
		if err != nil {
			return nil, err
		}
		r, err := parseStored(match.Version)
		if err != nil {
			return nil, err
		}
		if !r.Get("content").Is("supplement") {
			s = terminology.NewCodeSystem(r)
		}
		if _, committed := h.v.(storeView); committed { // a version that is undone may come again with another content
			h.s.codeSystems.Add(heldVersion{match.Key, match.Version.Version}, s)
		}
	}
	return s, nil
}

// ValueSet is the one with that canonical URL that was changed last, or the one of a reference ("ValueSet/1").
func (h heldTerminology) ValueSet(canonical string) (*fhir.Resource, error) {
	if id, ok := strings.CutPrefix(canonical, "ValueSet/"); ok {
		return h.first("ValueSet", search.ID{id}, func(*fhir.Resource) bool { return true })
	}
	url, version, versioned := strings.Cut(canonical, "|")
	return h.newest("ValueSet", url, func(r *fhir.Resource) bool { return !versioned || r.Get("version").Is(version) })
}

func (h heldTerminology) newest(resourceType, url string, fits func(*fhir.Resource) bool) (*fhir.Resource, error) {
	return h.first(resourceType, search.URI{Param: "url", Value: url}, fits)
}

// lastChanged is the search for what matches and the policy shows, the one changed last first; false where it shows nothing.
func (h heldTerminology) lastChanged(resourceType string, f search.Filter) (find store.Search, granted bool) {
	shown := may(h.p, resourceType, access.Search)
	return store.Search{
		Types: []string{resourceType}, Filter: search.AllOf(f, shown),
		Sort: []search.SortKey{{Param: "_lastUpdated", Kind: search.TypeDate, Descending: true}},
	}, !isNone(shown)
}

// first is the resource that matches, the policy shows and fits, the one changed last if there are several; nil if there is none.
func (h heldTerminology) first(resourceType string, f search.Filter, fits func(*fhir.Resource) bool) (*fhir.Resource, error) {
	find, granted := h.lastChanged(resourceType, f)
	if !granted {
		return nil, nil
	}
	for match, err := range h.v.Search(find) {
		if err != nil {
			return nil, err
		}
		r, err := parseStored(match.Version)
		if err != nil {
			return nil, err
		}
		if fits(r) {
			return r, nil
		}
	}
	return nil, nil
}
