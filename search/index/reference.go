package index

import (
	"slices"
	"strings"

	"fhirside/fhir"
	"fhirside/fhir/definitions"
	"fhirside/fhir/fhirpath"
)

// reference appends what a reference parameter reads of an element (search.html#reference). References to contained resources
// are appended by work.links.
func (rd *reader) reference(it *fhirpath.Item, v *Values) {
	e := it.Element()
	switch name := it.Type(); name {
	case "Reference":
		rd.link(e.Get("reference").Text(), v)
		rd.logical(e.Get("identifier"), v)
	case "canonical", "uri", "url", "oid", "uuid":
		rd.canonical(e.Text(), v)
	default:
		// A Bundle's composition and message are resources inside it.
		if id := e.Get("id").Text(); id != "" && definitions.IsResource(name) && slices.Contains(rd.param.Targets, name) {
			v.References = append(v.References, Reference{Param: rd.name, Type: name, ID: id})
		}
	}
}

// logical appends the identifier of a reference, for the modifier :identifier.
func (rd *reader) logical(identifier fhir.Element, v *Values) {
	system, value := identifier.Get("system").Text(), identifier.Get("value").Text()
	if rd.name != "" && (system != "" || value != "") {
		v.Tokens = append(v.Tokens, newToken(rd.identifier, system, value))
	}
}

// link appends a literal reference. One by an absolute URL is to a resource of ours if the URL is our own, else to that URL.
func (rd *reader) link(text string, v *Values) {
	ref := fhir.ParseReference(text)
	switch {
	case text == "" || ref.URL == "" && ref.Type == "":
		return
	case ref.URL != "":
		v.References = append(v.References, Reference{Param: rd.name, URL: ref.URL, Version: ref.Version})
	case ref.Base == "" || ref.Base == rd.base:
		v.References = append(v.References, Reference{Param: rd.name, Type: ref.Type, ID: ref.ID, Version: ref.Version})
	default:
		v.References = append(v.References, Reference{Param: rd.name, URL: ref.Base + "/" + ref.Local(), Version: ref.Version})
	}
}

// canonical appends a canonical URL with its version; one that is a reference to a resource of ours is that, too.
func (rd *reader) canonical(text string, v *Values) {
	url, version, _ := strings.Cut(text, "|")
	url, _, _ = strings.Cut(url, "#")
	version, _, _ = strings.Cut(version, "#")
	if url == "" {
		return
	}
	ref := fhir.ParseReference(url)
	if ref.Type != "" && (ref.Base == "" || ref.Base == rd.base) {
		v.References = append(v.References, Reference{Param: rd.name, Type: ref.Type, ID: ref.ID})
		if ref.Base == "" {
			return
		}
	}
	v.References = append(v.References, Reference{Param: rd.name, URL: url, Version: version})
}
