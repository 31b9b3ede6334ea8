package resources

import (
	"fhirside/fhir"
	"fhirside/fhir/definitions"
	"fhirside/fhir/validation"
	"fhirside/resources/access"
	"fhirside/search/index"
)

// action is what a write does.
type action uint8

const (
	creates action = iota
	updates
	changes // an update that follows from the current version: a patch
	deletes
)

func (a action) interaction() access.Interaction {
	return [...]access.Interaction{creates: access.Create, updates: access.Update, changes: access.Update, deletes: access.Delete}[a]
}

// write is one create, update, change or delete on its way into a commit. It does not change once the commit begins, since that may
// run again.
type write struct {
	action       action
	resourceType string
	id           string    // of the resource; for a create, or an update by criteria that match nothing, the one it will get
	criteria     *criteria // of a conditional interaction; nil where there are none
	conditions   preconditions
	sent         *fhir.Resource // nil for a change or a delete
	change       Change         // nil but for a change
	at           string         // the place in the Bundle, "" outside of one: "Bundle.entry[3]"
}

// draft is a resource as it will be stored, but for the id and version that it gets: checked, references resolved, indexed.
type draft struct {
	resource *fhir.Resource
	values   index.Values
	rules    int64 // the number of the rules that the values were computed by
	links    []link
}

func (s *Service) newDraft(r *fhir.Resource, links []link) *draft {
	by := s.rules()
	return &draft{r, by.extractor.Extract(r), by.number, links}
}

// newWrite checks what can be checked without the store: type, id, structure, policy and preconditions.
func (s *Service) newWrite(p access.Policy, a action, resourceType, id string, r *fhir.Resource, c Conditions) (*write, error) {
	if err := checkType(resourceType); err != nil {
		return nil, err
	}
	if isNone(may(p, resourceType, a.interaction())) {
		return nil, forbidden(a.interaction(), resourceType)
	}
	conditions, err := c.parse()
	if err != nil {
		return nil, err
	}
	w := &write{action: a, resourceType: resourceType, id: id, conditions: conditions, sent: r}
	if r == nil {
		return w, nil
	}
	if t := r.Type(); t != resourceType {
		return nil, fhir.Errorf(fhir.Invalid, fhir.CodeInvalid, "the resource is a %s, but the URL says %s", t, resourceType).At(t)
	}
	return w, s.check(r)
}

// checkType refuses what is no resource type of R4.
func checkType(resourceType string) error {
	if !definitions.IsResource(resourceType) {
		return fhir.Errorf(fhir.NotFound, fhir.CodeNotSupported, "R4 has no resource type %q", clip(resourceType))
	}
	return nil
}

// check validates a resource as far as the server is told to.
func (s *Service) check(r *fhir.Resource) error {
	for tag := range r.Get("meta").Get("tag").Each() {
		if tag.Get("code").Is(subsetted) && tag.Get("system").Is(subsettedSystem) {
			return fhir.Errorf(fhir.Unprocessable, fhir.CodeIncomplete, "the resource is tagged SUBSETTED: storing it would lose what was left out").At(r.Type() + ".meta.tag")
		}
	}
	if s.Validation == ValidateNothing {
		return nil
	}
	issues := validation.Structure(r)
	for _, issue := range issues {
		if issue.Severity == fhir.SeverityError || issue.Severity == fhir.SeverityFatal {
			return &fhir.Error{Reason: fhir.Invalid, Issues: issues}
		}
	}
	if r.Type() == searchParameter {
		return s.checkParameter(r)
	}
	return nil
}

// checkUpdateID holds the rule that a resource sent to an id carries that id (http.html#update).
func checkUpdateID(r *fhir.Resource, id string) error {
	sent := r.Get("id")
	switch {
	case id == "." || id == "..":
		return fhir.Errorf(fhir.Invalid, fhir.CodeValue, "%q cannot be an id: in a URL it is a step in the path", id).At(r.Type() + ".id")
	case !fhir.ValidID(id):
		return fhir.Errorf(fhir.Invalid, fhir.CodeValue, "%q is no id: ids are 1 to 64 letters, digits, '-' and '.'", clip(id))
	case !sent.Exists():
		return fhir.Errorf(fhir.Invalid, fhir.CodeRequired, "the resource has no id; an update needs the id of the URL, %q", id).At(r.Type() + ".id")
	case !sent.Is(id):
		return fhir.Errorf(fhir.Invalid, fhir.CodeInvalid, "the resource's id %q is not the URL's, %q", clip(sent.Text()), id).At(r.Type() + ".id")
	}
	return nil
}
