package search

import (
	"strings"

	"fhirside/fhir"
	"fhirside/fhir/definitions"
)

// referenceLeaf reads an id or Type/id, with /_history/version or without, or an absolute URL, with |version or without
// (search.html#reference).
func (p *parser) referenceLeaf(c comparison, text string) (Filter, error) {
	text = p.entry(c.param, unescape(text))
	if fhir.ValidID(text) {
		return local(c, fhir.Reference{ID: text}), nil
	}
	ref := fhir.ParseReference(text)
	switch {
	case ref.Fragment != "":
		return nil, p.errorf(fhir.CodeValue, "%q points into a resource; only whole resources can be searched for", clip(text))
	case ref.Type != "":
		return p.typed(c, ref, text)
	case !hasScheme(ref.URL):
		return nil, p.errorf(fhir.CodeValue, "%q is no reference: write an id, Type/id, or an absolute URL", clip(text))
	case c.narrowed != "":
		return nil, p.errorf(fhir.CodeValue, "%q tells no type to compare with %s: write an id or Type/id", clip(text), c.narrowed)
	}
	return Reference{Param: c.code, URL: ref.URL, Version: ref.Version}, nil
}

// typed is a reference that names a type and an id, relative or absolute.
func (p *parser) typed(c comparison, ref fhir.Reference, text string) (Filter, error) {
	url := Reference{Param: c.code, URL: ref.Base + "/" + ref.Local(), Version: ref.Version}
	own := ref.Base == "" || ref.Base == p.base
	switch {
	case own && !definitions.IsResource(ref.Type):
		return nil, p.errorf(fhir.CodeValue, "%q: there is no resource type %q", clip(text), ref.Type)
	case own:
		return local(c, ref), nil
	case c.narrowed != "" && c.narrowed != ref.Type:
		return None{}, nil
	}
	return url, nil
}

// local is a reference to a resource of this server. An id alone may be that of any type that the parameter can refer to; of a type
// that is named, resources are found that refer to it though they should not.
func local(c comparison, ref fhir.Reference) Filter {
	types := targetsOf(c.param)
	switch {
	case c.narrowed != "":
		types = []string{c.narrowed}
	case ref.Type != "":
		types = []string{ref.Type}
	}
	var alternatives Or
	for _, t := range types {
		if ref.Type == "" || ref.Type == t {
			alternatives = append(alternatives, Reference{Param: c.code, Type: t, ID: ref.ID, Version: ref.Version})
		}
	}
	return AnyOf(alternatives...)
}

// hasScheme says whether the text begins as an absolute URI does (RFC 3986).
func hasScheme(text string) bool {
	scheme, _, found := strings.Cut(text, ":")
	return found && scheme != "" && strings.Trim(strings.ToLower(scheme), "abcdefghijklmnopqrstuvwxyz0123456789+-.") == ""
}
