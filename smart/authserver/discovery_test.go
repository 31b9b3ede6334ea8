package authserver_test

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"fhirside/smart/authserver"
)

func (e *env) get(path string) answered {
	e.t.Helper()
	r, err := http.NewRequestWithContext(e.t.Context(), http.MethodGet, e.origin+path, nil)
	must(e.t, err)
	return e.send(r, "")
}

func TestDiscovery(t *testing.T) {
	e := newEnv(t, func(o *authserver.Options) { o.Registration = authserver.RegistrationOpen })
	for path, required := range map[string][]string{
		"/fhir/.well-known/smart-configuration": {"issuer", "jwks_uri", "authorization_endpoint", "grant_types_supported", "token_endpoint",
			"token_endpoint_auth_methods_supported", "registration_endpoint", "scopes_supported", "response_types_supported", "introspection_endpoint",
			"revocation_endpoint", "capabilities", "code_challenge_methods_supported"},
		"/.well-known/openid-configuration": {"issuer", "authorization_endpoint", "token_endpoint", "jwks_uri", "response_types_supported",
			"subject_types_supported", "id_token_signing_alg_values_supported", "userinfo_endpoint"},
		"/.well-known/oauth-authorization-server": {"issuer", "authorization_endpoint", "token_endpoint", "response_types_supported"},
	} {
		a := e.get(path)
		if a.status != http.StatusOK || a.header.Get("Content-Type") != "application/json" || a.text("issuer") != e.origin {
			t.Errorf("%s: %d %v %s", path, a.status, a.header, a.body)
		}
		for _, name := range required {
			if a.json[name] == nil {
				t.Errorf("%s lacks %s", path, name)
			}
		}
		for name, value := range a.json {
			if url, ok := value.(string); ok && strings.HasSuffix(name, "_endpoint") && !strings.HasPrefix(url, e.origin+"/oauth/") {
				t.Errorf("%s: %s is %s", path, name, url)
			}
		}
		if methods, _ := json.Marshal(a.json["code_challenge_methods_supported"]); string(methods) != `["S256"]` {
			t.Errorf("%s: %s", path, methods)
		}
	}
	if a := newEnv(t).get("/.well-known/smart-configuration"); a.json["registration_endpoint"] != nil {
		t.Error("registration is off, and claimed")
	}
}

// Each endpoint that is claimed is there: it answers the method that it is for with something else than 404 and 405.
func TestClaimedEndpointsAreServed(t *testing.T) {
	e := newEnv(t, func(o *authserver.Options) { o.Registration = authserver.RegistrationOpen })
	for name, value := range e.get("/.well-known/openid-configuration").json {
		url, ok := value.(string)
		if !ok || !strings.HasSuffix(name, "_endpoint") && name != "jwks_uri" {
			continue
		}
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodOptions, http.MethodPut} {
			r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
			must(t, err)
			response, err := http.DefaultClient.Do(r)
			must(t, err)
			_, _ = io.Copy(io.Discard, response.Body)
			response.Body.Close()
			allowed := strings.Split(response.Header.Get("Allow"), ", ")
			switch {
			case response.StatusCode == http.StatusNotFound,
				response.StatusCode == http.StatusMethodNotAllowed && (allowed[0] == "" || slices.Contains(allowed, method)),
				response.StatusCode >= 500,
				method == http.MethodPut && response.StatusCode != http.StatusMethodNotAllowed,
				method == http.MethodOptions && response.StatusCode != http.StatusNoContent:
				t.Errorf("%s %s: %d, Allow %q", method, name, response.StatusCode, allowed)
			}
		}
	}
}

func TestJWKS(t *testing.T) {
	e := newEnv(t)
	a := e.get("/oauth/jwks")
	keys, _ := a.json["keys"].([]any)
	if a.status != http.StatusOK || len(keys) < 2 || strings.Contains(string(a.body), `"d"`) {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// Nothing that apps of other origins may use looks at a cookie or sets one.
func TestSharedPathsKnowNoCookies(t *testing.T) {
	e := newEnv(t)
	e.addUser("house")
	b := newBrowser(t, e.origin)
	house := user{name: "house", password: password, patient: "bob"}
	if b.follow(b.get(e.authorizeURL(e.request())), house).redirected().Get("code") == "" {
		t.Fatal("no code")
	}
	for _, path := range authserver.SharedPaths() {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			var got [2]string
			for i, c := range []*http.Client{b.http, http.DefaultClient} {
				r, err := http.NewRequestWithContext(t.Context(), method, e.origin+path, strings.NewReader("client_id=ehr&user=house&app=spa&token=x&grant_type=refresh_token"))
				must(t, err)
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				response, err := c.Do(r)
				must(t, err)
				body, err := io.ReadAll(response.Body)
				must(t, err)
				response.Body.Close()
				if got[i] = response.Status + string(body); response.Header.Get("Set-Cookie") != "" {
					t.Errorf("%s sets a cookie", path)
				}
			}
			if got[0] != got[1] {
				t.Errorf("%s %s: %s with cookies, else %s", method, path, got[0], got[1])
			}
		}
	}
}
