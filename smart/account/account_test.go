package account

import (
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fhirside/resources/store/sqlite"
	"fhirside/smart/state"
)

// clinic is Accounts on a store of its own, and a clock that stands until it is moved.
type clinic struct {
	*Accounts
	now time.Time
}

func (c *clinic) wait(d time.Duration) { c.now = c.now.Add(d) }

func open(t *testing.T, o Options) *clinic {
	t.Helper()
	s, err := sqlite.Open(t.Context(), ":memory:", sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	c := &clinic{now: time.Now()}
	o.Tables, o.Now = state.New(s.State()), func() time.Time { return c.now }
	c.Accounts = New(o)
	return c
}

const typed = "correct horse"

func (c *clinic) add(t *testing.T, name string) state.Account {
	t.Helper()
	account, err := c.Add(t.Context(), name, "Patient/"+strings.ToLower(name), typed, false)
	if err != nil {
		t.Fatal(err)
	}
	return account
}

func TestAdd(t *testing.T) {
	c := open(t, Options{})
	c.add(t, "Maria")
	for _, refused := range []struct{ name, fhirUser, password, because string }{
		{"maria", "Patient/1", typed, "there is an account"},
		{"MARIA", "Patient/1", typed, "there is an account"},
		{"", "Patient/1", typed, "cannot be a user name"},
		{"ma ria", "Patient/1", typed, "cannot be a user name"},
		{strings.Repeat("a", 300), "Patient/1", typed, "cannot be a user name"},
		{"jo", "Organization/1", typed, "nobody who can sign in"},
		{"jo", "Patient/", typed, "nobody who can sign in"},
		{"jo", "https://other.example/Patient/1", typed, "nobody who can sign in"},
		{"jo", "Patient/1", "short", "too short"},
		{"jo", "Patient/1", "control\x00character", "no valid password"},
	} {
		if _, err := c.Add(t.Context(), refused.name, refused.fhirUser, refused.password, false); err == nil || !strings.Contains(err.Error(), refused.because) {
			t.Errorf("%+v: %v", refused, err)
		}
	}
	var names []string
	for account, err := range c.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, account.Name)
	}
	if fmt.Sprint(names) != "[maria]" {
		t.Errorf("accounts: %v", names)
	}
}

func (c *clinic) try(t *testing.T, name, password, address string) error {
	t.Helper()
	_, err := c.Authenticate(t.Context(), name, password, Browser{Address: address})
	return err
}

func TestAuthenticate(t *testing.T) {
	c := open(t, Options{})
	c.add(t, "maria")
	account, err := c.Authenticate(t.Context(), "Maria", typed, Browser{Address: "192.0.2.1:4711"})
	if err != nil || account.FHIRUser != "Patient/maria" {
		t.Fatalf("%+v, %v", account, err)
	}
	for _, wrong := range [][2]string{{"maria", "wrong horse"}, {"nobody", typed}, {"ma ria", typed}, {"maria", ""}, {"maria", "\xff"}} {
		if err := c.try(t, wrong[0], wrong[1], "192.0.2.1"); !errors.Is(err, ErrWrong) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	if err := c.SetPassword(t.Context(), "maria", "another horse"); err != nil {
		t.Fatal(err)
	}
	if err := c.try(t, "maria", typed, "192.0.2.1"); !errors.Is(err, ErrWrong) {
		t.Errorf("the old password: %v", err)
	}
	if err := c.try(t, "maria", "another horse", "192.0.2.1"); err != nil {
		t.Errorf("the new password: %v", err)
	}
	if err := c.Remove(t.Context(), "maria"); err != nil {
		t.Fatal(err)
	}
	if err := c.try(t, "maria", "another horse", "192.0.2.1"); !errors.Is(err, ErrWrong) {
		t.Errorf("a removed account: %v", err)
	}
	if err := c.Remove(t.Context(), "maria"); !errors.Is(err, ErrUnknown) {
		t.Errorf("removed twice: %v", err)
	}
}

// A password that was kept with less effort is kept anew at the next sign-in.
func TestStale(t *testing.T) {
	c := open(t, Options{})
	c.add(t, "maria")
	_, err := c.change(t.Context(), "maria", func(a *state.Account) error {
		a.Password = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := c.try(t, "maria", "password", "192.0.2.1"); err != nil {
			t.Fatal(err)
		}
		if a, _ := c.Get(t.Context(), "maria"); !strings.Contains(a.Password, "m=19456,t=2") {
			t.Errorf("kept as %s", a.Password)
		}
	}
}

// guess fails until it has to wait, and returns how often it could and how long it has to.
func (c *clinic) guess(t *testing.T, name, address string) (tries int, wait time.Duration) {
	t.Helper()
	for {
		err := c.try(t, name, "wrong horse", address)
		if many, ok := errors.AsType[*TooManyError](err); ok {
			return tries, many.Wait
		}
		if !errors.Is(err, ErrWrong) {
			t.Fatal(err)
		}
		tries++
	}
}

func TestBackOff(t *testing.T) {
	for _, name := range []string{"maria", "nobody"} { // what does not exist behaves alike
		c := open(t, Options{})
		c.add(t, "maria")
		if tries, wait := c.guess(t, name, "192.0.2.1"); tries != 5 || wait != time.Second {
			t.Errorf("%s: %d tries, then %v", name, tries, wait)
		}
		if err := c.try(t, "maria", typed, "192.0.2.1"); name == "maria" && err == nil {
			t.Error("the right password is looked at during the wait")
		}
		for i, want := range []time.Duration{2, 4, 8, 16, 32} {
			c.wait(time.Hour)
			if tries, wait := c.guess(t, name, "192.0.2.1"); tries != 1 || wait != want*time.Second {
				t.Errorf("%s, %d: %d tries, then %v", name, i, tries, wait)
			}
		}
		c.wait(forget + time.Second)
	}
}

// Guessing from many addresses makes the owner wait for half a minute, and not at all where they have signed in before.
func TestOwnerIsNotLockedOut(t *testing.T) {
	c := open(t, Options{})
	account := c.add(t, "maria")
	w := httptest.NewRecorder()
	if _, err := c.SignIn(t.Context(), w, account); err != nil {
		t.Fatal(err)
	}
	home := c.BrowserOf(requestWith(w))
	for i := range 40 {
		c.wait(31 * time.Second)
		if err := c.try(t, "maria", "wrong horse", fmt.Sprintf("2001:db8:%x::1", i)); !errors.Is(err, ErrWrong) {
			t.Fatal(err)
		}
	}
	err := c.try(t, "maria", typed, "192.0.2.9")
	if many, ok := errors.AsType[*TooManyError](err); !ok || many.Wait > 30*time.Second || many.Seconds() > 30 {
		t.Errorf("a new browser: %v", err)
	}
	if _, err := c.Authenticate(t.Context(), "maria", typed, home); err != nil {
		t.Errorf("the owner's browser: %v", err)
	}
	for range 5 {
		if _, err := c.Authenticate(t.Context(), "maria", "wrong horse", home); !errors.Is(err, ErrWrong) {
			t.Error(err)
		}
	}
	if _, err := c.Authenticate(t.Context(), "maria", typed, home); err == nil {
		t.Error("a known browser can guess on and on")
	}
	c.add(t, "jonas")
	if _, err := c.Authenticate(t.Context(), "jonas", "wrong horse", home); !errors.Is(err, ErrWrong) {
		t.Error(err)
	}
	if known, err := c.knows(t.Context(), "jonas", home); known != "" || err != nil {
		t.Errorf("another person's browser is known: %q, %v", known, err)
	}
}

func TestAddress(t *testing.T) {
	c := open(t, Options{})
	c.add(t, "maria")
	tries := 0
	for i := range 60 {
		err := c.try(t, fmt.Sprintf("nobody%d", i), typed, fmt.Sprintf("[2001:db8::%x]:4711", i))
		if errors.Is(err, ErrWrong) {
			tries++
		}
	}
	if tries != byAddress.free {
		t.Errorf("one network tried %d accounts", tries)
	}
	if err := c.try(t, "maria", typed, "192.0.2.1"); err != nil {
		t.Errorf("another network: %v", err)
	}
	for address, want := range map[string]string{
		"192.0.2.1:80": "192.0.2.1", "192.0.2.1": "192.0.2.1", "[::ffff:192.0.2.1]:80": "192.0.2.1", "2001:db8::1%eth0": "2001:db8::/64", "": "", "pipe": "pipe",
	} {
		if got := (Browser{Address: address}).network(); got != want {
			t.Errorf("network of %q: %q", address, got)
		}
	}
}

// Attempts at the same moment count as many.
func TestAtOnce(t *testing.T) {
	c := open(t, Options{})
	c.add(t, "maria")
	var looked atomic.Int32
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			if _, err := c.Authenticate(t.Context(), "maria", "wrong horse", Browser{Address: "192.0.2.1"}); errors.Is(err, ErrWrong) {
				looked.Add(1)
			}
		})
	}
	wg.Wait()
	if looked.Load() != 5 {
		t.Errorf("%d passwords were looked at", looked.Load())
	}
}

// requestWith is a request to a page with the cookies that an answer has set.
func requestWith(answers ...*httptest.ResponseRecorder) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/oauth/authorize", http.NoBody)
	for _, w := range answers {
		for _, c := range w.Result().Cookies() {
			r.AddCookie(c)
		}
	}
	return r
}

func TestSession(t *testing.T) {
	for _, secure := range []bool{false, true} {
		c := open(t, Options{Secure: secure, Path: "/prefix/oauth"})
		account, w := c.add(t, "maria"), httptest.NewRecorder()
		made, err := c.SignIn(t.Context(), w, account)
		if err != nil {
			t.Fatal(err)
		}
		for _, cookie := range w.Result().Cookies() {
			if !cookie.HttpOnly || cookie.Secure != secure || strings.HasPrefix(cookie.Name, "__Secure-") != secure ||
				cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/prefix/oauth" || cookie.Domain != "" {
				t.Errorf("cookie %v", cookie)
			}
			if strings.Contains(made.Key, cookie.Value) {
				t.Error("the cookie itself is kept")
			}
		}
		got, err := c.Session(requestWith(w))
		if err != nil || got.Account != "maria" || got.Key != made.Key || got.CSRF != made.CSRF || !got.Since.Equal(c.now.UTC()) {
			t.Fatalf("%+v, %v", got, err)
		}
		if _, err := c.Session(requestWith()); !errors.Is(err, ErrNoSession) {
			t.Errorf("without a cookie: %v", err)
		}
		if _, err := c.HalfSession(requestWith(w)); !errors.Is(err, ErrNoSession) {
			t.Errorf("a whole one as half: %v", err)
		}
		out := httptest.NewRecorder()
		if err := c.SignOut(out, requestWith(w)); err != nil {
			t.Fatal(err)
		}
		if cookie := out.Result().Cookies()[0]; cookie.MaxAge >= 0 || cookie.Path != "/prefix/oauth" {
			t.Errorf("signing out leaves %v", cookie)
		}
		if _, err := c.Session(requestWith(w)); !errors.Is(err, ErrNoSession) {
			t.Errorf("after signing out: %v", err)
		}
	}
}

// The store's clock ends records, so what is tested with ours is how long they are kept.
func TestSessionLasts(t *testing.T) {
	c := open(t, Options{})
	account, w := c.add(t, "maria"), httptest.NewRecorder()
	made, err := c.SignIn(t.Context(), w, account)
	if err != nil {
		t.Fatal(err)
	}
	expires := func() time.Duration {
		r, err := c.Tables.Sessions.Get(t.Context(), made.Key)
		if err != nil {
			t.Fatal(err)
		}
		return r.Expires.Sub(made.Since).Round(time.Second)
	}
	for _, step := range []struct{ at, until time.Duration }{
		{time.Minute, 2 * time.Hour}, {time.Hour, 3 * time.Hour}, {11 * time.Hour, 12 * time.Hour}, {12*time.Hour - 1, 12 * time.Hour},
	} {
		c.now = made.Since.Add(step.at)
		if err := c.Alive(t.Context(), made.Key); err != nil || expires() != step.until {
			t.Errorf("at %v: until %v, %v", step.at, expires(), err)
		}
	}
	c.now = made.Since.Add(12 * time.Hour)
	if err := c.Alive(t.Context(), made.Key); !errors.Is(err, ErrNoSession) {
		t.Errorf("after 12 hours: %v", err)
	}
}

func TestSessionsEnd(t *testing.T) {
	c := open(t, Options{})
	for name, end := range map[string]func(string) error{
		"maria": func(name string) error { return c.SetPassword(t.Context(), name, "another horse") },
		"jonas": func(name string) error { return c.Remove(t.Context(), name) },
		"ahmed": func(name string) error { return c.Disable(t.Context(), name) },
	} {
		account, w := c.add(t, name), httptest.NewRecorder()
		if _, err := c.SignIn(t.Context(), w, account); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Tables.Grants.Put(t.Context(), state.Record[state.Grant]{Key: name, Owner: name}); err != nil {
			t.Fatal(err)
		}
		if err := end(name); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Session(requestWith(w)); !errors.Is(err, ErrNoSession) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"jonas", "ahmed"} {
		if g, err := c.Tables.Grants.Get(t.Context(), name); err != nil || !g.Value.Revoked {
			t.Errorf("what %s has granted: %+v, %v", name, g, err)
		}
	}
}

func TestDisable(t *testing.T) {
	c := open(t, Options{})
	c.add(t, "maria")
	for range 2 { // the second time changes nothing
		if err := c.Disable(t.Context(), "Maria"); err != nil {
			t.Fatal(err)
		}
		if err := c.try(t, "maria", typed, "192.0.2.1"); !errors.Is(err, ErrWrong) {
			t.Errorf("disabled: %v", err)
		}
	}
	if err := c.Enable(t.Context(), "maria"); err != nil {
		t.Fatal(err)
	}
	if err := c.try(t, "maria", typed, "192.0.2.1"); err != nil {
		t.Errorf("enabled again: %v", err)
	}
	for _, change := range []func(context.Context, string) error{c.Disable, c.Enable} {
		if err := change(t.Context(), "nobody"); !errors.Is(err, ErrUnknown) {
			t.Errorf("an account that does not exist: %v", err)
		}
	}
}

func post(csrf string, answers ...*httptest.ResponseRecorder) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/oauth/authorize", strings.NewReader(url.Values{"csrf": {csrf}}.Encode()))
	r.Header = requestWith(answers...).Header
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func TestCSRF(t *testing.T) {
	c := open(t, Options{Secure: true})
	mine, theirs := httptest.NewRecorder(), httptest.NewRecorder()
	token, err := c.BrowserToken(mine, requestWith())
	if err != nil {
		t.Fatal(err)
	}
	other, err := c.BrowserToken(theirs, requestWith())
	if err != nil {
		t.Fatal(err)
	}
	again := httptest.NewRecorder()
	if same, _ := c.BrowserToken(again, requestWith(mine)); same != token || len(again.Result().Cookies()) != 0 {
		t.Error("two tabs of a browser do not have the same token")
	}
	for name, want := range map[string]struct {
		request *http.Request
		ok      bool
	}{
		"own":       {post(token, mine), true},
		"other's":   {post(other, mine), false},
		"none":      {post("", mine), false},
		"no cookie": {post(token), false},
		"by URL":    {httptest.NewRequest(http.MethodPost, "/oauth/authorize?csrf="+token, http.NoBody), false},
	} {
		if got := c.CheckBrowser(want.request); got != want.ok {
			t.Errorf("%s: %v", name, got)
		}
	}
	session, err := c.SignIn(t.Context(), mine, c.add(t, "maria"))
	if err != nil {
		t.Fatal(err)
	}
	if !session.Check(post(session.CSRF, mine)) || session.Check(post(token, mine)) || session.Check(post("", mine)) || (Session{}).Check(post("x")) {
		t.Error("a session's token is not held to")
	}
}

// The test vectors of RFC 6238, appendix B, to six digits.
func TestTOTPCode(t *testing.T) {
	for at, want := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		if got := totpCode([]byte("12345678901234567890"), at/totpStep); got != want {
			t.Errorf("at %d: %s, not %s", at, got, want)
		}
	}
	if got := TOTPURL("Lindenhof Clinic", "maria", "ABC"); got != "otpauth://totp/Lindenhof%20Clinic:maria?issuer=Lindenhof%20Clinic&secret=ABC" {
		t.Error(got)
	}
}

func TestSecondFactor(t *testing.T) {
	c := open(t, Options{})
	c.add(t, "maria")
	text, err := c.SetTOTP(t.Context(), "maria")
	if err != nil {
		t.Fatal(err)
	}
	secret, err := base32.StdEncoding.DecodeString(text)
	if err != nil || len(secret) != 20 {
		t.Fatalf("secret %q: %v", text, err)
	}
	code := func(drift int64) string { return totpCode(secret, c.now.Unix()/totpStep+drift) }
	half := func() (*httptest.ResponseRecorder, Session) {
		account, err := c.Authenticate(t.Context(), "maria", typed, Browser{Address: "192.0.2.1"})
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		if _, err := c.SignIn(t.Context(), w, account); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Session(requestWith(w)); !errors.Is(err, ErrNoSession) {
			t.Fatalf("signed in without the code: %v", err)
		}
		if c.BrowserOf(requestWith(w)).device != "" {
			t.Error("a browser is known before the code")
		}
		session, err := c.HalfSession(requestWith(w))
		if err != nil {
			t.Fatal(err)
		}
		return w, session
	}
	before, session := half()
	for _, wrong := range []string{"", "123456", code(2), code(-2), code(0) + "0"} {
		if wrong == code(0) {
			continue
		}
		if _, err := c.SecondFactor(t.Context(), httptest.NewRecorder(), session, wrong); !errors.Is(err, ErrWrongCode) {
			t.Errorf("code %q: %v", wrong, err)
		}
	}
	if _, err := c.SecondFactor(t.Context(), httptest.NewRecorder(), session, code(0)); err == nil {
		t.Error("no back-off for codes")
	}
	c.wait(time.Minute)
	w := httptest.NewRecorder()
	right := code(0)
	if _, err := c.SecondFactor(t.Context(), w, session, right[:3]+" "+right[3:]); err != nil {
		t.Fatal(err)
	}
	if s, err := c.Session(requestWith(w)); err != nil || s.Account != "maria" {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := c.HalfSession(requestWith(before)); !errors.Is(err, ErrNoSession) {
		t.Errorf("the half session is still there: %v", err)
	}
	_, session = half()
	if _, err := c.SecondFactor(t.Context(), httptest.NewRecorder(), session, right); !errors.Is(err, ErrWrongCode) {
		t.Errorf("the same code twice: %v", err)
	}
	if _, err := c.SecondFactor(t.Context(), httptest.NewRecorder(), session, code(1)); err != nil {
		t.Errorf("a clock that goes 30 s fast: %v", err)
	}
}
