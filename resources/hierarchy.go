package resources

import (
	"fhirside/fhir"
	"fhirside/resources/access"
	"fhirside/resources/store"
	"fhirside/search"
)

// Bounds of what :above and :below follow.
const (
	maxRelated = 1000 // resources
	maxLevels  = 20
)

// hierarchy is what lies above and below resources of a type, and what names them, as far as the policy shows these
// (search.Hierarchy).
type hierarchy struct {
	s *Service
	v view
	p access.Policy
}

// Under goes down level by level.
func (h hierarchy) Under(resourceType, id string) ([]string, error) {
	granted := may(h.p, resourceType, access.Search)
	return h.levels(resourceType, id, func(level []string) (next []string, err error) {
		if isNone(granted) {
			return nil, nil
		}
		var up search.Or
		for _, id := range level {
			up = append(up, search.Reference{Param: search.Upward[resourceType], Type: resourceType, ID: id})
		}
		find := store.Search{Types: []string{resourceType}, Filter: search.AllOf(up, granted), Limit: maxRelated + 1, KeysOnly: true}
		for match, err := range h.v.Search(find) {
			if err != nil {
				return nil, err
			}
			next = append(next, match.ID)
		}
		return next, nil
	})
}

// Over goes up level by level.
func (h hierarchy) Over(resourceType, id string) ([]string, error) {
	granted := may(h.p, resourceType, access.Search)
	return h.levels(resourceType, id, func(level []string) (next []string, err error) {
		if isNone(granted) {
			return nil, nil
		}
		find := store.Search{Types: []string{resourceType}, Filter: search.AllOf(search.ID(level), granted)}
		for match, err := range h.v.Search(find) {
			if err != nil {
				return nil, err
			}
			subject, err := h.s.subject(match.Version)
			if err != nil {
				return nil, err
			}
			for _, ref := range subject.Values.References {
				if ref.Param == search.Upward[resourceType] && ref.Type == resourceType {
					next = append(next, ref.ID)
				}
			}
		}
		return next, nil
	})
}

// URL is the url of a resource that the policy shows.
func (h hierarchy) URL(resourceType, id string) (url string, err error) {
	granted := may(h.p, resourceType, access.Search)
	if isNone(granted) {
		return "", nil
	}
	find := store.Search{Types: []string{resourceType}, Filter: search.AllOf(search.ID{id}, granted)}
	for match, err := range h.v.Search(find) {
		if err != nil {
			return "", err
		}
		r, err := parseStored(match.Version)
		if err != nil {
			return "", err
		}
		url = r.Get("url").Text()
	}
	return url, nil
}

// levels are the ids on all levels, each once; what goes in a circle ends there.
func (h hierarchy) levels(resourceType, id string, step func(level []string) ([]string, error)) ([]string, error) {
	all, seen := []string{id}, map[string]bool{id: true}
	for level, n := all, 0; len(level) > 0; n++ {
		if n == maxLevels || len(all) > maxRelated {
			return nil, fhir.Errorf(fhir.Invalid, fhir.CodeTooCostly, "there are more than %d resources, or %d levels of them, above or below this %s", maxRelated, maxLevels, resourceType)
		}
		next, err := step(level)
		if err != nil {
			return nil, err
		}
		level = nil
		for _, id := range next {
			if !seen[id] {
				seen[id] = true
				all, level = append(all, id), append(level, id)
			}
		}
	}
	return all, nil
}
