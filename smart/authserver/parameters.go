package authserver

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"unicode/utf8"

	"fhirside/smart/oauth"
)

// maxForm is the most bytes of a request: assertions and granular scopes are long, nothing is longer.
const maxForm = 64 << 10

// parameters of a request. Those without a value count as left out, unknown ones are ignored (RFC 6749, section 3.1).
type parameters url.Values

func (p parameters) get(name string) string { return url.Values(p).Get(name) }

// twice is a parameter that comes more than once, which none may; "" if there is none.
func (p parameters) twice() string {
	for name, values := range p {
		if len(values) > 1 {
			return name
		}
	}
	return ""
}

// readable says whether all of it is text.
func (p parameters) readable() bool {
	for name, values := range p {
		for _, v := range append(values, name) {
			if !utf8.ValidString(v) {
				return false
			}
		}
	}
	return true
}

// readForm reads the form that a request was sent with, where net/http keeps it, and as parameters. Those in the URL do not count:
// URLs end up in logs.
func readForm(w http.ResponseWriter, r *http.Request) (parameters, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, oauth.Errorf(oauth.InvalidRequest, "send the parameters as application/x-www-form-urlencoded")
	}
	body, err := readBody(w, r)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || !parameters(form).readable() {
		return nil, oauth.Errorf(oauth.InvalidRequest, "the form cannot be read")
	}
	r.PostForm, r.Form = form, form
	return parameters(form), nil
}

// readOnce is readForm for endpoints of which no parameter may come twice.
func readOnce(w http.ResponseWriter, r *http.Request) (parameters, error) {
	p, err := readForm(w, r)
	if err != nil {
		return nil, err
	}
	if name := p.twice(); name != "" {
		return nil, oauth.Errorf(oauth.InvalidRequest, "the parameter %s comes more than once", shown(name))
	}
	return p, nil
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, &oauth.Error{Code: oauth.InvalidRequest, Description: "the request is too large", Status: http.StatusRequestEntityTooLarge}
	}
	if err != nil {
		return nil, oauth.Errorf(oauth.InvalidRequest, "the request ended early")
	}
	return body, nil
}

// shown is a client's word in a message: not longer than words are.
func shown(text string) string {
	if len(text) > 64 {
		return text[:64] + "..."
	}
	return text
}
