package authserver_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"fhirside/smart/state"
)

// Errors that the app learns: each at its redirect URI, with state and iss, and never with a code.
func TestAuthorizeRefusals(t *testing.T) {
	e := newEnv(t)
	for _, c := range []struct {
		name    string
		changes []string
		want    string
	}{
		{"no aud", []string{"aud", ""}, "invalid_request"},
		{"aud of another server", []string{"aud", "https://evil.example/fhir"}, "invalid_request"},
		{"aud is the origin", []string{"aud", e.origin}, "invalid_request"},
		{"aud with more path", []string{"aud", e.origin + "/fhir/Patient"}, "invalid_request"},
		{"aud by another name of loopback", []string{"aud", strings.Replace(e.origin, "127.0.0.1", "localhost", 1) + "/fhir"}, "invalid_request"},
		{"no challenge", []string{"code_challenge", "", "code_challenge_method", ""}, "invalid_request"},
		{"method without challenge", []string{"code_challenge", ""}, "invalid_request"},
		{"plain", []string{"code_challenge", verifier, "code_challenge_method", "plain"}, "invalid_request"},
		{"plain by default", []string{"code_challenge", verifier, "code_challenge_method", ""}, "invalid_request"},
		{"other method", []string{"code_challenge_method", "S512"}, "invalid_request"},
		{"lower case method", []string{"code_challenge_method", "s256"}, "invalid_request"},
		{"short challenge", []string{"code_challenge", "abc"}, "invalid_request"},
		{"padded challenge", []string{"code_challenge", challenge() + "="}, "invalid_request"},
		{"no response_type", []string{"response_type", ""}, "invalid_request"},
		{"token", []string{"response_type", "token"}, "unsupported_response_type"},
		{"hybrid", []string{"response_type", "code id_token"}, "unsupported_response_type"},
		{"fragment", []string{"response_mode", "fragment"}, "invalid_request"},
		{"no scope", []string{"scope", ""}, "invalid_scope"},
		{"only scopes that are not registered", []string{"scope", "user/*.cud system/*.rs"}, "invalid_scope"},
		{"system scopes", []string{"scope", "system/*.rs"}, "invalid_scope"},
		{"unknown launch", []string{"launch", "abc", "scope", "launch patient/*.rs"}, "invalid_request"},
		{"request object", []string{"request", "e30.e30."}, "request_not_supported"},
		{"request_uri", []string{"request_uri", "https://app.example/r"}, "request_uri_not_supported"},
		{"registration", []string{"registration", "{}"}, "registration_not_supported"},
		{"prompt none and login", []string{"prompt", "none login"}, "invalid_request"},
		{"unknown prompt", []string{"prompt", "maybe"}, "invalid_request"},
		{"bad max_age", []string{"max_age", "soon"}, "invalid_request"},
		{"prompt none, nobody signed in", []string{"prompt", "none"}, "login_required"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				b, q := newBrowser(t, e.origin), e.request(c.changes...)
				var p *page
				if method == http.MethodGet {
					p = b.get(e.authorizeURL(q))
				} else {
					p = b.post(e.origin+"/oauth/authorize", q)
				}
				got := p.redirected()
				if !strings.HasPrefix(p.header.Get("Location"), redirectURI+"?") || got.Get("error") != c.want || got.Get("state") != "st 1/2" ||
					got.Get("iss") != e.origin || got.Has("code") || got.Get("error_description") == "" {
					t.Errorf("%s: %d %s", method, p.status, p.header.Get("Location"))
				}
			}
		})
	}
}

// A parameter may come only once (RFC 6749, section 3.1).
func TestAuthorizeTwice(t *testing.T) {
	e := newEnv(t)
	for name := range e.request() {
		q := e.request()
		q.Add(name, q.Get(name))
		p := newBrowser(t, e.origin).get(e.authorizeURL(q))
		switch got := p.redirected(); {
		case name == "client_id" || name == "redirect_uri":
			if p.status != http.StatusBadRequest || got != nil {
				t.Errorf("%s twice: %d %s", name, p.status, p.header.Get("Location"))
			}
		case got.Get("error") != "invalid_request" || name == "state" == got.Has("state"):
			t.Errorf("%s twice: %d %s", name, p.status, p.header.Get("Location"))
		}
	}
}

// Whoever is not known to be the app is told nothing: the person is.
func TestAuthorizeShowsErrors(t *testing.T) {
	e := newEnv(t)
	for _, c := range []struct {
		name    string
		changes []string
	}{
		{"no client", []string{"client_id", ""}},
		{"unknown client", []string{"client_id", "nobody"}},
		{"no redirect", []string{"redirect_uri", ""}},
		{"other redirect", []string{"redirect_uri", "https://evil.example/callback"}},
		{"other path", []string{"redirect_uri", redirectURI + "/x"}},
		{"slash", []string{"redirect_uri", redirectURI + "/"}},
		{"query", []string{"redirect_uri", redirectURI + "?a=b"}},
		{"other case", []string{"redirect_uri", "https://APP.example/callback"}},
		{"other port", []string{"redirect_uri", "https://app.example:444/callback"}},
		{"user info", []string{"redirect_uri", "https://app.example@evil.example/callback"}},
		{"backend service", []string{"client_id", "robot"}},
		{"loopback, other path", []string{"client_id", "portal", "redirect_uri", "http://127.0.0.1:5000/cb/x"}},
		{"loopback, other scheme", []string{"client_id", "portal", "redirect_uri", "https://127.0.0.1:5000/cb"}},
		{"loopback, other address", []string{"client_id", "portal", "redirect_uri", "http://127.0.0.2:5000/cb"}},
		{"loopback, name", []string{"client_id", "portal", "redirect_uri", "http://localhost:5000/cb"}},
		{"loopback in user info", []string{"client_id", "portal", "redirect_uri", "http://127.0.0.1:5000@evil.example/cb"}},
		{"loopback with user info", []string{"client_id", "portal", "redirect_uri", "http://x@127.0.0.1:5000/cb"}},
		{"loopback as a prefix", []string{"client_id", "portal", "redirect_uri", "http://127.0.0.1.evil.example/cb"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newBrowser(t, e.origin).get(e.authorizeURL(e.request(c.changes...)))
			if p.status != http.StatusBadRequest || p.header.Get("Location") != "" || !strings.HasPrefix(p.header.Get("Content-Type"), "text/html") {
				t.Errorf("%d %v", p.status, p.header)
			}
			if strings.Contains(p.body, "evil.example") {
				t.Error("the page repeats the address")
			}
		})
	}
}

func TestRedirectsThatAreRegistered(t *testing.T) {
	e := newEnv(t)
	for _, uri := range []string{"http://127.0.0.1/cb", "http://127.0.0.1:4711/cb", "http://[::1]:4711/cb", "http://[::1]/cb", "com.example.app:/cb"} {
		p := newBrowser(t, e.origin).get(e.authorizeURL(e.request("client_id", "portal", "redirect_uri", uri, "scope", "launch/patient")))
		if p.status != http.StatusOK || p.form("password") == nil {
			t.Errorf("%s: %d", uri, p.status)
		}
		p = newBrowser(t, e.origin).get(e.authorizeURL(e.request("client_id", "portal", "redirect_uri", uri, "aud", "")))
		if !strings.HasPrefix(p.header.Get("Location"), uri+"?") {
			t.Errorf("%s: %s", uri, p.header.Get("Location"))
		}
	}
}

func TestAuthorizeRequests(t *testing.T) {
	e := newEnv(t)
	for name, changes := range map[string][]string{
		"aud with a slash":          {"aud", e.origin + "/fhir/"},
		"without state":             {"state", ""},
		"unknown parameters":        {"foo", "bar"},
		"scope launch, no launch":   {"scope", "launch launch/patient patient/*.rs"},
		"unknown scopes beside":     {"scope", "launch/patient something"},
		"response_mode query":       {"response_mode", "query"},
		"empty optional parameters": {"prompt", "", "launch", ""},
	} {
		p := newBrowser(t, e.origin).get(e.authorizeURL(e.request(changes...)))
		if p.status != http.StatusOK || p.form("password") == nil {
			t.Errorf("%s: %d %s", name, p.status, p.header.Get("Location"))
		}
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodHead, e.authorizeURL(e.request()), nil)
	must(t, err)
	if a := e.send(request, ""); a.status != http.StatusOK {
		t.Errorf("HEAD: %d", a.status)
	}
}

func TestPostAuthorizeNeedsAForm(t *testing.T) {
	e := newEnv(t)
	response, err := http.Post(e.origin+"/oauth/authorize", "application/json", strings.NewReader("{}"))
	must(t, err)
	response.Body.Close()
	if response.StatusCode != http.StatusBadRequest {
		t.Errorf("status %d", response.StatusCode)
	}
}

func TestPagesAreHardened(t *testing.T) {
	e := newEnv(t)
	e.addUser("alice")
	b := newBrowser(t, e.origin)
	for _, p := range []*page{b.get(e.authorizeURL(e.request())), b.get(e.authorizeURL(e.request("client_id", "nobody")))} {
		h := p.header
		if h.Get("Cache-Control") != "no-store" || h.Get("X-Frame-Options") != "DENY" || h.Get("Referrer-Policy") != "no-referrer" ||
			!strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") || h.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("headers %v", h)
		}
	}
	last := b.follow(b.get(e.authorizeURL(e.request())), alice)
	if last.status != http.StatusSeeOther || last.header.Get("Cache-Control") != "no-store" || last.header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("%d %v", last.status, last.header)
	}
	if code := last.redirected().Get("code"); url.QueryEscape(code) != code || len(code) < 32 {
		t.Errorf("code %q", code)
	}
	if got := last.redirected(); got.Get("state") != "st 1/2" || got.Get("iss") != e.origin {
		t.Errorf("%v", got)
	}
}

func TestSignIn(t *testing.T) {
	e := newEnv(t)
	e.addUser("alice")
	b := newBrowser(t, e.origin)
	start := b.get(e.authorizeURL(e.request("login_hint", "Alice")))
	f := start.form("password")
	if f.fields.Get("username") != "Alice" {
		t.Errorf("login_hint: %v", f.fields)
	}
	if p := b.submit(f, url.Values{"username": {"alice"}, "password": {"wrong"}}); p.status != http.StatusForbidden || p.form("password") == nil {
		t.Errorf("a wrong password: %d", p.status)
	}
	if p := b.submit(f, url.Values{"username": {"nobody"}, "password": {"wrong"}}); p.status != http.StatusForbidden || p.form("password") == nil {
		t.Errorf("an unknown name: %d", p.status)
	}
	if p := b.submit(f, url.Values{"username": {"alice"}, "password": {password}, "csrf": {"x"}}); p.status != http.StatusForbidden || p.redirected() != nil {
		t.Errorf("a wrong csrf: %d", p.status)
	}
	if p := newBrowser(t, e.origin).submit(f, url.Values{"username": {"alice"}, "password": {password}}); p.status != http.StatusForbidden {
		t.Errorf("another browser: %d", p.status)
	}
	if p := b.submit(f, url.Values{"username": {"alice"}, "password": {password}, "request": {"x"}}); p.status != http.StatusBadRequest {
		t.Errorf("an unknown request: %d", p.status)
	}
	if p := b.submit(f, url.Values{"username": {"alice"}, "password": {password}}); p.form("scope") == nil {
		t.Errorf("the right password: %d %s", p.status, p.body)
	}
	for range 30 {
		if p := b.submit(f, url.Values{"username": {"bob"}, "password": {"wrong"}}); p.status == http.StatusTooManyRequests {
			if p.header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			return
		}
	}
	t.Error("guessing is not slowed down")
}

func TestConsentBelongsToTheSession(t *testing.T) {
	e := newEnv(t)
	e.addUser("alice", "bob")
	b := newBrowser(t, e.origin)
	consent := b.submit(b.get(e.authorizeURL(e.request())).form("password"), url.Values{"username": {"alice"}, "password": {password}}).form("scope")
	if consent == nil {
		t.Fatal("no consent page")
	}
	allow := url.Values{"decision": {"allow"}}
	for name, p := range map[string]*page{
		"wrong csrf":      b.submit(consent, url.Values{"decision": {"allow"}, "csrf": {"x"}}),
		"no csrf":         b.submit(consent, url.Values{"decision": {"allow"}, "csrf": nil}),
		"another browser": newBrowser(t, e.origin).submit(consent, allow),
		"no decision":     b.submit(consent, nil),
	} {
		if p.redirected() != nil {
			t.Errorf("%s: %s", name, p.header.Get("Location"))
		}
	}
	// Somebody else signs in, in another tab.
	e.clock.add(time.Second)
	other := b.get(e.authorizeURL(e.request("prompt", "login")))
	b.submit(other.form("password"), url.Values{"username": {"bob"}, "password": {password}})
	if p := b.submit(consent, allow); p.redirected() != nil {
		t.Error("bob has consented for alice")
	}
}

func TestConsent(t *testing.T) {
	e := newEnv(t)
	e.addUser("alice")
	q := e.request("scope", "launch/patient patient/Observation.rs patient/Condition.rs offline_access openid")
	b := newBrowser(t, e.origin)
	denied := alice
	denied.deny = true
	if got := b.follow(b.get(e.authorizeURL(q)), denied).redirected(); got.Get("error") != "access_denied" || got.Has("code") || got.Get("state") == "" {
		t.Errorf("denied: %v", got)
	}
	some := alice
	some.without = []string{"patient/Condition.rs", "offline_access"}
	a := e.wantToken(e.post("token", "", redeem(e.code(some, q))))
	if got := a.scope(); got != "launch/patient openid patient/Observation.rs" || a.text("refresh_token") != "" {
		t.Errorf("scope %q, %s", got, a.body)
	}
	none := alice
	none.without = strings.Fields(q.Get("scope"))
	if got := b.follow(b.get(e.authorizeURL(q)), none).redirected(); got.Get("error") != "access_denied" {
		t.Errorf("nothing allowed: %v", got)
	}
	// What was not asked for cannot be allowed.
	f := b.get(e.authorizeURL(q)).form("scope")
	p := b.submit(f, url.Values{"decision": {"allow"}, "scope": append(f.fields["scope"], "user/*.rs")})
	a = e.wantToken(e.post("token", "", redeem(p.redirected().Get("code"))))
	if strings.Contains(a.text("scope"), "user/") {
		t.Errorf("scope %q", a.text("scope"))
	}
}

func TestPrompts(t *testing.T) {
	e := newEnv(t)
	e.addUser("house")
	house := user{name: "house", password: password, patient: "alice"}
	b := newBrowser(t, e.origin)
	ehr := func(changes ...string) url.Values {
		return e.request(append([]string{"client_id", "ehr", "scope", "openid user/*.rs"}, changes...)...)
	}
	if got := b.follow(b.get(e.authorizeURL(ehr())), house).redirected(); got.Get("code") == "" {
		t.Fatalf("%v", got)
	}
	e.clock.add(time.Second)
	for _, c := range []struct {
		name string
		q    url.Values
		want func(*page) bool
	}{
		{"signed in, trusted", ehr(), func(p *page) bool { return p.redirected().Get("code") != "" && p.status == http.StatusFound }},
		{"none", ehr("prompt", "none"), func(p *page) bool { return p.redirected().Get("code") != "" }},
		{"none, a patient to choose", ehr("prompt", "none", "scope", "launch/patient patient/*.rs"), errorIs("interaction_required")},
		{"none, not trusted", e.request("prompt", "none", "scope", "openid user/*.rs"), errorIs("consent_required")},
		{"consent", ehr("prompt", "consent"), func(p *page) bool { return p.form("scope") != nil }},
		{"login", ehr("prompt", "login"), func(p *page) bool { return p.form("password") != nil }},
		{"select_account", ehr("prompt", "select_account"), func(p *page) bool { return p.form("password") != nil }},
		{"max_age long", ehr("max_age", "3600"), func(p *page) bool { return p.redirected().Get("code") != "" }},
	} {
		if p := b.get(e.authorizeURL(c.q)); !c.want(p) {
			t.Errorf("%s: %d %s", c.name, p.status, p.header.Get("Location"))
		}
	}
	e.clock.add(2 * time.Minute)
	if p := b.get(e.authorizeURL(ehr("max_age", "60"))); p.form("password") == nil {
		t.Errorf("max_age passed: %d", p.status)
	}
	if p := b.get(e.authorizeURL(ehr("max_age", "60", "prompt", "none"))); !errorIs("login_required")(p) {
		t.Errorf("max_age passed, none: %d %s", p.status, p.header.Get("Location"))
	}
	if got := b.follow(b.get(e.authorizeURL(ehr("prompt", "login"))), house).redirected(); got.Get("code") == "" {
		t.Errorf("after prompt=login: %v", got)
	}
}

func errorIs(code string) func(*page) bool {
	return func(p *page) bool { return p.redirected().Get("error") == code }
}

// Nobody but the account itself says whose record it is; what is removed while a page waits is not used.
func TestDisabledAccount(t *testing.T) {
	e := newEnv(t)
	e.addUser("alice")
	b := newBrowser(t, e.origin)
	consent := b.submit(b.get(e.authorizeURL(e.request())).form("password"), url.Values{"username": {"alice"}, "password": {password}}).form("scope")
	_, err := e.tables.Accounts.Change(context.Background(), "alice", func(r *state.Record[state.Account]) error {
		r.Value.Disabled = true
		return nil
	})
	must(t, err)
	if p := b.submit(consent, url.Values{"decision": {"allow"}}); p.redirected().Has("code") {
		t.Error("a disabled account has consented")
	}
}
