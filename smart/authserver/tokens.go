package authserver

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"fhirside/resources/store"
	"fhirside/smart/oauth"
	"fhirside/smart/scope"
	"fhirside/smart/state"
	"fhirside/smart/token"
)

// tokens are the answer of the token endpoint (RFC 6749, section 5.1; SMART, "Response").
type tokens struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"` // seconds
	Scope        string `json:"scope"`
	IDToken      string `json:"id_token,omitzero"`
	RefreshToken string `json:"refresh_token,omitzero"`
	state.Context
}

// issuance is what differs from one issue of tokens to the next.
type issuance struct {
	scope    string
	nonce    string
	first    bool                         // a refresh token is given if the scope has one
	replaces *state.Record[state.Refresh] // the refresh token that this uses up
}

// issue gives tokens of a grant.
func (s *Server) issue(ctx context.Context, grant state.Record[state.Grant], client state.Client, i issuance) (*tokens, error) {
	set, err := scope.Parse(i.scope)
	if err != nil {
		return nil, err
	}
	given := &tokens{TokenType: "Bearer", Scope: i.scope, ExpiresIn: int64(s.TokenLifetime / time.Second)}
	if aboutPatient(set) || set.Has(scopeLaunch) || set.Has(scopeLaunchEncounter) {
		given.Context = grant.Value.Context
	}
	now := s.Now().UTC()
	given.AccessToken, err = s.signAccess(ctx, grant, i.scope, now, s.TokenLifetime)
	if err != nil {
		return nil, err
	}
	if set.Has(scopeOpenID) {
		if given.IDToken, err = s.signID(ctx, grant, set, i.nonce, now); err != nil {
			return nil, err
		}
	}
	if i.first && !set.Has(scopeOffline) && !set.Has(scopeOnline) {
		return given, s.extend(ctx, grant.Key, now.Add(s.TokenLifetime))
	}
	given.RefreshToken, err = s.rotate(ctx, grant, i, now)
	return given, err
}

// rotate gives a refresh token in place of the one that was used, if there was one.
func (s *Server) rotate(ctx context.Context, grant state.Record[state.Grant], i issuance, now time.Time) (string, error) {
	value, err := state.Secret(s.Random)
	if err != nil {
		return "", err
	}
	until := now.Add(onlineLife)
	if grant.Value.Session == "" {
		until = now.Add(offlineLife)
	}
	next := state.Record[state.Refresh]{
		Key: state.Hash(value), Owner: grant.Key, Expires: until, Value: state.Refresh{Grant: grant.Key, Scope: i.scope},
	}
	if i.replaces != nil {
		next.Value.Scope = i.replaces.Value.Scope // narrowing is for once (RFC 6749, section 6)
	}
	if err := s.extend(ctx, grant.Key, until.Add(s.TokenLifetime)); err != nil {
		return "", err
	}
	if _, err := s.Tables.Refreshes.Put(ctx, next); err != nil || i.replaces == nil {
		return value, err
	}
	used := *i.replaces
	used.Value.Used, used.Expires = true, until // so that its reuse is noticed as long as there is something to revoke
	if _, err := s.Tables.Refreshes.Put(ctx, used); errors.Is(err, store.ErrConflict) {
		return "", s.reused(ctx, grant.Key)
	} else if err != nil {
		return "", err
	}
	return value, nil
}

// extend keeps a grant for as long as its tokens live.
func (s *Server) extend(ctx context.Context, id string, until time.Time) error {
	_, err := s.Tables.Grants.Change(ctx, id, func(r *state.Record[state.Grant]) error {
		if r.Expires.Before(until) {
			r.Expires = until
		}
		return nil
	})
	if errors.Is(err, store.ErrNotFound) {
		return errBad("grant")
	}
	return err
}

func (s *Server) signAccess(ctx context.Context, grant state.Record[state.Grant], granted string, now time.Time, life time.Duration) (string, error) {
	id, err := uuid.NewRandomFromReader(s.Random)
	if err != nil {
		return "", err
	}
	g := grant.Value
	set, err := scope.Parse(granted)
	if err != nil {
		return "", err
	}
	access := token.Access{
		ID: id.String(), Issuer: s.Origin, Audience: s.Base, ClientID: g.Client, Subject: g.Account, Scope: granted, Grant: grant.Key,
		Patient: g.Context.Patient, Encounter: g.Context.Encounter,
		Issued: now, Expires: now.Add(life),
	}
	if access.Subject == "" {
		access.Subject = g.Client
	}
	if namesUser(set) || hasLevel(set, "user/") { // apps can read what is signed: no more than it takes
		access.FHIRUser = s.absolute(g.FHIRUser)
	}
	return s.Keys.SignAccess(ctx, access)
}

func (s *Server) signID(ctx context.Context, grant state.Record[state.Grant], set scope.Set, nonce string, now time.Time) (string, error) {
	g := grant.Value
	id := token.ID{
		Issuer: s.Origin, Subject: g.Account, Audience: g.Client, Nonce: nonce,
		Issued: now, Expires: now.Add(s.TokenLifetime), AuthTime: g.AuthTime,
	}
	if namesUser(set) {
		id.FHIRUser = s.absolute(g.FHIRUser)
		name, err := s.nameOf(ctx, g)
		if err != nil {
			return "", err
		}
		id.Name = name
	}
	return s.Keys.SignID(ctx, id)
}

// giver is the person who gave a grant.
func giver(g state.Grant) scope.Subject {
	return scope.Subject{FHIRUser: g.FHIRUser, Account: g.Account}
}

// nameOf is the name of the person who gave a grant, as the records have it; "" if they have none.
func (s *Server) nameOf(ctx context.Context, g state.Grant) (string, error) {
	resourceType, id, _ := strings.Cut(g.FHIRUser, "/")
	person, err := s.readAs(ctx, giver(g), resourceType, id)
	if err != nil || person == nil {
		return "", err
	}
	return personName(person), nil
}

// absolute is a relative reference as a URL of this server; "" stays that.
func (s *Server) absolute(reference string) string {
	if reference == "" {
		return ""
	}
	return s.Base + "/" + reference
}

// backend gives a token to a backend service (SMART, "Backend Services"): of system scopes, for five minutes at most, and without
// a refresh token, since it can ask again.
func (s *Server) backend(ctx context.Context, p parameters, client state.Client) (*tokens, error) {
	if client.Type != state.Backend || p.get("client_assertion") == "" {
		return nil, oauth.Errorf(oauth.UnauthorizedClient, "client_credentials is for backend services that prove themselves by an assertion")
	}
	if p.get("scope") == "" {
		return nil, oauth.Errorf(oauth.InvalidScope, "scope is missing")
	}
	granted, err := bounded(p.get("scope"), client.Scope, func(word string) bool { return !strings.HasPrefix(word, "system/") })
	if err != nil {
		return nil, oauth.Errorf(oauth.InvalidScope, "scope cannot be read: %s", err)
	}
	if granted.String() == "" {
		return nil, oauth.Errorf(oauth.InvalidScope, "no system scope of those is registered for this client")
	}
	id, err := uuid.NewRandomFromReader(s.Random)
	if err != nil {
		return nil, err
	}
	now, life := s.Now().UTC(), min(s.TokenLifetime, token.BackendLife)
	grant, err := s.Tables.Grants.Put(ctx, state.Record[state.Grant]{
		Key: id.String(), Owner: client.ID, Expires: now.Add(life + time.Minute),
		Value: state.Grant{Client: client.ID, Scope: granted.String(), Created: now},
	})
	if err != nil {
		return nil, err
	}
	given := &tokens{TokenType: "Bearer", Scope: granted.String(), ExpiresIn: int64(life / time.Second)}
	given.AccessToken, err = s.signAccess(ctx, grant, given.Scope, now, life)
	return given, err
}

// held is what a token of this server is: one of the two is set.
type held struct {
	grant   state.Record[state.Grant]
	access  *token.Access
	refresh *state.Record[state.Refresh]
}

// look finds out what a token is; nil if it is none of this server's that still works.
func (s *Server) look(ctx context.Context, text string) (*held, error) {
	h := &held{}
	grant := ""
	if access, err := s.Keys.VerifyAccess(ctx, s.Origin, s.Base, text); err == nil {
		h.access, grant = &access, access.Grant
	} else if !errors.Is(err, token.ErrInvalid) && !errors.Is(err, token.ErrExpired) {
		return nil, err
	} else {
		refresh, err := s.Tables.Refreshes.Get(ctx, state.Hash(text))
		if err != nil {
			return nil, absent(err)
		}
		h.refresh, grant = &refresh, refresh.Value.Grant
	}
	var err error
	if h.grant, err = s.Tables.Grants.Get(ctx, grant); err != nil {
		return nil, absent(err)
	}
	return h, nil
}

// grantOf is the grant that a token belongs to, with Key "" where there is none.
func (s *Server) grantOf(ctx context.Context, text string) (state.Record[state.Grant], error) {
	h, err := s.look(ctx, text)
	if h == nil {
		return state.Record[state.Grant]{}, err
	}
	return h.grant, err
}

// lives says whether a token can be used now.
func (h *held) lives() bool {
	return h != nil && !h.grant.Value.Revoked && (h.refresh == nil || !h.refresh.Value.Used)
}
