package authserver

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"fhirside/resources/store"
	"fhirside/smart/oauth"
	"fhirside/smart/scope"
	"fhirside/smart/state"
	"fhirside/smart/web"
)

// askConsent shows what the app wants, each scope for itself.
func (t *turn) askConsent(problem string) error {
	if err := t.silent(oauth.ConsentRequired); err != nil {
		return err
	}
	page := web.Consent{Frame: t.frame("/consent", t.session.CSRF), App: t.app(), User: t.user.Name, Error: problem}
	if id := t.request.Context.Patient; id != "" {
		page.Patient = id
		patient, err := t.readAs(t.ctx(), t.person(), "Patient", id)
		if err != nil {
			return err
		}
		if patient != nil {
			if name := personName(patient); name != "" {
				page.Patient = name
			}
		}
	}
	for _, word := range strings.Fields(t.scope.String()) {
		described, err := describe(word)
		if err != nil {
			return err
		}
		page.Scopes = append(page.Scopes, described)
	}
	return web.Render(t.w, http.StatusOK, page)
}

// describe is a scope for people.
func describe(word string) (web.Scope, error) {
	known := map[string]web.Scope{
		scopeLaunch:          {Title: "Know what is open in the clinic's software", Note: "The app cannot start from there without it."},
		scopeLaunchPatient:   {Title: "Know whose record this is", Note: "The app cannot start without it."},
		scopeLaunchEncounter: {Title: "Know which visit this is about", Note: "The app cannot start without it."},
		scopeOpenID:          {Title: "Recognise you when you come again"},
		scopeFHIRUser:        {Title: "Know who you are", Note: "Which person in the clinic's records you are."},
		scopeProfile:         {Title: "Know who you are", Note: "Which person in the clinic's records you are."},
		scopeOffline:         {Title: "Keep this access when you are away", Note: "Until you or the clinic take it back."},
		scopeOnline:          {Title: "Keep this access while you are signed in"},
	}
	if w, ok := known[word]; ok {
		w.Value = word
		return w, nil
	}
	set, err := scope.Parse(word)
	if err != nil || len(set.Resource()) == 0 {
		return web.Scope{Value: word, Title: word}, err
	}
	return web.Scope{Value: word, Title: scope.Describe(set.Resource()[0]), Note: word}, nil
}

// decide takes the consent page's form.
func (s *Server) decide(w http.ResponseWriter, r *http.Request) error {
	t, err := s.resumeSignedIn(w, r)
	if err != nil {
		return err
	}
	if settled, err := t.settle(); err != nil || !settled {
		return err
	}
	switch r.PostForm.Get("decision") {
	case "allow":
	case "deny":
		return t.refuse(oauth.AccessDenied, "the user does not allow it")
	default:
		return t.askConsent("Choose one of the two buttons.")
	}
	ticked := r.PostForm["scope"]
	return t.finish(only(t.scope, func(word string) bool { return slices.Contains(ticked, word) }))
}

// finish answers the app with a code for what was granted.
func (t *turn) finish(granted scope.Set) error {
	for _, word := range []string{scopeLaunch, scopeLaunchPatient, scopeLaunchEncounter} {
		if t.scope.Has(word) && !granted.Has(word) {
			return t.refuse(oauth.AccessDenied, "the user does not allow the scope %s", word)
		}
	}
	if granted.String() == "" {
		return t.refuse(oauth.AccessDenied, "the user allows nothing")
	}
	if err := t.useLaunch(); err != nil {
		return err
	}
	code, err := t.newCode(granted)
	if err != nil {
		return err
	}
	return t.redirect(t.w, t.r, t.request, url.Values{"code": {code}})
}

var errUsed = errors.New("it has been used")

// useLaunch makes sure that of all requests that began with a launch, one ends with a code. That one may do so again: people click
// twice. The launch is kept for longer than requests that began with it can be on their way, used or not.
func (t *turn) useLaunch() error {
	if t.request.Launch == "" {
		return nil
	}
	_, err := t.Tables.Launches.Change(t.ctx(), t.request.Launch, func(r *state.Record[state.Launch]) error {
		if r.Value.Used != "" && r.Value.Used != t.record.Key {
			return errUsed
		}
		r.Value.Used, r.Expires = t.record.Key, t.Now().Add(2*pendingLife)
		return nil
	})
	if errors.Is(err, errUsed) || errors.Is(err, store.ErrNotFound) {
		return t.refuse(oauth.InvalidRequest, "the launch has been used")
	}
	return err
}

// newCode makes a grant, of which nothing is given yet, and the code to fetch it with.
func (t *turn) newCode(granted scope.Set) (string, error) {
	id, err := uuid.NewRandomFromReader(t.Random)
	if err != nil {
		return "", err
	}
	code, err := state.Secret(t.Random)
	if err != nil {
		return "", err
	}
	now := t.Now().UTC()
	grant := state.Grant{
		Client: t.client.ID, Account: t.user.Name, FHIRUser: t.user.FHIRUser, Scope: granted.String(),
		Context: t.request.Context, Nonce: t.request.Nonce, AuthTime: t.session.Since, Created: now,
	}
	if !granted.Has(scopeOffline) {
		grant.Session = t.session.Key
	}
	if grant.Context.Patient != "" && grant.Context.NeedPatientBanner == nil && t.request.Launch == "" {
		yes := true // nothing around the app shows who the patient is
		grant.Context.NeedPatientBanner = &yes
	}
	_, err = t.Tables.Grants.Put(t.ctx(), state.Record[state.Grant]{
		Key: id.String(), Owner: t.user.Name, Expires: now.Add(10 * time.Minute), Value: grant,
	})
	if err != nil {
		return "", err
	}
	_, err = t.Tables.Codes.Put(t.ctx(), state.Record[state.Code]{
		Key: state.Hash(code), Owner: id.String(), Expires: now.Add(codeKept), Value: state.Code{
			Grant: id.String(), Client: t.client.ID, RedirectURI: t.request.RedirectURI, Challenge: t.request.Challenge, Until: now.Add(codeLife),
		},
	})
	if err != nil {
		return "", err
	}
	return code, t.retire()
}

// retire lets a request that was answered run out soon: not at once, since people click twice.
func (t *turn) retire() error {
	if soon := t.Now().Add(codeLife); soon.Before(t.record.Expires) {
		t.record.Expires = soon
	}
	return t.keep()
}
