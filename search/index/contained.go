package index

import (
	"slices"
	"strings"

	"fhirside/fhir"
	"fhirside/fhir/fhirpath"
	"fhirside/search"
)

// Contained is what a resource contains (references.html#contained), with the values that it has by itself and a token _id, its id.
// See search.ContainedType for how it is searched.
type Contained struct {
	Type   string // resource type
	ID     string // within the container
	Body   []byte // canonical JSON
	Values Values
}

// The container, as a contained resource refers to it, until At says which that is.
const container = "#"

// contained appends what the resource contains, and the references to that. Of several with one id the first counts, as references
// go; without an id it cannot be named and is not searched.
func (w *work) contained(x *Extractor, focus fhirpath.Item) {
	inside := insideOf(focus)
	before := w.values.lengths()
	for _, rd := range x.plan(focus.Type()) {
		w.links(&rd, focus, inside)
	}
	for _, e := range inside.all {
		here := search.Containing(e.Get("resourceType").Text())
		w.values.Tokens = append(w.values.Tokens, Token{Param: here.Param, Code: here.Code})
	}
	w.values.unique(before)
	inside.around = true
	for _, e := range inside.all {
		w.values.Contained = append(w.values.Contained, x.inner(e, inside))
	}
}

// inside is what references by fragment alone lead to.
type inside struct {
	all    []fhir.Element
	types  map[string]string // resource types by id
	around bool              // "#" is the container
}

func insideOf(focus fhirpath.Item) inside {
	in := inside{types: map[string]string{}}
	for e := range focus.Element().Get("contained").Each() {
		id := e.Get("id").Text()
		if _, twice := in.types[id]; id != "" && !twice && e.Resource() != nil {
			in.types[id] = e.Get("resourceType").Text()
			in.all = append(in.all, e)
		}
	}
	return in
}

// inner are the values of one contained resource.
func (x *Extractor) inner(e fhir.Element, inside inside) Contained {
	w := works.Get().(*work)
	defer works.Put(w)
	id, resourceType := e.Get("id").Text(), e.Get("resourceType").Text()
	focus := fhirpath.FocusOn(e, fhir.Element{}, resourceType)
	for _, rd := range x.plan(resourceType) {
		w.read(&rd, focus)
		before := w.values.lengths()
		w.links(&rd, focus, inside)
		w.values.unique(before)
	}
	w.values.Tokens = append(w.values.Tokens, Token{Param: "_id", Code: id})
	w.values.order()
	return Contained{resourceType, id, e.Resource().Bytes(), w.take()}
}

// links appends a parameter's references to what is inside the same container.
func (w *work) links(rd *reader, focus fhirpath.Item, inside inside) {
	if rd.param.Type != search.TypeReference || rd.param.Expression == nil {
		return
	}
	items, err := rd.param.Expression.Append(nil, focus, nil)
	if err != nil {
		return
	}
	for i := range items {
		e := items[i].Element()
		if e.Kind() == fhir.Object {
			e = e.Get("reference")
		}
		id, local := strings.CutPrefix(e.Text(), "#")
		resourceType, known := inside.types[id]
		switch {
		case local && known:
			w.values.References = append(w.values.References, Reference{Param: rd.name, Type: search.ContainedType(resourceType), ID: id})
			here := search.Inside(rd.name, resourceType)
			w.values.Tokens = append(w.values.Tokens, Token{Param: here.Param, Code: here.Code})
		case local && id == "" && inside.around:
			w.values.References = append(w.values.References, Reference{Param: rd.name, Type: container})
		}
	}
}

// At are the values of a resource of that type and id: what it contains, and the references to that, know where they are. Before,
// they have the ids within the container.
func (v Values) At(resourceType, id string) Values {
	if len(v.Contained) == 0 {
		return v
	}
	v.References = located(v.References, resourceType, id)
	inside := make([]Contained, len(v.Contained))
	for i, c := range v.Contained {
		c.Values.Tokens = append(slices.Clip(c.Values.Tokens), Token{Param: search.ContainerParam, Code: resourceType})
		c.Values.References = append(located(c.Values.References, resourceType, id), Reference{Param: search.ContainerParam, Type: resourceType, ID: id})
		c.Values.order()
		c.ID = search.ContainedID(resourceType, id, c.ID)
		inside[i] = c
	}
	v.Contained = inside
	return v
}

func located(references []Reference, resourceType, id string) []Reference {
	located := slices.Clone(references)
	for i, r := range located {
		switch {
		case r.Type == container:
			located[i].Type, located[i].ID = resourceType, id
		case search.IsContained(r.Type):
			located[i].ID = search.ContainedID(resourceType, id, r.ID)
		}
	}
	return located
}
