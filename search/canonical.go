package search

import (
	"slices"
	"sync"

	"fhirside/fhir/definitions"
)

// A canonical names a resource by its url, and perhaps its version (references.html#canonical). It refers to the resources of this
// server that have that url and, where it names a version, that version; one without a version refers to every version. Versions
// are compared as the parameter "version" compares them, without regard to case.

// The parameters by which a resource is found that a canonical names.
const (
	URLParam     = "url"
	VersionParam = "version"
)

// Named is the filter for the resources that a canonical names; version may be "".
func Named(url, version string) Filter {
	if version == "" {
		return URI{Param: URLParam, Value: url}
	}
	return And{URI{Param: URLParam, Value: url}, inSystem(VersionParam, "", version)}
}

// HasCanonical says whether resources of the type have a url and a version that canonicals name them by. Of Contracts R4 searches
// only the url: what names a version of one is not followed.
func HasCanonical(resourceType string) bool { return canonicalTypes()[resourceType] }

var canonicalTypes = sync.OnceValue(func() map[string]bool {
	types := map[string]bool{}
	for _, t := range definitions.ResourceTypes() {
		_, url := definitions.Lookup(t).Child(URLParam)
		_, version := definitions.Lookup(t).Child(VersionParam)
		types[t] = url == "uri" && version == "string"
	}
	return types
})

// RefersByURL says whether a reference parameter may read canonicals, or URLs that stand for one. One whose elements are not known
// may.
func RefersByURL(param *Param) bool {
	return len(param.ElementTypes) == 0 || slices.ContainsFunc(param.ElementTypes, isURL)
}

// isURL says whether the values of a data type are URLs.
func isURL(dataType string) bool {
	switch dataType {
	case "canonical", "oid", "uri", "url", "uuid":
		return true
	}
	return false
}
