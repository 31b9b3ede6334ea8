package authserver_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"fhirside/smart/authserver"
)

// totp is the code of an authenticator app (RFC 6238).
func totp(t testing.TB, secret string, at time.Time) string {
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	must(t, err)
	mac := hmac.New(sha1.New, key)
	must(t, binary.Write(mac, binary.BigEndian, at.Unix()/30))
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[offset:])&0x7fffffff)%1_000_000)
}

func TestSecondFactor(t *testing.T) {
	e := newEnv(t)
	e.addUser("alice")
	totpSecret, err := e.accounts.SetTOTP(t.Context(), "alice")
	must(t, err)
	b := newBrowser(t, e.origin)
	half := b.submit(b.get(e.authorizeURL(e.request())).form("password"), url.Values{"username": {"alice"}, "password": {password}})
	f := half.form("code")
	if f == nil || half.form("scope") != nil {
		t.Fatalf("%d %s", half.status, half.body)
	}
	// Half of a session is none.
	if p := b.get(e.authorizeURL(e.request("prompt", "none"))); !errorIs("login_required")(p) {
		t.Errorf("%d %s", p.status, p.header.Get("Location"))
	}
	if p := b.submit(f, url.Values{"code": {"000000"}}); p.status != http.StatusForbidden || p.form("code") == nil {
		t.Errorf("a wrong code: %d", p.status)
	}
	if p := b.submit(f, url.Values{"code": {totp(t, totpSecret, e.clock.Now())}, "csrf": {"x"}}); p.status != http.StatusForbidden || p.form("scope") != nil {
		t.Errorf("a wrong csrf: %d", p.status)
	}
	with2 := alice
	with2.code = func() string { return totp(t, totpSecret, e.clock.Now()) }
	if got := b.follow(half, with2).redirected(); got.Get("code") == "" {
		t.Errorf("%v", got)
	}
	late := newBrowser(t, e.origin)
	e.clock.add(time.Minute)
	f = late.submit(late.get(e.authorizeURL(e.request())).form("password"), url.Values{"username": {"alice"}, "password": {password}}).form("code")
	e.clock.add(10 * time.Minute)
	if p := late.submit(f, url.Values{"code": {totp(t, totpSecret, e.clock.Now())}}); p.form("password") == nil || p.form("scope") != nil {
		t.Errorf("too late: %d", p.status)
	}
}

func TestPagesGetOld(t *testing.T) {
	e := newEnv(t)
	e.addUser("alice")
	b := newBrowser(t, e.origin)
	f := b.get(e.authorizeURL(e.request())).form("password")
	e.clock.add(31 * time.Minute)
	if p := b.submit(f, url.Values{"username": {"alice"}, "password": {password}}); p.status != http.StatusBadRequest || p.redirected() != nil {
		t.Errorf("%d", p.status)
	}
}

// People click twice: both answers are good, and each code works for itself.
func TestConsentTwice(t *testing.T) {
	e := newEnv(t)
	e.addUser("alice")
	b := newBrowser(t, e.origin)
	f := b.submit(b.get(e.authorizeURL(e.request())).form("password"), url.Values{"username": {"alice"}, "password": {password}}).form("scope")
	for range 2 {
		e.wantToken(e.post("token", "", redeem(b.submit(f, url.Values{"decision": {"allow"}}).redirected().Get("code"))))
	}
	e.clock.add(2 * time.Minute)
	if p := b.submit(f, url.Values{"decision": {"allow"}}); p.redirected() != nil {
		t.Error("an answered page works on")
	}
}

func TestSignInLimit(t *testing.T) {
	e := newEnv(t, func(o *authserver.Options) { o.Limits.SignIn = authserver.Limit{PerSecond: 0.5, Burst: 2} })
	b := newBrowser(t, e.origin)
	f := b.get(e.authorizeURL(e.request())).form("password")
	for range 2 {
		b.submit(f, url.Values{"username": {"alice"}, "password": {"wrong"}})
	}
	if p := b.submit(f, url.Values{"username": {"alice"}, "password": {"wrong"}}); p.status != http.StatusTooManyRequests || p.header.Get("Retry-After") != "2" {
		t.Errorf("%d %v", p.status, p.header)
	}
}

func TestTokenLifetime(t *testing.T) {
	e := newEnv(t, func(o *authserver.Options) { o.TokenLifetime = 90 * time.Second })
	e.addUser("alice")
	a := e.tokens()
	if a.json["expires_in"] != 90.0 {
		t.Errorf("%s", a.body)
	}
	e.clock.add(89 * time.Second)
	if !e.active(a.text("access_token")) {
		t.Error("it has expired too early")
	}
	e.clock.add(time.Second)
	if e.active(a.text("access_token")) {
		t.Error("it lives too long")
	}
	es := newES(t, "es")
	e.addRobot(es)
	if a := e.wantToken(e.post("token", "", asking(e.assertion(es, nil)))); a.json["expires_in"] != 90.0 {
		t.Errorf("%s", a.body)
	}
}

// Without a base URL, the names of loopback are one.
func TestLoopback(t *testing.T) {
	e := newEnv(t, func(o *authserver.Options) { o.Loopback = true })
	port := e.origin[strings.LastIndex(e.origin, ":"):]
	for base, allowed := range map[string]bool{
		"http://localhost" + port + "/fhir":              true,
		"http://127.0.0.1" + port + "/fhir/":             true,
		"http://[::1]" + port + "/fhir":                  true,
		"https://localhost" + port + "/fhir":             false,
		"http://localhost/fhir":                          false,
		"http://localhost" + port + "/fhir2":             false,
		"http://localhost" + port + "/fhir?x":            false,
		"http://localhost" + port + "@evil.example/fhir": false,
		"http://evil.example" + port + "/fhir":           false,
	} {
		p := newBrowser(t, e.origin).get(e.authorizeURL(e.request("aud", base)))
		if (p.form("password") != nil) != allowed {
			t.Errorf("%s: %d %s", base, p.status, p.header.Get("Location"))
		}
	}
}

// Two processes on one database are one authorization server.
func TestTwoProcesses(t *testing.T) {
	e := newEnv(t)
	e.addUser("alice")
	engine := gin.New()
	authserver.New(e.server.Options).Mount(engine)
	second := httptest.NewServer(engine)
	t.Cleanup(second.Close)
	there := *e
	there.origin = second.URL
	for range 4 {
		code := e.code(alice, e.request())
		answers := make(chan answered, 2)
		go func() { answers <- e.post("token", "", redeem(code)) }()
		go func() { answers <- there.post("token", "", redeem(code)) }()
		a, b := <-answers, <-answers
		if (a.status == http.StatusOK) == (b.status == http.StatusOK) {
			t.Errorf("one code: %d and %d", a.status, b.status)
		}
		for _, x := range []answered{a, b} {
			if token := x.text("access_token"); token != "" && (e.active(token) || there.active(token)) {
				t.Error("what the first use gave still works")
			}
		}
	}
	mine := there.wantToken(there.post("token", "", redeem(e.code(alice, e.request()))))
	if a := e.post("revoke", "", url.Values{"token": {mine.text("access_token")}, "client_id": {"spa"}}); a.status != http.StatusOK {
		t.Errorf("%d", a.status)
	}
	if there.active(mine.text("access_token")) {
		t.Error("what one has revoked works at the other")
	}
	wantError(t, there.post("token", "", refreshing(mine.text("refresh_token"))), 400, "invalid_grant")
}

// Behind a proxy that serves other things as well, pages and endpoints have its prefix.
func TestPrefix(t *testing.T) {
	e := newEnv(t, func(o *authserver.Options) {
		o.Origin, o.Base = "https://clinic.example/records", "https://clinic.example/records/fhir"
	})
	f := newBrowser(t, e.origin).get(e.authorizeURL(e.request("aud", "https://clinic.example/records/fhir"))).form("password")
	if f == nil || f.action.Path != "/records/oauth/sign-in" {
		t.Errorf("%+v", f)
	}
	if a := e.get("/.well-known/oauth-authorization-server"); a.text("issuer") != "https://clinic.example/records" ||
		a.text("token_endpoint") != "https://clinic.example/records/oauth/token" {
		t.Errorf("%s", a.body)
	}
}
