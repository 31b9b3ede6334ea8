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
	r, err := h.newest("CodeSystem", url, func(r *fhir.Resource) bool { return !r.Get("content").Is("supplement") })
	if r == nil || err != nil {
		return nil, err
	}
	return terminology.NewCodeSystem(r), nil
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

// first is the resource that matches, the policy shows and fits, the one changed last if there are several; nil if there is none.
func (h heldTerminology) first(resourceType string, f search.Filter, fits func(*fhir.Resource) bool) (*fhir.Resource, error) {
	granted := may(h.p, resourceType, access.Search)
	if isNone(granted) {
		return nil, nil
	}
	find := store.Search{
		Types: []string{resourceType}, Filter: and(f, granted),
		Sort: []search.SortKey{{Param: "_lastUpdated", Kind: search.TypeDate, Descending: true}},
	}
	for match, err := range h.v.Search(find) {
		if err != nil {
			return nil, err
		}
		r, err := fhir.Parse(match.Body)
		if err != nil {
			return nil, damaged(match.Key, err)
		}
		if fits(r) {
			return r, nil
		}
	}
	return nil, nil
}
