package authserver

import (
	"crypto/subtle"
	"encoding/json"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"fhirside/smart/client"
	"fhirside/smart/oauth"
	"fhirside/smart/scope"
	"fhirside/smart/state"
)

// metadata is what an app says of itself when it registers (RFC 7591, section 2), and what it is told that it got.
type metadata struct {
	RedirectURIs  []string        `json:"redirect_uris,omitempty"`
	AuthMethod    string          `json:"token_endpoint_auth_method,omitempty"`
	GrantTypes    []string        `json:"grant_types,omitempty"`
	ResponseTypes []string        `json:"response_types,omitempty"`
	Name          string          `json:"client_name,omitempty"`
	Scope         string          `json:"scope,omitempty"`
	JWKSURI       string          `json:"jwks_uri,omitempty"`
	JWKS          json.RawMessage `json:"jwks,omitempty"`
	LaunchURL     string          `json:"initiate_login_uri,omitempty"` // where an EHR starts the app
}

// registration is the answer (RFC 7591, section 3.2.1).
type registration struct {
	ClientID      string `json:"client_id"`
	IssuedAt      int64  `json:"client_id_issued_at"`
	Secret        string `json:"client_secret,omitempty"`
	SecretExpires *int64 `json:"client_secret_expires_at,omitempty"` // 0: never; there where a secret is
	metadata
}

// usualScope is what an app may be granted that does not say for what it registers.
const usualScope = "openid fhirUser launch launch/patient launch/encounter offline_access online_access patient/*.cruds user/*.cruds"

// register is the registration endpoint.
func (s *Server) register(w http.ResponseWriter, r *http.Request) error {
	if err := s.limits.registration.take(network(r), s.Now()); err != nil {
		return err
	}
	if err := s.mayRegister(r); err != nil {
		return err
	}
	m, err := readMetadata(w, r)
	if err != nil {
		return err
	}
	c, err := s.clientFrom(&m)
	if err != nil {
		return err
	}
	answered := registration{ClientID: c.ID, IssuedAt: c.Created.Unix()}
	if strings.HasPrefix(m.AuthMethod, "client_secret_") {
		answered.SecretExpires = new(int64)
		if answered.Secret, c.Secret, err = client.NewSecret(s.Random); err != nil {
			return err
		}
	}
	if err := s.Clients.Add(r.Context(), c); err != nil {
		return err
	}
	answered.metadata = m
	return answer(w, http.StatusCreated, answered)
}

// mayRegister says whether the sender may: with the initial access token where one is asked for (RFC 7591, section 3).
func (s *Server) mayRegister(r *http.Request) error {
	switch s.Registration {
	case RegistrationOpen:
		return nil
	case RegistrationToken:
		scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		known := state.Hash(s.InitialToken)
		if s.InitialToken == "" || !strings.EqualFold(scheme, "Bearer") ||
			subtle.ConstantTimeCompare([]byte(state.Hash(strings.TrimSpace(given))), []byte(known)) != 1 {
			return oauth.Errorf(oauth.InvalidToken, "registration needs the initial access token of the clinic")
		}
		return nil
	}
	return &oauth.Error{Code: oauth.AccessDenied, Description: "apps cannot register themselves here; ask the clinic", Status: http.StatusForbidden}
}

func badMetadata(format string, args ...any) error {
	return oauth.Errorf(oauth.InvalidClientMetadata, format, args...)
}

func readMetadata(w http.ResponseWriter, r *http.Request) (m metadata, err error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return m, badMetadata("send the metadata as application/json")
	}
	body, err := readBody(w, r)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return m, badMetadata("the metadata cannot be read: %s", misread(err))
	}
	return m, nil
}

// clientFrom makes a client of what an app says of itself, and fills in there what it has left out.
func (s *Server) clientFrom(m *metadata) (c state.Client, err error) {
	id, err := uuid.NewRandomFromReader(s.Random)
	if err != nil {
		return c, err
	}
	if c.Type, err = m.clientType(); err != nil {
		return c, err
	}
	if c.Type == state.Backend && s.Registration != RegistrationToken {
		return c, badMetadata("backend services are registered by the clinic: they see all records")
	}
	if m.Scope, err = m.registeredScope(c.Type); err != nil {
		return c, err
	}
	m.Name = strings.TrimSpace(m.Name)
	c.ID, c.Name, c.Scope, c.Dynamic, c.Created = id.String(), m.Name, m.Scope, true, s.Now().UTC()
	c.Redirects, c.LaunchURL, c.JWKS, c.JWKSURI = m.RedirectURIs, m.LaunchURL, m.JWKS, m.JWKSURI
	return c, nil
}

// clientType is what the grant types and the way of authentication say together (RFC 7591, section 2.1). Defaults are filled in.
func (m *metadata) clientType() (state.ClientType, error) {
	if m.AuthMethod == "" {
		m.AuthMethod = "client_secret_basic"
	}
	if !slices.Contains(tokenAuth, m.AuthMethod) {
		return "", badMetadata("token_endpoint_auth_method must be one of %s", strings.Join(tokenAuth, ", "))
	}
	if len(m.GrantTypes) == 0 {
		m.GrantTypes = []string{"authorization_code"}
	}
	for _, g := range m.GrantTypes {
		if !slices.Contains(grantTypes, g) {
			return "", badMetadata("grant_types can be %s", strings.Join(grantTypes, ", "))
		}
	}
	if slices.Contains(m.GrantTypes, "client_credentials") {
		if len(m.GrantTypes) > 1 || m.AuthMethod != "private_key_jwt" {
			return "", badMetadata("client_credentials is for clients with private_key_jwt and no other grant type")
		}
		if len(m.RedirectURIs)+len(m.ResponseTypes) > 0 {
			return "", badMetadata("a backend service has no redirect_uris and no response_types")
		}
		return state.Backend, nil
	}
	if !slices.Contains(m.GrantTypes, "authorization_code") {
		return "", badMetadata("grant_types needs authorization_code: refresh tokens come from there")
	}
	if len(m.ResponseTypes) == 0 {
		m.ResponseTypes = []string{"code"}
	}
	if !slices.Equal(m.ResponseTypes, []string{"code"}) {
		return "", badMetadata("response_types can be code")
	}
	if len(m.RedirectURIs) == 0 {
		return "", oauth.Errorf(oauth.InvalidRedirectURI, "redirect_uris is missing")
	}
	if m.AuthMethod == "none" {
		return state.Public, nil
	}
	return state.Confidential, nil
}

// registeredScope is what an app can be granted: of what it asks for, what its kind can have.
func (m *metadata) registeredScope(kind state.ClientType) (string, error) {
	asked := m.Scope
	if asked == "" && kind != state.Backend {
		asked = usualScope
	}
	set, err := scope.Parse(asked)
	if err != nil {
		return "", badMetadata("scope cannot be read: %s", err)
	}
	granted := only(set, func(word string) bool {
		return strings.HasPrefix(word, "system/") == (kind == state.Backend) && !slices.Contains(set.Unknown(), word)
	}).String()
	if granted == "" {
		return "", badMetadata("nothing of scope can be granted")
	}
	return granted, nil
}
