package client

import (
	"encoding/json"
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"

	"fhirside/resources/store"
	"fhirside/smart/oauth"
	"fhirside/smart/scope"
	"fhirside/smart/state"
)

// Bounds of what is registered.
const (
	maxID        = 200 // bytes
	maxName      = 100 // characters: people read it before they decide
	maxURI       = 2048
	maxRedirects = 50
	maxKeys      = 100
	minRSA       = 2048 // bits
)

func isNotFound(err error) bool { return errors.Is(err, store.ErrNotFound) }

func metadata(format string, args ...any) error {
	return oauth.Errorf(oauth.InvalidClientMetadata, format, args...)
}

// Validate holds an app to the rules of its registration. Its error is an *oauth.Error: invalid_redirect_uri or
// invalid_client_metadata.
func (r *Registry) Validate(c state.Client) error {
	if c.ID == "" || len(c.ID) > maxID || strings.ContainsFunc(c.ID, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return metadata("client_id must be 1 to %d printable ASCII characters without spaces", maxID)
	}
	if utf8.RuneCountInString(c.Name) > maxName || strings.ContainsFunc(c.Name, isHidden) {
		return metadata("client_name has more than %d characters, or characters that cannot be seen", maxName)
	}
	for _, check := range []func(state.Client) error{checkRedirects, r.checkProof, r.checkURIs, checkScope} {
		if err := check(c); err != nil {
			return err
		}
	}
	return nil
}

// isHidden holds for characters that could make a name read as another one, such as those that turn the direction of text around.
// The joiners are part of how some scripts are written.
func isHidden(c rune) bool {
	const nonJoiner, joiner = '\u200c', '\u200d'
	return !unicode.IsPrint(c) && c != nonJoiner && c != joiner
}

// checkProof: each type has what it proves itself with, and nothing else.
func (r *Registry) checkProof(c state.Client) error {
	keys := len(c.JWKS) > 0 || c.JWKSURI != ""
	switch {
	case c.Type != state.Public && c.Type != state.Confidential && c.Type != state.Backend:
		return metadata("a client is public, confidential or backend")
	case len(c.JWKS) > 0 && c.JWKSURI != "":
		return metadata("jwks and jwks_uri exclude each other") // RFC 7591, section 2
	case c.Type == state.Public && (c.Secret != "" || keys):
		return metadata("a public client has neither a secret nor keys: it cannot keep them")
	case c.Type == state.Confidential && c.Secret == "" && !keys:
		return metadata("a confidential client has a secret, jwks or jwks_uri")
	case c.Type == state.Backend && (!keys || c.Secret != ""):
		return metadata("a backend service proves itself by jwks or jwks_uri, and has no secret")
	case c.Type == state.Backend && (len(c.Redirects) > 0 || c.LaunchURL != ""):
		return metadata("a backend service has no user, and so neither redirect_uris nor a launch URL")
	case len(c.JWKS) > 0:
		return checkJWKS(c.JWKS)
	}
	return nil
}

// checkJWKS wants at least one key that can be used. Others are let be: they may be for other servers.
func checkJWKS(text json.RawMessage) error {
	raw, err := splitJWKS(text)
	if err != nil {
		return metadata("jwks cannot be read as a JWK Set")
	}
	usable := 0
	for _, one := range raw {
		var k jose.JSONWebKey
		if k.UnmarshalJSON(one) == nil && !k.IsPublic() {
			return metadata("jwks holds a key that is no public one: take it out, and use it no more if somebody has seen it")
		}
		if _, ok := parseKey(one); ok {
			usable++
		}
	}
	if usable == 0 {
		return metadata("jwks holds no key for %s", strings.Join(AssertionAlgorithms, ", "))
	}
	return nil
}

func checkScope(c state.Client) error {
	set, err := scope.Parse(c.Scope)
	if err != nil {
		return metadata("scope cannot be read: %s", err)
	}
	if set.String() == "" && !c.Trusted && (c.Type != state.Confidential || len(c.Redirects) > 0) {
		return metadata("scope is missing: the most that the client can be granted")
	}
	return nil
}

func checkRedirects(c state.Client) error {
	if len(c.Redirects) == 0 && c.Type == state.Public {
		return oauth.Errorf(oauth.InvalidRedirectURI, "redirect_uris is missing: where people are sent back to")
	}
	if len(c.Redirects) > maxRedirects {
		return oauth.Errorf(oauth.InvalidRedirectURI, "there are more than %d redirect_uris", maxRedirects)
	}
	for _, text := range c.Redirects {
		if problem := checkRedirect(text); problem != "" {
			return oauth.Errorf(oauth.InvalidRedirectURI, "a redirect URI %s", problem)
		}
	}
	return nil
}

// checkRedirect says what is wrong with a redirect URI; "" if nothing is. Apps on a device have http on a loopback address or a
// scheme of their own, which is a domain name in reverse (RFC 8252, section 7.1), so that no two apps choose the same.
func checkRedirect(text string) string {
	u, problem := absolute(text)
	switch {
	case problem != "":
		return problem
	case u.Scheme == "https", u.Scheme == "http":
		return checkWeb(u)
	case !strings.Contains(u.Scheme, "."):
		return "has a scheme that is neither https nor a domain name in reverse (com.example.app)"
	}
	return ""
}

// absolute parses an absolute URI without those parts that no registered one may have.
func absolute(text string) (*url.URL, string) {
	if len(text) > maxURI || strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c > '~' || strings.ContainsRune(`"<>\^{|}`+"`", c) }) {
		return nil, "is too long, or has characters that no URI has"
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || !u.IsAbs():
		return nil, "is no absolute URI"
	case strings.Contains(text, "#"):
		return nil, "has a fragment"
	case strings.Contains(text, "*"):
		return nil, "has a wildcard"
	case u.User != nil:
		return nil, "has a user"
	}
	return u, ""
}

func checkWeb(u *url.URL) string {
	switch {
	case u.Hostname() == "":
		return "has no host"
	case u.Scheme == "http" && !IsLoopback(u.Hostname()):
		return "is without TLS (https), and not for a loopback address"
	}
	return ""
}

// IsLoopback says whether a host is this machine to itself: localhost, or a loopback address.
func IsLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback()
}

// checkURIs: those that browsers are led to, and the one that the server itself asks.
func (r *Registry) checkURIs(c state.Client) error {
	if problem := checkLaunchURL(c.LaunchURL); problem != "" {
		return metadata("the launch URL %s", problem)
	}
	if c.JWKSURI == "" {
		return nil
	}
	u, problem := absolute(c.JWKSURI)
	switch {
	case problem != "":
		return metadata("jwks_uri %s", problem)
	case u.Scheme != "https" && !(u.Scheme == "http" && r.AllowPrivateJWKS), u.Hostname() == "":
		return metadata("jwks_uri is no https URL")
	}
	return nil
}

func checkLaunchURL(text string) string {
	if text == "" {
		return ""
	}
	u, problem := absolute(text)
	switch {
	case problem != "":
		return problem
	case u.Scheme != "https" && u.Scheme != "http":
		return "is no URL of the web"
	}
	return checkWeb(u)
}
