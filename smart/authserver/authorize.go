package authserver

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"fhirside/resources/store"
	"fhirside/smart/client"
	"fhirside/smart/oauth"
	"fhirside/smart/state"
)

// request is an authorization request that has been checked, with what its user has answered so far.
type request struct {
	Client      string        `json:"client"`
	RedirectURI string        `json:"redirectUri"`
	State       string        `json:"state,omitzero"`
	Scope       string        `json:"scope"` // as far as the client can be granted it
	Challenge   string        `json:"challenge"`
	Nonce       string        `json:"nonce,omitzero"`
	Launch      string        `json:"launch,omitzero"`  // key of the launch that it began with
	Account     string        `json:"account,omitzero"` // who that launch is for
	Context     state.Context `json:"context"`
	Prompt      string        `json:"prompt,omitzero"`
	MaxAge      *int          `json:"maxAge,omitzero"` // seconds since the sign-in
	LoginHint   string        `json:"loginHint,omitzero"`
	Began       time.Time     `json:"began"`
}

func (q request) prompts(word string) bool { return slices.Contains(strings.Fields(q.Prompt), word) }

// refuse is an error that the app learns at its redirect URI.
func (q request) refuse(code oauth.Code, format string, args ...any) error {
	return &redirectError{q, oauth.Errorf(code, format, args...)}
}

// authorize is the authorization endpoint, by GET and by POST (SMART capability authorize-post).
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) error {
	if err := s.limits.token.take(network(r), s.Now()); err != nil {
		return err
	}
	p, err := authorizeParameters(w, r)
	if err != nil {
		return err
	}
	q, client, err := s.checkRequest(r.Context(), p)
	if err != nil || r.Method == http.MethodHead {
		return err
	}
	t, err := s.begin(w, r, q, client)
	if err != nil {
		return err
	}
	return t.proceed()
}

func authorizeParameters(w http.ResponseWriter, r *http.Request) (parameters, error) {
	if r.Method == http.MethodPost {
		return readForm(w, r)
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || !parameters(query).readable() {
		return nil, &notice{http.StatusBadRequest, "This link is broken", "The app has sent you here with a link that cannot be read."}
	}
	return parameters(query), nil
}

// checkRequest first finds out who asks and where the answer goes: until both are known to belong together, errors are for the
// person alone. Then all the rest is checked, before anybody is asked anything.
func (s *Server) checkRequest(ctx context.Context, p parameters) (q request, client state.Client, err error) {
	if client, err = s.requestingClient(ctx, p); err != nil {
		return q, client, err
	}
	q = request{Client: client.ID, RedirectURI: p.get("redirect_uri"), Began: s.Now().UTC()}
	if len(p["state"]) == 1 {
		q.State = p.get("state")
	}
	for _, check := range []func(context.Context, parameters, state.Client, *request) error{
		checkForm, checkChallenge, s.checkAudience, s.checkLaunch, checkScope, checkOpenID,
	} {
		if err := check(ctx, p, client, &q); err != nil {
			return q, client, err
		}
	}
	return q, client, nil
}

// requestingClient is the app that sends a request, if it can be trusted to have done so as far as the redirect URI tells.
func (s *Server) requestingClient(ctx context.Context, p parameters) (state.Client, error) {
	broken := func(text string) error {
		return &notice{http.StatusBadRequest, "This app cannot be trusted", text + " Go back to the app, and tell its makers."}
	}
	if len(p["client_id"]) != 1 || p.get("client_id") == "" {
		return state.Client{}, broken("The app does not say who it is (client_id).")
	}
	record, err := s.Tables.Clients.Get(ctx, p.get("client_id"))
	if errors.Is(err, store.ErrNotFound) {
		return state.Client{}, broken("The app is not known here (client_id).")
	}
	if err != nil {
		return state.Client{}, err
	}
	client := record.Value
	if len(p["redirect_uri"]) != 1 || p.get("redirect_uri") == "" {
		return client, broken("The app does not say where to go on (redirect_uri).")
	}
	if !registered(client.Redirects, p.get("redirect_uri")) {
		return client, broken("The app wants to go on at an address that is not registered for it (redirect_uri).")
	}
	return client, nil
}

// checkForm is of the request as such (RFC 6749, section 4.1.1).
func checkForm(_ context.Context, p parameters, client state.Client, q *request) error {
	if name := p.twice(); name != "" {
		return q.refuse(oauth.InvalidRequest, "the parameter %s comes more than once", shown(name))
	}
	switch p.get("response_type") {
	case "code":
	case "":
		return q.refuse(oauth.InvalidRequest, "response_type is missing: code")
	default:
		return q.refuse(oauth.UnsupportedResponseType, "response_type must be code")
	}
	if client.Type == state.Backend {
		return q.refuse(oauth.UnauthorizedClient, "a backend service asks the token endpoint, with client_credentials")
	}
	if mode := p.get("response_mode"); mode != "" && mode != "query" {
		return q.refuse(oauth.InvalidRequest, "response_mode must be query")
	}
	return nil
}

// checkChallenge is of PKCE, which everybody needs (RFC 7636, section 4.3; SMART, "Considerations for PKCE Support").
func checkChallenge(_ context.Context, p parameters, _ state.Client, q *request) error {
	q.Challenge = p.get("code_challenge")
	switch method := p.get("code_challenge_method"); {
	case q.Challenge == "":
		return q.refuse(oauth.InvalidRequest, "code_challenge is missing: PKCE with S256 is required")
	case method != "S256":
		return q.refuse(oauth.InvalidRequest, "code_challenge_method must be S256")
	}
	if digest, err := base64.RawURLEncoding.DecodeString(q.Challenge); err != nil || len(digest) != 32 {
		return q.refuse(oauth.InvalidRequest, "code_challenge is not the SHA-256 of a verifier in base64url without padding")
	}
	return nil
}

// checkAudience keeps an app that was lured to another server from sending the token that it gets there (SMART, "aud").
func (s *Server) checkAudience(_ context.Context, p parameters, _ state.Client, q *request) error {
	aud := p.get("aud")
	switch {
	case aud == "":
		return q.refuse(oauth.InvalidRequest, "aud is missing: the FHIR base URL")
	case !s.isBase(aud):
		return q.refuse(oauth.InvalidRequest, "aud is not the FHIR base URL of this server")
	}
	return nil
}

// isBase says whether a URL is the FHIR base URL, however it ends.
func (s *Server) isBase(text string) bool {
	text = strings.TrimSuffix(text, "/")
	if text == s.Base {
		return true
	}
	if !s.Loopback {
		return false
	}
	given, err := url.Parse(text)
	base, errBase := url.Parse(s.Base)
	return err == nil && errBase == nil && client.IsLoopback(given.Hostname()) && given.User == nil && given.RawQuery == "" && given.Fragment == "" &&
		given.Scheme == base.Scheme && given.Port() == base.Port() && given.Path == base.Path
}

// checkLaunch finds the launch that the app was started with (SMART, "EHR Launch").
func (s *Server) checkLaunch(ctx context.Context, p parameters, client state.Client, q *request) error {
	value := p.get("launch")
	if value == "" {
		return nil
	}
	key := state.Hash(value)
	launch, err := s.Tables.Launches.Get(ctx, key)
	switch {
	case errors.Is(err, store.ErrNotFound), err == nil && (launch.Value.Used != "" || launch.Value.Client != client.ID || !s.Now().Before(launch.Value.Until)):
		return q.refuse(oauth.InvalidRequest, "launch is unknown, too old or used, or was made for another app")
	case err != nil:
		return err
	}
	q.Launch, q.Account, q.Context = key, launch.Value.Account, launch.Value.Context
	return nil
}

// checkScope leaves what the app can be granted of what it asks for. The scope launch means nothing without a launch: apps that
// are started both ways often ask for it always.
func checkScope(_ context.Context, p parameters, client state.Client, q *request) error {
	if p.get("scope") == "" {
		return q.refuse(oauth.InvalidScope, "scope is missing")
	}
	granted, err := bounded(p.get("scope"), client.Scope, func(word string) bool {
		return strings.HasPrefix(word, "system/") || word == scopeLaunch && q.Launch == ""
	})
	if err != nil {
		return q.refuse(oauth.InvalidScope, "scope cannot be read: %s", err)
	}
	if granted.String() == "" {
		return q.refuse(oauth.InvalidScope, "nothing of scope is registered for this app")
	}
	if q.Launch != "" && !granted.Has(scopeLaunch) {
		return q.refuse(oauth.InvalidScope, "an app that comes with a launch asks for the scope launch, and is registered with it")
	}
	q.Scope = granted.String()
	return nil
}

// checkOpenID is of the parameters of OpenID Connect Core, section 3.1.2.1 and 6.
func checkOpenID(_ context.Context, p parameters, _ state.Client, q *request) error {
	switch {
	case p.get("request") != "":
		return q.refuse(oauth.RequestNotSupported, "request objects are not supported")
	case p.get("request_uri") != "":
		return q.refuse(oauth.RequestURINotSupported, "request objects are not supported")
	case p.get("registration") != "":
		return q.refuse(oauth.RegistrationNotSupported, "the parameter registration is not supported")
	}
	q.Nonce, q.Prompt, q.LoginHint = p.get("nonce"), p.get("prompt"), p.get("login_hint")
	for _, word := range strings.Fields(q.Prompt) {
		switch word {
		case "login", "consent", "select_account":
		case "none":
			if len(strings.Fields(q.Prompt)) > 1 {
				return q.refuse(oauth.InvalidRequest, "prompt cannot be none and something else")
			}
		default:
			return q.refuse(oauth.InvalidRequest, "prompt must be none, login, consent or select_account")
		}
	}
	if text := p.get("max_age"); text != "" {
		age, err := strconv.Atoi(text)
		if err != nil || age < 0 {
			return q.refuse(oauth.InvalidRequest, "max_age must be a number of seconds")
		}
		q.MaxAge = &age
	}
	return nil
}
