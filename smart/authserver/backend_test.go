package authserver_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"fhirside/smart/state"
)

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// signer is a key of an app.
type signer struct {
	id     string
	method jwt.SigningMethod
	key    crypto.Signer
}

func newES(t testing.TB, id string) signer {
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	must(t, err)
	return signer{id, jwt.SigningMethodES384, key}
}

func newRS(t testing.TB, id string) signer {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	return signer{id, jwt.SigningMethodRS384, key}
}

func jwks(t testing.TB, signers ...signer) json.RawMessage {
	var set jose.JSONWebKeySet
	for _, s := range signers {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: s.key.Public(), KeyID: s.id, Algorithm: s.method.Alg(), Use: "sig"})
	}
	text, err := json.Marshal(set)
	must(t, err)
	return text
}

// assertion of robot, with some claims changed; nil leaves one out.
func (e *env) assertion(s signer, changes jwt.MapClaims) string {
	e.t.Helper()
	claims := jwt.MapClaims{
		"iss": "robot", "sub": "robot", "aud": e.origin + "/oauth/token", "jti": uuid.NewString(), "exp": e.clock.Now().Add(4 * time.Minute).Unix(),
	}
	for name, value := range changes {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	token := jwt.NewWithClaims(s.method, claims)
	token.Header["kid"] = s.id
	text, err := token.SignedString(s.key)
	must(e.t, err)
	return text
}

func asking(assertion string, changes ...string) url.Values {
	return with(url.Values{
		"grant_type": {"client_credentials"}, "scope": {"system/*.rs"}, "client_assertion_type": {assertionType}, "client_assertion": {assertion},
	}, changes...)
}

func (e *env) addRobot(signers ...signer) {
	e.t.Helper()
	e.addClient(state.Client{ID: "robot", Type: state.Backend, JWKS: jwks(e.t, signers...), Scope: "system/*.rs"})
}

func TestBackendService(t *testing.T) {
	e := newEnv(t)
	es, rs := newES(t, "es"), newRS(t, "rs")
	e.addRobot(es, rs)
	for _, s := range []signer{es, rs} {
		a := e.wantToken(e.post("token", "", asking(e.assertion(s, nil))))
		if expires, _ := a.json["expires_in"].(float64); expires > 300 || expires <= 0 || a.text("refresh_token") != "" || a.text("id_token") != "" || a.text("scope") != "system/*.rs" {
			t.Errorf("%s", a.body)
		}
		access := e.access(a.text("access_token"))
		if access.Subject != "robot" || access.ClientID != "robot" || access.Patient != "" || access.FHIRUser != "" || access.Expires.Sub(access.Issued) > 5*time.Minute {
			t.Errorf("%+v", access)
		}
		if !e.active(a.text("access_token")) {
			t.Error("it is not active")
		}
		// It may introspect all tokens, by assertion and by its own.
		if got := e.post("introspect", "Bearer "+a.text("access_token"), url.Values{"token": {a.text("access_token")}}); got.json["active"] != true {
			t.Errorf("%s", got.body)
		}
		form := url.Values{"token": {a.text("access_token")}, "client_assertion_type": {assertionType}, "client_assertion": {e.assertion(s, nil)}}
		if got := e.post("introspect", "", form); got.json["active"] != true || got.text("sub") != "robot" {
			t.Errorf("%s", got.body)
		}
	}
	a := e.wantToken(e.post("token", "", asking(e.assertion(es, nil), "scope", "system/Patient.cruds system/Observation.rs?category=laboratory user/*.rs openid")))
	if strings.Contains(a.scope(), "c") && strings.Contains(a.scope(), ".cruds") || strings.Contains(a.scope(), "user") || strings.Contains(a.scope(), "openid") ||
		!strings.Contains(a.scope(), "system/Observation.rs?category=laboratory") {
		t.Errorf("scope %q", a.scope())
	}
}

func TestAssertionRefusals(t *testing.T) {
	e := newEnv(t)
	es, stranger := newES(t, "es"), newES(t, "es")
	e.addRobot(es)
	now := e.clock.Now()
	used := e.assertion(es, nil)
	e.wantToken(e.post("token", "", asking(used)))
	none := jwt.NewWithClaims(jwt.SigningMethodNone, jwt.MapClaims{"iss": "robot", "sub": "robot", "aud": e.origin + "/oauth/token", "jti": "none", "exp": now.Add(time.Minute).Unix()})
	unsigned, err := none.SignedString(jwt.UnsafeAllowNoneSignatureType)
	must(t, err)
	hmac := jwt.NewWithClaims(jwt.SigningMethodHS256, none.Claims)
	hmac.Header["kid"] = "es"
	byPublicKey, err := hmac.SignedString([]byte(jwks(t, es)))
	must(t, err)
	for name, text := range map[string]string{
		"wrong key":      e.assertion(stranger, nil),
		"unknown kid":    e.assertion(signer{"other", es.method, es.key}, nil),
		"altered":        used[:len(used)-6] + "AAAAAA",
		"replayed":       used,
		"wrong aud":      e.assertion(es, jwt.MapClaims{"aud": "https://evil.example/token"}),
		"aud is FHIR":    e.assertion(es, jwt.MapClaims{"aud": e.origin + "/fhir"}),
		"no aud":         e.assertion(es, jwt.MapClaims{"aud": nil}),
		"wrong iss":      e.assertion(es, jwt.MapClaims{"iss": "other"}),
		"no iss":         e.assertion(es, jwt.MapClaims{"iss": nil}),
		"wrong sub":      e.assertion(es, jwt.MapClaims{"sub": "other"}),
		"no sub":         e.assertion(es, jwt.MapClaims{"sub": nil}),
		"another client": e.assertion(es, jwt.MapClaims{"iss": "spa", "sub": "spa"}),
		"unknown client": e.assertion(es, jwt.MapClaims{"iss": "nobody", "sub": "nobody"}),
		"expired":        e.assertion(es, jwt.MapClaims{"exp": now.Add(-time.Minute * 2).Unix()}),
		"too long":       e.assertion(es, jwt.MapClaims{"exp": now.Add(10 * time.Minute).Unix()}),
		"no exp":         e.assertion(es, jwt.MapClaims{"exp": nil}),
		"no jti":         e.assertion(es, jwt.MapClaims{"jti": nil}),
		"none":           unsigned,
		"HS256":          byPublicKey,
		"no JWT":         "abc",
		"not valid yet":  e.assertion(es, jwt.MapClaims{"nbf": now.Add(3 * time.Minute).Unix()}),
		"empty":          "",
		"malformed":      "a.b.c",
	} {
		t.Run(name, func(t *testing.T) {
			a := e.post("token", "", asking(text, "client_id", "robot"))
			if name == "empty" && a.text("error") == "invalid_request" {
				return
			}
			wantError(t, a, 401, "invalid_client")
		})
	}
	for name, form := range map[string]url.Values{
		"no type":         asking(e.assertion(es, nil), "client_assertion_type", ""),
		"other type":      asking(e.assertion(es, nil), "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"),
		"other client_id": asking(e.assertion(es, nil), "client_id", "spa"),
		"no assertion":    {"grant_type": {"client_credentials"}, "scope": {"system/*.rs"}, "client_id": {"robot"}},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, e.post("token", "", form), 401, "invalid_client") })
	}
	for _, scope := range []string{"", "user/*.rs", "openid", "system/Patient.cud", "patient/*.rs", "nonsense"} {
		wantError(t, e.post("token", "", asking(e.assertion(es, nil), "scope", scope)), 400, "invalid_scope")
	}
}

// An app with users may prove itself by assertions as well.
func TestConfidentialAsymmetric(t *testing.T) {
	e := newEnv(t)
	e.addUser("alice")
	es := newES(t, "k")
	e.addClient(state.Client{ID: "signing", Type: state.Confidential, JWKS: jwks(t, es), Redirects: []string{redirectURI}, Scope: "launch/patient patient/*.rs offline_access"})
	proof := func() string { return e.assertion(es, jwt.MapClaims{"iss": "signing", "sub": "signing"}) }
	q := e.request("client_id", "signing", "scope", "launch/patient patient/*.rs offline_access")
	code := e.code(alice, q)
	wantError(t, e.post("token", "", redeem(code, "client_id", "signing")), 401, "invalid_client")
	a := e.wantToken(e.post("token", "", redeem(code, "client_id", "", "client_assertion_type", assertionType, "client_assertion", proof())))
	again := e.wantToken(e.post("token", "", refreshing(a.text("refresh_token"), "client_id", "signing", "client_assertion_type", assertionType, "client_assertion", proof())))
	form := url.Values{"token": {again.text("access_token")}, "client_assertion_type": {assertionType}, "client_assertion": {proof()}}
	if a := e.post("revoke", "", form); a.status != 200 || e.active(again.text("access_token")) {
		t.Errorf("%d %s", a.status, a.body)
	}
	wantError(t, e.post("token", "", asking(proof())), 400, "unauthorized_client")
}
