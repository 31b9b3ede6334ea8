package authserver

import (
	"net/http"

	"fhirside/smart/oauth"
	"fhirside/smart/scope"
)

// userinfo is the UserInfo endpoint (OpenID Connect Core, section 5.3).
func (s *Server) userinfo(w http.ResponseWriter, r *http.Request) error {
	h, _, err := s.bearer(r)
	if err != nil {
		return err
	}
	set, err := scope.Parse(h.access.Scope)
	if err != nil {
		return err
	}
	if !set.Has(scopeOpenID) || h.grant.Value.Account == "" {
		return oauth.Errorf(oauth.InsufficientScope, "the access token lacks the scope openid")
	}
	claims := map[string]string{"sub": h.grant.Value.Account}
	if namesUser(set) {
		claims["fhirUser"] = s.absolute(h.grant.Value.FHIRUser)
		claims["profile"] = claims["fhirUser"] // as the id token has it
		name, err := s.nameOf(r.Context(), h.grant.Value)
		if err != nil {
			return err
		}
		if name != "" {
			claims["name"] = name
		}
	}
	return answer(w, http.StatusOK, claims)
}
