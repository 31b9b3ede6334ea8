package search

import (
	"strings"

	"fhirside/fhir"
)

// onList reads _list: the ids of List resources, whose entries the resources are (search.html#list). It is _has:List:item:_id.
func (p *parser) onList(value string) (Filter, error) {
	return p.list(comparison{}, value, func(p *parser, _ comparison, text string) (Filter, error) {
		id := strings.TrimPrefix(unescape(text), "List/")
		switch {
		case strings.HasPrefix(id, "$"):
			return nil, p.errorf(fhir.CodeNotSupported, "this server nominates no list as %s; write the id of a List, or search by status", clip(id))
		case !fhir.ValidID(id):
			return nil, p.errorf(fhir.CodeValue, "%q is no id of a List", clip(id))
		}
		return Has{Type: "List", Param: "item", Filter: ID{id}}, nil
	})
}
