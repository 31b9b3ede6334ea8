package authserver

import (
	"context"
	"errors"
	"slices"
	"strings"

	"fhirside/resources/store"
	"fhirside/smart/account"
	"fhirside/smart/oauth"
	"fhirside/smart/scope"
	"fhirside/smart/state"
)

// refresh gives new tokens for a refresh token (RFC 6749, section 6), which is then used up. Who uses one twice, or somebody else
// who has stolen it, ends all that came of the grant (RFC 9700, section 4.14.2). There is no time of grace: within it a thief
// could use what he has stolen unnoticed. A server that fails on the way locks nobody out, since the old token is used up only
// after the new one is kept; a client that loses the answer has to ask its user again.
func (s *Server) refresh(ctx context.Context, p parameters, client state.Client) (*tokens, error) {
	if p.get("refresh_token") == "" {
		return nil, oauth.Errorf(oauth.InvalidRequest, "refresh_token is missing")
	}
	key := state.Hash(p.get("refresh_token"))
	old, err := s.Tables.Refreshes.Get(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil, errBad("refresh token")
	}
	if err != nil {
		return nil, err
	}
	grant, err := s.Tables.Grants.Get(ctx, old.Value.Grant)
	switch {
	case errors.Is(err, store.ErrNotFound), err == nil && (grant.Value.Revoked || grant.Value.Client != client.ID):
		return nil, errBad("refresh token")
	case err != nil:
		return nil, err
	case old.Value.Used:
		return nil, s.reused(ctx, old.Value.Grant)
	}
	if err := s.userStays(ctx, grant); err != nil {
		return nil, err
	}
	granted, err := narrowed(p.get("scope"), old.Value.Scope, client.Scope)
	if err != nil {
		return nil, err
	}
	return s.issue(ctx, grant, client, issuance{scope: granted, replaces: &old})
}

// reused ends the family of a refresh token that came a second time.
func (s *Server) reused(ctx context.Context, grant string) error {
	if err := s.revokeGrant(ctx, grant); err != nil {
		return err
	}
	return errBad("refresh token")
}

// userStays says whether the person who gave a grant still stands for it: they have their account, may still open the record that it
// is about, and, for online access, are signed in.
func (s *Server) userStays(ctx context.Context, grant state.Record[state.Grant]) error {
	g := grant.Value
	if g.Account == "" {
		return nil
	}
	user, err := s.Accounts.Get(ctx, g.Account)
	if errors.Is(err, account.ErrUnknown) || err == nil && (user.Disabled || user.FHIRUser != g.FHIRUser) {
		return oauth.Errorf(oauth.InvalidGrant, "the user has no account any more")
	}
	if err != nil {
		return err
	}
	if g.Context.Patient != "" {
		opens, err := s.mayOpen(ctx, giver(g), g.Context.Patient)
		if err == nil && !opens {
			err = oauth.Errorf(oauth.InvalidGrant, "the user may not open the record any more")
		}
		if err != nil {
			return err
		}
	}
	if g.Session == "" {
		return nil
	}
	err = s.Accounts.Alive(ctx, g.Session)
	if errors.Is(err, account.ErrNoSession) {
		return oauth.Errorf(oauth.InvalidGrant, "the user is not signed in any more, and access was online only")
	}
	return err
}

// narrowed is the scope of new tokens: the one asked for, which must be part of what the refresh token has; without one, all of
// that. What the client's registration has lost since is left out.
func narrowed(asked, had, registered string) (string, error) {
	before, err := scope.Parse(had)
	if err != nil {
		return "", err
	}
	if asked == "" {
		asked = had
	}
	wanted, err := scope.Parse(asked)
	if err != nil {
		return "", oauth.Errorf(oauth.InvalidScope, "scope cannot be read: %s", err)
	}
	if !within(wanted, before) {
		return "", oauth.Errorf(oauth.InvalidScope, "scope is more than the refresh token has")
	}
	bound, err := scope.Parse(registered)
	if err != nil {
		return "", err
	}
	granted := wanted.Within(bound).String()
	if granted == "" {
		return "", oauth.Errorf(oauth.InvalidScope, "nothing of scope is registered for this app any more")
	}
	return granted, nil
}

// within says whether one scope asks for nothing that the other does not grant.
func within(wanted, granted scope.Set) bool {
	for _, one := range wanted.Resource() {
		if !granted.Covers(one) {
			return false
		}
	}
	return !slices.ContainsFunc(strings.Fields(wanted.String()), func(word string) bool {
		set, err := scope.Parse(word)
		return err != nil || len(set.Resource()) == 0 && !granted.Has(word)
	})
}
