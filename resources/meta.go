package resources

import (
	"context"
	"slices"

	"fhirside/fhir"
	"fhirside/resources/access"
	"fhirside/resources/store"
)

// Meta answers $meta with Parameters (resource-operation-meta.html): the meta of a resource, or of one of its versions where
// versionID is not empty. Without an id it is the profiles, security labels and tags in use in the resources of the type, or of
// all types, as far as the caller may search them.
func (s *Service) Meta(ctx context.Context, p access.Policy, resourceType, id, versionID string) ([]byte, error) {
	return s.meta(ctx, storeView{ctx, s.Store}, p, target{resourceType: resourceType, id: id, version: versionID})
}

func (s *Service) meta(ctx context.Context, v view, p access.Policy, t target) ([]byte, error) {
	if t.id == "" {
		return s.metaInUse(v, p, t.resourceType)
	}
	version, err := s.getVersion(ctx, v, p, t)
	if err != nil {
		return nil, err
	}
	return metaOf(version)
}

// MetaChange says what is done with what is sent to $meta-add and $meta-delete.
type MetaChange uint8

const (
	AddMeta MetaChange = iota
	DeleteMeta
)

// ChangeMeta adds profiles, tags and security labels to the current version of a resource, or takes them away
// (resource-operation-meta-add.html, -delete.html). Unlike R4's, which may change a version in place, it makes a new one: what
// was once served under a version stays as it was. It answers with the Parameters of the new meta.
func (s *Service) ChangeMeta(ctx context.Context, p access.Policy, resourceType, id string, change MetaChange, parameters *fhir.Resource, c Conditions) (Result, []byte, error) {
	w, err := s.newMetaChange(p, resourceType, id, change, parameters, c)
	if err != nil {
		return Result{}, nil, err
	}
	result, err := s.commitOne(ctx, p, w)
	if err != nil {
		return result, nil, err
	}
	body, err := metaOf(result.Version)
	return result, body, err
}

func (s *Service) newMetaChange(p access.Policy, resourceType, id string, change MetaChange, parameters *fhir.Resource, c Conditions) (*write, error) {
	meta, err := s.metaIn(parameters)
	if err != nil {
		return nil, err
	}
	return s.newChange(p, resourceType, id, metaPatch{change, meta}, c)
}

// metaIn is the parameter "meta" of the operations' input.
func (s *Service) metaIn(parameters *fhir.Resource) (fhir.Element, error) {
	if t := parameters.Type(); t != "Parameters" {
		return fhir.Element{}, fhir.Errorf(fhir.Invalid, fhir.CodeInvalid, "the operation takes Parameters, not a %s", clip(t))
	}
	if err := s.check(parameters); err != nil {
		return fhir.Element{}, err
	}
	for p := range parameters.Get("parameter").Each() {
		if meta := p.Get("valueMeta"); p.Get("name").Is("meta") && meta.Kind() == fhir.Object {
			return meta, nil
		}
	}
	return fhir.Element{}, fhir.Errorf(fhir.Invalid, fhir.CodeRequired, `the operation needs a parameter "meta" with a valueMeta`).At("Parameters.parameter")
}

// metaOf is a version's meta as Parameters. What the caller may not read has none to show.
func metaOf(v store.Version) ([]byte, error) {
	if v.Body == nil {
		return metaParameters(nil), nil
	}
	r, err := parseStored(v)
	if err != nil {
		return nil, err
	}
	return metaParameters(r.Get("meta").Raw()), nil
}

// metaParameters are what the operations answer with. FHIR has no empty values: no meta is no parameter.
func metaParameters(meta []byte) []byte {
	if len(meta) == 0 {
		return []byte(`{"resourceType":"Parameters"}`)
	}
	return slices.Concat([]byte(`{"resourceType":"Parameters","parameter":[{"name":"return","valueMeta":`), meta, []byte(`}]}`))
}

// metaPatch is $meta-add or $meta-delete as a Change.
type metaPatch struct {
	change MetaChange
	meta   fhir.Element
}

// metaLists are the members of meta that the operations change.
var metaLists = []string{"profile", "security", "tag"}

// Tests: the answer shows the whole meta.
func (m metaPatch) Tests() bool { return true }

func (m metaPatch) Apply(r *fhir.Resource) (*fhir.Resource, []fhir.Issue, error) {
	ed, meta := r.Edit(), r.Get("meta") // every stored resource has one
	for _, name := range metaLists {
		if m.change == AddMeta {
			addMeta(ed, meta, name, m.meta.Get(name))
		} else {
			deleteMeta(ed, meta, name, m.meta.Get(name))
		}
	}
	after, err := ed.Apply()
	return after, nil, err
}

// addMeta appends what is not there yet.
func addMeta(ed *fhir.Edits, meta fhir.Element, name string, wanted fhir.Element) {
	list, companions := meta.Get(name), meta.Get("_"+name)
	var added []fhir.Element
	for item := range wanted.Each() {
		if item.Kind() == fhir.Null || isIn(item, list) || slices.ContainsFunc(added, func(e fhir.Element) bool { return sameLabel(e, item) }) {
			continue
		}
		added = append(added, item)
		if list.Exists() {
			ed.Insert(list, list.Len(), item.Raw())
		}
		if companions.Exists() { // the extensions of profiles go by position
			ed.Insert(companions, companions.Len(), []byte("null"))
		}
	}
	if len(added) > 0 && !list.Exists() {
		raw := []byte{'['}
		for i, item := range added {
			if i > 0 {
				raw = append(raw, ',')
			}
			raw = append(raw, item.Raw()...)
		}
		ed.Set(meta, name, append(raw, ']'))
	}
}

// deleteMeta takes away what is there, and the list with its last item.
func deleteMeta(ed *fhir.Edits, meta fhir.Element, name string, unwanted fhir.Element) {
	list, companions := meta.Get(name), meta.Get("_"+name)
	left, at := 0, 0
	for item := range list.Each() {
		if isIn(item, unwanted) {
			ed.Remove(item)
			if companion := companions.Index(at); companion.Exists() {
				ed.Remove(companion)
			}
		} else {
			left++
		}
		at++
	}
	if left > 0 || !list.Exists() {
		return
	}
	ed.Remove(list)
	if companions.Exists() {
		ed.Remove(companions)
	}
}

func isIn(label, list fhir.Element) bool {
	for item := range list.Each() {
		if sameLabel(item, label) {
			return true
		}
	}
	return false
}

// sameLabel compares profiles by their URL, tags and labels by system and code (resource.html#Meta).
func sameLabel(a, b fhir.Element) bool {
	if a.Kind() != fhir.Object || b.Kind() != fhir.Object {
		return a.Equal(b)
	}
	return a.Get("system").Text() == b.Get("system").Text() && a.Get("code").Text() == b.Get("code").Text()
}
