package authserver_test

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"fhirside/smart/authserver"
	"fhirside/smart/state"
)

func (e *env) launch(launch state.Launch) string {
	e.t.Helper()
	value, err := authserver.NewLaunch(e.t.Context(), e.tables, rand.Reader, e.clock.Now(), launch)
	must(e.t, err)
	return value
}

func TestEHRLaunch(t *testing.T) {
	e := newEnv(t)
	e.addUser("house", "alice")
	house := user{name: "house", password: password}
	banner := false
	launch := func() string {
		return e.launch(state.Launch{Client: "spa", Account: "house", Context: state.Context{
			Patient: "bob", Encounter: "now", FHIRContext: json.RawMessage(`[{"reference":"ImagingStudy/1"}]`), NeedPatientBanner: &banner,
			Intent: "reconcile", SmartStyleURL: "https://clinic.example/style.json", Tenant: "north",
		}})
	}
	request := func(value string, changes ...string) url.Values {
		return e.request(append([]string{"launch", value, "scope", "launch patient/*.rs openid"}, changes...)...)
	}
	value := launch()
	a := e.wantToken(e.post("token", "", redeem(e.code(house, request(value)))))
	if a.text("patient") != "bob" || a.text("encounter") != "now" || a.json["need_patient_banner"] != false || a.text("intent") != "reconcile" ||
		a.text("smart_style_url") != "https://clinic.example/style.json" || a.text("tenant") != "north" ||
		!strings.Contains(string(a.body), `"fhirContext":[{"reference":"ImagingStudy/1"}]`) {
		t.Errorf("%s", a.body)
	}
	b := newBrowser(t, e.origin)
	for name, q := range map[string]url.Values{
		"used":              request(value),
		"another app's":     request(launch(), "client_id", "other"),
		"unknown":           request("abc"),
		"scope without it":  request(launch(), "scope", "launch/patient patient/*.rs"),
		"for another user":  request(launch()),
		"for another user+": request(launch(), "prompt", "login"),
	} {
		p := b.follow(b.get(e.authorizeURL(q)), user{name: "alice", password: password, patient: "alice"})
		if got := p.redirected(); got.Get("error") == "" || got.Has("code") || got.Get("state") == "" {
			t.Errorf("%s: %d %s", name, p.status, p.header.Get("Location"))
		}
	}
	late := launch()
	e.clock.add(5 * time.Minute)
	if got := b.get(e.authorizeURL(request(late))).redirected(); got.Get("error") != "invalid_request" {
		t.Errorf("too late: %v", got)
	}
	// Who takes ten minutes to sign in still gets what the app came for.
	slow := newBrowser(t, e.origin)
	p := slow.get(e.authorizeURL(request(launch())))
	e.clock.add(10 * time.Minute)
	if got := slow.follow(p, house).redirected(); got.Get("code") == "" {
		t.Errorf("slowly: %v", got)
	}
}

// Two requests with one launch: the first to end wins, whoever came first.
func TestLaunchIsForOneUse(t *testing.T) {
	for name, wait := range map[string]time.Duration{"at once": 0, "when it has run out": 6 * time.Minute} {
		t.Run(name, func(t *testing.T) { testLaunchIsForOneUse(t, wait) })
	}
}

func testLaunchIsForOneUse(t *testing.T, wait time.Duration) {
	e := newEnv(t)
	e.addUser("house")
	house := user{name: "house", password: password}
	value := e.launch(state.Launch{Client: "spa", Account: "house", Context: state.Context{Patient: "bob"}})
	q := e.request("launch", value, "scope", "launch patient/*.rs")
	one, two := newBrowser(t, e.origin), newBrowser(t, e.origin)
	first, second := one.get(e.authorizeURL(q)), two.get(e.authorizeURL(q))
	e.clock.add(wait)
	if got := two.follow(second, house).redirected(); got.Get("code") == "" {
		t.Fatalf("%v", got)
	}
	if got := one.follow(first, house).redirected(); got.Get("error") != "invalid_request" || got.Has("code") {
		t.Errorf("%v", got)
	}
}

// A launch does not open what its user may not see.
func TestLaunchOfAnotherPatient(t *testing.T) {
	e := newEnv(t)
	e.addUser("alice", "carol")
	for name, c := range map[string]struct {
		patient string
		allowed bool
	}{"alice": {"bob", false}, "carol": {"bob", false}} {
		value := e.launch(state.Launch{Client: "spa", Account: name, Context: state.Context{Patient: c.patient}})
		b := newBrowser(t, e.origin)
		p := b.follow(b.get(e.authorizeURL(e.request("launch", value, "scope", "launch patient/*.rs"))), user{name: name, password: password})
		if got := p.redirected(); got.Get("error") != "access_denied" || got.Has("code") {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestPicker(t *testing.T) {
	e := newEnv(t)
	e.addUser("house", "carol")
	b := newBrowser(t, e.origin)
	signIn := b.get(e.authorizeURL(e.request())).form("password")
	picker := b.submit(signIn, url.Values{"username": {"house"}, "password": {password}})
	f := picker.form("patient")
	if f == nil || strings.Join(f.radios["patient"], " ") != "alice bob" || !strings.Contains(picker.body, "Alice Adams") || !strings.Contains(picker.body, "2 May 1971") {
		t.Fatalf("%s", picker.body)
	}
	found := b.submit(picker.form("search"), url.Values{"search": {"bro"}, "find": {"find"}})
	if f := found.form("patient"); f == nil || strings.Join(f.radios["patient"], " ") != "bob" {
		t.Errorf("search: %s", found.body)
	}
	if p := b.submit(picker.form("search"), url.Values{"search": {"x,y$z|"}, "find": {"find"}}); p.status != http.StatusOK {
		t.Errorf("odd search: %d", p.status)
	}
	for name, fields := range map[string]url.Values{
		"unknown": {"patient": {"nobody"}},
		"no id":   {"patient": {"../x"}},
		"nobody":  {},
	} {
		if p := b.submit(f, fields); p.form("search") == nil || p.status/100 != 4 {
			t.Errorf("%s: %d", name, p.status)
		}
	}
	if p := newBrowser(t, e.origin).submit(f, url.Values{"patient": {"bob"}}); p.redirected() != nil || p.form("scope") != nil {
		t.Errorf("another browser: %d", p.status)
	}
	if got := b.submit(f, url.Values{"cancel": {"cancel"}}).redirected(); got.Get("error") != "access_denied" {
		t.Errorf("none: %v", got)
	}
	house := user{name: "house", password: password, patient: "bob"}
	a := e.wantToken(e.post("token", "", redeem(b.follow(b.submit(f, url.Values{"patient": {"bob"}}), house).redirected().Get("code"))))
	if a.text("patient") != "bob" || e.access(a.text("access_token")).FHIRUser != e.origin+"/fhir/Practitioner/house" {
		t.Errorf("%s", a.body)
	}
	// Who acts for somebody sees them alone.
	carol := newBrowser(t, e.origin)
	picker = carol.submit(carol.get(e.authorizeURL(e.request())).form("password"), url.Values{"username": {"carol"}, "password": {password}})
	if f = picker.form("patient"); f == nil || strings.Join(f.radios["patient"], " ") != "alice" || picker.form("search") != nil {
		t.Fatalf("%s", picker.body)
	}
	if p := carol.submit(f, url.Values{"patient": {"bob"}}); p.status != http.StatusForbidden || p.form("scope") != nil {
		t.Errorf("carol opens bob's record: %d", p.status)
	}
	if got := carol.follow(carol.submit(f, url.Values{"patient": {"alice"}}), user{}).redirected(); got.Get("code") == "" {
		t.Errorf("%v", got)
	}
}

// Nor does it where the pages are sent in another order than they were shown: the request is still there after the refusal.
func TestConsentDoesNotSkipTheLaunch(t *testing.T) {
	e := newEnv(t)
	e.addUser("alice")
	b := newBrowser(t, e.origin)
	value := e.launch(state.Launch{Client: "spa", Account: "alice", Context: state.Context{Patient: "bob"}})
	q := e.request("launch", value, "scope", "launch patient/*.rs", "prompt", "login")
	e.clock.add(time.Second)
	signIn := b.get(e.authorizeURL(q)).form("password")
	if p := b.submit(signIn, url.Values{"username": {"alice"}, "password": {password}}); !errorIs("access_denied")(p) {
		t.Fatalf("%d %s", p.status, p.header.Get("Location"))
	}
	e.clock.add(time.Second)
	own := b.get(e.authorizeURL(e.request())).form("scope")
	p := b.post(e.origin+"/oauth/consent", url.Values{
		"csrf": own.fields["csrf"], "request": signIn.fields["request"], "decision": {"allow"}, "scope": {"launch", "patient/*.rs"},
	})
	if p.redirected().Has("code") {
		t.Error("alice has opened bob's record")
	}
}

// A consent form that is sent before a patient was chosen does not skip the choice.
func TestConsentDoesNotSkipThePicker(t *testing.T) {
	e := newEnv(t)
	e.addUser("house")
	b := newBrowser(t, e.origin)
	f := b.submit(b.get(e.authorizeURL(e.request())).form("password"), url.Values{"username": {"house"}, "password": {password}}).form("patient")
	p := b.post(e.origin+"/oauth/consent", url.Values{
		"csrf": f.fields["csrf"], "request": f.fields["request"], "decision": {"allow"}, "scope": {"launch/patient", "patient/*.rs"},
	})
	if p.redirected() != nil || p.form("patient") == nil {
		t.Errorf("%d %s", p.status, p.header.Get("Location"))
	}
}

func TestEncounterContext(t *testing.T) {
	e := newEnv(t)
	e.addUser("alice", "bob")
	if a := e.tokens("scope", "launch/patient launch/encounter patient/*.rs"); a.text("encounter") != "now" || a.text("patient") != "alice" {
		t.Errorf("%s", a.body)
	}
	bob := user{name: "bob", password: password}
	a := e.wantToken(e.post("token", "", redeem(e.code(bob, e.request("scope", "launch/patient launch/encounter patient/*.rs")))))
	if _, ok := a.json["encounter"]; ok || a.scope() != "launch/patient patient/*.rs" {
		t.Errorf("nobody's encounter: %s", a.body)
	}
}

func TestCreateLaunch(t *testing.T) {
	e := newEnv(t)
	e.addUser("house")
	post := func(authorization, kind, body string) answered {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, e.origin+"/oauth/launch", strings.NewReader(body))
		must(t, err)
		r.Header.Set("Content-Type", kind)
		return e.send(r, authorization)
	}
	const form = "application/x-www-form-urlencoded"
	house := user{name: "house", password: password}
	for _, c := range []struct{ authorization, kind, body string }{
		{"ehr:" + secret, "application/json", `{"app":"spa","user":"house","patient":"bob","intent":"order","need_patient_banner":true,"fhirContext":[{"reference":"Observation/1"}]}`},
		{"ehr:" + secret, "application/json; charset=utf-8", `{"client_id":"spa","user":"house","patient":"Patient/bob","intent":"order"}`},
		{"ehr:" + secret, form, "app=spa&user=house&patient=bob&intent=order&need_patient_banner=true"},
		{"ehr:" + secret, form, "client_id=spa&user=house&patient=bob&intent=order"},
		{"", form, "client_id=ehr&client_secret=" + secret + "&app=spa&user=house&patient=bob&intent=order"},
	} {
		a := post(c.authorization, c.kind, c.body)
		if a.status != http.StatusCreated || a.text("launch") == "" || a.text("iss") != e.origin+"/fhir" {
			t.Errorf("%s: %d %s", c.body, a.status, a.body)
			continue
		}
		wantUncached(t, a)
		to, err := url.Parse(a.text("url"))
		must(t, err)
		if q := to.Query(); to.Host != "app.example" || q.Get("launch") != a.text("launch") || q.Get("iss") != e.origin+"/fhir" || q.Get("x") != "1" {
			t.Errorf("url %s", to)
		}
		got := e.wantToken(e.post("token", "", redeem(e.code(house, e.request("launch", a.text("launch"), "scope", "launch patient/*.rs")))))
		if got.text("patient") != "bob" || got.text("intent") != "order" {
			t.Errorf("%s", got.body)
		}
	}
	for _, c := range []struct {
		name, authorization, kind, body string
		status                          int
		want                            string
	}{
		{"nobody", "", "application/json", `{"app":"spa","user":"house"}`, 401, "invalid_client"},
		{"wrong secret", "ehr:wrong", "application/json", `{"app":"spa","user":"house"}`, 401, "invalid_client"},
		{"not trusted", "portal:" + secret, "application/json", `{"app":"spa","user":"house"}`, 403, "unauthorized_client"},
		{"public", "", form, `client_id=spa&user=house`, 401, "invalid_client"},
		{"no user", "ehr:" + secret, "application/json", `{"app":"spa"}`, 400, "invalid_request"},
		{"unknown user", "ehr:" + secret, "application/json", `{"app":"spa","user":"nobody"}`, 400, "invalid_request"},
		{"unknown app", "ehr:" + secret, "application/json", `{"app":"nobody","user":"house"}`, 400, "invalid_request"},
		{"bad id", "ehr:" + secret, "application/json", `{"app":"spa","user":"house","patient":"a b"}`, 400, "invalid_request"},
		{"bad banner", "ehr:" + secret, form, `app=spa&user=house&need_patient_banner=1`, 400, "invalid_request"},
		{"bad JSON", "ehr:" + secret, "application/json", `{"app":`, 400, "invalid_request"},
		{"bad fhirContext", "ehr:" + secret, "application/json", `{"app":"spa","user":"house","fhirContext":{}}`, 400, "invalid_request"},
		{"empty fhirContext", "ehr:" + secret, "application/json", `{"app":"spa","user":"house","fhirContext":[{}]}`, 400, "invalid_request"},
		{"patient in fhirContext", "ehr:" + secret, "application/json", `{"app":"spa","user":"house","fhirContext":[{"reference":"Patient/bob"}]}`, 400, "invalid_request"},
		{"other content", "ehr:" + secret, "text/plain", `app=spa`, 400, "invalid_request"},
		{"bad token", "Bearer x", "application/json", `{"app":"spa"}`, 401, "invalid_token"},
	} {
		t.Run(c.name, func(t *testing.T) { wantError(t, post(c.authorization, c.kind, c.body), c.status, c.want) })
	}
	// With an access token of a trusted app, the launch is for its user.
	q := e.request("client_id", "ehr", "scope", "user/*.rs")
	token := e.wantToken(e.post("token", "ehr:"+secret, redeem(e.code(house, q), "client_id", ""))).text("access_token")
	if a := post("Bearer "+token, "application/json", `{"app":"spa","patient":"bob"}`); a.status != http.StatusCreated {
		t.Errorf("%d %s", a.status, a.body)
	}
	// What holds the token is known of a confidential client; of a public one it may be the user, who speaks for nobody else.
	e.addUser("alice")
	for kind, want := range map[state.ClientType]int{state.Confidential: http.StatusCreated, state.Public: http.StatusForbidden} {
		_, err := e.tables.Clients.Change(t.Context(), "ehr", func(r *state.Record[state.Client]) error {
			r.Value.Type = kind
			return nil
		})
		must(t, err)
		if a := post("Bearer "+token, "application/json", `{"app":"spa","user":"alice"}`); a.status != want {
			t.Errorf("%s, for another user: %d %s", kind, a.status, a.body)
		}
		if a := post("Bearer "+token, "application/json", `{"app":"spa","user":"House"}`); a.status != http.StatusCreated {
			t.Errorf("%s, for its user: %d %s", kind, a.status, a.body)
		}
		if a := post("Bearer "+token, "application/json", `{"app":"spa","user":"nobody"}`); (a.status == want) != (kind == state.Public) {
			t.Errorf("%s, for nobody: %d %s", kind, a.status, a.body)
		}
	}
}
