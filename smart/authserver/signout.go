package authserver

import (
	"errors"
	"net/http"

	"fhirside/smart/account"
	"fhirside/smart/web"
)

// askSignOut shows who is signed in, and the way out.
func (s *Server) askSignOut(w http.ResponseWriter, r *http.Request) error {
	session, err := s.Accounts.Session(r)
	if errors.Is(err, account.ErrNoSession) {
		return web.Render(w, http.StatusOK, web.Message{Frame: s.frame(""), Title: "You are not signed in"})
	}
	if err != nil {
		return err
	}
	frame := s.frame("/sign-out")
	frame.CSRF = session.CSRF
	return web.Render(w, http.StatusOK, web.SignOut{Frame: frame, User: session.Account})
}

// signOut ends the session, and with it the online access of apps.
func (s *Server) signOut(w http.ResponseWriter, r *http.Request) error {
	if _, err := readForm(w, r); err != nil {
		return err
	}
	session, err := s.Accounts.Session(r)
	if errors.Is(err, account.ErrNoSession) {
		return s.askSignOut(w, r)
	}
	if err != nil {
		return err
	}
	if !session.Check(r) {
		return forged
	}
	if err := s.Accounts.SignOut(w, r); err != nil {
		return err
	}
	return web.Render(w, http.StatusOK, web.Message{Frame: s.frame(""), Title: "You have signed out", Text: []string{"You can close this page."}})
}
