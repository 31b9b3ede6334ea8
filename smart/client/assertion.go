package client

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"fhirside/resources/store"
	"fhirside/smart/oauth"
	"fhirside/smart/state"
)

// AssertionType is the client_assertion_type of assertions (RFC 7523, section 2.2).
const AssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

const (
	maxAssertion = 16 << 10 // bytes
	// longest is how far ahead an assertion may expire: five minutes (SMART), and what clocks differ by.
	longest = 5*time.Minute + 10*time.Second
	// skew is how far ahead of ours a client's clock may be when its assertion begins.
	skew = time.Minute
	// maxJTI bounds the id of an assertion, in bytes.
	maxJTI = 1024
)

// claimant is who an assertion says it is from, which proves nothing yet; "" if it cannot be read.
func claimant(assertion string) string {
	claims := jwt.RegisteredClaims{}
	if len(assertion) > maxAssertion {
		return ""
	}
	if _, _, err := jwt.NewParser().ParseUnverified(assertion, &claims); err != nil {
		return ""
	}
	return claims.Issuer
}

// prove holds an assertion to RFC 7523, section 3, and SMART's rules on top, and uses it up.
func (r *Registry) prove(ctx context.Context, c state.Client, assertion, endpoint string) error {
	var fault error
	parser := jwt.NewParser(jwt.WithValidMethods(AssertionAlgorithms), jwt.WithoutClaimsValidation(), jwt.WithStrictDecoding())
	claims := &jwt.RegisteredClaims{}
	_, err := parser.ParseWithClaims(assertion, claims, func(t *jwt.Token) (any, error) {
		if problem := checkHeader(t.Header, c); problem != "" {
			fault = refusal("%s", problem)
			return nil, fault
		}
		var set jwt.VerificationKeySet
		set, fault = r.keysFor(ctx, c, t)
		return set, fault
	})
	switch {
	case fault != nil:
		return fault
	case errors.Is(err, jwt.ErrTokenMalformed):
		return refusal("the assertion cannot be read as a JWT")
	case err != nil:
		return refusal("the assertion is not signed by a registered key, with one of %s", strings.Join(AssertionAlgorithms, ", "))
	}
	if problem := r.checkClaims(claims, c.ID, endpoint); problem != "" {
		return refusal("%s", problem)
	}
	return r.useUp(ctx, c.ID, claims)
}

// checkHeader says what is wrong with an assertion's header.
func checkHeader(header map[string]any, c state.Client) string {
	typ, _ := header["typ"].(string)
	if _, has := header["typ"]; has && !strings.EqualFold(typ, "JWT") && !strings.EqualFold(typ, "client-authentication+jwt") {
		return "the typ of the assertion is not JWT"
	}
	if _, has := header["crit"]; has { // RFC 7515, section 4.1.11: none of these is understood here
		return "the assertion has critical extensions"
	}
	if jku, has := header["jku"]; has && jku != c.JWKSURI {
		return "jku is not the jwks_uri that is registered"
	}
	if id, _ := header["kid"].(string); id == "" {
		return "the assertion names no key (kid)"
	}
	return ""
}

// keysFor are the client's keys of the id and for the algorithm that the header names.
func (r *Registry) keysFor(ctx context.Context, c state.Client, t *jwt.Token) (set jwt.VerificationKeySet, err error) {
	fits := func(k publicKey) bool { return k.id == t.Header["kid"] && k.fits(t.Method.Alg()) }
	var keys []publicKey
	switch {
	case len(c.JWKS) > 0:
		if keys, err = parseJWKS(c.JWKS); err != nil {
			return set, err
		}
	case c.JWKSURI != "":
		if keys, err = r.keys.with(ctx, c.JWKSURI, fits); err != nil {
			r.Log.WarnContext(ctx, "the keys of a client cannot be had", "client", c.ID, "jwks_uri", c.JWKSURI, "error", err)
			return set, refusal("the keys at jwks_uri cannot be had")
		}
	default:
		return set, refusal("the client has no keys")
	}
	for _, k := range keys {
		if fits(k) {
			set.Keys = append(set.Keys, k.key)
		}
	}
	if len(set.Keys) == 0 {
		return set, refusal("the client has no key of that kid for that algorithm")
	}
	return set, nil
}

// checkClaims says what is wrong with an assertion's claims.
func (r *Registry) checkClaims(claims *jwt.RegisteredClaims, id, endpoint string) string {
	now := r.Now()
	switch {
	case claims.Issuer != id || claims.Subject != id:
		return "iss and sub of the assertion must be the client_id"
	case !slices.ContainsFunc(claims.Audience, func(aud string) bool { return r.audience(aud, endpoint) }):
		return "aud of the assertion must be the URL of the token endpoint"
	case claims.ExpiresAt == nil:
		return "the assertion has no exp"
	case !now.Before(claims.ExpiresAt.Time):
		return "the assertion has expired"
	case claims.ExpiresAt.After(now.Add(longest)):
		return "the assertion expires more than five minutes ahead"
	case claims.IssuedAt != nil && claims.IssuedAt.After(now.Add(skew)), claims.NotBefore != nil && claims.NotBefore.After(now.Add(skew)):
		return "the assertion is not valid yet"
	case claims.ID == "" || len(claims.ID) > maxJTI:
		return "the assertion has no jti, or a very long one"
	}
	return ""
}

// audience: the endpoint that the assertion is sent to, the token endpoint, which SMART names, or the issuer, which newer rules do.
func (r *Registry) audience(aud, endpoint string) bool {
	return aud != "" && (aud == endpoint || r.Issuer != "" && (aud == r.Issuer || aud == r.Issuer+"/oauth/token"))
}

// useUp remembers an assertion until it expires: of all processes that get it, one takes it.
func (r *Registry) useUp(ctx context.Context, id string, claims *jwt.RegisteredClaims) error {
	_, err := r.Tables.Assertions.Put(ctx, state.Record[state.Assertion]{
		Key: state.Hash(id + "\x00" + claims.ID), Owner: id, Expires: claims.ExpiresAt.Add(skew),
	})
	if errors.Is(err, store.ErrConflict) {
		return refusal("the assertion has been used before (jti)")
	}
	return err
}

// refusal is invalid_client.
func refusal(format string, args ...any) *oauth.Error {
	return oauth.Errorf(oauth.InvalidClient, format, args...)
}
