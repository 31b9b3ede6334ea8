package authserver

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"fhirside/fhir"
	"fhirside/resources"
	"fhirside/resources/access"
	"fhirside/resources/store"
	"fhirside/search"
	"fhirside/smart/oauth"
	"fhirside/smart/scope"
	"fhirside/smart/web"
)

// shownPatients is how many patients a page lists.
const shownPatients = 50

// userPolicy is what a person may see, whatever the app: what they choose from is no more than that.
func (s *Server) userPolicy(who scope.Subject) (access.Policy, error) {
	set, err := scope.Parse("user/*.rs")
	if err != nil {
		return nil, err
	}
	return s.Policies(set, who)
}

// person is who has signed in.
func (t *turn) person() scope.Subject {
	return scope.Subject{FHIRUser: t.user.FHIRUser, Account: t.user.Name}
}

// settlePatient makes sure that the request has the patient that it needs: the launch's, the user themselves, or one whom they
// choose. done is false where a page asks.
func (t *turn) settlePatient() (done bool, err error) {
	if id := t.request.Context.Patient; id != "" {
		seen, err := t.mayOpen(t.ctx(), t.person(), id)
		if err == nil && !seen {
			err = t.refuse(oauth.AccessDenied, "the user may not open the record of that patient")
		}
		return true, err
	}
	if !aboutPatient(t.scope) {
		return true, nil
	}
	if kind, id, _ := strings.Cut(t.user.FHIRUser, "/"); kind == "Patient" {
		t.request.Context.Patient = id
		return true, t.keep()
	}
	if err := t.silent(oauth.InteractionRequired); err != nil {
		return false, err
	}
	return false, t.showPicker(http.StatusOK, "", "")
}

// mayOpen says whether a user may open a patient's record.
func (s *Server) mayOpen(ctx context.Context, who scope.Subject, patient string) (bool, error) {
	kind, id, _ := strings.Cut(who.FHIRUser, "/")
	switch kind {
	case "Patient":
		return id == patient, nil
	case "RelatedPerson":
		patients, err := ActsFor(ctx, s.Service, s.Base, s.Now(), id)
		return slices.Contains(patients, patient), err
	}
	seen, err := s.readAs(ctx, who, "Patient", patient)
	return seen != nil, err
}

// ActsFor are the ids of the patients for whom a related person, by id, acts at a time: none if they are not active then. base is
// the FHIR base URL. It looks with no one's eyes but the server's: who acts for whom is what it decides by, not what it shows.
func ActsFor(ctx context.Context, service *resources.Service, base string, now time.Time, relatedPerson string) ([]string, error) {
	version, err := service.Read(ctx, access.Everything, "RelatedPerson", relatedPerson)
	if err != nil {
		return nil, hidden(err)
	}
	person, err := fhir.Parse(version.Body)
	if err != nil {
		return nil, err
	}
	if person.Get("active").Is("false") || over(person.Get("period").Get("end").Text(), now) {
		return nil, nil
	}
	reference := strings.TrimPrefix(person.Get("patient").Get("reference").Text(), base+"/")
	if id, ok := strings.CutPrefix(reference, "Patient/"); ok && fhir.ValidID(id) {
		return []string{id}, nil
	}
	return nil, nil
}

// over says whether the end of a period, a FHIR dateTime, has passed.
func over(end string, now time.Time) bool {
	for layout, last := range map[string]func(time.Time) time.Time{
		"2006":       func(t time.Time) time.Time { return t.AddDate(1, 0, 0) },
		"2006-01":    func(t time.Time) time.Time { return t.AddDate(0, 1, 0) },
		"2006-01-02": func(t time.Time) time.Time { return t.AddDate(0, 0, 1) },
		time.RFC3339: func(t time.Time) time.Time { return t },
	} {
		if parsed, err := time.Parse(layout, end); err == nil {
			return !now.Before(last(parsed))
		}
	}
	return false
}

// hidden makes no error of what somebody cannot see.
func hidden(err error) error {
	if e, ok := errors.AsType[*fhir.Error](err); ok {
		switch e.Reason {
		case fhir.NotFound, fhir.Gone, fhir.Forbidden:
			return nil
		}
	}
	return err
}

// readAs is a resource as far as a user may see it; nil if not.
func (s *Server) readAs(ctx context.Context, who scope.Subject, resourceType, id string) (*fhir.Resource, error) {
	policy, err := s.userPolicy(who)
	if err != nil {
		return nil, err
	}
	version, err := s.Service.Read(ctx, policy, resourceType, id)
	if err != nil {
		return nil, hidden(err)
	}
	return fhir.Parse(version.Body)
}

func (t *turn) showPicker(status int, words, problem string) error {
	found, more, searchable, err := t.choices(words)
	if err != nil {
		return err
	}
	page := web.Picker{
		Frame: t.frame("/patient", t.session.CSRF), App: t.app(), Searchable: searchable, Search: words, More: more, Error: problem,
	}
	for _, version := range found {
		patient, err := fhir.Parse(version.Body)
		if err != nil {
			return err
		}
		page.Patients = append(page.Patients, web.Patient{ID: version.ID, Name: personName(patient), Detail: personDetail(patient)})
	}
	slices.SortStableFunc(page.Patients, func(a, b web.Patient) int { return strings.Compare(a.Name, b.Name) })
	return web.Render(t.w, status, page)
}

// choices are the patients that the user can choose from.
func (t *turn) choices(words string) (found []store.Version, more, searchable bool, err error) {
	if strings.HasPrefix(t.user.FHIRUser, "RelatedPerson/") {
		found, err = t.related()
		return found, false, false, err
	}
	policy, err := t.userPolicy(t.person())
	if err != nil {
		return nil, false, false, err
	}
	params := []search.Parameter{{Name: "_count", Value: "51"}, {Name: "_total", Value: "none"}}
	for _, word := range strings.Fields(words) {
		params = append(params, search.Parameter{Name: "name", Value: escaped(word)})
	}
	page, err := t.Service.Search(t.ctx(), policy, resources.Search{Type: "Patient", Params: params})
	if err != nil {
		return nil, false, true, hidden(err)
	}
	found = page.Matches
	if more = len(found) > shownPatients; more {
		found = found[:shownPatients]
	}
	return found, more, true, nil
}

// related are the patients for whom the user acts, and whom they may see for that.
func (t *turn) related() (found []store.Version, err error) {
	_, self, _ := strings.Cut(t.user.FHIRUser, "/")
	patients, err := ActsFor(t.ctx(), t.Service, t.Base, t.Now(), self)
	if err != nil {
		return nil, err
	}
	policy, err := t.userPolicy(t.person())
	if err != nil {
		return nil, err
	}
	for _, id := range patients {
		version, err := t.Service.Read(t.ctx(), policy, "Patient", id)
		switch {
		case err == nil:
			found = append(found, version)
		case hidden(err) != nil:
			return nil, err
		}
	}
	return found, nil
}

// escaped is a word as one value of a search parameter (search.html#escaping).
func escaped(word string) string {
	return strings.NewReplacer(`\`, `\\`, `,`, `\,`, `$`, `\$`, `|`, `\|`).Replace(word)
}

// pickPatient takes the picker's form, by its buttons: a choice, a search, or neither.
func (s *Server) pickPatient(w http.ResponseWriter, r *http.Request) error {
	t, err := s.resumeSignedIn(w, r)
	if err != nil {
		return err
	}
	switch signedIn, err := t.knowUser(); {
	case err != nil:
		return err
	case !signedIn:
		return t.askSignIn()
	}
	form := parameters(r.PostForm)
	switch id := form.get("patient"); {
	case form.get("cancel") != "":
		return t.refuse(oauth.AccessDenied, "the user chose no patient")
	case form.get("find") != "":
		return t.showPicker(http.StatusOK, form.get("search"), "")
	case id != "" && fhir.ValidID(id):
		seen, err := t.mayOpen(t.ctx(), t.person(), id)
		if err != nil {
			return err
		}
		if !seen {
			return t.showPicker(http.StatusForbidden, form.get("search"), "You may not open this record. Choose another one.")
		}
		t.request.Context.Patient = id
		if err := t.keep(); err != nil {
			return err
		}
		return t.proceed()
	}
	return t.showPicker(http.StatusBadRequest, form.get("search"), "Choose a patient first.")
}

// settleEncounter finds the encounter that an app has asked for: the launch's, else the one that the patient is in, else their
// latest. There may be none; then the app gets none, and not the scope either.
func (t *turn) settleEncounter() error {
	asked := t.scope.Has(scopeLaunchEncounter)
	patient := t.request.Context.Patient
	switch {
	case t.request.Context.Encounter != "":
		encounter, err := t.readAs(t.ctx(), t.person(), "Encounter", t.request.Context.Encounter)
		if err == nil && encounter == nil {
			err = t.refuse(oauth.AccessDenied, "the user may not see the encounter of the launch")
		}
		return err
	case !asked:
		return nil
	}
	if patient != "" {
		policy, err := t.userPolicy(t.person())
		if err != nil {
			return err
		}
		for _, narrow := range [][]search.Parameter{{{Name: "status", Value: "in-progress"}}, nil} {
			params := append(narrow, search.Parameter{Name: "patient", Value: patient},
				search.Parameter{Name: "_sort", Value: "-date"}, search.Parameter{Name: "_count", Value: "1"}, search.Parameter{Name: "_total", Value: "none"})
			page, err := t.Service.Search(t.ctx(), policy, resources.Search{Type: "Encounter", Params: params})
			if err := hidden(err); err != nil {
				return err
			}
			if page != nil && len(page.Matches) > 0 {
				t.request.Context.Encounter = page.Matches[0].ID
				return t.keep()
			}
		}
	}
	t.scope = without(t.scope, scopeLaunchEncounter)
	t.request.Scope = t.scope.String()
	return t.keep()
}
