package resources

import (
	"bytes"
	"maps"
	"slices"

	"fhirside/fhir"
	"fhirside/fhir/definitions"
	"fhirside/resources/access"
	"fhirside/resources/store"
	"fhirside/search"
)

// maxLabelled bounds $meta on a type or on all: how many resources with profiles, labels or tags are looked at.
const maxLabelled = 100_000

// metaInUse is the meta that sums up those of the resources of a type, or of all types where it is empty: the profiles, security
// labels and tags of what the caller may search. Which of them occur no index tells, so each resource that has some is read, and
// where there are too many the caller is refused.
func (s *Service) metaInUse(v view, p access.Policy, resourceType string) ([]byte, error) {
	types := definitions.ResourceTypes()
	if resourceType != "" {
		if err := checkType(resourceType); err != nil {
			return nil, err
		}
		types = []string{resourceType}
	}
	types, granted, err := visible(p, types)
	if err != nil {
		return nil, err
	}
	found, left := labels{}, maxLabelled
	for _, t := range types {
		find := store.Search{Types: []string{t}, Filter: search.AllOf(granted, s.labelled(t)), Limit: left + 1}
		for match, err := range v.Search(find) {
			if err != nil {
				return nil, err
			}
			if left--; left < 0 {
				return nil, fhir.Errorf(fhir.TooCostly, fhir.CodeTooCostly, "more than %d resources have profiles, labels or tags: too many to sum up; ask for a resource type", maxLabelled)
			}
			if match.Damage != nil { // whose labels nobody knows
				s.Log.Error("a stored resource cannot be read", "resource", match.Type+"/"+match.ID, "error", match.Damage)
				continue
			}
			r, err := parseStored(match.Version)
			if err != nil {
				return nil, err
			}
			found.take(r.Get("meta"))
		}
	}
	return metaParameters(found.meta()), nil
}

// labelled holds for the resources of a type that have any profile, label or tag.
func (s *Service) labelled(resourceType string) (some search.Or) {
	for _, name := range metaLists {
		switch p := s.rules().registry.Param(resourceType, "_"+name); p.Type {
		case search.TypeToken:
			some = append(some, search.Token{Param: p.Code, AnySystem: true, AnyCode: true})
		case search.TypeURI:
			some = append(some, search.URI{Param: p.Code, Op: search.BelowURI})
		default:
			some = append(some, search.Present{Param: p.Code})
		}
	}
	return some
}

// labels are the items of the lists of meta that were found, as JSON, by list and identity.
type labels map[string]map[string][]byte

func (l labels) take(meta fhir.Element) {
	for _, name := range metaLists {
		for label := range meta.Get(name).Each() {
			id := labelID(label)
			if label.Kind() == fhir.Null || l[name][id] != nil {
				continue
			}
			if l[name] == nil {
				l[name] = map[string][]byte{}
			}
			l[name][id] = slices.Clone(label.Raw())
		}
	}
}

// meta is the JSON object of the lists, each in the order of identities; nil if there is nothing.
func (l labels) meta() []byte {
	var members [][]byte
	for _, name := range metaLists {
		var items [][]byte
		for _, id := range slices.Sorted(maps.Keys(l[name])) {
			items = append(items, l[name][id])
		}
		if items != nil {
			members = append(members, slices.Concat([]byte(`"`+name+`":[`), bytes.Join(items, []byte{','}), []byte{']'}))
		}
	}
	if members == nil {
		return nil
	}
	return slices.Concat([]byte{'{'}, bytes.Join(members, []byte{','}), []byte{'}'})
}

// labelID is what makes two labels the same (see sameLabel).
func labelID(label fhir.Element) string {
	if label.Kind() != fhir.Object {
		return label.Text()
	}
	return label.Get("system").Text() + "|" + label.Get("code").Text()
}
