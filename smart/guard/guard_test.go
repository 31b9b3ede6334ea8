package guard_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fhirside/fhir"
	"fhirside/resources/access"
	"fhirside/resources/store/sqlite"
	"fhirside/smart/guard"
	"fhirside/smart/state"
)

// gate is a Guard on a store of its own, with a clock that stands. Its tokens are the ids of grants.
type gate struct {
	*guard.Guard
	tables   *state.Tables
	now      time.Time
	verified atomic.Int32
}

func newGate(t testing.TB) *gate {
	t.Helper()
	s, err := sqlite.Open(t.Context(), ":memory:", sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	g := &gate{tables: state.New(s.State()), now: time.Now()}
	began := g.now
	g.Guard = guard.New(guard.Options{
		Verify: func(_ context.Context, token string) (guard.Claims, error) {
			g.verified.Add(1)
			if strings.HasPrefix(token, "bad") {
				return guard.Claims{}, guard.Invalid(errors.New("bad"))
			}
			return guard.Claims{Grant: token, Expires: began.Add(time.Hour)}, nil
		},
		Policy: func(guard.Claims) (access.Policy, error) { return access.Everything, nil },
		Grants: g.tables.Grants,
		Now:    func() time.Time { return g.now },
	})
	return g
}

func (g *gate) grant(t testing.TB, id string) {
	t.Helper()
	if _, err := g.tables.Grants.Put(t.Context(), state.Record[state.Grant]{Key: id}); err != nil {
		t.Fatal(err)
	}
}

func (g *gate) revoke(t testing.TB, id string) {
	t.Helper()
	_, err := g.tables.Grants.Change(t.Context(), id, func(r *state.Record[state.Grant]) error {
		r.Value.Revoked = true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func request(header ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/fhir/Patient/1", http.NoBody)
	for _, value := range header {
		r.Header.Add("Authorization", value)
	}
	return r
}

func (g *gate) ask(token string) error {
	_, err := g.Policy(request("Bearer " + token))
	return err
}

func TestHeader(t *testing.T) {
	g := newGate(t)
	g.grant(t, "g1")
	for name, c := range map[string]struct {
		request *http.Request
		status  fhir.Reason
		code    string
	}{
		"none":         {request(), fhir.Unauthenticated, "login"},
		"basic":        {request("Basic bWFyaWE6cHc="), fhir.Unauthenticated, "login"},
		"only scheme":  {request("Bearer"), fhir.Unauthenticated, "unknown"},
		"two":          {request("Bearer g1", "Bearer g1"), fhir.Invalid, "invalid"},
		"bad":          {request("Bearer bad"), fhir.Unauthenticated, "unknown"},
		"no grant":     {request("Bearer g0"), fhir.Unauthenticated, "expired"},
		"in the query": {httptest.NewRequest(http.MethodGet, "/fhir/Patient/1?access_token=g1", http.NoBody), fhir.Unauthenticated, "login"},
		"in a form": {func() *http.Request {
			r := httptest.NewRequest(http.MethodPost, "/fhir/Patient/_search", strings.NewReader("access_token=g1"))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			return r
		}(), fhir.Unauthenticated, "login"},
		"in a cookie": {func() *http.Request {
			r := request()
			r.AddCookie(&http.Cookie{Name: "access_token", Value: "g1"})
			return r
		}(), fhir.Unauthenticated, "login"},
	} {
		policy, err := g.Policy(c.request)
		e, ok := errors.AsType[*fhir.Error](err)
		if !ok || policy != nil || e.Reason != c.status || e.Issues[0].Code.Code() != c.code {
			t.Errorf("%s: %v, %v", name, policy, err)
		}
		if ok && strings.Contains(e.Issues[0].Diagnostics, "bad") {
			t.Errorf("%s: the caller learns why: %s", name, e.Issues[0].Diagnostics)
		}
	}
	for _, header := range []string{"Bearer g1", "bearer g1", "BEARER  g1"} {
		if policy, err := g.Policy(request(header)); err != nil || policy != access.Everything {
			t.Errorf("%s: %v, %v", header, policy, err)
		}
	}
}

func TestTokensAreRemembered(t *testing.T) {
	g := newGate(t)
	g.grant(t, "g1")
	for range 3 {
		if err := g.ask("g1"); err != nil {
			t.Fatal(err)
		}
	}
	if n := g.verified.Load(); n != 1 {
		t.Errorf("verified %d times", n)
	}
	ends := g.now.Add(time.Hour)
	g.now = g.now.Add(time.Minute) // what the claims allow may have changed
	for range 3 {
		if err := g.ask("g1"); err != nil {
			t.Fatal(err)
		}
	}
	if n := g.verified.Load(); n != 2 {
		t.Errorf("after a minute verified %d times", n)
	}
	g.now = ends
	if err := g.ask("g1"); err == nil || !strings.Contains(err.Error(), "expired") {
		t.Errorf("after its time: %v", err)
	}
}

// What another process has revoked is noticed within half a second, what this one has, at once.
func TestRevocation(t *testing.T) {
	g := newGate(t)
	g.grant(t, "elsewhere")
	g.grant(t, "here")
	for _, token := range []string{"elsewhere", "here"} {
		if err := g.ask(token); err != nil {
			t.Fatal(err)
		}
		g.revoke(t, token)
	}
	if err := g.ask("elsewhere"); err != nil {
		t.Errorf("asked again within half a second: %v", err)
	}
	g.now = g.now.Add(500 * time.Millisecond)
	if err := g.ask("elsewhere"); err == nil {
		t.Error("after half a second the token is still taken")
	}

	g.now = g.now.Add(-500 * time.Millisecond)
	g.Forget("here")
	if err := g.ask("here"); err == nil {
		t.Error("what was revoked here is still taken")
	}
}

// A token that is being verified while its grant is revoked is not remembered as one that stands.
func TestRevocationWhileVerifying(t *testing.T) {
	s := newGate(t)
	s.grant(t, "g1")
	revoked := false
	g := guard.New(guard.Options{
		Verify: func(context.Context, string) (guard.Claims, error) {
			return guard.Claims{Grant: "g1", Expires: s.now.Add(time.Hour)}, nil
		},
		Policy: func(guard.Claims) (access.Policy, error) { return access.Everything, nil },
		Grants: s.tables.Grants, Now: func() time.Time { return s.now },
	})
	ask := func() error {
		_, err := g.Policy(request("Bearer t"))
		return err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 200 {
			if err := ask(); err != nil {
				return
			}
		}
	}()
	s.revoke(t, "g1")
	g.Forget("g1")
	revoked = ask() != nil
	<-done
	if !revoked {
		t.Error("a request after the revocation is let in")
	}
}

func BenchmarkPolicy(b *testing.B) {
	g := newGate(b)
	g.grant(b, "g1")
	r := request("Bearer g1")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := g.Policy(r); err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleGuard() {
	g := guard.New(guard.Options{Verify: func(context.Context, string) (guard.Claims, error) {
		return guard.Claims{}, guard.Expired()
	}})
	_, err := g.Policy(request("Bearer old"))
	fmt.Println(err)
	// Output: the access token has expired or was revoked
}
