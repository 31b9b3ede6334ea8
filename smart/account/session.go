package account

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/http"
	"time"

	"fhirside/resources/store"
	"fhirside/smart/state"
)

// Lifetimes of what a browser holds.
const (
	sessionMost = 12 * time.Hour      // after the sign-in
	sessionIdle = 2 * time.Hour       // after the last page or refresh: longer than an access token, so that apps can go on
	halfMost    = 5 * time.Minute     // to type the code of the second factor
	deviceMost  = 90 * 24 * time.Hour // after the last sign-in
)

// Names of the cookies, without the prefix that they have with https.
const (
	sessionCookie = "fhirside-session"
	browserCookie = "fhirside-browser"
	deviceCookie  = "fhirside-device"
)

// Session is a browser in which a person has signed in.
type Session struct {
	Key string // under which it is kept: a hash of the cookie
	state.Session
}

// SignIn makes a session of an authenticated account and sets its cookie. For an account with a second factor it is half of one,
// which only HalfSession and SecondFactor know.
func (a *Accounts) SignIn(ctx context.Context, w http.ResponseWriter, account state.Account) (Session, error) {
	half := account.TOTP != ""
	session, err := a.newSession(ctx, w, account.Name, half)
	if err == nil && !half {
		err = a.remember(ctx, w, account.Name)
	}
	return session, err
}

// newSession never goes on with the cookie that the browser came with: somebody else may have put it there.
func (a *Accounts) newSession(ctx context.Context, w http.ResponseWriter, name string, half bool) (Session, error) {
	secret, err := state.Secret(a.Random)
	if err != nil {
		return Session{}, err
	}
	csrf, err := state.Secret(a.Random)
	if err != nil {
		return Session{}, err
	}
	now := a.Now().UTC()
	s := Session{state.Hash(secret), state.Session{Account: name, Since: now, CSRF: csrf, Half: half}}
	until := now.Add(sessionIdle)
	if half {
		until = now.Add(halfMost)
	}
	_, err = a.Tables.Sessions.Put(ctx, state.Record[state.Session]{Key: s.Key, Owner: name, Expires: until, Value: s.Session})
	if err != nil {
		return Session{}, err
	}
	a.set(w, sessionCookie, secret, 0)
	return s, nil
}

// Session is that of the request's browser; ErrNoSession where nobody has signed in, or not completely.
func (a *Accounts) Session(r *http.Request) (Session, error) {
	secret := a.cookie(r, sessionCookie)
	if secret == "" {
		return Session{}, ErrNoSession
	}
	return a.alive(r.Context(), state.Hash(secret))
}

// Alive says whether the session of that key goes on: an app with online_access has asked for a new token. ErrNoSession if not.
func (a *Accounts) Alive(ctx context.Context, key string) error {
	_, err := a.alive(ctx, key)
	return err
}

// alive is the session of a key that is used now, and for that lasts longer.
func (a *Accounts) alive(ctx context.Context, key string) (Session, error) {
	r, err := a.Tables.Sessions.Get(ctx, key)
	if errors.Is(err, store.ErrNotFound) || err == nil && r.Value.Half {
		return Session{}, ErrNoSession
	}
	if err != nil {
		return Session{}, err
	}
	now, end := a.Now(), r.Value.Since.Add(sessionMost)
	if !now.Before(end) {
		return Session{}, ErrNoSession
	}
	if until := earlier(now.Add(sessionIdle), end); until.Sub(r.Expires) > sessionIdle/24 { // not a write for each request
		r.Expires = until
		if _, err := a.Tables.Sessions.Put(ctx, r); err != nil && !errors.Is(err, store.ErrConflict) {
			return Session{}, err
		}
	}
	return Session{key, r.Value}, nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// HalfSession is the session that waits for the code of the second factor; ErrNoSession if there is none.
func (a *Accounts) HalfSession(r *http.Request) (Session, error) {
	secret := a.cookie(r, sessionCookie)
	if secret == "" {
		return Session{}, ErrNoSession
	}
	key := state.Hash(secret)
	record, err := a.Tables.Sessions.Get(r.Context(), key)
	if errors.Is(err, store.ErrNotFound) || err == nil && !record.Value.Half {
		return Session{}, ErrNoSession
	}
	return Session{key, record.Value}, err
}

// SecondFactor makes a session of half of one, if the code is right: ErrWrongCode if not, *TooManyError after too many of those.
func (a *Accounts) SecondFactor(ctx context.Context, w http.ResponseWriter, half Session, code string) (Session, error) {
	if err := a.takeCode(ctx, half.Account, code); err != nil {
		return Session{}, err
	}
	if err := a.Tables.Sessions.Delete(ctx, half.Key); err != nil {
		return Session{}, err
	}
	session, err := a.newSession(ctx, w, half.Account, false)
	if err != nil {
		return Session{}, err
	}
	return session, a.remember(ctx, w, half.Account)
}

// SignOut ends the session of the request's browser, and with it the online access of apps.
func (a *Accounts) SignOut(w http.ResponseWriter, r *http.Request) error {
	secret := a.cookie(r, sessionCookie)
	if secret == "" {
		return nil
	}
	a.set(w, sessionCookie, "", -1)
	return a.Tables.Sessions.Delete(r.Context(), state.Hash(secret))
}

func (a *Accounts) endSessions(ctx context.Context, name string) error {
	for r, err := range a.Tables.Sessions.List(ctx, name) {
		if err != nil {
			return err
		}
		if err := a.Tables.Sessions.Delete(ctx, r.Key); err != nil {
			return err
		}
	}
	return nil
}

// Check says whether a form (parsed) was made for this session: its field "csrf" holds Session.CSRF.
func (s Session) Check(r *http.Request) bool { return same(r.PostFormValue("csrf"), s.CSRF) }

// BrowserToken is what the field "csrf" of a form holds before anybody has signed in: it belongs to a cookie of the browser, which
// is set where it has none.
func (a *Accounts) BrowserToken(w http.ResponseWriter, r *http.Request) (string, error) {
	value := a.cookie(r, browserCookie)
	if value == "" {
		var err error
		if value, err = state.Secret(a.Random); err != nil {
			return "", err
		}
		a.set(w, browserCookie, value, 0)
	}
	return state.Hash("csrf " + value), nil
}

// CheckBrowser says whether a form (parsed) was made for the browser that sends it, by BrowserToken.
func (a *Accounts) CheckBrowser(r *http.Request) bool {
	value := a.cookie(r, browserCookie)
	return value != "" && same(r.PostFormValue("csrf"), state.Hash("csrf "+value))
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// remember makes the browser one in which this person has signed in.
func (a *Accounts) remember(ctx context.Context, w http.ResponseWriter, name string) error {
	secret, err := state.Secret(a.Random)
	if err != nil {
		return err
	}
	_, err = a.Tables.Attempts.Put(ctx, state.Record[state.Attempts]{Key: deviceKey(secret), Owner: name, Expires: a.Now().Add(deviceMost)})
	if err != nil {
		return err
	}
	a.set(w, deviceCookie, secret, int(deviceMost/time.Second))
	return nil
}

// knows is the key of the browser if this person has signed in there before, else "".
func (a *Accounts) knows(ctx context.Context, name string, b Browser) (string, error) {
	if b.device == "" {
		return "", nil
	}
	r, err := a.Tables.Attempts.Get(ctx, deviceKey(b.device))
	if errors.Is(err, store.ErrNotFound) || err == nil && r.Owner != name {
		return "", nil
	}
	return r.Key, err
}

func deviceKey(secret string) string { return "device:" + state.Hash(secret) }

// cookieName has the prefix that keeps a cookie from being set without https. (__Host- would be stricter, but its path is /, and
// then the FHIR API would see it.)
func (a *Accounts) cookieName(name string) string {
	if a.Secure {
		return "__Secure-" + name
	}
	return name
}

func (a *Accounts) cookie(r *http.Request, name string) string {
	c, err := r.Cookie(a.cookieName(name))
	if err != nil || len(c.Value) > 128 {
		return ""
	}
	return c.Value
}

// set sets a cookie: maxAge 0 until the browser closes, below 0 to delete it. Lax, since an app's redirect to authorize must find
// the session; what changes anything is a POST with a CSRF token.
func (a *Accounts) set(w http.ResponseWriter, name, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: a.cookieName(name), Value: value, Path: a.Path, MaxAge: maxAge,
		HttpOnly: true, Secure: a.Secure, SameSite: http.SameSiteLaxMode,
	})
}
