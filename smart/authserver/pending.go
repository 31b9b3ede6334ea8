package authserver

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"fhirside/resources/store"
	"fhirside/smart/account"
	"fhirside/smart/oauth"
	"fhirside/smart/scope"
	"fhirside/smart/state"
	"fhirside/smart/web"
)

// turn is one step of a request on its way through the pages: what is known of it, and the browser that it is in.
//
// A request is kept under an id that only the pages hold (their field "request"). From the sign-in on it belongs to one session:
// in another browser, or after somebody else has signed in, its pages are of no use.
type turn struct {
	*Server
	w       http.ResponseWriter
	r       *http.Request
	id      string
	record  state.Record[state.Pending]
	request request
	scope   scope.Set // of the request
	client  state.Client
	session account.Session
	user    state.Account
}

func (t *turn) ctx() context.Context { return t.r.Context() }

// stale is for pages that are no longer of use.
func stale(text string) error {
	return &notice{http.StatusBadRequest, "This page is too old", text + " Go back to the app and begin again."}
}

// forged is for forms that were not made for this browser.
var forged = &notice{
	http.StatusForbidden, "This form was not made for you",
	"It was sent by another page, or your browser keeps no cookies. Allow cookies for this site, go back to the app and begin again.",
}

// begin keeps a new request.
func (s *Server) begin(w http.ResponseWriter, r *http.Request, q request, client state.Client) (*turn, error) {
	id, err := state.Secret(s.Random)
	if err != nil {
		return nil, err
	}
	t := &turn{Server: s, w: w, r: r, id: id, request: q, client: client}
	t.record = state.Record[state.Pending]{Key: state.Hash(id), Expires: s.Now().Add(pendingLife)}
	if t.scope, err = scope.Parse(q.Scope); err != nil {
		return nil, err
	}
	switch t.session, err = s.Accounts.Session(r); {
	case errors.Is(err, account.ErrNoSession):
	case err != nil:
		return nil, err
	default:
		t.record.Owner = t.session.Key
	}
	if t.record.Value.Request, err = json.Marshal(q); err != nil {
		return nil, err
	}
	t.record, err = s.Tables.Pending.Put(r.Context(), t.record)
	return t, err
}

// keep writes the request down as it is now. Of forms that were sent twice the last one counts: people click twice.
func (t *turn) keep() error {
	request, err := json.Marshal(t.request)
	if err != nil {
		return err
	}
	owner, until := t.record.Owner, t.record.Expires
	t.record, err = t.Tables.Pending.Change(t.ctx(), t.record.Key, func(r *state.Record[state.Pending]) error {
		r.Value.Request, r.Owner, r.Expires = request, owner, until
		return nil
	})
	if errors.Is(err, store.ErrNotFound) {
		return stale("The app's request has been waiting for too long.")
	}
	return err
}

// resume is the request that a form belongs to.
func (s *Server) resume(w http.ResponseWriter, r *http.Request) (*turn, error) {
	p, err := readForm(w, r)
	if err != nil {
		return nil, err
	}
	t := &turn{Server: s, w: w, r: r, id: p.get("request")}
	t.record, err = s.Tables.Pending.Get(r.Context(), state.Hash(t.id))
	if errors.Is(err, store.ErrNotFound) {
		return nil, stale("The app's request has been waiting for too long.")
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(t.record.Value.Request, &t.request); err != nil {
		return nil, err
	}
	if t.scope, err = scope.Parse(t.request.Scope); err != nil {
		return nil, err
	}
	client, err := s.Tables.Clients.Get(r.Context(), t.request.Client)
	if errors.Is(err, store.ErrNotFound) {
		return nil, stale("The app has been removed.")
	}
	t.client = client.Value
	return t, err
}

// resumeSignedIn is resume for forms of people who have signed in.
func (s *Server) resumeSignedIn(w http.ResponseWriter, r *http.Request) (*turn, error) {
	t, err := s.resume(w, r)
	if err != nil {
		return nil, err
	}
	t.session, err = s.Accounts.Session(r)
	if errors.Is(err, account.ErrNoSession) {
		return nil, stale("You are not signed in any more.")
	}
	if err != nil {
		return nil, err
	}
	if !t.session.Check(r) || t.record.Owner != t.session.Key {
		return nil, forged
	}
	return t, nil
}

// enter binds the request to a session that has just begun.
func (t *turn) enter(session account.Session) error {
	t.session, t.record.Owner = session, session.Key
	return t.keep()
}

// proceed asks the next question, or answers the app if there is none left.
func (t *turn) proceed() error {
	if settled, err := t.settle(); err != nil || !settled {
		return err
	}
	if !t.client.Trusted || t.request.prompts("consent") {
		return t.askConsent("")
	}
	return t.finish(t.scope)
}

// settle makes sure of all that a consent is about: who the user is, and whose record they open. Where something is missing, it
// shows the page that asks, and is not settled. It is asked anew at each step, since forms may come in any order.
func (t *turn) settle() (settled bool, err error) {
	signedIn, err := t.knowUser()
	if err != nil {
		return false, err
	}
	if !signedIn {
		return false, t.askSignIn()
	}
	if t.request.Account != "" && t.request.Account != t.user.Name {
		return false, t.refuse(oauth.AccessDenied, "the launch was made for another user")
	}
	if settled, err = t.settlePatient(); err != nil || !settled {
		return false, err
	}
	return true, t.settleEncounter()
}

// knowUser says whether somebody has signed in, recently enough for the app.
func (t *turn) knowUser() (bool, error) {
	if t.session.Key == "" || t.tooLongAgo(t.session.Since) {
		return false, nil
	}
	user, err := t.Accounts.Get(t.ctx(), t.session.Account)
	if errors.Is(err, account.ErrUnknown) || err == nil && user.Disabled {
		return false, nil
	}
	t.user = user
	return true, err
}

func (t *turn) tooLongAgo(since time.Time) bool {
	if !since.Before(t.request.Began) {
		return false
	}
	if t.request.prompts("login") || t.request.prompts("select_account") {
		return true
	}
	return t.request.MaxAge != nil && t.Now().Sub(since) > time.Duration(*t.request.MaxAge)*time.Second
}

// refuse sends an error to the app.
func (t *turn) refuse(code oauth.Code, format string, args ...any) error {
	return t.request.refuse(code, format, args...)
}

// silent is an error where the app has asked that nobody is shown a page.
func (t *turn) silent(code oauth.Code) error {
	if t.request.prompts("none") {
		return t.refuse(code, "somebody must be asked, and prompt is none")
	}
	return nil
}

// frame of a page whose form goes to a path below /oauth.
func (s *Server) frame(to string) web.Frame {
	f := web.Frame{Clinic: s.Clinic}
	if to != "" {
		f.Action = s.path + to
	}
	return f
}

func (t *turn) frame(to, csrf string) web.Frame {
	f := t.Server.frame(to)
	f.CSRF, f.Request, f.Redirect = csrf, t.id, t.request.RedirectURI
	return f
}

// app is how pages show the app.
func (t *turn) app() web.App {
	a := web.App{Name: t.client.Name, Unverified: t.client.Dynamic}
	if a.Name == "" {
		a.Name = t.client.ID
	}
	if u, err := url.Parse(t.request.RedirectURI); err == nil {
		if a.Host = u.Host; a.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			a.Host = u.Scheme
		}
	}
	return a
}
