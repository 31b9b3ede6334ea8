package guard_test

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"fhirside/fhir"
	"fhirside/smart/guard"
)

const base = "https://clinic.example/fhir"

func find(t *testing.T, o guard.IssuerOptions) *guard.Issuer {
	t.Helper()
	issuer, err := guard.Find(o)
	if err != nil {
		t.Fatal(err)
	}
	return issuer
}

// with are claims, some of them changed; nil leaves one out.
func with(claims map[string]any, changes map[string]any) map[string]any {
	all := maps.Clone(claims)
	for name, value := range changes {
		if all[name] = value; value == nil {
			delete(all, name)
		}
	}
	return all
}

func TestIssuer(t *testing.T) {
	p := startProvider(t)
	now := time.Now().Truncate(time.Second)
	claims := map[string]any{
		"iss": p.origin, "aud": base, "sub": "u1", "azp": "app", "exp": now.Add(time.Hour).Unix(), "iat": now.Unix(),
		"scope": "patient/*.rs launch/patient", "patient": "p1", "fhirUser": base + "/Practitioner/d1",
	}
	want := guard.Claims{Client: "app", Subject: "u1", Scope: "patient/*.rs launch/patient", Patient: "p1", FHIRUser: "Practitioner/d1", Expires: now.Add(time.Hour)}
	issuer := find(t, guard.IssuerOptions{URL: p.origin, Audiences: []string{base, "api://clinic"}, Base: base})

	for _, algorithm := range []string{"RS256", "RS384", "ES256", "ES384", "PS256"} {
		for _, kind := range []string{"at+jwt", "application/at+jwt", "JWT", ""} {
			got, err := issuer.Verify(t.Context(), p.sign(t, order{Algorithm: algorithm, Type: kind, Claims: claims}))
			if err != nil || got != want {
				t.Errorf("%s %q: %+v, %v", algorithm, kind, got, err)
			}
		}
	}

	for name, taken := range map[string]struct {
		changes map[string]any
		want    func(*guard.Claims)
	}{
		"second audience":      {map[string]any{"aud": []string{"x", "api://clinic"}}, func(*guard.Claims) {}},
		"client_id":            {map[string]any{"client_id": "other"}, func(c *guard.Claims) { c.Client = "other" }},
		"scp":                  {map[string]any{"scope": nil, "scp": []string{"user/*.rs", "openid"}}, func(c *guard.Claims) { c.Scope = "user/*.rs openid" }},
		"scope as array":       {map[string]any{"scope": []string{"user/*.rs"}}, func(c *guard.Claims) { c.Scope = "user/*.rs" }},
		"patient as reference": {map[string]any{"patient": "Patient/p1"}, func(*guard.Claims) {}},
		"patient as URL":       {map[string]any{"patient": base + "/Patient/p1"}, func(*guard.Claims) {}},
		"no patient, no user":  {map[string]any{"patient": nil, "fhirUser": nil}, func(c *guard.Claims) { c.Patient, c.FHIRUser = "", "" }},
		"another server's user": {map[string]any{"fhirUser": "https://other.example/fhir/Practitioner/d1"},
			func(c *guard.Claims) { c.FHIRUser = "" }},
		"a device as user": {map[string]any{"fhirUser": "Device/d1"}, func(c *guard.Claims) { c.FHIRUser = "" }},
		"relative user":    {map[string]any{"fhirUser": "Patient/p1"}, func(c *guard.Claims) { c.FHIRUser = "Patient/p1" }},
	} {
		want := want
		taken.want(&want)
		got, err := issuer.Verify(t.Context(), p.sign(t, order{Algorithm: "ES256", Type: "JWT", Claims: with(claims, taken.changes)}))
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}

	for name, refused := range map[string]order{
		"another issuer":   {Claims: with(claims, map[string]any{"iss": "https://other.example"})},
		"another audience": {Claims: with(claims, map[string]any{"aud": "https://other.example/fhir"})},
		"an id_token":      {Claims: with(claims, map[string]any{"aud": "app", "scope": nil, "nonce": "n"})},
		"no scopes":        {Claims: with(claims, map[string]any{"scope": nil})},
		"no audience":      {Claims: with(claims, map[string]any{"aud": nil})},
		"expired":          {Claims: with(claims, map[string]any{"exp": now.Add(-time.Second).Unix()})},
		"no expiry":        {Claims: with(claims, map[string]any{"exp": nil})},
		"not yet":          {Claims: with(claims, map[string]any{"nbf": now.Add(time.Hour).Unix()})},
		"no patient id":    {Claims: with(claims, map[string]any{"patient": "../Patient/p1?x"})},
		"another kind":     {Type: "logout+jwt", Claims: claims},
		"another key":      {Foreign: true, Claims: claims},
		"none":             {Algorithm: "none", Claims: claims},
		"HS256":            {Algorithm: "HS256", Claims: claims},
		"RS512":            {Algorithm: "RS512", Claims: claims},
	} {
		if refused.Algorithm == "" {
			refused.Algorithm = "ES256"
		}
		_, err := issuer.Verify(t.Context(), p.sign(t, refused))
		if e, ok := errors.AsType[*fhir.Error](err); !ok || e.Reason != fhir.Unauthenticated {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, token := range []string{"", "x", "a.b.c", "e30.e30."} {
		if _, err := issuer.Verify(t.Context(), token); err == nil {
			t.Errorf("%q is taken", token)
		}
	}
}

// Discovery points to the issuer, and claims what this server does.
func TestIssuerIsPointedTo(t *testing.T) {
	p := startProvider(t)
	issuer := find(t, guard.IssuerOptions{URL: p.origin, Audiences: []string{base}, Base: base})
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	issuer.Mount(e)
	for _, path := range []string{"/fhir/.well-known/smart-configuration", "/.well-known/smart-configuration"} {
		w := httptest.NewRecorder()
		e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, http.NoBody))
		var got map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Fatalf("%s: %v", w.Body, err)
		}
		want := map[string]any{
			"issuer": p.origin, "jwks_uri": p.origin + "/jwks", "authorization_endpoint": p.origin + "/auth", "token_endpoint": p.origin + "/token",
			"code_challenge_methods_supported": []any{"S256"}, "grant_types_supported": []any{"authorization_code"},
			"capabilities": []any{"permission-patient", "permission-user", "permission-v1", "permission-v2"},
		}
		if !reflect.DeepEqual(got, want) || !strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
			t.Errorf("%s: %v %v", path, w.Header(), got)
		}
	}
}

func TestClaimsByOtherNames(t *testing.T) {
	p := startProvider(t)
	issuer := find(t, guard.IssuerOptions{
		URL: p.origin, Audiences: []string{base}, Base: base,
		PatientClaim: "https://clinic.example/patient", UserClaim: "user", ScopeClaim: "permissions",
	})
	got, err := issuer.Verify(t.Context(), p.sign(t, order{Algorithm: "RS256", Type: "JWT", Claims: map[string]any{
		"iss": p.origin, "aud": base, "sub": "u1", "exp": time.Now().Add(time.Hour).Unix(),
		"scope": "patient/*.cruds", "permissions": []string{"patient/*.r"}, "patient": "p1", "https://clinic.example/patient": "p2", "user": "Patient/p2",
	}}))
	if err != nil || got.Scope != "patient/*.r" || got.Patient != "p2" || got.FHIRUser != "Patient/p2" {
		t.Errorf("%+v, %v", got, err)
	}
}

// An issuer that is not there, or says that it is another one, is not used.
func TestIssuerNotFound(t *testing.T) {
	p := startProvider(t)
	for _, url := range []string{"http://127.0.0.1:1", p.origin + "/", p.origin + "/other", ""} {
		if _, err := guard.Find(guard.IssuerOptions{URL: url, Audiences: []string{base}, Base: base}); err == nil {
			t.Errorf("%q is found", url)
		}
	}
}

// Tokens that name unknown keys do not make the server ask the issuer for each of them.
func TestIssuerIsNotPestered(t *testing.T) {
	p := startProvider(t)
	issuer := find(t, guard.IssuerOptions{URL: p.origin, Audiences: []string{base}, Base: base})
	token := p.sign(t, order{Algorithm: "ES256", Foreign: true, Claims: map[string]any{"iss": p.origin}})
	for range 50 {
		if _, err := issuer.Verify(t.Context(), token); err == nil {
			t.Fatal("a foreign key is taken")
		}
	}
	if asked := p.get(t, "/asked"); len(asked) > 1 {
		t.Errorf("it was asked %s times", asked)
	}
}
