package authserver

import (
	"errors"
	"net/http"

	"fhirside/smart/oauth"
)

// revoke is the revocation endpoint (RFC 7009). Whichever of its tokens comes, all of a grant end: they were given together. A
// token that is unknown is as good as revoked; one of another client stays.
func (s *Server) revoke(w http.ResponseWriter, r *http.Request) error {
	return s.asClient(w, r, func(p parameters) error {
		client, err := s.clientOf(r, p, p.get("token"))
		if e, ok := errors.AsType[*oauth.Error](err); ok && e.Code == oauth.InvalidGrant {
			return done(w) // of a public client that left client_id out: nobody's token
		}
		if err != nil {
			return err
		}
		if p.get("token") == "" {
			return oauth.Errorf(oauth.InvalidRequest, "token is missing")
		}
		grant, err := s.grantOf(r.Context(), p.get("token"))
		if err != nil {
			return err
		}
		if grant.Key == "" {
			return done(w)
		}
		if grant.Value.Client != client.ID {
			return oauth.Errorf(oauth.InvalidGrant, "the token was given to another client")
		}
		if err := s.revokeGrant(r.Context(), grant.Key); err != nil {
			return err
		}
		return done(w)
	})
}

// done answers with nothing but success.
func done(w http.ResponseWriter) error {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	w.WriteHeader(http.StatusOK)
	return nil
}

func isRefusal(err error) bool {
	_, ok := errors.AsType[*oauth.Error](err)
	return ok
}
