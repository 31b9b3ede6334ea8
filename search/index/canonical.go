package index

import "fhirside/search"

// Naming is the condition on a reference parameter to refer to the resource with these values by a canonical; false where it has no
// url to be named by.
func (v *Values) Naming(param string) (search.Reference, bool) {
	names := search.Reference{Param: param, Names: true}
	for i := range v.URIs {
		if v.URIs[i].Param == search.URLParam {
			names.URL = v.URIs[i].Value
		}
	}
	for i := range v.Tokens {
		if v.Tokens[i].Param == search.VersionParam {
			names.Version = v.Tokens[i].Code
		}
	}
	return names, names.URL != ""
}
