package authserver

import (
	"encoding/json"
	"net/http"

	"fhirside/smart/client"
)

// Capabilities are those of SMART, "Conformance", that this server has. All of them are always on: none depends on an option.
var Capabilities = []string{
	"launch-ehr", "launch-standalone", "authorize-post",
	"client-public", "client-confidential-symmetric", "client-confidential-asymmetric",
	"sso-openid-connect",
	"context-banner", "context-ehr-patient", "context-ehr-encounter", "context-standalone-patient", "context-standalone-encounter",
	"permission-offline", "permission-online", "permission-patient", "permission-user", "permission-v1", "permission-v2",
}

// What the documents claim; each is what the code that serves it does.
var (
	scopesSupported = []string{
		scopeOpenID, scopeFHIRUser, scopeProfile, scopeLaunch, scopeLaunchPatient, scopeLaunchEncounter, scopeOffline, scopeOnline,
		"patient/*.cruds", "user/*.cruds", "system/*.cruds", "patient/*.read", "patient/*.write", "patient/*.*", "user/*.read", "user/*.write", "user/*.*",
	}
	grantTypes       = []string{"authorization_code", "refresh_token", "client_credentials"}
	tokenAuth        = []string{"client_secret_basic", "client_secret_post", "private_key_jwt", "none"}
	provenAuth       = []string{"client_secret_basic", "client_secret_post", "private_key_jwt"}
	challengeMethods = []string{"S256"}
)

// Endpoints are the URLs of the authorization server, for oauth-uris in a CapabilityStatement.
type Endpoints struct{ Authorize, Token, Introspect, Revoke, Register string }

// Endpoints of this server; Register is "" where nobody can register.
func (s *Server) Endpoints() Endpoints {
	e := Endpoints{
		Authorize: s.endpoint("/authorize"), Token: s.endpoint("/token"), Introspect: s.endpoint("/introspect"), Revoke: s.endpoint("/revoke"),
	}
	if s.Registration != RegistrationOff {
		e.Register = s.endpoint("/register")
	}
	return e
}

// metadata are the members that the three documents share (RFC 8414, section 2).
func (s *Server) document() map[string]any {
	e := s.Endpoints()
	m := map[string]any{
		"issuer":                                s.Origin,
		"jwks_uri":                              s.endpoint("/jwks"),
		"authorization_endpoint":                e.Authorize,
		"token_endpoint":                        e.Token,
		"token_endpoint_auth_methods_supported": tokenAuth,
		"token_endpoint_auth_signing_alg_values_supported":         client.AssertionAlgorithms,
		"grant_types_supported":                                    grantTypes,
		"scopes_supported":                                         scopesSupported,
		"response_types_supported":                                 []string{"code"},
		"response_modes_supported":                                 []string{"query"},
		"code_challenge_methods_supported":                         challengeMethods,
		"introspection_endpoint":                                   e.Introspect,
		"introspection_endpoint_auth_methods_supported":            provenAuth,
		"introspection_endpoint_auth_signing_alg_values_supported": client.AssertionAlgorithms,
		"revocation_endpoint":                                      e.Revoke,
		"revocation_endpoint_auth_methods_supported":               tokenAuth,
		"revocation_endpoint_auth_signing_alg_values_supported":    client.AssertionAlgorithms,
		"authorization_response_iss_parameter_supported":           true,
	}
	if e.Register != "" {
		m["registration_endpoint"] = e.Register
	}
	return m
}

// SMARTConfiguration is the document at .well-known/smart-configuration (SMART, "Conformance").
func (s *Server) SMARTConfiguration() map[string]any {
	m := s.document()
	m["capabilities"] = Capabilities
	return m
}

func (s *Server) openID() map[string]any {
	m := s.document()
	m["userinfo_endpoint"] = s.endpoint("/userinfo")
	m["subject_types_supported"] = []string{"public"}
	m["id_token_signing_alg_values_supported"] = []string{"RS256"}
	m["claims_supported"] = []string{"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "fhirUser", "profile", "name"}
	m["prompt_values_supported"] = []string{"none", "login", "consent", "select_account"}
	m["claims_parameter_supported"] = false
	m["request_parameter_supported"] = false
	m["request_uri_parameter_supported"] = false
	return m
}

func (s *Server) smartConfiguration(w http.ResponseWriter, _ *http.Request) error {
	return public(w, s.SMARTConfiguration())
}

func (s *Server) openidConfiguration(w http.ResponseWriter, _ *http.Request) error {
	return public(w, s.openID())
}

func (s *Server) serverMetadata(w http.ResponseWriter, _ *http.Request) error {
	return public(w, s.document())
}

func (s *Server) jwks(w http.ResponseWriter, r *http.Request) error {
	keys, err := s.Keys.JWKS(r.Context())
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "public, max-age=300")
	return write(w, http.StatusOK, keys)
}

// public answers with what anybody may read and keep for a while.
func public(w http.ResponseWriter, m map[string]any) error {
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "public, max-age=300")
	return write(w, http.StatusOK, body)
}
