package rest

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"fhirside/fhir"
)

// challenge says in WWW-Authenticate what a token would have to be (RFC 6750, section 3): nothing of errors where none was sent,
// invalid_token where it is of no use, insufficient_scope where it does not allow what was asked for.
func (s *server) challenge(h http.Header, err error) {
	e := (*fhir.Error)(nil)
	if s.Realm == "" || !errors.As(err, &e) {
		return
	}
	value := fmt.Sprintf("Bearer realm=%q", s.Realm)
	switch e.Reason {
	case fhir.Unauthenticated:
		if e.Issues[0].Code != fhir.CodeLogin {
			value += fmt.Sprintf(`, error="invalid_token", error_description="%s"`, quotable(e.Issues[0].Diagnostics))
		}
	case fhir.Forbidden:
		value += `, error="insufficient_scope"`
	default:
		return
	}
	h.Set("WWW-Authenticate", value)
}

// quotable leaves out what an error_description may not hold.
func quotable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return -1
		}
		return r
	}, text)
}
