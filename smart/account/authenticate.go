package account

import (
	"context"
	"errors"

	"fhirside/smart/password"
	"fhirside/smart/state"
)

// Authenticate is the account that a name and a password belong to. ErrWrong if they belong to none, in the same time whether the
// name exists or not; *TooManyError before the back-off of earlier failures is over, and then the password is not looked at.
// browser is where the attempt comes from.
func (a *Accounts) Authenticate(ctx context.Context, name, typed string, browser Browser) (state.Account, error) {
	key, err := fold(name)
	if err != nil {
		key = "" // no account has it, but the attempt counts and takes as long
	}
	attempt, err := a.begin(ctx, key, browser)
	if err != nil {
		return state.Account{}, err
	}
	account, err := a.Get(ctx, key)
	if err != nil && !errors.Is(err, ErrUnknown) {
		return state.Account{}, err
	}
	kept := a.nobody
	if err == nil && !account.Disabled {
		kept = account.Password
	}
	ok, stale, err := password.Verify(ctx, kept, typed)
	if err != nil {
		return state.Account{}, err
	}
	if !ok {
		return state.Account{}, ErrWrong
	}
	if err := attempt.succeeded(ctx); err != nil {
		return state.Account{}, err
	}
	if stale {
		return account, a.strengthen(ctx, account, typed)
	}
	return account, nil
}

// strengthen keeps a password with today's effort, unless it has been changed meanwhile.
func (a *Accounts) strengthen(ctx context.Context, account state.Account, typed string) error {
	hash, err := password.Hash(ctx, typed)
	if err != nil {
		return err
	}
	_, err = a.change(ctx, account.Name, func(now *state.Account) error {
		if now.Password == account.Password {
			now.Password = hash
		}
		return nil
	})
	return err
}
