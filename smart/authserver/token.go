package authserver

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"

	"fhirside/resources/store"
	"fhirside/smart/oauth"
	"fhirside/smart/state"
)

// token is the token endpoint (RFC 6749, section 3.2).
func (s *Server) token(w http.ResponseWriter, r *http.Request) error {
	return s.asClient(w, r, func(p parameters) error {
		var grant func(context.Context, parameters, state.Client) (*tokens, error)
		switch p.get("grant_type") {
		case "authorization_code":
			grant = s.redeemCode
		case "refresh_token":
			grant = s.refresh
		case "client_credentials":
			grant = s.backend
		case "":
			return oauth.Errorf(oauth.InvalidRequest, "grant_type is missing")
		default:
			return oauth.Errorf(oauth.UnsupportedGrantType, "grant_type must be authorization_code, refresh_token or client_credentials")
		}
		client, err := s.clientOf(r, p, p.get("refresh_token"))
		if err != nil {
			return err
		}
		given, err := grant(r.Context(), p, client)
		if err != nil {
			return err
		}
		return answer(w, http.StatusOK, given)
	})
}

// asClient serves a request that a client sends by form, within the limits.
func (s *Server) asClient(w http.ResponseWriter, r *http.Request, serve func(parameters) error) error {
	if err := s.limits.token.take(network(r), s.Now()); err != nil {
		return err
	}
	p, err := readOnce(w, r)
	if err != nil {
		return err
	}
	return s.withinFailures(r, func() error { return serve(p) })
}

// withinFailures serves a request, whose form has been read, unless too many failed from where it comes in the name of the same
// client. Faults of the server are not the sender's failures.
func (s *Server) withinFailures(r *http.Request, serve func() error) error {
	id, _, basic := r.BasicAuth()
	if !basic {
		id = r.PostForm.Get("client_id")
	}
	sender := network(r) + " " + state.Hash(id)
	if err := s.limits.failure.left(sender, s.Now()); err != nil {
		return err
	}
	err := serve()
	if isRefusal(err) {
		_ = s.limits.failure.take(sender, s.Now()) // the answer says more than that it was the last one
	}
	return err
}

// clientOf is the client that sends a request, and has proved it. A public client, which proves nothing but that it holds the
// token, may leave its client_id out where it sends one (several libraries do, when they refresh).
func (s *Server) clientOf(r *http.Request, p parameters, held string) (state.Client, error) {
	if held != "" && r.Header.Get("Authorization") == "" && p.get("client_id") == "" && p.get("client_assertion") == "" {
		grant, err := s.grantOf(r.Context(), held)
		if err != nil {
			return state.Client{}, err
		}
		if grant.Key == "" {
			return state.Client{}, oauth.Errorf(oauth.InvalidGrant, "the token is unknown, and client_id is missing")
		}
		p["client_id"] = []string{grant.Value.Client} // which is also how Authenticate finds it
	}
	return s.Clients.Authenticate(r.Context(), r, s.endpoint("/token"))
}

// endpoint is the URL of a path below /oauth.
func (s *Server) endpoint(path string) string { return s.Origin + "/oauth" + path }

// errBad is for codes and refresh tokens that are of no use: whoever sends one learns no more.
func errBad(what string) error {
	return oauth.Errorf(oauth.InvalidGrant, "the %s is unknown, too old, used or revoked, or was given to another client", what)
}

// redeemCode gives tokens for a code (RFC 6749, section 4.1.3; RFC 7636, section 4.5).
func (s *Server) redeemCode(ctx context.Context, p parameters, client state.Client) (*tokens, error) {
	for _, name := range []string{"code", "redirect_uri", "code_verifier"} {
		if p.get(name) == "" {
			return nil, oauth.Errorf(oauth.InvalidRequest, "%s is missing", name)
		}
	}
	key := state.Hash(p.get("code"))
	code, err := s.Tables.Codes.Get(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil, errBad("code")
	}
	if err != nil {
		return nil, err
	}
	if err := s.checkCode(ctx, p, client, code.Value); err != nil {
		return nil, err
	}
	grant, err := s.livingGrant(ctx, code.Value.Grant, client)
	if err != nil {
		return nil, err
	}
	// Of several at once, one finds it unused and is given tokens; the others end what it was given.
	code.Value.Used = true
	if _, err := s.Tables.Codes.Put(ctx, code); errors.Is(err, store.ErrConflict) {
		return nil, s.codeReused(ctx, code.Value)
	} else if err != nil {
		return nil, err
	}
	return s.issue(ctx, grant, client, issuance{scope: grant.Value.Scope, nonce: grant.Value.Nonce, first: true})
}

// checkCode holds a token request to the code that it comes with. It uses nothing up.
func (s *Server) checkCode(ctx context.Context, p parameters, client state.Client, code state.Code) error {
	switch {
	case code.Client != client.ID:
		return errBad("code")
	case code.Used:
		return s.codeReused(ctx, code)
	case !s.Now().Before(code.Until):
		return errBad("code")
	case code.RedirectURI != p.get("redirect_uri"):
		return oauth.Errorf(oauth.InvalidGrant, "redirect_uri is not that of the authorization request")
	case !verifies(p.get("code_verifier"), code.Challenge):
		return oauth.Errorf(oauth.InvalidGrant, "code_verifier does not belong to the code_challenge")
	}
	return nil
}

// codeReused ends what a code has given: two have it, and one of them is a thief (RFC 6749, section 4.1.2).
func (s *Server) codeReused(ctx context.Context, code state.Code) error {
	if err := s.revokeGrant(ctx, code.Grant); err != nil {
		return err
	}
	return errBad("code")
}

// verifies says whether a PKCE challenge was made of a verifier, in constant time. What is no verifier (RFC 7636, section 4.1)
// belongs to none.
func verifies(verifier, challenge string) bool {
	sum := sha256.Sum256([]byte(verifier))
	made := base64.RawURLEncoding.EncodeToString(sum[:])
	return len(verifier) >= 43 && len(verifier) <= 128 && subtle.ConstantTimeCompare([]byte(made), []byte(challenge)) == 1
}

// livingGrant is a grant that a client may have tokens of.
func (s *Server) livingGrant(ctx context.Context, id string, client state.Client) (state.Record[state.Grant], error) {
	grant, err := s.Tables.Grants.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && (grant.Value.Revoked || grant.Value.Client != client.ID) {
		return grant, errBad("grant")
	}
	if err != nil {
		return grant, err
	}
	return grant, s.userStays(ctx, grant)
}
