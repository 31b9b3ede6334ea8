package authserver

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"fhirside/fhir"
	"fhirside/resources/store"
	"fhirside/smart/account"
	"fhirside/smart/oauth"
	"fhirside/smart/state"
)

// NewLaunch keeps a launch and returns its launch value: random, for one use within five minutes.
func NewLaunch(ctx context.Context, tables *state.Tables, random io.Reader, now time.Time, launch state.Launch) (string, error) {
	value, err := state.Secret(random)
	if err != nil {
		return "", err
	}
	launch.Until = now.Add(launchLife)
	_, err = tables.Launches.Put(ctx, state.Record[state.Launch]{
		Key: state.Hash(value), Owner: launch.Account, Expires: launch.Until.Add(2 * pendingLife), Value: launch,
	})
	return value, err
}

// LaunchURL is an app's launch URL for a launch value (SMART, "Launch App: EHR Launch"); "" for an app that has none.
func LaunchURL(client state.Client, base, value string) (string, error) {
	if client.LaunchURL == "" {
		return "", nil
	}
	u, err := url.Parse(client.LaunchURL)
	if err != nil {
		return "", err
	}
	query := u.Query()
	query.Set("iss", base)
	query.Set("launch", value)
	u.RawQuery = query.Encode()
	return u.String(), nil
}

// launchRequest is what a trusted EHR sends.
type launchRequest struct {
	App    string `json:"app"`       // client_id of the app to be launched; default: the sender itself
	Client string `json:"client_id"` // the same by another name, where the sender proves itself in the Authorization header
	User   string `json:"user"`      // account that the launch is for; default: the user of the access token that it is sent with
	state.Context
}

// launch is POST /oauth/launch: a trusted client, by its own authentication or with an access token, gets a launch value for an app
// and a user. No cookie counts here.
func (s *Server) launch(w http.ResponseWriter, r *http.Request) error {
	if err := s.limits.token.take(network(r), s.Now()); err != nil {
		return err
	}
	asked, err := readLaunch(w, r)
	if err != nil {
		return err
	}
	return s.withinFailures(r, func() error { return s.answerLaunch(w, r, asked) })
}

func (s *Server) answerLaunch(w http.ResponseWriter, r *http.Request, asked launchRequest) error {
	sender, holder, err := s.launcher(r)
	if err != nil {
		return err
	}
	if !sender.Trusted {
		return &oauth.Error{Code: oauth.UnauthorizedClient, Description: "only a trusted client may create launches", Status: http.StatusForbidden}
	}
	app, err := s.launchedApp(r.Context(), asked, sender)
	if err != nil {
		return err
	}
	user := cmp.Or(asked.User, holder)
	if user == "" {
		return oauth.Errorf(oauth.InvalidRequest, "user is missing: the name of the account that the launch is for")
	}
	found, err := s.Accounts.Get(r.Context(), user)
	unknown := errors.Is(err, account.ErrUnknown)
	switch {
	case err != nil && !unknown:
		return err
	case holder != "" && holder != found.Name && sender.Type == state.Public: // also where there is none, which would tell who has an account
		return &oauth.Error{Code: oauth.AccessDenied, Description: "a public client creates launches for the user of its access token only", Status: http.StatusForbidden}
	case unknown || found.Disabled:
		return oauth.Errorf(oauth.InvalidRequest, "user is no account")
	}
	value, err := NewLaunch(r.Context(), s.Tables, s.Random, s.Now(), state.Launch{Client: app.ID, Account: found.Name, Context: asked.Context})
	if err != nil {
		return err
	}
	answered := map[string]any{"launch": value, "iss": s.Base, "client_id": app.ID, "expires_in": int(launchLife / time.Second)}
	to, err := LaunchURL(app, s.Base, value)
	if err != nil {
		return err
	}
	if to != "" {
		answered["url"] = to
	}
	return answer(w, http.StatusCreated, answered)
}

// launcher is the client that asks for a launch, and the user of its access token if it sends one.
func (s *Server) launcher(r *http.Request) (sender state.Client, user string, err error) {
	if scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " "); strings.EqualFold(scheme, "Bearer") {
		h, sender, err := s.bearer(r)
		if err != nil {
			return sender, "", err
		}
		return sender, h.grant.Value.Account, nil
	}
	sender, err = s.Clients.Authenticate(r.Context(), r, s.endpoint("/launch"))
	if err == nil && sender.Type == state.Public {
		err = oauth.Errorf(oauth.InvalidClient, "a public client proves nothing: send an access token")
	}
	return sender, "", err
}

func (s *Server) launchedApp(ctx context.Context, asked launchRequest, sender state.Client) (state.Client, error) {
	if asked.App == "" || asked.App == sender.ID {
		return sender, nil
	}
	app, err := s.Tables.Clients.Get(ctx, asked.App)
	if errors.Is(err, store.ErrNotFound) {
		return state.Client{}, oauth.Errorf(oauth.InvalidRequest, "app is not registered")
	}
	return app.Value, err
}

// readLaunch reads a JSON or form body.
func readLaunch(w http.ResponseWriter, r *http.Request) (asked launchRequest, err error) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == "application/json" {
		body, err := readBody(w, r)
		if err != nil {
			return asked, err
		}
		r.PostForm, r.Form = url.Values{}, url.Values{} // nobody shall look for credentials in the body
		if err := json.Unmarshal(body, &asked); err != nil {
			return asked, oauth.Errorf(oauth.InvalidRequest, "the body cannot be read: %s", misread(err))
		}
	} else {
		p, err := readOnce(w, r)
		if err != nil {
			return asked, err
		}
		if asked, err = launchForm(p); err != nil {
			return asked, err
		}
	}
	if asked.App == "" && r.Header.Get("Authorization") != "" {
		asked.App = asked.Client
		r.PostForm.Del("client_id") // it is the app's, not the sender's
	}
	return asked, checkContext(&asked.Context)
}

func launchForm(p parameters) (asked launchRequest, err error) {
	asked = launchRequest{App: p.get("app"), Client: p.get("client_id"), User: p.get("user"), Context: state.Context{
		Patient: p.get("patient"), Encounter: p.get("encounter"), Intent: p.get("intent"),
		SmartStyleURL: p.get("smart_style_url"), Tenant: p.get("tenant"),
	}}
	if text := p.get("fhirContext"); text != "" {
		asked.FHIRContext = json.RawMessage(text)
	}
	switch text := p.get("need_patient_banner"); text {
	case "":
	case "true", "false":
		banner := text == "true"
		asked.NeedPatientBanner = &banner
	default:
		return asked, oauth.Errorf(oauth.InvalidRequest, "need_patient_banner must be true or false")
	}
	return asked, nil
}

// checkContext makes the context of a launch what a token response holds (SMART, "Launch context arrives with your access_token").
func checkContext(c *state.Context) error {
	for kind, id := range map[string]*string{"Patient": &c.Patient, "Encounter": &c.Encounter} {
		if *id = strings.TrimPrefix(*id, kind+"/"); *id != "" && !fhir.ValidID(*id) {
			return oauth.Errorf(oauth.InvalidRequest, "%s is no id", strings.ToLower(kind))
		}
	}
	if string(c.FHIRContext) == "null" {
		c.FHIRContext = nil
	}
	if c.FHIRContext == nil {
		return nil
	}
	var list []struct {
		Reference  string          `json:"reference"`
		Canonical  string          `json:"canonical"`
		Identifier json.RawMessage `json:"identifier"`
		Type       string          `json:"type"`
		Role       *string         `json:"role"`
	}
	if err := json.Unmarshal(c.FHIRContext, &list); err != nil {
		return oauth.Errorf(oauth.InvalidRequest, "fhirContext is no array of objects")
	}
	for i, item := range list {
		if err := checkItem(item.Reference, item.Canonical, item.Identifier, item.Role); err != nil {
			return oauth.Errorf(oauth.InvalidRequest, "fhirContext[%d]: %s", i, err)
		}
	}
	return nil
}

func checkItem(reference, canonical string, identifier json.RawMessage, role *string) error {
	switch {
	case reference == "" && canonical == "" && len(identifier) == 0:
		return errors.New("a reference, a canonical or an identifier is needed")
	case role != nil && *role == "":
		return errors.New("a role cannot be empty")
	}
	kind, _, _ := strings.Cut(reference, "/")
	if (kind == "Patient" || kind == "Encounter") && (role == nil || *role == "launch") {
		return fmt.Errorf("the %s of the launch has its own member, %s", kind, strings.ToLower(kind))
	}
	return nil
}
