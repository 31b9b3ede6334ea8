package authserver_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"fhirside/smart/authserver"
)

func (e *env) register(authorization, body string) answered {
	e.t.Helper()
	r, err := http.NewRequestWithContext(e.t.Context(), http.MethodPost, e.origin+"/oauth/register", strings.NewReader(body))
	must(e.t, err)
	r.Header.Set("Content-Type", "application/json")
	return e.send(r, authorization)
}

func openRegistration(o *authserver.Options) { o.Registration = authserver.RegistrationOpen }

func TestRegistration(t *testing.T) {
	e := newEnv(t, openRegistration)
	e.addUser("alice")
	public := e.register("", `{"client_name":"Diary","redirect_uris":["`+redirectURI+`"],"token_endpoint_auth_method":"none","scope":"launch/patient patient/*.rs system/*.rs nonsense","contacts":["a@example"]}`)
	if public.status != http.StatusCreated || public.text("client_id") == "" || public.json["client_secret"] != nil || public.scope() != "launch/patient patient/*.rs" ||
		public.text("token_endpoint_auth_method") != "none" || public.text("client_name") != "Diary" || public.json["client_id_issued_at"] == nil {
		t.Fatalf("%d %s", public.status, public.body)
	}
	wantUncached(t, public)
	q := e.request("client_id", public.text("client_id"), "scope", "launch/patient patient/*.rs")
	a := e.wantToken(e.post("token", "", redeem(e.code(alice, q), "client_id", public.text("client_id"))))
	if a.text("patient") != "alice" {
		t.Errorf("%s", a.body)
	}
	// Whoever has registered itself is asked about as such.
	b := newBrowser(t, e.origin)
	if p := b.get(e.authorizeURL(q)); p.form("password") == nil {
		t.Errorf("%s", p.body)
	}
	confidential := e.register("", `{"redirect_uris":["`+redirectURI+`"]}`)
	if confidential.status != http.StatusCreated || confidential.text("client_secret") == "" || confidential.json["client_secret_expires_at"] != 0.0 ||
		confidential.text("token_endpoint_auth_method") != "client_secret_basic" || strings.Contains(confidential.scope(), "system/") || confidential.scope() == "" {
		t.Fatalf("%d %s", confidential.status, confidential.body)
	}
	q = e.request("client_id", confidential.text("client_id"), "scope", "launch/patient patient/*.rs")
	e.wantToken(e.post("token", confidential.text("client_id")+":"+confidential.text("client_secret"), redeem(e.code(alice, q), "client_id", "")))

	keys := string(jwks(t, newES(t, "a")))
	signing := e.register("", `{"redirect_uris":["`+redirectURI+`"],"token_endpoint_auth_method":"private_key_jwt","jwks":`+keys+`}`)
	if signing.status != http.StatusCreated || signing.json["client_secret"] != nil || signing.json["jwks"] == nil {
		t.Errorf("%d %s", signing.status, signing.body)
	}
}

func TestRegistrationRefusals(t *testing.T) {
	e := newEnv(t, openRegistration)
	keys := string(jwks(t, newES(t, "a")))
	for _, c := range []struct{ name, body, want string }{
		{"no JSON", `{"redirect_uris":`, "invalid_client_metadata"},
		{"an array", `[]`, "invalid_client_metadata"},
		{"wrong types", `{"redirect_uris":"` + redirectURI + `"}`, "invalid_client_metadata"},
		{"no redirect", `{"client_name":"x"}`, "invalid_redirect_uri"},
		{"relative redirect", `{"redirect_uris":["/cb"]}`, "invalid_redirect_uri"},
		{"redirect with fragment", `{"redirect_uris":["https://app.example/#x"]}`, "invalid_redirect_uri"},
		{"redirect without TLS", `{"redirect_uris":["http://app.example/"]}`, "invalid_redirect_uri"},
		{"script", `{"redirect_uris":["javascript:alert(1)"]}`, "invalid_redirect_uri"},
		{"data", `{"redirect_uris":["data:text/html,x"]}`, "invalid_redirect_uri"},
		{"implicit", `{"redirect_uris":["` + redirectURI + `"],"grant_types":["implicit"]}`, "invalid_client_metadata"},
		{"token response", `{"redirect_uris":["` + redirectURI + `"],"response_types":["token"]}`, "invalid_client_metadata"},
		{"unknown method", `{"redirect_uris":["` + redirectURI + `"],"token_endpoint_auth_method":"client_secret_jwt"}`, "invalid_client_metadata"},
		{"keys missing", `{"redirect_uris":["` + redirectURI + `"],"token_endpoint_auth_method":"private_key_jwt"}`, "invalid_client_metadata"},
		{"nothing to grant", `{"redirect_uris":["` + redirectURI + `"],"scope":"system/*.rs"}`, "invalid_client_metadata"},
		{"long name", `{"redirect_uris":["` + redirectURI + `"],"client_name":"` + strings.Repeat("x", 101) + `"}`, "invalid_client_metadata"},
		{"backend service", `{"grant_types":["client_credentials"],"token_endpoint_auth_method":"private_key_jwt","scope":"system/*.rs","jwks":` + keys + `}`, "invalid_client_metadata"},
		{"backend service by secret", `{"grant_types":["client_credentials"],"scope":"system/*.rs"}`, "invalid_client_metadata"},
		{"refresh alone", `{"redirect_uris":["` + redirectURI + `"],"grant_types":["refresh_token"]}`, "invalid_client_metadata"},
	} {
		t.Run(c.name, func(t *testing.T) { wantError(t, e.register("", c.body), 400, c.want) })
	}
	wantError(t, e.post("register", "", url.Values{"redirect_uris": {redirectURI}}), 400, "invalid_client_metadata")
}

func TestRegistrationByToken(t *testing.T) {
	e := newEnv(t, func(o *authserver.Options) { o.Registration, o.InitialToken = authserver.RegistrationToken, "initial" })
	es := newES(t, "a")
	body := `{"grant_types":["client_credentials"],"token_endpoint_auth_method":"private_key_jwt","scope":"system/*.rs","jwks":` + string(jwks(t, es)) + `}`
	for _, authorization := range []string{"", "Bearer wrong", "initial:", "Bearer "} {
		a := e.register(authorization, body)
		wantError(t, a, 401, "invalid_token")
		if !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer ") {
			t.Errorf("%q", a.header.Get("WWW-Authenticate"))
		}
	}
	a := e.register("Bearer initial", body)
	if a.status != http.StatusCreated || a.text("scope") != "system/*.rs" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	id := a.text("client_id")
	e.wantToken(e.post("token", "", asking(e.assertion(es, jwt.MapClaims{"iss": id, "sub": id}))))
}

func TestRegistrationOff(t *testing.T) {
	e := newEnv(t)
	wantError(t, e.register("", `{"redirect_uris":["`+redirectURI+`"]}`), 403, "access_denied")
	without := newEnv(t, func(o *authserver.Options) { o.Registration = authserver.RegistrationToken })
	wantError(t, without.register("Bearer ", `{"redirect_uris":["`+redirectURI+`"]}`), 401, "invalid_token")
}

func TestRegistrationLimit(t *testing.T) {
	e := newEnv(t, openRegistration, func(o *authserver.Options) { o.Limits.Registration = authserver.Limit{PerSecond: 0.1, Burst: 2} })
	for range 2 {
		if a := e.register("", `{"redirect_uris":["`+redirectURI+`"]}`); a.status != http.StatusCreated {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	a := e.register("", `{"redirect_uris":["`+redirectURI+`"]}`)
	wantError(t, a, 429, "temporarily_unavailable")
	if a.header.Get("Retry-After") != "10" {
		t.Errorf("Retry-After %q", a.header.Get("Retry-After"))
	}
}
