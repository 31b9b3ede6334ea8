package account

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"golang.org/x/text/secure/precis"

	"fhirside/fhir"
	"fhirside/resources/store"
	"fhirside/smart/password"
	"fhirside/smart/state"
)

// Errors that callers tell apart.
var (
	ErrWrong     = errors.New("user name or password is wrong") // which of them, nobody learns
	ErrWrongCode = errors.New("the code is wrong or has been used")
	ErrNoSession = errors.New("nobody is signed in")
	ErrUnknown   = errors.New("there is no such account")
	ErrTaken     = errors.New("there is an account of that name")
)

// MinPassword is the fewest characters of a password (NIST SP 800-63B).
const MinPassword = 8

// Options of Accounts. Tables is required.
type Options struct {
	Tables *state.Tables
	// Secure says that browsers reach the server by https: cookies are then never sent without it.
	Secure bool
	// Path is that of the pages as browsers see it; default "/oauth". Cookies are sent there only: the FHIR API never sees one.
	Path   string
	Now    func() time.Time // default: time.Now
	Random io.Reader        // default: crypto/rand
}

// Accounts are the people who can sign in. They are safe for concurrent use, also by several processes.
type Accounts struct {
	Options
	nobody string // a hash that no password has
}

// New makes Accounts.
func New(o Options) *Accounts {
	if o.Path == "" {
		o.Path = "/oauth"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	return &Accounts{Options: o, nobody: password.Random()}
}

// fold is the key of a name: as people type it, whatever the case and the Unicode form (RFC 8265).
func fold(name string) (string, error) {
	key, err := precis.UsernameCaseMapped.String(name)
	if err != nil || key == "" || len(key) > 256 {
		return "", fmt.Errorf("%q cannot be a user name: letters, digits and signs without spaces", name)
	}
	return key, nil
}

// Add makes an account. fhirUser is the resource that the person is, as "Patient/123".
func (a *Accounts) Add(ctx context.Context, name, fhirUser, typed string, admin bool) (state.Account, error) {
	key, err := fold(name)
	if err != nil {
		return state.Account{}, err
	}
	if !isPerson(fhirUser) {
		return state.Account{}, fmt.Errorf("%q is nobody who can sign in: Patient/ID, Practitioner/ID or RelatedPerson/ID", fhirUser)
	}
	hash, err := hashed(ctx, typed)
	if err != nil {
		return state.Account{}, err
	}
	account := state.Account{Name: key, FHIRUser: fhirUser, Admin: admin, Password: hash, Created: a.Now().UTC()}
	_, err = a.Tables.Accounts.Put(ctx, state.Record[state.Account]{Key: key, Value: account})
	if errors.Is(err, store.ErrConflict) {
		err = ErrTaken
	}
	return account, err
}

func isPerson(reference string) bool {
	resourceType, id, _ := strings.Cut(reference, "/")
	switch resourceType {
	case "Patient", "Practitioner", "RelatedPerson":
		return fhir.ValidID(id)
	}
	return false
}

func hashed(ctx context.Context, typed string) (string, error) {
	if len([]rune(typed)) < MinPassword {
		return "", fmt.Errorf("the password is too short: %d characters or more", MinPassword)
	}
	return password.Hash(ctx, typed)
}

// Get is the account of that name; ErrUnknown if there is none.
func (a *Accounts) Get(ctx context.Context, name string) (state.Account, error) {
	key, err := fold(name)
	if err != nil {
		return state.Account{}, ErrUnknown
	}
	r, err := a.Tables.Accounts.Get(ctx, key)
	return r.Value, unknown(err)
}

func unknown(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return ErrUnknown
	}
	return err
}

// List yields all accounts by name.
func (a *Accounts) List(ctx context.Context) iter.Seq2[state.Account, error] {
	return func(yield func(state.Account, error) bool) {
		for r, err := range a.Tables.Accounts.List(ctx, "") {
			if !yield(r.Value, err) {
				return
			}
		}
	}
}

// SetPassword replaces a password and ends the account's sessions, and with them its apps' online access.
func (a *Accounts) SetPassword(ctx context.Context, name, typed string) error {
	hash, err := hashed(ctx, typed)
	if err != nil {
		return err
	}
	account, err := a.change(ctx, name, func(account *state.Account) error {
		account.Password = hash
		return nil
	})
	if err != nil {
		return err
	}
	return a.endSessions(ctx, account.Name)
}

// SetTOTP gives an account a new second factor and returns its secret in base32, which cannot be asked for again.
func (a *Accounts) SetTOTP(ctx context.Context, name string) (secret string, err error) {
	if secret, err = newTOTP(a.Random); err != nil {
		return "", err
	}
	_, err = a.change(ctx, name, func(account *state.Account) error {
		account.TOTP, account.TOTPStep = secret, 0
		return nil
	})
	return secret, err
}

// Remove deletes an account, ends its sessions and revokes what it has granted to apps.
func (a *Accounts) Remove(ctx context.Context, name string) error {
	account, err := a.Get(ctx, name)
	if err != nil {
		return err
	}
	if err := a.Tables.Accounts.Delete(ctx, account.Name); err != nil {
		return err
	}
	return a.endAll(ctx, account.Name)
}

// Disable keeps an account from signing in until Enable, ends its sessions and revokes what it has granted to apps: those have to
// ask anew.
func (a *Accounts) Disable(ctx context.Context, name string) error {
	account, err := a.change(ctx, name, func(account *state.Account) error {
		account.Disabled = true
		return nil
	})
	if err != nil {
		return err
	}
	return a.endAll(ctx, account.Name)
}

// Enable lets a disabled account sign in again.
func (a *Accounts) Enable(ctx context.Context, name string) error {
	_, err := a.change(ctx, name, func(account *state.Account) error {
		account.Disabled = false
		return nil
	})
	return err
}

// endAll ends the sessions of an account and what it has granted.
func (a *Accounts) endAll(ctx context.Context, name string) error {
	for r, err := range a.Tables.Grants.List(ctx, name) {
		if err != nil {
			return err
		}
		_, err = a.Tables.Grants.Change(ctx, r.Key, func(r *state.Record[state.Grant]) error {
			r.Value.Revoked = true
			return nil
		})
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	return a.endSessions(ctx, name)
}

func (a *Accounts) change(ctx context.Context, name string, change func(*state.Account) error) (state.Account, error) {
	key, err := fold(name)
	if err != nil {
		return state.Account{}, ErrUnknown
	}
	r, err := a.Tables.Accounts.Change(ctx, key, func(r *state.Record[state.Account]) error { return change(&r.Value) })
	return r.Value, unknown(err)
}
