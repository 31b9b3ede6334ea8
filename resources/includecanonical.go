package resources

import (
	"slices"
	"strings"

	"fhirside/fhir/definitions"
	"fhirside/resources/access"
	"fhirside/resources/store"
	"fhirside/search"
)

// A canonical names a resource by its url and perhaps its version, wherever that resource is (references.html#canonical): includes
// look for those that this server holds. Without a version _include shows the one that was changed last, and _revinclude what names
// any.

// canonical is what such a reference names; the version is folded as searches compare it.
type canonical struct{ url, version string }

// named includes what the resources refer to by canonicals.
func (in *includer) named(inc search.Include, from []store.Version) error {
	asked := map[string]map[canonical]bool{} // by the type that it may be
	for v, err := range in.page.window.whole(from) {
		if err != nil {
			return err
		}
		if v.Damage != nil || !holdsReference(inc, v) {
			continue
		}
		params := slices.DeleteFunc(slices.Clone(in.s.references(search.ResourceType(v.Type), inc.Param)), func(p *search.Param) bool { return !search.RefersByURL(p) })
		if len(params) == 0 {
			continue
		}
		r, err := parseStored(v)
		if err != nil {
			return err
		}
		for _, param := range params {
			for _, ref := range in.s.rules().extractor.Param(r, param).References {
				if ref.URL == "" {
					continue
				}
				for _, t := range nameable(param.Targets) {
					if inc.Target != "" && inc.Target != t {
						continue
					}
					if asked[t] == nil {
						asked[t] = map[canonical]bool{}
					}
					asked[t][canonical{ref.URL, search.FoldCode(ref.Version)}] = true
				}
			}
		}
	}
	for _, t := range definitions.ResourceTypes() {
		if asked[t] == nil {
			continue
		}
		if err := in.canonicals(t, asked[t]); err != nil {
			return err
		}
	}
	return nil
}

// nameable are those of the types (none: all) whose resources canonicals can name.
func nameable(types []string) []string {
	if len(types) == 0 {
		types = definitions.ResourceTypes()
	}
	return slices.DeleteFunc(slices.Clone(types), func(t string) bool { return !search.HasCanonical(t) })
}

// canonicals includes the resources of a type with these names.
func (in *includer) canonicals(resourceType string, left map[canonical]bool) error {
	granted := may(in.policy, resourceType, access.Search)
	if isNone(granted) {
		return nil
	}
	var urls search.Or
	for c := range left {
		urls = append(urls, search.Named(c.url, ""))
	}
	find := store.Search{
		Types: []string{resourceType}, Filter: search.AllOf(urls, granted),
		Sort: []search.SortKey{{Param: "_lastUpdated", Kind: search.TypeDate, Descending: true}},
	}
	for match, err := range in.view.Search(find) {
		if err != nil {
			return err
		}
		if match.Damage != nil { // and its url is not known
			if err := in.take(match.Version); err != nil {
				return err
			}
			continue
		}
		own, err := in.nameOf(match.Version)
		if err != nil {
			return err
		}
		for _, c := range []canonical{own, {url: own.url}} {
			if left[c] {
				delete(left, c)
				if err := in.take(match.Version); err != nil {
					return err
				}
			}
		}
		if len(left) == 0 || in.cut {
			return nil
		}
	}
	return nil
}

// nameOf is the canonical of a resource; zero where it has no url, or none that can be read.
func (in *includer) nameOf(v store.Version) (canonical, error) {
	if c, known := in.names[v.Key]; known {
		return c, nil
	}
	var c canonical
	for v, err := range in.page.window.whole([]store.Version{v}) {
		if err != nil {
			return c, err
		}
		if v.Damage != nil {
			continue
		}
		r, err := parseStored(v)
		if err != nil {
			return c, err
		}
		c = canonical{r.Get("url").Text(), search.FoldCode(r.Get("version").Text())}
	}
	in.names[v.Key] = c
	return c, nil
}

// naming are conditions on a reference parameter to refer to one of the versions by a canonical.
func (in *includer) naming(param *search.Param, versions []store.Version) (names search.Or, err error) {
	if !search.RefersByURL(param) {
		return nil, nil
	}
	for _, v := range versions {
		if !search.HasCanonical(v.Type) {
			continue
		}
		c, err := in.nameOf(v)
		if err != nil {
			return nil, err
		}
		if c.url != "" && !strings.ContainsAny(c.url, "|#") {
			names = append(names, search.Reference{Param: param.Code, URL: c.url, Version: c.version, Names: true})
		}
	}
	return names, nil
}
