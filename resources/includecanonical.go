package resources

import (
	"slices"
	"strings"

	"fhirside/fhir"
	"fhirside/resources/access"
	"fhirside/resources/store"
	"fhirside/search"
)

// A canonical names a resource by its url and perhaps its version, wherever that resource is (references.html#canonical): includes
// look for those that this server holds. Without a version it is the one that was changed last.

// canonical is what such a reference names.
type canonical struct{ url, version string }

// isCanonical says whether a reference parameter may read canonicals.
func isCanonical(p *search.Param) bool { return slices.Contains(p.ElementTypes, "canonical") }

// named includes what the resources refer to by canonicals.
func (in *includer) named(inc search.Include, from []store.Version) error {
	asked := map[string][]canonical{} // by the type that it may be
	for _, v := range from {
		if inc.Source != "*" && inc.Source != v.Type {
			continue
		}
		params := slices.DeleteFunc(slices.Clone(in.s.references(v.Type, inc.Param)), func(p *search.Param) bool { return !isCanonical(p) })
		if len(params) == 0 {
			continue
		}
		subject, err := in.s.subject(v)
		if err != nil {
			return err
		}
		for _, ref := range subject.Values.References {
			i := slices.IndexFunc(params, func(p *search.Param) bool { return p.Code == ref.Param })
			if i < 0 || ref.URL == "" {
				continue
			}
			for _, t := range urlTypes(params[i].Targets) {
				if c := (canonical{ref.URL, ref.Version}); (inc.Target == "" || inc.Target == t) && !slices.Contains(asked[t], c) {
					asked[t] = append(asked[t], c)
				}
			}
		}
	}
	for t, names := range asked {
		if err := in.canonicals(t, names); err != nil {
			return err
		}
	}
	return nil
}

// urlTypes are those of the types whose resources have a canonical URL.
func urlTypes(types []string) []string {
	return slices.DeleteFunc(slices.Clone(types), func(t string) bool {
		p := search.R4().Param(t, "url")
		return p == nil || p.Type != search.TypeURI
	})
}

// canonicals includes the resources of a type with these names.
func (in *includer) canonicals(resourceType string, names []canonical) error {
	granted := may(in.policy, resourceType, access.Search)
	if isNone(granted) {
		return nil
	}
	var urls search.Or
	for _, c := range names {
		urls = append(urls, search.URI{Param: "url", Value: c.url})
	}
	find := store.Search{
		Types: []string{resourceType}, Filter: search.AllOf(urls, granted), Limit: in.s.MaxInclude + 1,
		Sort: []search.SortKey{{Param: "_lastUpdated", Kind: search.TypeDate, Descending: true}},
	}
	done := map[canonical]bool{}
	for match, err := range in.view.Search(find) {
		if err != nil {
			return err
		}
		own, err := nameOf(match.Version)
		if err != nil {
			return err
		}
		for _, c := range []canonical{own, {url: own.url}} {
			if slices.Contains(names, c) && !done[c] {
				done[c] = true
				in.take(match.Version)
			}
		}
	}
	return nil
}

// nameOf is the canonical of a resource; zero where it has no url.
func nameOf(v store.Version) (canonical, error) {
	r, err := fhir.Parse(v.Body)
	if err != nil {
		return canonical{}, damaged(v.Key, err)
	}
	return canonical{r.Get("url").Text(), r.Get("version").Text()}, nil
}

// naming are conditions on a reference parameter to name one of the versions by a canonical, in whichever version.
func naming(param *search.Param, versions []store.Version) (names search.Or, err error) {
	if !isCanonical(param) {
		return nil, nil
	}
	for _, v := range versions {
		own, err := nameOf(v)
		if err != nil {
			return nil, err
		}
		if own.url != "" && !strings.ContainsAny(own.url, "|#") {
			names = append(names, search.Reference{Param: param.Code, URL: own.url})
		}
	}
	return names, nil
}

// means says whether a resource refers to one of these by one of the parameters, in the version that it is.
func (in *includer) means(v store.Version, params []*search.Param, to map[string][]store.Version) (bool, error) {
	subject, err := in.s.subject(v)
	if err != nil {
		return false, err
	}
	for _, ref := range subject.Values.References {
		if !slices.ContainsFunc(params, func(p *search.Param) bool { return p.Code == ref.Param }) {
			continue
		}
		for target, versions := range to {
			for _, version := range versions {
				if ref.URL == "" {
					if ref.Type == target && ref.ID == version.ID {
						return true, nil
					}
					continue
				}
				own, err := nameOf(version)
				if err != nil {
					return false, err
				}
				if ref.URL == own.url && (ref.Version == "" || ref.Version == own.version) {
					return true, nil
				}
			}
		}
	}
	return false, nil
}
