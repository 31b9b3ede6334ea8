package mongo

import (
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"fhirside/resources/store"
	"fhirside/search"
)

// named is a URL that names resources, with the version of the one that is meant, folded, or without. Chains and _has that go by
// canonicals are followed through terms, like those by references; see search.Named.
type named struct{ url, version string }

// names says whether a canonical names the resource whose url and version these are.
func (c named) names(resource named) bool {
	return c.url == resource.url && (c.version == "" || c.version == resource.version)
}

// nameTerm is a canonical in a reference parameter: "questionnaire,http://…␀1.0", with nothing behind the NUL where it names no
// version.
func nameTerm(param string, c named) string { return term(param, further, c.url+"\x00"+c.version) }

// nameTerms are those by which a resource may be referred to.
func nameTerms(param string, resource named) []string {
	terms := []string{nameTerm(param, named{url: resource.url})}
	if resource.version != "" {
		terms = append(terms, nameTerm(param, resource))
	}
	return terms
}

// versionsWay is the range of the terms of references in a version that begins with the filter's.
func versionsWay(f search.Reference) (way, error) {
	begin := f.Param + string(further) + targetOf(f.Type, f.ID, f.URL) + "|" + f.Version
	if len(begin) > maxTerm-64 {
		return way{}, fmt.Errorf("%w: a canonical URL of %d bytes with the beginning of a version", store.ErrTooCostly, len(f.URL))
	}
	return beginsWith(begin), nil
}

// maxCanonical is how long a term may be that a canonical is read from: longer ones may be a hash of it.
const maxCanonical = maxTerm - 4

// canonicalsIn are the canonicals of a document's reference parameter.
func canonicalsIn(document bson.Raw, param string) (list []named, err error) {
	begin := param + string(further)
	for _, text := range textsOf(document, "t") {
		rest, ok := strings.CutPrefix(text, begin)
		if !ok {
			continue
		}
		url, version, ok := strings.Cut(rest, "\x00")
		switch {
		case !ok:
			continue // the version of a reference
		case len(text) > maxCanonical:
			return nil, errLongCanonical
		}
		list = append(list, named{url, version})
	}
	return list, nil
}

var errLongCanonical = fmt.Errorf("%w: a canonical URL of more than %d bytes is to be followed", store.ErrTooCostly, maxCanonical)

// ownName is the url and version that a document's resource is named by; false where it has none.
func ownName(document bson.Raw) (c named, ok bool, err error) {
	for _, text := range textsOf(document, "t") {
		if url, is := strings.CutPrefix(text, search.URLParam+string(uriIs)); is {
			if len(text) > maxCanonical {
				return c, false, errLongCanonical
			}
			c.url = url
		}
		if version, is := strings.CutPrefix(text, search.VersionParam+string(codeFolded)); is {
			c.version = version
		}
	}
	return c, c.url != "", nil
}

// naming is the condition on a reference parameter to name a document's resource by a canonical; false where nothing can.
func naming(param string, document bson.Raw) (search.Reference, bool, error) {
	c, ok, err := ownName(document)
	return search.Reference{Param: param, URL: c.url, Version: c.version, Names: true}, ok, err
}

// called are resources by the urls that canonicals name them by.
type called map[string][]calling

// calling ties a canonical to the id of the resource that has it, or that it is of.
type calling struct {
	named
	id string
}

func (all called) add(c named, id string) { all[c.url] = append(all[c.url], calling{c, id}) }
