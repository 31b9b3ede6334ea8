package resources

import (
	"maps"
	"slices"

	"fhirside/fhir"
	"fhirside/resources/access"
	"fhirside/resources/store"
	"fhirside/search"
	"fhirside/search/index"
)

// Bounds of $meta on a type or on all: the resources that are looked at in one search for labels not seen yet, and how many
// labels there may be.
const (
	labelledAtOnce = 50
	maxLabels      = 500
)

// anyType is one whose parameters stand for those that all types have.
const anyType = "Basic"

// metaInUse is the meta that sums up those of the resources of a type, or of all types where it is empty: the profiles, labels
// and tags that the caller can search. Each search leaves out what was found before, so that the work follows the number of
// labels, and the store refuses it where no index bounds it.
func (s *Service) metaInUse(v view, p access.Policy, resourceType string) ([]byte, error) {
	var types []string
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
	meta := []byte{'{'}
	for _, name := range metaLists {
		labels := labels{service: s, param: s.rules().registry.Param(anyType, "_"+name), list: name, found: map[string][]byte{}}
		if err := labels.findAll(v, types, granted); err != nil {
			return nil, err
		}
		meta = labels.write(meta)
	}
	if len(meta) == 1 {
		return metaParameters(nil), nil
	}
	return metaParameters(append(meta, '}')), nil
}

// labels are those of one list of meta, by the parameter that searches it.
type labels struct {
	service *Service
	param   *search.Param
	list    string            // "tag"
	found   map[string][]byte // JSON by identity
	seen    search.Or         // holds where a label was found already
}

func (l *labels) findAll(v view, types []string, granted search.Filter) error {
	for {
		matches, before := 0, len(l.seen)
		find := store.Search{Types: types, Filter: search.And{granted, l.any(), search.Not{Filter: slices.Clone(l.seen)}}, Limit: labelledAtOnce}
		for match, err := range v.Search(find) {
			if err != nil {
				return err
			}
			matches++
			if err := l.take(match.Version); err != nil {
				return err
			}
		}
		switch {
		case matches < labelledAtOnce || len(l.seen) == before:
			return nil
		case len(l.found) > maxLabels:
			return fhir.Errorf(fhir.TooCostly, fhir.CodeTooCostly, "there are more than %d different values of meta.%s, too many to list", maxLabels, l.list)
		}
	}
}

// any holds where there is a label.
func (l *labels) any() search.Filter {
	switch l.param.Type {
	case search.TypeToken:
		return search.Token{Param: l.param.Code, AnySystem: true, AnyCode: true}
	case search.TypeURI:
		return search.URI{Param: l.param.Code, Op: search.BelowURI}
	}
	return search.Present{Param: l.param.Code}
}

func (l *labels) take(v store.Version) error {
	r, err := fhir.Parse(v.Body)
	if err != nil {
		return damaged(v.Key, err)
	}
	for label := range r.Get("meta").Get(l.list).Each() {
		if id := labelID(label); l.found[id] == nil && label.Kind() != fhir.Null {
			l.found[id] = slices.Clone(label.Raw())
		}
	}
	l.leaveOut(l.service.rules().extractor.Param(r, l.param))
	return nil
}

// leaveOut adds what the resource is found by to what further searches leave out.
func (l *labels) leaveOut(values index.Values) {
	for _, e := range values.Tokens {
		l.without(search.Token{Param: e.Param, System: e.System, Code: e.Code, Fold: e.Fold})
	}
	for _, e := range values.URIs {
		l.without(search.URI{Param: e.Param, Value: e.Value})
	}
	for _, e := range values.References {
		l.without(search.Reference{Param: e.Param, Type: e.Type, ID: e.ID, URL: e.URL, Version: e.Version})
	}
}

func (l *labels) without(f search.Filter) {
	if !slices.Contains(l.seen, f) {
		l.seen = append(l.seen, f)
	}
}

// labelID is what makes two labels the same (see sameLabel).
func labelID(label fhir.Element) string {
	if label.Kind() != fhir.Object {
		return label.Text()
	}
	return label.Get("system").Text() + "|" + label.Get("code").Text()
}

// write appends the list, in the order of identities, as the next member of an object.
func (l *labels) write(meta []byte) []byte {
	for i, id := range slices.Sorted(maps.Keys(l.found)) {
		switch {
		case i > 0:
			meta = append(meta, ',')
		case len(meta) > 1:
			meta = append(append(append(meta, `,"`...), l.list...), `":[`...)
		default:
			meta = append(append(append(meta, '"'), l.list...), `":[`...)
		}
		meta = append(meta, l.found[id]...)
	}
	if len(l.found) > 0 {
		meta = append(meta, ']')
	}
	return meta
}
