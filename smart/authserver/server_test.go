package authserver_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/gin-gonic/gin"

	"fhirside/fhir"
	"fhirside/resources"
	"fhirside/resources/access"
	"fhirside/resources/store/sqlite"
	"fhirside/search"
	"fhirside/smart/account"
	"fhirside/smart/authserver"
	"fhirside/smart/client"
	passwords "fhirside/smart/password"
	"fhirside/smart/scope"
	"fhirside/smart/state"
	"fhirside/smart/token"
)

// clock is set by tests.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// env is a clinic with its authorization server.
type env struct {
	t         testing.TB
	clock     *clock
	tables    *state.Tables
	accounts  *account.Accounts
	keys      *token.Keys
	service   *resources.Service
	server    *authserver.Server
	origin    string
	forgotten *sync.Map // grants of which the guard was told
	log       *bytes.Buffer
}

const (
	redirectURI = "https://app.example/callback"
	verifier    = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	secret      = "a-secret-that-is-long-enough-to-be-one"
	password    = "correct horse battery"
)

func challenge() string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

var clinic = []string{
	`{"resourceType":"Patient","id":"alice","name":[{"use":"official","family":"Adams","given":["Alice"]}],"gender":"female","birthDate":"1971-05-02"}`,
	`{"resourceType":"Patient","id":"bob","name":[{"family":"Brown","given":["Bob"]}]}`,
	`{"resourceType":"Practitioner","id":"house","name":[{"family":"House","given":["Gregory"]}]}`,
	`{"resourceType":"RelatedPerson","id":"carol","patient":{"reference":"Patient/alice"}}`,
	`{"resourceType":"Encounter","id":"old","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/alice"},"period":{"start":"2020-01-01"}}`,
	`{"resourceType":"Encounter","id":"now","status":"in-progress","class":{"code":"AMB"},"subject":{"reference":"Patient/alice"},"period":{"start":"2019-01-01"}}`,
}

func newEnv(t testing.TB, change ...func(*authserver.Options)) *env {
	t.Helper()
	gin.SetMode(gin.ReleaseMode)
	e := &env{t: t, clock: &clock{now: time.Now().Truncate(time.Second)}, log: &bytes.Buffer{}, forgotten: &sync.Map{}}
	ctx := t.Context()
	s, err := sqlite.Open(ctx, sqlite.Memory, sqlite.Options{Now: e.clock.Now})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	engine := gin.New()
	http := httptest.NewServer(engine)
	t.Cleanup(http.Close)
	e.origin = http.URL
	e.tables = state.New(s.State())
	e.accounts = account.New(account.Options{Tables: e.tables, Now: e.clock.Now})
	for _, r := range signingKeys() {
		_, err := e.tables.Keys.Put(ctx, r)
		must(t, err)
	}
	e.keys, err = token.New(ctx, token.Options{Table: e.tables.Keys, Now: e.clock.Now, Wrapping: token.Given(token.WrappingKey{})})
	must(t, err)
	clients := client.New(client.Options{Tables: e.tables, Issuer: e.origin, Now: e.clock.Now})
	e.service = resources.New(resources.Options{Store: s, Base: e.origin + "/fhir", Now: e.clock.Now})
	for _, text := range clinic {
		e.write(text)
	}
	scopes := scope.NewCompiler(scope.Options{Registry: search.R4, Base: e.origin + "/fhir", ActsFor: func(id string) ([]string, error) {
		return authserver.ActsFor(ctx, e.service, e.origin+"/fhir", e.clock.Now(), id)
	}})
	o := authserver.Options{
		Origin: e.origin, Base: e.origin + "/fhir", Tables: e.tables, Accounts: e.accounts, Clients: clients, Keys: e.keys,
		Service: e.service, Policies: scopes.Policy, Forget: func(grant string) { e.forgotten.Store(grant, true) },
		Clinic: "The Clinic", Now: e.clock.Now, Log: slog.New(slog.NewTextHandler(e.log, nil)),
	}
	for _, f := range change {
		f(&o)
	}
	e.server = authserver.New(o)
	e.server.Mount(engine)
	for _, c := range apps {
		e.addClient(c)
	}
	return e
}

// signingKeys and hash are slow to make: all tests have the same.
var (
	signingKeys = sync.OnceValue(func() (made []state.Record[state.Key]) {
		s, err := sqlite.Open(context.Background(), sqlite.Memory, sqlite.Options{})
		if err != nil {
			panic(err)
		}
		defer s.Close()
		keys := state.New(s.State()).Keys
		if _, err := token.New(context.Background(), token.Options{Table: keys, Wrapping: token.Given(token.WrappingKey{})}); err != nil {
			panic(err)
		}
		for r, err := range keys.List(context.Background(), "") {
			if err != nil {
				panic(err)
			}
			made = append(made, state.Record[state.Key]{Key: r.Key, Owner: r.Owner, Expires: r.Expires, Value: r.Value})
		}
		return made
	})
	hash = sync.OnceValues(func() (string, error) { return passwords.Hash(context.Background(), password) })
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// write puts a resource into the records.
func (e *env) write(text string) {
	e.t.Helper()
	r, err := fhir.Parse([]byte(text))
	must(e.t, err)
	_, err = e.service.Update(e.t.Context(), access.Everything, r.Type(), r.ID(), r, resources.Conditions{})
	must(e.t, err)
}

// apps that are registered.
var apps = []state.Client{
	{ID: "spa", Name: "Health Diary", Type: state.Public, Redirects: []string{redirectURI}, LaunchURL: "https://app.example/launch?x=1",
		Scope: "launch launch/patient launch/encounter openid fhirUser offline_access online_access patient/*.cruds user/*.rs"},
	{ID: "portal", Type: state.Confidential, Secret: state.Hash(secret), Redirects: []string{redirectURI, "http://127.0.0.1/cb", "http://[::1]:80/cb", "com.example.app:/cb"},
		Scope: "launch/patient openid offline_access patient/Observation.rs patient/Patient.r"},
	{ID: "ehr", Name: "The EHR", Type: state.Confidential, Secret: state.Hash(secret), Redirects: []string{redirectURI}, Trusted: true,
		Scope: "launch launch/patient openid fhirUser online_access user/*.cruds patient/*.rs"},
	{ID: "other", Type: state.Public, Redirects: []string{redirectURI}, Scope: "launch launch/patient patient/*.rs offline_access"},
}

func (e *env) addClient(c state.Client) {
	e.t.Helper()
	_, err := e.tables.Clients.Put(e.t.Context(), state.Record[state.Client]{Key: c.ID, Value: c})
	must(e.t, err)
}

// people who can sign in, by name.
var people = map[string]string{"alice": "Patient/alice", "bob": "Patient/bob", "house": "Practitioner/house", "carol": "RelatedPerson/carol"}

func (e *env) addUser(names ...string) {
	e.t.Helper()
	for _, name := range names {
		kept, err := hash()
		must(e.t, err)
		_, err = e.tables.Accounts.Put(e.t.Context(), state.Record[state.Account]{Key: name, Value: state.Account{
			Name: name, FHIRUser: people[name], Password: kept, Created: e.clock.Now(),
		}})
		must(e.t, err)
	}
}

// request is an authorization request of spa that works, with some parameters changed; "" leaves one out.
func (e *env) request(changes ...string) url.Values {
	q := url.Values{
		"response_type": {"code"}, "client_id": {"spa"}, "redirect_uri": {redirectURI}, "state": {"st 1/2"},
		"scope": {"launch/patient patient/*.rs openid fhirUser offline_access"}, "aud": {e.origin + "/fhir"},
		"code_challenge": {challenge()}, "code_challenge_method": {"S256"}, "nonce": {"n-1"},
	}
	return with(q, changes...)
}

func with(q url.Values, changes ...string) url.Values {
	for i := 0; i < len(changes); i += 2 {
		if q.Set(changes[i], changes[i+1]); changes[i+1] == "" {
			q.Del(changes[i])
		}
	}
	return q
}

func (e *env) authorizeURL(q url.Values) string { return e.origin + "/oauth/authorize?" + q.Encode() }

// code is one that a person gets for an app.
func (e *env) code(u user, q url.Values) string {
	e.t.Helper()
	p := newBrowser(e.t, e.origin)
	last := p.follow(p.get(e.authorizeURL(q)), u)
	code := last.redirected().Get("code")
	if code == "" {
		e.t.Fatalf("no code: %d %s %s", last.status, last.header.Get("Location"), last.body)
	}
	return code
}

var alice = user{name: "alice", password: password}

// answered is an answer of an endpoint.
type answered struct {
	status int
	header http.Header
	body   []byte
	json   map[string]any
}

// scope are the words of the answer's scope, in order.
func (a answered) scope() string { return sorted(a.text("scope")) }

func sorted(scope string) string {
	words := strings.Fields(scope)
	slices.Sort(words)
	return strings.Join(words, " ")
}

func (a answered) text(name string) string { s, _ := a.json[name].(string); return s }

// post sends a form to an endpoint below /oauth. authorization is "" for none, "id:secret" for Basic, else the header.
func (e *env) post(path, authorization string, form url.Values) answered {
	e.t.Helper()
	r, err := http.NewRequestWithContext(e.t.Context(), http.MethodPost, e.origin+"/oauth/"+path, strings.NewReader(form.Encode()))
	must(e.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return e.send(r, authorization)
}

func (e *env) send(r *http.Request, authorization string) answered {
	e.t.Helper()
	if id, secret, ok := strings.Cut(authorization, ":"); ok {
		r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
	} else if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	response, err := http.DefaultClient.Do(r)
	must(e.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	must(e.t, err)
	a := answered{status: response.StatusCode, header: response.Header, body: body}
	if len(body) > 0 {
		if err := json.Unmarshal(body, &a.json); err != nil {
			e.t.Fatalf("%s %s: the answer is no JSON: %s", r.Method, r.URL.Path, body)
		}
	}
	return a
}

// redeem is the token request of spa for a code.
func redeem(code string, changes ...string) url.Values {
	return with(url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirectURI}, "code_verifier": {verifier}, "client_id": {"spa"},
	}, changes...)
}

func refreshing(token string, changes ...string) url.Values {
	return with(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}, "client_id": {"spa"}}, changes...)
}

// wantToken is an answer with tokens.
func (e *env) wantToken(a answered) answered {
	e.t.Helper()
	if a.status != http.StatusOK || a.text("access_token") == "" {
		e.t.Fatalf("%d %s", a.status, a.body)
	}
	wantUncached(e.t, a)
	return a
}

func wantUncached(t testing.TB, a answered) {
	t.Helper()
	if a.header.Get("Cache-Control") != "no-store" || a.header.Get("Pragma") != "no-cache" || a.header.Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", a.header)
	}
}

// wantError is an answer with an OAuth error.
func wantError(t testing.TB, a answered, status int, code string) {
	t.Helper()
	if a.status != status || a.text("error") != code {
		t.Errorf("got %d %s, want %d %s", a.status, a.body, status, code)
	}
	wantUncached(t, a)
}

// tokens are those of alice, for spa.
func (e *env) tokens(changes ...string) answered {
	e.t.Helper()
	return e.wantToken(e.post("token", "", redeem(e.code(alice, e.request(changes...)))))
}

// active says whether a token works, by introspection.
func (e *env) active(text string) bool {
	e.t.Helper()
	a := e.post("introspect", "portal:"+secret, url.Values{"token": {text}})
	if a.status != http.StatusOK {
		e.t.Fatalf("introspection: %d %s", a.status, a.body)
	}
	active, _ := a.json["active"].(bool)
	return active
}

func (e *env) access(text string) token.Access {
	e.t.Helper()
	a, err := e.keys.VerifyAccess(context.Background(), e.origin, e.origin+"/fhir", text)
	must(e.t, err)
	return a
}

// idToken are the claims of an id_token, whose signature is checked by the published keys.
func (e *env) idToken(text, audience string) map[string]any {
	e.t.Helper()
	verifier := oidc.NewVerifier(e.origin, oidc.NewRemoteKeySet(e.t.Context(), e.origin+"/oauth/jwks"), &oidc.Config{ClientID: audience, Now: e.clock.Now})
	id, err := verifier.Verify(e.t.Context(), text)
	must(e.t, err)
	claims := map[string]any{}
	must(e.t, id.Claims(&claims))
	return claims
}
