package resources

import (
	"slices"
	"strings"

	"fhirside/fhir"
	"fhirside/fhir/definitions"
	"fhirside/search"
)

// Shape says how much of each resource is wanted (search.html#summary, #elements).
type Shape struct {
	Summary  search.Summary
	Elements []string // names of top-level elements, of a choice with its type or without; nil: all
}

// The tag of a resource that is not all there.
const (
	subsettedSystem = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"
	subsetted       = "SUBSETTED"
	subsettedTag    = `{"system":"` + subsettedSystem + `","code":"` + subsetted + `"}`
)

// ShapeOf reads _summary and _elements among the parameters of a read of resources of the type, "" being any.
func ShapeOf(resourceType string, params []search.Parameter) (Shape, error) {
	var shape Shape
	types := []string{resourceType}
	if resourceType == "" {
		types = definitions.ResourceTypes()
	}
	for _, p := range params {
		switch p.Name {
		case "_summary":
			summary, ok := summaries[p.Value]
			if !ok { // count has no meaning for one resource
				return shape, fhir.Errorf(fhir.Invalid, fhir.CodeValue, "_summary is one of true, text, data and false here, not %q", clip(p.Value)).At(p.Name)
			}
			shape.Summary = summary
		case "_elements":
			names, err := search.Elements(p.Value, types)
			if err != nil {
				return shape, err
			}
			shape.Elements = append(shape.Elements, names...)
		}
	}
	return shape, nil
}

var summaries = map[string]search.Summary{
	"": search.SummaryFalse, "false": search.SummaryFalse, "true": search.SummaryTrue, "text": search.SummaryText, "data": search.SummaryData,
}

// whole says whether nothing is left out.
func (s Shape) whole() bool { return s.Summary == search.SummaryFalse && s.Elements == nil }

// Apply is the resource's text with what is not wanted left out, and tagged SUBSETTED. Mandatory elements, id and meta stay.
func (s Shape) Apply(body []byte) ([]byte, error) {
	if s.whole() || body == nil {
		return body, nil
	}
	r, err := fhir.Parse(body)
	if err != nil {
		return nil, err
	}
	ed := r.Edit()
	t := definitions.Lookup(r.Type())
	if t == nil {
		return body, nil
	}
	for member := range r.Root().Children() {
		name := strings.TrimPrefix(member.Name(), "_")
		if name == "resourceType" || name == "id" || name == "meta" {
			continue
		}
		el, typeName := t.Child(name)
		switch {
		case el == nil || !s.wants(el, name):
			ed.Remove(member)
		case s.Summary == search.SummaryTrue:
			summarize(ed, member, typeName)
		}
	}
	tagSubsetted(ed, r)
	return ed.Bytes(), nil
}

// wants says whether a top-level element, which has that name in JSON, is wanted.
func (s Shape) wants(el *definitions.Element, name string) bool {
	if el.Min > 0 {
		return true
	}
	if s.Elements != nil && !slices.Contains(s.Elements, el.Name) && !slices.Contains(s.Elements, name) {
		return false
	}
	switch s.Summary {
	case search.SummaryTrue:
		return el.Summary
	case search.SummaryText:
		return el.Name == "text"
	case search.SummaryData:
		return el.Name != "text"
	}
	return true
}

// summarize takes out of an element what the definitions do not count to the summary.
func summarize(ed *fhir.Edits, e fhir.Element, typeName string) {
	t := definitions.Lookup(typeName)
	if t == nil || t.Class == definitions.Primitive || typeName == "Resource" {
		return
	}
	for item := range e.Each() {
		for member := range item.Children() {
			el, child := t.Child(strings.TrimPrefix(member.Name(), "_"))
			switch {
			case el == nil:
			case !el.Summary && el.Min == 0:
				ed.Remove(member)
			default:
				summarize(ed, member, child)
			}
		}
	}
}

func tagSubsetted(ed *fhir.Edits, r *fhir.Resource) {
	meta := r.Get("meta")
	tags := meta.Get("tag")
	switch {
	case tags.Kind() == fhir.Array:
		ed.Insert(tags, tags.Len(), []byte(subsettedTag))
	case meta.Kind() == fhir.Object:
		ed.Set(meta, "tag", []byte("["+subsettedTag+"]"))
	default:
		ed.SetAfter(r.Root(), "id", "meta", []byte(`{"tag":[`+subsettedTag+`]}`))
	}
}
