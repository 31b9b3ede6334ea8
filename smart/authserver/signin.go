package authserver

import (
	"errors"
	"net/http"
	"strconv"

	"fhirside/smart/account"
	"fhirside/smart/oauth"
	"fhirside/smart/web"
)

func (t *turn) askSignIn() error {
	if err := t.silent(oauth.LoginRequired); err != nil {
		return err
	}
	return t.showSignIn(http.StatusOK, t.request.LoginHint, "")
}

func (t *turn) showSignIn(status int, username, problem string) error {
	csrf, err := t.Accounts.BrowserToken(t.w, t.r)
	if err != nil {
		return err
	}
	app := t.app()
	return web.Render(t.w, status, web.SignIn{Frame: t.frame("/sign-in", csrf), App: &app, Username: username, Error: problem})
}

// signIn takes the sign-in page's form.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request) error {
	t, err := s.resume(w, r)
	if err != nil {
		return err
	}
	if !s.Accounts.CheckBrowser(r) {
		return forged
	}
	if err := s.limits.signIn.take(network(r), s.Now()); err != nil {
		return err
	}
	name := r.PostForm.Get("username")
	user, err := s.Accounts.Authenticate(r.Context(), name, r.PostForm.Get("password"), s.Accounts.BrowserOf(r))
	if err != nil {
		return t.retry(err, func(status int, problem string) error { return t.showSignIn(status, name, problem) })
	}
	session, err := s.Accounts.SignIn(r.Context(), w, user)
	if err != nil {
		return err
	}
	if session.Half {
		return t.showSecondFactor(http.StatusOK, session, "")
	}
	if err := t.enter(session); err != nil {
		return err
	}
	return t.proceed()
}

func (t *turn) showSecondFactor(status int, half account.Session, problem string) error {
	app := t.app()
	return web.Render(t.w, status, web.SecondFactor{Frame: t.frame("/second-factor", half.CSRF), App: &app, Error: problem})
}

// secondFactor takes the second-factor page's form.
func (s *Server) secondFactor(w http.ResponseWriter, r *http.Request) error {
	t, err := s.resume(w, r)
	if err != nil {
		return err
	}
	half, err := s.Accounts.HalfSession(r)
	if errors.Is(err, account.ErrNoSession) {
		return t.showSignIn(http.StatusForbidden, "", "That took too long. Sign in again.")
	}
	if err != nil {
		return err
	}
	if !half.Check(r) {
		return forged
	}
	if err := s.limits.signIn.take(network(r), s.Now()); err != nil {
		return err
	}
	session, err := s.Accounts.SecondFactor(r.Context(), w, half, r.PostForm.Get("code"))
	if err != nil {
		return t.retry(err, func(status int, problem string) error { return t.showSecondFactor(status, half, problem) })
	}
	if err := t.enter(session); err != nil {
		return err
	}
	return t.proceed()
}

// retry shows a page again, with what was wrong. 401 would demand a challenge (RFC 9110, section 15.5.2), and browsers would ask.
func (t *turn) retry(err error, show func(status int, problem string) error) error {
	if many, ok := errors.AsType[*account.TooManyError](err); ok {
		seconds := strconv.Itoa(many.Seconds())
		t.w.Header().Set("Retry-After", seconds)
		return show(http.StatusTooManyRequests, "There were too many attempts. Try again in "+seconds+" seconds.")
	}
	switch {
	case errors.Is(err, account.ErrWrong):
		return show(http.StatusForbidden, "The user name or the password is wrong.")
	case errors.Is(err, account.ErrWrongCode):
		return show(http.StatusForbidden, "The code is wrong, or has been used. Wait for the next one.")
	}
	return err
}
