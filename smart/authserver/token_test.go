package authserver_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"fhirside/resources/store"
	"fhirside/smart/authserver"
	"fhirside/smart/client"
	"fhirside/smart/state"
)

func TestStandaloneLaunch(t *testing.T) {
	e := newEnv(t)
	e.addUser("alice")
	a := e.tokens()
	if a.text("token_type") != "Bearer" || a.json["expires_in"] != 3600.0 || a.text("patient") != "alice" || a.json["need_patient_banner"] != true ||
		a.scope() != "fhirUser launch/patient offline_access openid patient/*.rs" || a.text("refresh_token") == "" {
		t.Errorf("%s", a.body)
	}
	for _, absent := range []string{"encounter", "fhirContext", "intent", "tenant", "smart_style_url"} {
		if _, ok := a.json[absent]; ok {
			t.Errorf("the answer has %s", absent)
		}
	}
	access := e.access(a.text("access_token"))
	if access.ClientID != "spa" || access.Subject != "alice" || access.Patient != "alice" || access.FHIRUser != e.origin+"/fhir/Patient/alice" ||
		access.Scope != a.text("scope") || access.Expires.Sub(access.Issued) != time.Hour || access.Grant == "" || access.ID == "" {
		t.Errorf("%+v", access)
	}
	id := e.idToken(a.text("id_token"), "spa")
	if id["sub"] != "alice" || id["nonce"] != "n-1" || id["fhirUser"] != e.origin+"/fhir/Patient/alice" || id["iss"] != e.origin ||
		id["auth_time"] == nil || id["name"] != "Alice Adams" {
		t.Errorf("%v", id)
	}
	// An id_token is no access token.
	if _, err := e.keys.VerifyAccess(t.Context(), e.origin, e.origin+"/fhir", a.text("id_token")); err == nil {
		t.Error("an id_token passes as an access token")
	}
	if strings.Contains(e.log.String(), "alice") {
		t.Errorf("the log names people: %s", e.log)
	}
}

func TestScopesOfTokens(t *testing.T) {
	e := newEnv(t)
	e.addUser("alice")
	for _, c := range []struct{ asked, granted string }{
		{"launch/patient patient/Observation.read", "launch/patient patient/Observation.read"},
		{"patient/Observation.rs?category=laboratory", "patient/Observation.rs?category=laboratory"},
		{"launch patient/Observation.rs", "patient/Observation.rs"},
		{"openid patient/*.rs nonsense", "openid patient/*.rs"},
	} {
		a := e.tokens("scope", c.asked)
		if a.scope() != sorted(c.granted) || a.text("patient") != "alice" || a.text("refresh_token") != "" {
			t.Errorf("%s: %s", c.asked, a.body)
		}
		if strings.Contains(c.granted, "openid") != (a.text("id_token") != "") {
			t.Errorf("%s: id_token %q", c.asked, a.text("id_token"))
		}
	}
	if id := e.idToken(e.tokens("scope", "openid user/*.rs").text("id_token"), "spa"); id["fhirUser"] != nil {
		t.Errorf("fhirUser without its scope: %v", id)
	}
	// A confidential client that is registered for less.
	q := e.request("client_id", "portal", "scope", "launch/patient patient/*.cruds offline_access")
	a := e.wantToken(e.post("token", "portal:"+secret, redeem(e.code(alice, q), "client_id", "")))
	if got := a.text("scope"); strings.Contains(got, "*") || !strings.Contains(got, "patient/Observation.rs") {
		t.Errorf("scope %q", got)
	}
}

func TestTokenRefusals(t *testing.T) {
	e := newEnv(t)
	e.addUser("alice")
	code := e.code(alice, e.request())
	form := func(changes ...string) url.Values { return redeem(code, changes...) }
	for _, c := range []struct {
		name          string
		authorization string
		form          url.Values
		status        int
		want          string
	}{
		{"nothing", "", url.Values{}, 400, "invalid_request"},
		{"no grant_type", "", form("grant_type", ""), 400, "invalid_request"},
		{"password", "", form("grant_type", "password"), 400, "unsupported_grant_type"},
		{"no code", "", form("code", ""), 400, "invalid_request"},
		{"unknown code", "", form("code", "abc"), 400, "invalid_grant"},
		{"no verifier", "", form("code_verifier", ""), 400, "invalid_request"},
		{"wrong verifier", "", form("code_verifier", strings.Repeat("a", 43)), 400, "invalid_grant"},
		{"challenge as verifier", "", form("code_verifier", challenge()), 400, "invalid_grant"},
		{"short verifier", "", form("code_verifier", "a"), 400, "invalid_grant"},
		{"no redirect_uri", "", form("redirect_uri", ""), 400, "invalid_request"},
		{"other redirect_uri", "", form("redirect_uri", "https://app.example/other"), 400, "invalid_grant"},
		{"no client", "", form("client_id", ""), 401, "invalid_client"},
		{"unknown client", "", form("client_id", "nobody"), 401, "invalid_client"},
		{"other client's code", "", form("client_id", "other"), 400, "invalid_grant"},
		{"other client's code, proved", "portal:" + secret, form("client_id", ""), 400, "invalid_grant"},
		{"no secret", "", form("client_id", "portal"), 401, "invalid_client"},
		{"wrong secret", "portal:wrong", form("client_id", ""), 401, "invalid_client"},
		{"wrong secret by post", "", form("client_id", "portal", "client_secret", "wrong"), 401, "invalid_client"},
		{"secret of a public client", "spa:" + secret, form(), 401, "invalid_client"},
		{"no refresh_token", "", url.Values{"grant_type": {"refresh_token"}, "client_id": {"spa"}}, 400, "invalid_request"},
		{"unknown refresh_token", "", refreshing("abc"), 400, "invalid_grant"},
		{"unknown refresh_token, no client", "", refreshing("abc", "client_id", ""), 400, "invalid_grant"},
		{"code as refresh_token", "", refreshing(code), 400, "invalid_grant"},
		{"client_credentials of a public client", "", url.Values{"grant_type": {"client_credentials"}, "client_id": {"spa"}, "scope": {"system/*.rs"}}, 400, "unauthorized_client"},
		{"client_credentials by secret", "portal:" + secret, url.Values{"grant_type": {"client_credentials"}, "scope": {"system/*.rs"}}, 400, "unauthorized_client"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := e.post("token", c.authorization, c.form)
			wantError(t, a, c.status, c.want)
			basic := strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Basic ")
			if want := c.status == 401 && c.authorization != ""; basic != want {
				t.Errorf("WWW-Authenticate: %q", a.header.Get("WWW-Authenticate"))
			}
		})
	}
	for name := range form() {
		f := form()
		f.Add(name, f.Get(name))
		wantError(t, e.post("token", "", f), 400, "invalid_request")
	}
	// None of that has used the code up.
	e.wantToken(e.post("token", "", form()))
}

func TestTokenTakesFormsByPost(t *testing.T) {
	e := newEnv(t)
	for _, c := range []struct {
		method, kind, body string
		status             int
	}{
		{http.MethodPost, "application/json", `{"grant_type":"refresh_token"}`, 400},
		{http.MethodPost, "", "grant_type=refresh_token", 400},
		{http.MethodPost, "multipart/form-data; boundary=x", "--x--", 400},
		{http.MethodPost, "application/x-www-form-urlencoded", "a=%zz", 400},
		{http.MethodPost, "application/x-www-form-urlencoded", "a=%ff", 400},
		{http.MethodPost, "application/x-www-form-urlencoded", "a=" + strings.Repeat("x", 100_000), 413},
		{http.MethodGet, "", "", 405},
		{http.MethodPut, "application/x-www-form-urlencoded", "grant_type=refresh_token", 405},
		{http.MethodDelete, "", "", 405},
	} {
		for _, path := range []string{"token", "introspect", "revoke"} {
			r, err := http.NewRequestWithContext(t.Context(), c.method, e.origin+"/oauth/"+path+"?grant_type=refresh_token&client_id=spa", strings.NewReader(c.body))
			must(t, err)
			if c.kind != "" {
				r.Header.Set("Content-Type", c.kind)
			}
			a := e.send(r, "")
			wantError(t, a, c.status, "invalid_request")
			if c.status == 405 && a.header.Get("Allow") != "POST" {
				t.Errorf("Allow: %q", a.header.Get("Allow"))
			}
		}
	}
}

func TestCodeIsForOneUse(t *testing.T) {
	e := newEnv(t)
	e.addUser("alice")
	code := e.code(alice, e.request())
	first := e.wantToken(e.post("token", "", redeem(code)))
	// Somebody who is not the app learns nothing, and ends nothing.
	wantError(t, e.post("token", "", redeem(code, "client_id", "other")), 400, "invalid_grant")
	if !e.active(first.text("access_token")) {
		t.Fatal("another client has revoked the grant")
	}
	wantError(t, e.post("token", "", redeem(code)), 400, "invalid_grant")
	if e.active(first.text("access_token")) || e.active(first.text("refresh_token")) {
		t.Error("what the first use gave still works")
	}
	wantError(t, e.post("token", "", refreshing(first.text("refresh_token"))), 400, "invalid_grant")
	if _, told := e.forgotten.Load(e.access(first.text("access_token")).Grant); !told {
		t.Error("the guard was not told")
	}
}

func TestCodeExpires(t *testing.T) {
	e := newEnv(t)
	e.addUser("alice")
	code := e.code(alice, e.request())
	e.clock.add(59 * time.Second)
	e.wantToken(e.post("token", "", redeem(code)))
	code = e.code(alice, e.request())
	e.clock.add(60 * time.Second)
	wantError(t, e.post("token", "", redeem(code)), 400, "invalid_grant")
}

func TestRefresh(t *testing.T) {
	e := newEnv(t)
	e.addUser("alice")
	first := e.tokens()
	signedIn := e.idToken(first.text("id_token"), "spa")["auth_time"]
	e.clock.add(24 * time.Hour)
	second := e.wantToken(e.post("token", "", refreshing(first.text("refresh_token"))))
	for _, same := range []string{"scope", "patient", "token_type"} {
		if second.text(same) != first.text(same) {
			t.Errorf("%s: %q", same, second.text(same))
		}
	}
	if second.text("refresh_token") == first.text("refresh_token") || second.text("refresh_token") == "" {
		t.Error("no rotation")
	}
	id := e.idToken(second.text("id_token"), "spa")
	if id["nonce"] != nil || id["auth_time"] != signedIn {
		t.Errorf("id_token %v", id)
	}
	// Three months later, and without client_id, as several libraries do.
	e.clock.add(92 * 24 * time.Hour)
	third := e.wantToken(e.post("token", "", refreshing(second.text("refresh_token"), "client_id", "")))
	e.clock.add(92 * 24 * time.Hour)
	fourth := e.wantToken(e.post("token", "", refreshing(third.text("refresh_token"))))
	// Reuse ends the family.
	wantError(t, e.post("token", "", refreshing(second.text("refresh_token"))), 400, "invalid_grant")
	wantError(t, e.post("token", "", refreshing(fourth.text("refresh_token"))), 400, "invalid_grant")
	if e.active(fourth.text("access_token")) {
		t.Error("the access token still works")
	}
}

func TestRefreshOfOthers(t *testing.T) {
	e := newEnv(t)
	e.addUser("alice")
	mine := e.tokens()
	wantError(t, e.post("token", "", refreshing(mine.text("refresh_token"), "client_id", "other")), 400, "invalid_grant")
	wantError(t, e.post("token", "portal:"+secret, refreshing(mine.text("refresh_token"), "client_id", "")), 400, "invalid_grant")
	q := e.request("client_id", "portal", "scope", "launch/patient patient/Observation.rs offline_access")
	theirs := e.wantToken(e.post("token", "", redeem(e.code(alice, q), "client_id", "portal", "client_secret", secret)))
	// Only public clients may leave out who they are.
	wantError(t, e.post("token", "", refreshing(theirs.text("refresh_token"), "client_id", "")), 401, "invalid_client")
	wantError(t, e.post("token", "", refreshing(theirs.text("refresh_token"), "client_id", "portal")), 401, "invalid_client")
	// Nobody has used it up by that.
	e.wantToken(e.post("token", "portal:"+secret, refreshing(theirs.text("refresh_token"), "client_id", "")))
	e.wantToken(e.post("token", "", refreshing(mine.text("refresh_token"))))
}

func TestRefreshScope(t *testing.T) {
	e := newEnv(t)
	e.addUser("alice")
	first := e.tokens("scope", "launch/patient patient/Observation.rs patient/Condition.r offline_access")
	for _, wide := range []string{
		"patient/Observation.cruds", "patient/*.rs", "user/Observation.rs", "openid", "patient/Observation.rs patient/Patient.r", "system/*.rs", "online_access",
	} {
		wantError(t, e.post("token", "", refreshing(first.text("refresh_token"), "scope", wide)), 400, "invalid_scope")
	}
	second := e.wantToken(e.post("token", "", refreshing(first.text("refresh_token"), "scope", "patient/Observation.rs?category=laboratory")))
	if got := e.access(second.text("access_token")).Scope; got != "patient/Observation.rs?category=laboratory" || second.text("scope") != got || second.text("patient") != "alice" {
		t.Errorf("%s", second.body)
	}
	// Narrowing is for once.
	third := e.wantToken(e.post("token", "", refreshing(second.text("refresh_token"))))
	if third.scope() != first.scope() {
		t.Errorf("scope %q", third.text("scope"))
	}
	// What the registration has lost is lost.
	_, err := e.tables.Clients.Change(t.Context(), "spa", func(r *state.Record[state.Client]) error {
		r.Value.Scope = "launch/patient patient/Observation.r offline_access"
		return nil
	})
	must(t, err)
	fourth := e.wantToken(e.post("token", "", refreshing(third.text("refresh_token"))))
	if got := fourth.text("scope"); strings.Contains(got, "Condition") || strings.Contains(got, "Observation.rs") {
		t.Errorf("scope %q", got)
	}
}

func TestOnlineAccess(t *testing.T) {
	e := newEnv(t)
	e.addUser("alice")
	b := newBrowser(t, e.origin)
	q := e.request("scope", "launch/patient patient/*.rs online_access")
	code := b.follow(b.get(e.authorizeURL(q)), alice).redirected().Get("code")
	first := e.wantToken(e.post("token", "", redeem(code)))
	second := e.wantToken(e.post("token", "", refreshing(first.text("refresh_token"))))
	signOut := b.get(e.origin + "/oauth/sign-out").form("csrf")
	if p := b.submit(signOut, url.Values{"csrf": {"x"}}); p.status != http.StatusForbidden {
		t.Errorf("a forged form: %d", p.status)
	}
	second = e.wantToken(e.post("token", "", refreshing(second.text("refresh_token"))))
	if p := b.submit(signOut, nil); p.status != http.StatusOK || !strings.Contains(p.body, "signed out") {
		t.Errorf("%d %s", p.status, p.body)
	}
	if p := b.get(e.origin + "/oauth/sign-out"); p.status != http.StatusOK || len(p.forms) > 0 {
		t.Errorf("%d %s", p.status, p.body)
	}
	wantError(t, e.post("token", "", refreshing(second.text("refresh_token"))), 400, "invalid_grant")
	if e.active(second.text("refresh_token")) {
		t.Error("introspection says that it works")
	}
	// Offline access goes on, until the account is removed.
	offline := e.tokens()
	for r, err := range e.tables.Sessions.List(t.Context(), "alice") {
		must(t, err)
		must(t, e.tables.Sessions.Delete(t.Context(), r.Key))
	}
	offline = e.wantToken(e.post("token", "", refreshing(offline.text("refresh_token"))))
	must(t, e.accounts.Remove(t.Context(), "alice"))
	wantError(t, e.post("token", "", refreshing(offline.text("refresh_token"))), 400, "invalid_grant")
}

// Who acts for somebody does so for as long as the records say.
func TestDelegationEnds(t *testing.T) {
	e := newEnv(t)
	e.addUser("carol")
	carol := user{name: "carol", password: password, patient: "alice"}
	first := e.wantToken(e.post("token", "", redeem(e.code(carol, e.request()))))
	second := e.wantToken(e.post("token", "", refreshing(first.text("refresh_token"))))
	e.write(`{"resourceType":"RelatedPerson","id":"carol","patient":{"reference":"Patient/alice"},"period":{"end":"` + e.clock.Now().AddDate(0, 0, 1).Format(time.DateOnly) + `"}}`)
	third := e.wantToken(e.post("token", "", refreshing(second.text("refresh_token"))))
	e.clock.add(3 * 24 * time.Hour)
	wantError(t, e.post("token", "", refreshing(third.text("refresh_token"))), 400, "invalid_grant")
	b := newBrowser(t, e.origin)
	if p := b.follow(b.get(e.authorizeURL(e.request())), carol); p.redirected() != nil || strings.Contains(p.body, "Adams") {
		t.Errorf("%d %s", p.status, p.body)
	}
}

// Of many who use a refresh token at once one is given tokens, and the family ends.
func TestRefreshRace(t *testing.T) {
	e := newEnv(t)
	e.addUser("alice")
	first := e.tokens()
	const many = 8
	answers := make(chan answered, many)
	for range many {
		go func() { answers <- e.post("token", "", refreshing(first.text("refresh_token"))) }()
	}
	won := 0
	for range many {
		if a := <-answers; a.status == http.StatusOK {
			won++
		} else if a.text("error") != "invalid_grant" {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	if won != 1 {
		t.Errorf("%d got tokens", won)
	}
	if e.active(first.text("access_token")) {
		t.Error("the family lives on")
	}
}

func TestTokenLimits(t *testing.T) {
	e := newEnv(t, func(o *authserver.Options) { o.Limits.Failure = authserver.Limit{PerSecond: 1, Burst: 12} })
	e.addUser("alice")
	for i := range 12 {
		path := []string{"token", "introspect", "revoke", "launch"}[i%4]
		if a := e.post(path, "portal:wrong", redeem("abc", "client_id", "", "token", "x")); a.status != http.StatusUnauthorized {
			t.Fatalf("%s: %d %s", path, a.status, a.body)
		}
	}
	for _, path := range []string{"token", "introspect", "revoke", "launch"} {
		a := e.post(path, "portal:"+secret, redeem("abc", "client_id", "", "token", "x"))
		wantError(t, a, 429, "temporarily_unavailable")
		if a.header.Get("Retry-After") != "1" {
			t.Errorf("Retry-After %q", a.header.Get("Retry-After"))
		}
	}
	// Others are not kept waiting, nor is this one for long.
	e.tokens()
	e.clock.add(2 * time.Second)
	wantError(t, e.post("token", "portal:wrong", redeem("abc", "client_id", "")), 401, "invalid_client")
}

// down is a database that cannot be reached.
type down struct{ store.State }

func (down) Get(context.Context, string, string) (store.Entry, error) {
	return store.Entry{}, errors.New("it is down")
}

// A client that tries again while the database is down has done nothing wrong, and is served when that is back.
func TestFaultsAreNotFailures(t *testing.T) {
	e := newEnv(t, func(o *authserver.Options) {
		o.Limits.Failure = authserver.Limit{PerSecond: 1, Burst: 2}
		o.Clients = client.New(client.Options{Tables: state.New(down{})})
	})
	for i := range 8 {
		path := []string{"token", "introspect", "revoke", "launch"}[i%4]
		wantError(t, e.post(path, "portal:"+secret, redeem("abc", "client_id", "", "token", "x")), 500, "server_error")
	}
}
