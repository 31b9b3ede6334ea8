package resources

import (
	"context"
	"errors"

	"fhirside/fhir"
	"fhirside/fhir/definitions"
	"fhirside/resources/access"
	"fhirside/search"
)

const binary = "Binary"

// standIn is the condition that a Binary's securityContext adds to what a policy says: the resource that it names stands for the
// Binary, so that the caller must be allowed to read that one (binary.html). One that is not here, or that is no more, grants
// nothing.
func standIn(p access.Policy) search.Filter {
	if p == access.Everything {
		return search.All{}
	}
	some := search.Or{search.Not{Filter: search.Present{Param: search.SecurityContext}}}
	everything := true
	for _, t := range definitions.ResourceTypes() {
		if t == binary {
			continue
		}
		f := may(p, t, access.Read)
		everything = everything && isAll(f)
		if !isNone(f) {
			some = append(some, search.Chain{Param: search.SecurityContext, Type: t, Filter: f})
		}
	}
	if everything {
		return search.All{}
	}
	return some
}

// UpdateContent stores a new version of a Binary of which only the content was sent, as r. Its labels stay, and so does its
// securityContext unless r names one: leaving out a header must not open it to others. Where there is no such Binary yet r is
// created.
func (s *Service) UpdateContent(ctx context.Context, p access.Policy, id string, r *fhir.Resource, c Conditions) (Result, error) {
	if err := s.check(r); err != nil {
		return Result{}, err
	}
	result, err := s.Patch(ctx, p, binary, id, newContent{r}, c)
	if e := (*fhir.Error)(nil); errors.As(err, &e) && (e.Reason == fhir.NotFound || e.Reason == fhir.Gone) {
		return s.Update(ctx, p, binary, id, r, c)
	}
	return result, err
}

// newContent is a Change that replaces a Binary's content.
type newContent struct{ sent *fhir.Resource }

// Tests: the client learns nothing of what was there.
func (newContent) Tests() bool { return false }

func (n newContent) Apply(r *fhir.Resource) (*fhir.Resource, []fhir.Issue, error) {
	ed := r.Edit()
	for _, name := range []string{"contentType", "securityContext", "data"} {
		switch before, after := r.Get(name), n.sent.Get(name); {
		case after.Exists() && before.Exists():
			ed.Replace(before, after.Raw())
		case after.Exists():
			ed.Set(r.Root(), name, after.Raw())
		case before.Exists() && name == "data":
			ed.Remove(before)
		}
	}
	after, err := ed.Apply()
	return after, nil, err
}
