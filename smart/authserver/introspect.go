package authserver

import (
	"context"
	"net/http"
	"strings"

	"fhirside/smart/oauth"
	"fhirside/smart/scope"
	"fhirside/smart/state"
	"fhirside/smart/token"
)

// introspection is what a resource server learns of a token (RFC 7662, section 2.2; SMART, "Token Introspection").
type introspection struct {
	Active    bool   `json:"active"`
	Scope     string `json:"scope,omitzero"`
	ClientID  string `json:"client_id,omitzero"`
	TokenType string `json:"token_type,omitzero"`
	Expires   int64  `json:"exp,omitzero"`
	Issued    int64  `json:"iat,omitzero"`
	Subject   string `json:"sub,omitzero"`
	Username  string `json:"username,omitzero"`
	Audience  string `json:"aud,omitzero"`
	Issuer    string `json:"iss,omitzero"`
	ID        string `json:"jti,omitzero"`
	FHIRUser  string `json:"fhirUser,omitzero"`
	state.Context
}

// introspect is the introspection endpoint. It answers clients that can prove who they are (resource servers are registered as
// such), and whoever sends an access token of the same grant: they hold what they ask about.
func (s *Server) introspect(w http.ResponseWriter, r *http.Request) error {
	return s.asClient(w, r, func(p parameters) error {
		asker, err := s.asker(r)
		if err != nil {
			return err
		}
		if p.get("token") == "" {
			return oauth.Errorf(oauth.InvalidRequest, "token is missing")
		}
		h, err := s.look(r.Context(), p.get("token"))
		if err != nil {
			return err
		}
		alive, err := s.usable(r.Context(), h)
		if err != nil {
			return err
		}
		if !alive || asker != "" && asker != h.grant.Key {
			return answer(w, http.StatusOK, introspection{})
		}
		described := s.describeToken(h)
		if asker != "" {
			if err := described.forApp(); err != nil {
				return err
			}
		}
		return answer(w, http.StatusOK, described)
	})
}

// asker is the grant that the sender of an introspection request is bound to; "" for one who may ask about all.
func (s *Server) asker(r *http.Request) (grant string, err error) {
	if scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " "); strings.EqualFold(scheme, "Bearer") {
		h, client, err := s.bearer(r)
		if err != nil {
			return "", err
		}
		if client.Type == state.Backend || client.Trusted {
			return "", nil
		}
		return h.grant.Key, nil
	}
	client, err := s.Clients.Authenticate(r.Context(), r, s.endpoint("/introspect"))
	if err == nil && client.Type == state.Public {
		err = oauth.Errorf(oauth.InvalidClient, "a public client proves nothing: send an access token of the same grant as Bearer")
	}
	return "", err
}

// bearer is the access token that a request is sent with (RFC 6750), and the client that it was given to.
func (s *Server) bearer(r *http.Request) (*held, state.Client, error) {
	scheme, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return nil, state.Client{}, oauth.Errorf(oauth.InvalidToken, "an access token is needed: Authorization: Bearer ...")
	}
	h, err := s.look(r.Context(), strings.TrimSpace(text))
	if err != nil {
		return nil, state.Client{}, err
	}
	if !h.lives() || h.access == nil {
		return nil, state.Client{}, oauth.Errorf(oauth.InvalidToken, "the access token is not valid")
	}
	client, err := s.Tables.Clients.Get(r.Context(), h.grant.Value.Client)
	if absent(err) != nil {
		return nil, state.Client{}, err
	}
	if err != nil {
		return nil, state.Client{}, oauth.Errorf(oauth.InvalidToken, "the client of the access token is not registered any more")
	}
	return h, client.Value, nil
}

// usable says whether a token works: a refresh token does only while its user stays.
func (s *Server) usable(ctx context.Context, h *held) (bool, error) {
	if !h.lives() {
		return false, nil
	}
	if h.refresh == nil {
		return true, nil
	}
	err := s.userStays(ctx, h.grant)
	if isRefusal(err) {
		return false, nil
	}
	return err == nil, err
}

func (s *Server) describeToken(h *held) introspection {
	g := h.grant.Value
	i := introspection{
		Active: true, ClientID: g.Client, Subject: g.Account, Username: g.Account, Issuer: s.Origin, Audience: s.Base,
		FHIRUser: s.absolute(g.FHIRUser), Context: g.Context,
	}
	if i.Subject == "" {
		i.Subject = g.Client
	}
	if h.refresh != nil {
		i.Scope, i.Expires = h.refresh.Value.Scope, h.refresh.Expires.Unix()
		return i
	}
	i.setAccess(*h.access)
	return i
}

// forApp leaves out what the user has not let the app itself know.
func (i *introspection) forApp() error {
	set, err := scope.Parse(i.Scope)
	if err == nil && !namesUser(set) {
		i.Username, i.FHIRUser = "", ""
	}
	return err
}

func (i *introspection) setAccess(a token.Access) {
	i.TokenType, i.Scope, i.ID = "Bearer", a.Scope, a.ID
	i.Expires, i.Issued = a.Expires.Unix(), a.Issued.Unix()
}
