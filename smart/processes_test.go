package smart_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"fhirside/fhir"
	"fhirside/resources"
	"fhirside/resources/access"
	"fhirside/resources/store"
	"fhirside/resources/store/mongo"
	"fhirside/resources/store/mongo/mongotest"
	"fhirside/resources/store/sqlite"
	"fhirside/search"
	"fhirside/smart/account"
	"fhirside/smart/authserver"
	"fhirside/smart/client"
	"fhirside/smart/guard"
	"fhirside/smart/scope"
	"fhirside/smart/state"
	"fhirside/smart/token"
)

func TestMain(m *testing.M) { mongotest.Main(m) }

const (
	origin   = "https://clinic.example"
	base     = origin + "/fhir"
	redirect = "https://app.example/callback"
	verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
)

// process is a server with nothing in common with others but the database, and the time.
type process struct {
	*testing.T
	tables  *state.Tables
	keys    *token.Keys
	guard   *guard.Guard
	handler http.Handler
}

// clock runs with the system's, and can be put forward.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

func start(t *testing.T, s store.Store, c *clock) *process {
	t.Helper()
	p := &process{T: t, tables: state.New(s.State())}
	var err error
	if p.keys, err = token.New(t.Context(), token.Options{Table: p.tables.Keys, Now: c.Now, Wrapping: token.Given(token.WrappingKey{})}); err != nil {
		t.Fatal(err)
	}
	policies := scope.NewCompiler(scope.Options{Registry: search.R4, Base: base})
	p.guard = guard.New(guard.Options{
		Verify: guard.Own(p.keys, origin, base), Grants: p.tables.Grants, Now: c.Now,
		Policy: func(c guard.Claims) (access.Policy, error) {
			granted, err := scope.Parse(c.Scope)
			if err != nil {
				return nil, err
			}
			return policies.Policy(granted, scope.Subject{Patient: c.Patient, FHIRUser: c.FHIRUser, ClientID: c.Client, Grant: c.Grant})
		},
	})
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	authserver.New(authserver.Options{
		Origin: origin, Base: base, Tables: p.tables, Accounts: account.New(account.Options{Tables: p.tables, Now: c.Now}),
		Clients: client.New(client.Options{Tables: p.tables, Issuer: origin, Now: c.Now}), Keys: p.keys,
		Service: resources.New(resources.Options{Store: s, Base: base, Now: c.Now}), Policies: policies.Policy, Forget: p.guard.Forget, Now: c.Now,
	}).Mount(engine)
	p.handler = engine
	return p
}

// post sends a form and returns the status and the JSON answer.
func (p *process) post(path string, form url.Values) (int, map[string]any) {
	p.Helper()
	r := httptest.NewRequest(http.MethodPost, origin+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, r)
	var answer map[string]any
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			p.Fatalf("%s: %v", w.Body, err)
		}
	}
	return w.Code, answer
}

// given is a form that has to give an access token.
func (p *process) given(form url.Values) map[string]any {
	p.Helper()
	status, answer := p.post("/oauth/token", form)
	if status != http.StatusOK {
		p.Fatalf("%d %v", status, answer)
	}
	return answer
}

func (p *process) refused(form url.Values, code string) {
	p.Helper()
	if status, answer := p.post("/oauth/token", form); status < 400 || answer["error"] != code {
		p.Errorf("%d %v, not %s", status, answer, code)
	}
}

// admits says whether an access token opens the FHIR API.
func (p *process) admits(signed any) bool {
	p.Helper()
	r := httptest.NewRequest(http.MethodGet, base+"/Patient", nil)
	r.Header.Set("Authorization", fmt.Sprint("Bearer ", signed))
	_, err := p.guard.Policy(r)
	if refusal, ok := errors.AsType[*fhir.Error](err); err != nil && (!ok || refusal.Reason != fhir.Unauthenticated) {
		p.Fatal(err)
	}
	return err == nil
}

// code is what authorize would have given an app.
func (p *process) code(c *clock) string {
	p.Helper()
	value, sum := rand.Text(), sha256.Sum256([]byte(verifier))
	ctx, grant := p.Context(), rand.Text()
	_, err := p.tables.Grants.Put(ctx, state.Record[state.Grant]{Key: grant, Owner: "alice", Expires: c.Now().Add(time.Hour), Value: state.Grant{
		Client: "app", Account: "alice", FHIRUser: "Patient/alice", Scope: "patient/*.rs offline_access", Context: state.Context{Patient: "alice"}, Created: c.Now(),
	}})
	if err == nil {
		_, err = p.tables.Codes.Put(ctx, state.Record[state.Code]{Key: state.Hash(value), Owner: grant, Expires: c.Now().Add(time.Hour), Value: state.Code{
			Grant: grant, Client: "app", RedirectURI: redirect, Challenge: base64.RawURLEncoding.EncodeToString(sum[:]), Until: c.Now().Add(time.Minute),
		}})
	}
	if err != nil {
		p.Fatal(err)
	}
	return value
}

func redeem(code string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "client_id": {"app"}, "code": {code}, "redirect_uri": {redirect}, "code_verifier": {verifier}}
}

func refresh(token any) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "client_id": {"app"}, "refresh_token": {fmt.Sprint(token)}}
}

// TestTwoProcesses: what one server did, another one on the same database knows: at once where it is about a value for one use,
// within a second where it is about what has been given.
func TestTwoProcesses(t *testing.T) {
	for name, open := range map[string]func(*testing.T) [2]store.Store{
		"SQLite": func(t *testing.T) (two [2]store.Store) {
			path := filepath.Join(t.TempDir(), "two.db")
			for i := range two {
				s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { s.Close() })
				two[i] = s
			}
			return two
		},
		"MongoDB": func(t *testing.T) (two [2]store.Store) {
			uri := mongotest.URI(t)
			for i := range two {
				s, err := mongo.Open(t.Context(), uri, mongo.Options{})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { s.Close() })
				two[i] = s
			}
			return two
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, stores := &clock{}, open(t)
			a, b := start(t, stores[0], c), start(t, stores[1], c)
			private := register(t, a, c)
			for scenario, run := range map[string]func(*testing.T, *process, *process, *clock){
				"codes":      codes,
				"refreshes":  refreshes,
				"revocation": revocation,
				"rotation":   rotation,
				"assertions": func(t *testing.T, a, b *process, c *clock) { assertions(t, a, b, c, private) },
			} {
				t.Run(scenario, func(t *testing.T) {
					ofTest := func(p *process) *process { q := *p; q.T = t; return &q }
					run(t, ofTest(a), ofTest(b), c)
				})
			}
		})
	}
}

// register makes an account, an app and a backend service, whose key it returns.
func register(t *testing.T, p *process, c *clock) *ecdsa.PrivateKey {
	t.Helper()
	accounts := account.New(account.Options{Tables: p.tables, Now: c.Now})
	if _, err := accounts.Add(t.Context(), "alice", "Patient/alice", "correct horse battery", false); err != nil {
		t.Fatal(err)
	}
	private, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: private.Public(), KeyID: "1", Algorithm: "ES384", Use: "sig"}}})
	if err != nil {
		t.Fatal(err)
	}
	clients := client.New(client.Options{Tables: p.tables, Now: c.Now})
	for _, app := range []state.Client{
		{ID: "app", Type: state.Public, Redirects: []string{redirect}, Scope: "patient/*.rs offline_access"},
		{ID: "backend", Type: state.Backend, JWKS: set, Scope: "system/*.rs"},
	} {
		if err := clients.Add(t.Context(), app); err != nil {
			t.Fatal(err)
		}
	}
	return private
}

// codes: one that was used here is used there, also when both get it at once, and its second use ends what the first one gave.
func codes(t *testing.T, a, b *process, c *clock) {
	code := a.code(c)
	given := a.given(redeem(code))
	if !a.admits(given["access_token"]) || !b.admits(given["access_token"]) {
		t.Error("not admitted")
	}
	b.refused(redeem(code), "invalid_grant")
	if b.admits(given["access_token"]) {
		t.Error("the process that revoked it admits it")
	}
	c.pass(time.Second)
	if a.admits(given["access_token"]) {
		t.Error("admitted after a second")
	}
	a.refused(refresh(given["refresh_token"]), "invalid_grant")

	code = a.code(c)
	if won := race(a, b, redeem(code)); won != 1 {
		t.Errorf("redeemed %d times", won)
	}
}

// race sends a form to both processes, several times at once, and counts the successes.
func race(a, b *process, form url.Values) int {
	a.Helper()
	const times = 6
	won := make([]bool, times)
	var all sync.WaitGroup
	for i := range won {
		all.Go(func() {
			status, _ := []*process{a, b}[i%2].post("/oauth/token", form)
			won[i] = status == http.StatusOK
		})
	}
	all.Wait()
	n := 0
	for _, one := range won {
		if one {
			n++
		}
	}
	return n
}

// refreshes: a refresh token that was used here has been used there.
func refreshes(_ *testing.T, a, b *process, c *clock) {
	first := a.given(redeem(a.code(c)))
	second := b.given(refresh(first["refresh_token"]))
	third := a.given(refresh(second["refresh_token"]))
	b.refused(refresh(first["refresh_token"]), "invalid_grant")
	a.refused(refresh(third["refresh_token"]), "invalid_grant") // reuse ends the family
}

// revocation reaches the other process within a second.
func revocation(t *testing.T, a, b *process, c *clock) {
	given := a.given(redeem(a.code(c)))
	if !b.admits(given["access_token"]) {
		t.Fatal("not admitted")
	}
	if status, answer := a.post("/oauth/revoke", url.Values{"client_id": {"app"}, "token": {fmt.Sprint(given["refresh_token"])}}); status != http.StatusOK {
		t.Fatalf("%d %v", status, answer)
	}
	if a.admits(given["access_token"]) {
		t.Error("admitted where it was revoked")
	}
	c.pass(time.Second)
	if b.admits(given["access_token"]) {
		t.Error("admitted elsewhere after a second")
	}
	b.refused(refresh(given["refresh_token"]), "invalid_grant")
}

// rotation: what one process signs by a new key, the other one admits at once, and what was signed by the old one stays valid.
func rotation(t *testing.T, a, b *process, c *clock) {
	old := b.given(redeem(a.code(c)))
	if err := a.keys.Rotate(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	c.pass(200 * time.Millisecond)
	fresh := a.given(redeem(a.code(c)))
	for _, p := range []*process{a, b} {
		if !p.admits(old["access_token"]) || !p.admits(fresh["access_token"]) {
			t.Error("not admitted")
		}
	}
	c.pass(time.Second)
	there := b.given(redeem(a.code(c)))
	if kid(t, there) != kid(t, fresh) || kid(t, there) == kid(t, old) {
		t.Error("a second later the other process signs by the old key")
	}
}

func kid(t *testing.T, given map[string]any) any {
	t.Helper()
	parsed, _, err := jwt.NewParser().ParseUnverified(fmt.Sprint(given["access_token"]), jwt.MapClaims{})
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Header["kid"]
}

// assertions: of both processes, one takes an assertion, once.
func assertions(t *testing.T, a, b *process, c *clock, private *ecdsa.PrivateKey) {
	form := func() url.Values {
		made := jwt.NewWithClaims(jwt.SigningMethodES384, jwt.MapClaims{
			"iss": "backend", "sub": "backend", "aud": origin + "/oauth/token", "exp": c.Now().Add(4 * time.Minute).Unix(), "jti": rand.Text(),
		})
		made.Header["kid"] = "1"
		signed, err := made.SignedString(private)
		if err != nil {
			t.Fatal(err)
		}
		return url.Values{"grant_type": {"client_credentials"}, "scope": {"system/Patient.rs"}, "client_assertion_type": {client.AssertionType}, "client_assertion": {signed}}
	}
	once := form()
	if given := a.given(once); !b.admits(given["access_token"]) {
		t.Error("not admitted")
	}
	a.refused(once, "invalid_client")
	b.refused(once, "invalid_client")
	if won := race(a, b, form()); won != 1 {
		t.Errorf("taken %d times", won)
	}
}
