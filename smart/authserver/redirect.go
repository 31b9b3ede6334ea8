package authserver

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"fhirside/smart/client"
	"fhirside/smart/oauth"
	"fhirside/smart/web"
)

// redirectError is an error that the app learns at its redirect URI (RFC 6749, section 4.1.2.1): app and URI are known to belong
// together.
type redirectError struct {
	request request
	refusal *oauth.Error
}

func (e *redirectError) Error() string { return e.refusal.Error() }

// registered says whether a redirect URI is one of a client's: the same string (RFC 9700, section 2.1), but for the port of a
// loopback address, which an app on a desktop learns only when it starts (RFC 8252, section 7.3).
func registered(redirects []string, uri string) bool {
	return slices.ContainsFunc(redirects, func(known string) bool {
		if known == uri {
			return true
		}
		a, okA := withoutLoopbackPort(known)
		b, okB := withoutLoopbackPort(uri)
		return okA && okB && a == b
	})
}

// withoutLoopbackPort is an http URI of a loopback address with its port taken out.
func withoutLoopbackPort(uri string) (string, bool) {
	rest, ok := strings.CutPrefix(uri, "http://")
	if !ok {
		return "", false
	}
	authority := rest
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		authority = rest[:end]
	}
	u, err := url.Parse(uri)
	if err != nil || u.User != nil || u.Host != authority || !client.IsLoopback(u.Hostname()) || strings.HasSuffix(u.Host, ":") {
		return "", false
	}
	host := strings.TrimSuffix(authority, ":"+u.Port())
	return "http://" + host + rest[len(authority):], true
}

// redirect leads the browser back to the app, with what it asked for or with an error.
func (s *Server) redirect(w http.ResponseWriter, r *http.Request, q request, answer url.Values) error {
	u, err := url.Parse(q.RedirectURI)
	if err != nil {
		return err
	}
	if q.State != "" {
		answer.Set("state", q.State)
	}
	answer.Set("iss", s.Origin) // RFC 9207: who answers, so that an app with several servers is not confused
	u.RawQuery = strings.TrimPrefix(u.RawQuery+"&"+answer.Encode(), "&")
	web.Harden(w.Header())
	w.Header().Set("Pragma", "no-cache")
	w.Header().Set("Location", u.String())
	// What follows a form must not be sent on with its password (RFC 9700, section 4.12).
	status := http.StatusFound
	if r.Method == http.MethodPost {
		status = http.StatusSeeOther
	}
	w.WriteHeader(status)
	return nil
}

func (s *Server) redirectError(w http.ResponseWriter, r *http.Request, e *redirectError) {
	err := s.redirect(w, r, e.request, url.Values{
		"error": {string(e.refusal.Code)}, "error_description": {printable(e.refusal.Description)},
	})
	if err != nil {
		s.Log.Error("an app cannot be told of an error", "error", err)
		w.WriteHeader(http.StatusInternalServerError)
	}
}
