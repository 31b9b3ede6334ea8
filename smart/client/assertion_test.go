package client_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"fhirside/smart/client"
	"fhirside/smart/oauth"
	"fhirside/smart/state"
)

// key is a key of an app.
type key struct {
	algorithm string
	private   crypto.Signer
}

func newKey(t testing.TB, algorithm string) key {
	t.Helper()
	var private crypto.Signer
	var err error
	switch algorithm {
	case "ES384":
		private, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "ES256":
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	default:
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	return key{algorithm, private}
}

// public is the key as a JWK.
func (k key) public(id string) string {
	text, err := jose.JSONWebKey{Key: k.private.Public(), KeyID: id, Algorithm: k.algorithm, Use: "sig"}.MarshalJSON()
	if err != nil {
		panic(err)
	}
	return string(text)
}

func (k key) privateJWK(t testing.TB) string {
	t.Helper()
	text, err := jose.JSONWebKey{Key: k.private, KeyID: "private"}.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// weakKey is an RSA key of 1024 bits.
func weakKey(t testing.TB) string {
	t.Helper()
	n := new(big.Int).Lsh(big.NewInt(1), 1023)
	text, err := jose.JSONWebKey{Key: &rsa.PublicKey{N: n.Add(n, big.NewInt(1)), E: 65537}, KeyID: "1"}.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func jwksOf(t testing.TB, keys ...string) json.RawMessage {
	t.Helper()
	return json.RawMessage(`{"keys":[` + strings.Join(keys, ",") + `]}`)
}

var jti atomic.Int64

// claims of an assertion of the client that is as it must be.
func (w *world) claims(id string) map[string]any {
	return map[string]any{
		"iss": id, "sub": id, "aud": endpoint, "exp": w.Now().Unix() + 300, "iat": w.Now().Unix(), "jti": fmt.Sprint(jti.Add(1)),
	}
}

// assert makes an assertion.
func (w *world) assert(method string, private any, header, claims map[string]any) url.Values {
	w.Helper()
	made := jwt.NewWithClaims(jwt.GetSigningMethod(method), jwt.MapClaims(claims))
	made.Header = merge(map[string]any{"typ": "JWT", "alg": method, "kid": "1"}, header)
	signed, err := made.SignedString(private)
	if err != nil {
		w.Fatal(err)
	}
	return url.Values{"client_assertion_type": {client.AssertionType}, "client_assertion": {signed}}
}

// merge is a with what b changes; nil takes out.
func merge(a, b map[string]any) map[string]any {
	m := maps.Clone(a)
	for name, value := range b {
		if m[name] = value; value == nil {
			delete(m, name)
		}
	}
	return m
}

func TestAssertions(t *testing.T) {
	w := newWorld(t, false)
	for _, algorithm := range client.AssertionAlgorithms {
		k := newKey(t, algorithm)
		w.add(state.Client{ID: algorithm, Type: state.Backend, Scope: "system/*.rs", JWKS: jwksOf(t, `{"kty":"new","kid":"1"}`, `"x"`, newKey(t, algorithm).public("0"), k.public("1"))})
		form := w.assert(algorithm, k.private, nil, w.claims(algorithm))
		if id, err := w.ask("", form); err != nil || id != algorithm {
			t.Errorf("%s: %q, %v", algorithm, id, err)
		}
		_, err := w.ask("", form)
		w.refused("again", err, oauth.InvalidClient, "used before")
	}
	k, other := newKey(t, "RS384"), newKey(t, "RS384")
	p256 := newKey(t, "ES256")
	der, err := x509.MarshalPKIXPublicKey(k.private.Public())
	if err != nil {
		t.Fatal(err)
	}
	unbound := strings.Replace(k.public("1"), `"alg":"RS384",`, "", 1) // a key that does not say its algorithm
	w.add(state.Client{ID: "app", Type: state.Backend, Scope: "system/*.rs", JWKS: jwksOf(t, k.public("1"), unbound, p256.public("p256"))})
	w.add(state.Client{ID: "other", Type: state.Backend, Scope: "system/*.rs", JWKS: jwksOf(t, other.public("1"))})
	w.add(state.Client{ID: "public", Type: state.Public})
	now := w.Now().Unix()
	for name, c := range map[string]struct {
		method         string // default RS384
		key            any    // default that of app
		header, claims map[string]any
		form           url.Values
		basic          string
		says           string // "": good
		code           oauth.Code
	}{
		"good":                    {},
		"client_id as well":       {form: url.Values{"client_id": {"app"}}},
		"aud is the issuer":       {claims: map[string]any{"aud": issuer}},
		"aud is a list":           {claims: map[string]any{"aud": []string{"https://other.example", endpoint}}},
		"no typ":                  {header: map[string]any{"typ": nil}},
		"no iat":                  {claims: map[string]any{"iat": nil}},
		"a clock ahead":           {claims: map[string]any{"iat": now + 30, "nbf": now + 30}},
		"RS256 by an unbound key": {method: "RS256"},
		"wrong key":               {key: other.private, says: "not signed by a registered key"},
		"alg none":                {method: "none", key: jwt.UnsafeAllowNoneSignatureType, says: "not signed by a registered key"},
		"HS256 by the public key": {method: "HS256", key: der, says: "not signed by a registered key"},
		"HS384 by the public key": {method: "HS384", key: der, says: "not signed by a registered key"},
		"PS384":                   {method: "PS384", says: "not signed by a registered key"},
		"RS512":                   {method: "RS512", says: "not signed by a registered key"},
		"ES256 as a key of ES384": {method: "ES256", key: p256.private, says: "no key of that kid"},
		"unknown kid":             {header: map[string]any{"kid": "2"}, says: "no key of that kid"},
		"no kid":                  {header: map[string]any{"kid": nil}, says: "names no key"},
		"jku elsewhere":           {header: map[string]any{"jku": "https://evil.example/jwks"}, says: "jku"},
		"critical extension":      {header: map[string]any{"crit": []string{"x"}}, says: "critical"},
		"an access token":         {header: map[string]any{"typ": "at+jwt"}, says: "typ"},
		"aud elsewhere":           {claims: map[string]any{"aud": "https://evil.example/token"}, says: "aud"},
		"aud is the FHIR base":    {claims: map[string]any{"aud": issuer + "/fhir"}, says: "aud"},
		"aud with a slash":        {claims: map[string]any{"aud": endpoint + "/"}, says: "aud"},
		"no aud":                  {claims: map[string]any{"aud": nil}, says: "aud"},
		"sub is somebody else":    {claims: map[string]any{"sub": "other"}, says: "iss and sub"},
		"no sub":                  {claims: map[string]any{"sub": nil}, says: "iss and sub"},
		"iss is somebody else":    {claims: map[string]any{"iss": "other"}, says: "not signed by a registered key"},
		"somebody else":           {claims: map[string]any{"iss": "other", "sub": "other"}, says: "not signed by a registered key"},
		"iss is unknown":          {claims: map[string]any{"iss": "unknown", "sub": "unknown"}, says: "unknown"},
		"no iss":                  {claims: map[string]any{"iss": nil}, says: "cannot be read"},
		"a public app":            {claims: map[string]any{"iss": "public", "sub": "public"}, says: "no keys"},
		"another client_id":       {form: url.Values{"client_id": {"other"}}, says: "another"},
		"expired":                 {claims: map[string]any{"exp": now - 1}, says: "expired"},
		"expires now":             {claims: map[string]any{"exp": now}, says: "expired"},
		"too long":                {claims: map[string]any{"exp": now + 330}, says: "five minutes"},
		"for a year":              {claims: map[string]any{"exp": now + 365*86400}, says: "five minutes"},
		"no exp":                  {claims: map[string]any{"exp": nil}, says: "no exp"},
		"exp is text":             {claims: map[string]any{"exp": "soon"}, says: "cannot be read"},
		"issued in the future":    {claims: map[string]any{"iat": now + 120}, says: "not valid yet"},
		"begins in the future":    {claims: map[string]any{"nbf": now + 120}, says: "not valid yet"},
		"no jti":                  {claims: map[string]any{"jti": nil}, says: "jti"},
		"endless jti":             {claims: map[string]any{"jti": strings.Repeat("a", 2000)}, says: "jti"},
		"endless":                 {claims: map[string]any{"x": strings.Repeat("a", 20000)}, says: "cannot be read"},
		"another type":            {form: url.Values{"client_assertion_type": {"urn:x"}}, says: "client_assertion_type"},
		"a secret as well":        {form: url.Values{"client_secret": {"x"}}, says: "more than one", code: oauth.InvalidRequest},
		"a header as well":        {basic: basic("app", "x"), says: "more than one", code: oauth.InvalidRequest},
	} {
		if c.method == "" {
			c.method = "RS384"
		}
		if c.key == nil {
			c.key = k.private
		}
		form := w.assert(c.method, c.key, c.header, merge(w.claims("app"), c.claims))
		maps.Copy(form, c.form)
		id, err := w.ask(c.basic, form)
		switch {
		case c.says != "":
			if c.code == "" {
				c.code = oauth.InvalidClient
			}
			w.refused(name, err, c.code, c.says)
		case err != nil || id != "app":
			t.Errorf("%s: %q, %v", name, id, err)
		}
	}
}

// TestReplays: of many processes that get an assertion at once, one takes it; the same jti is another client's own.
func TestReplays(t *testing.T) {
	w := newWorld(t, false)
	k := newKey(t, "ES384")
	for _, id := range []string{"a", "b"} {
		w.add(state.Client{ID: id, Type: state.Backend, Scope: "system/*.rs", JWKS: jwksOf(t, k.public("1"))})
	}
	processes := []*world{w, {t, w.clock, client.New(w.Options)}}
	for _, id := range []string{"a", "b"} {
		form := w.assert("ES384", k.private, nil, merge(w.claims(id), map[string]any{"jti": "same"}))
		var taken atomic.Int64
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				if _, err := processes[i%2].ask("", form); err == nil {
					taken.Add(1)
				}
			})
		}
		all.Wait()
		if taken.Load() != 1 {
			t.Errorf("%s: taken %d times", id, taken.Load())
		}
	}
}
