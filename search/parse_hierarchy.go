package search

import (
	"maps"
	"slices"
	"strings"

	"fhirside/fhir"
)

// Hierarchy answers the modifiers :above and :below of references (search.html#recursive): what lies above or below a resource by
// the reference from each to the one above it. Its errors are *fhir.Error where that is too much, or in a circle.
type Hierarchy interface {
	// Under are the ids of a resource and of those of its type below it.
	Under(resourceType, id string) ([]string, error)
	// Over are the ids of a resource and of those of its type above it.
	Over(resourceType, id string) ([]string, error)
	// URL is the url that canonicals name a resource by; "" where there is none.
	URL(resourceType, id string) (string, error)
}

// Upward are the reference parameters by which resources of a type make a strict hierarchy, by the type: those of the elements that R4
// marks so (extension structuredefinition-hierarchy) and calls partOf.
var Upward = map[string]string{"CarePlan": "part-of", "Encounter": "part-of", "Location": "partof", "Organization": "partof"}

// hierarchical are the types that make one, sorted.
var hierarchical = slices.Sorted(maps.Keys(Upward))

// under reads :below on references: of a canonical the versions below one, of a resource those below it.
func (p *parser) under(c comparison, value string) (Filter, error) {
	byURL := func(text string) bool { return RefersByURL(c.param) && hasScheme(text) }
	if !slices.ContainsFunc(split(value, ','), byURL) {
		return p.related(c, value, Hierarchy.Under)
	}
	return p.list(c, value, func(p *parser, c comparison, text string) (Filter, error) {
		if !byURL(text) {
			return p.related(c, text, Hierarchy.Under)
		}
		return p.versionsBelow(c, text)
	})
}

// versionsBelow reads a canonical, of whose version only a beginning need be there: 1 stands for 1.0 and 1.1-rc as well
// (search.html#versions).
func (p *parser) versionsBelow(c comparison, text string) (Filter, error) {
	f, err := p.referenceLeaf(c, text)
	if err != nil {
		return nil, err
	}
	var alternatives Or
	for _, ref := range references(f) {
		alternatives = append(alternatives, ref)
		if ref.Version == "" || ref.URL == "" {
			continue
		}
		for _, next := range []string{".", "-"} {
			below := ref
			below.Version, below.Begins = ref.Version+next, true
			alternatives = append(alternatives, below)
		}
	}
	return AnyOf(alternatives...), nil
}

// over reads :above on references.
func (p *parser) over(c comparison, value string) (Filter, error) {
	return p.related(c, value, Hierarchy.Over)
}

func (p *parser) related(c comparison, value string, related func(h Hierarchy, resourceType, id string) ([]string, error)) (Filter, error) {
	if p.opt.Hierarchy == nil {
		return nil, p.errorf(fhir.CodeNotSupported, "what is above and below is known to searches only")
	}
	return p.list(c, value, func(p *parser, c comparison, text string) (Filter, error) {
		f, err := p.referenceLeaf(c, text)
		if err != nil {
			return nil, err
		}
		refs := references(f)
		if !isNone(f) && !slices.ContainsFunc(refs, func(r Reference) bool { return Upward[r.Type] != "" }) {
			return nil, p.errorf(fhir.CodeValue, "%q is none of %s: only these lie above and below one another", clip(text), strings.Join(hierarchical, ", "))
		}
		var alternatives Or
		for _, ref := range refs {
			if Upward[ref.Type] == "" {
				continue
			}
			if ref.Version != "" {
				return nil, p.errorf(fhir.CodeValue, "%q names a version; what is above and below has none", clip(text))
			}
			ids, err := related(p.opt.Hierarchy, ref.Type, ref.ID)
			if err != nil {
				return nil, p.terminologyError(err)
			}
			for _, id := range ids {
				alternatives = append(alternatives, Reference{Param: c.code, Type: ref.Type, ID: id})
			}
		}
		return AnyOf(alternatives...), nil
	})
}

// references are those of which one is to hold.
func references(f Filter) (list []Reference) {
	switch f := f.(type) {
	case Reference:
		list = append(list, f)
	case Or:
		for _, part := range f {
			list = append(list, references(part)...)
		}
	}
	return list
}
