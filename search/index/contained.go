package index

import (
	"cmp"
	"slices"
	"strings"

	"fhirside/fhir"
	"fhirside/fhir/fhirpath"
	"fhirside/search"
)

// contained appends the entries of the contained resources that reference parameters refer to, under the names that
// search.InsideParam gives them: chains go into these (search.html#contained).
func (w *work) contained(x *Extractor, focus fhirpath.Item) {
	type way struct{ param, id string }
	var ways []way
	before := w.values.lengths()
	for _, rd := range x.plan(focus.Type()) {
		if rd.param.Type != search.TypeReference || rd.param.Expression == nil {
			continue
		}
		items, err := rd.param.Expression.Append(nil, focus, nil)
		if err != nil {
			continue
		}
		for i := range items {
			e := items[i].Element()
			if e.Kind() == fhir.Object {
				e = e.Get("reference")
			}
			id, local := strings.CutPrefix(e.Text(), "#")
			to := way{rd.name, id}
			if !local || id == "" || slices.Contains(ways, to) {
				continue
			}
			ways = append(ways, to)
			for r := range focus.Element().Get("contained").Each() {
				if r.Get("id").Is(id) {
					w.inside(x, rd.name, r)
				}
			}
		}
	}
	w.values.unique(before)
	slices.SortStableFunc(w.values.References, func(a, b Reference) int { return cmp.Compare(a.Param, b.Param) })
	slices.SortStableFunc(w.values.Dates, func(a, b Date) int { return cmp.Compare(a.Param, b.Param) })
	slices.SortStableFunc(w.values.URIs, func(a, b URI) int { return cmp.Compare(a.Param, b.Param) })
}

// inside appends the entries of one contained resource.
func (w *work) inside(x *Extractor, param string, r fhir.Element) {
	resourceType := r.Get("resourceType").Text()
	w.values.Tokens = append(w.values.Tokens, newToken(search.InsideParam(param, resourceType, ""), "", search.ContainedCode))
	focus := fhirpath.FocusOn(r, fhir.Element{}, resourceType)
	for _, rd := range x.plan(resourceType) {
		if rd.param.Words {
			continue
		}
		rd := x.named(rd.param, search.InsideParam(param, resourceType, rd.name))
		w.read(&rd, focus)
	}
}
