package client_test

import (
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"fhirside/resources/store"
	"fhirside/resources/store/sqlite"
	"fhirside/smart/client"
	"fhirside/smart/oauth"
	"fhirside/smart/state"
)

const (
	issuer   = "https://clinic.example"
	endpoint = issuer + "/oauth/token"
)

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// world is a registry on a store of its own.
type world struct {
	*testing.T
	*clock
	*client.Registry
}

func newWorld(t *testing.T, private bool) *world {
	t.Helper()
	c := newClock()
	s, err := sqlite.Open(t.Context(), sqlite.Memory, sqlite.Options{Now: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &world{t, c, client.New(client.Options{
		Tables: state.New(s.State()), Issuer: issuer, AllowPrivateJWKS: private, Now: c.Now, Log: slog.New(slog.DiscardHandler),
	})}
}

func (w *world) add(c state.Client) {
	w.Helper()
	if c.Scope == "" {
		c.Scope = "patient/*.rs"
	}
	if c.Type == state.Public && c.Redirects == nil {
		c.Redirects = []string{"https://app.example/callback"}
	}
	if err := w.Add(w.Context(), c); err != nil {
		w.Fatal(err)
	}
}

// ask sends a form with an Authorization header, and returns who it is from.
func (w *world) ask(authorization string, form url.Values) (string, error) {
	w.Helper()
	r := httptest.NewRequest(http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	if err := r.ParseForm(); err != nil {
		w.Fatal(err)
	}
	c, err := w.Authenticate(w.Context(), r, endpoint)
	return c.ID, err
}

// refused wants an OAuth error of a code that says something.
func (w *world) refused(name string, err error, code oauth.Code, says string) {
	w.Helper()
	refusal, ok := errors.AsType[*oauth.Error](err)
	if !ok || refusal.Code != code || !strings.Contains(refusal.Description, says) {
		w.Errorf("%s: %v, not %s with %q", name, err, code, says)
	}
}

func isRefusal(err error) bool {
	_, ok := errors.AsType[*oauth.Error](err)
	return ok
}

func basic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))
}

func TestSecrets(t *testing.T) {
	w := newWorld(t, false)
	made, kept, err := client.NewSecret(nil)
	if err != nil {
		t.Fatal(err)
	}
	const odd = "ä b:c%20+&="
	chosen, err := client.KeepSecret(t.Context(), odd)
	if err != nil {
		t.Fatal(err)
	}
	w.add(state.Client{ID: "made", Type: state.Confidential, Secret: kept})
	w.add(state.Client{ID: "https://app.example/a:b", Type: state.Confidential, Secret: chosen})
	w.add(state.Client{ID: "public", Type: state.Public})
	raw := func(id, secret string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
	}
	for name, good := range map[string]struct {
		id, authorization string
		form              url.Values
	}{
		"basic":                         {"made", basic("made", made), nil},
		"basic, and client_id as well":  {"made", basic("made", made), url.Values{"client_id": {"made"}}},
		"basic in small letters":        {"made", "b" + basic("made", made)[1:], nil},
		"post":                          {"made", "", url.Values{"client_id": {"made"}, "client_secret": {made}}},
		"a chosen one, encoded":         {"https://app.example/a:b", basic("https://app.example/a:b", odd), nil},
		"a chosen one, encoded, again":  {"https://app.example/a:b", basic("https://app.example/a:b", odd), nil},
		"a chosen one as curl sends it": {"https://app.example/a:b", raw(url.QueryEscape("https://app.example/a:b"), odd), nil},
		"public":                        {"public", "", url.Values{"client_id": {"public"}}},
		"public with an empty secret":   {"public", "", url.Values{"client_id": {"public"}, "client_secret": {""}}},
	} {
		if id, err := w.ask(good.authorization, good.form); err != nil || id != good.id {
			t.Errorf("%s: %q, %v", name, id, err)
		}
	}
	for name, bad := range map[string]struct {
		authorization string
		form          url.Values
		code          oauth.Code
		says          string
	}{
		"nobody":                    {"", nil, oauth.InvalidClient, "who it is"},
		"unknown":                   {"", url.Values{"client_id": {"unknown"}}, oauth.InvalidClient, "unknown"},
		"a very long id":            {"", url.Values{"client_id": {strings.Repeat("a", 5000)}}, oauth.InvalidClient, "who it is"},
		"wrong secret":              {basic("made", made+"x"), nil, oauth.InvalidClient, "wrong"},
		"no secret":                 {"", url.Values{"client_id": {"made"}}, oauth.InvalidClient, "prove"},
		"empty secret":              {basic("made", ""), nil, oauth.InvalidClient, "wrong"},
		"what is kept":              {basic("made", kept), nil, oauth.InvalidClient, "wrong"},
		"what is kept of a chosen":  {basic("https://app.example/a:b", chosen), nil, oauth.InvalidClient, "wrong"},
		"wrong chosen":              {basic("https://app.example/a:b", "no"), nil, oauth.InvalidClient, "wrong"},
		"wrong, by post":            {"", url.Values{"client_id": {"made"}, "client_secret": {"no"}}, oauth.InvalidClient, "wrong"},
		"secret of another":         {basic("https://app.example/a:b", made), nil, oauth.InvalidClient, "wrong"},
		"secret of a public one":    {basic("public", ""), nil, oauth.InvalidClient, "wrong"},
		"secret of an unknown one":  {basic("unknown", made), nil, oauth.InvalidClient, "wrong"},
		"two ways":                  {basic("made", made), url.Values{"client_secret": {made}}, oauth.InvalidRequest, "more than one"},
		"two clients":               {basic("made", made), url.Values{"client_id": {"public"}}, oauth.InvalidClient, "another"},
		"another scheme":            {"Bearer x", url.Values{"client_id": {"public"}}, oauth.InvalidClient, "Basic"},
		"broken base64":             {"Basic !", nil, oauth.InvalidClient, "cannot be read"},
		"no colon":                  {"Basic bWFkZQ==", nil, oauth.InvalidClient, "cannot be read"},
		"an assertion that is none": {"", url.Values{"client_assertion_type": {client.AssertionType}, "client_assertion": {"x"}}, oauth.InvalidClient, "cannot be read"},
		"a type, and no assertion":  {"", url.Values{"client_id": {"public"}, "client_assertion_type": {client.AssertionType}}, oauth.InvalidClient, "cannot be read"},
	} {
		_, err := w.ask(bad.authorization, bad.form)
		w.refused(name, err, bad.code, bad.says)
		if err != nil && strings.Contains(err.Error(), made) {
			t.Errorf("%s: the error tells the secret", name)
		}
	}
}

func TestLives(t *testing.T) {
	w := newWorld(t, false)
	app := state.Client{ID: "app", Type: state.Public, Redirects: []string{"https://app.example/callback"}, Scope: "patient/*.rs"}
	if err := w.Replace(t.Context(), app); !errors.Is(err, store.ErrNotFound) {
		t.Error("replaced what is not there:", err)
	}
	w.add(app)
	if err := w.Add(t.Context(), app); !errors.Is(err, store.ErrConflict) {
		t.Error("registered twice:", err)
	}
	w.pass(time.Hour)
	app.Name = "App"
	if err := w.Replace(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	if got, err := w.Tables.Clients.Get(t.Context(), "app"); err != nil || got.Value.Name != "App" || !got.Value.Created.Equal(w.Now().Add(-time.Hour)) {
		t.Errorf("%+v, %v", got.Value, err)
	}
	for id, of := range map[string]string{"1": "app", "2": "other"} {
		if _, err := w.Tables.Grants.Put(t.Context(), state.Record[state.Grant]{Key: id, Value: state.Grant{Client: of}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Remove(t.Context(), "app"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.ask("", url.Values{"client_id": {"app"}}); err == nil {
		t.Error("removed, and still there")
	}
	for id, revoked := range map[string]bool{"1": true, "2": false} {
		if g, err := w.Tables.Grants.Get(t.Context(), id); err != nil || g.Value.Revoked != revoked {
			t.Errorf("grant %s: %+v, %v", id, g.Value, err)
		}
	}
	if err := w.Remove(t.Context(), "app"); err != nil {
		t.Error(err)
	}
}
