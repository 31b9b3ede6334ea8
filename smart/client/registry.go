package client

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"fhirside/smart/password"
	"fhirside/smart/state"
)

// Options of a Registry. Tables are required.
type Options struct {
	Tables *state.Tables
	// Issuer is the authorization server, "https://clinic.example": assertions may be for it, or for its token endpoint, as well as
	// for the endpoint that they are sent to.
	Issuer string
	// AllowPrivateJWKS lets jwks_uri lead to this machine and to private networks, also without TLS. Whoever may register an app
	// can then make the server send requests there.
	AllowPrivateJWKS bool
	Now              func() time.Time // default: time.Now
	Log              *slog.Logger     // default: slog.Default(). It is told why the keys at a jwks_uri cannot be had.
}

// Registry is the registered apps. It is safe for concurrent use, and several processes may share its tables.
type Registry struct {
	Options
	keys *keySets
	// proven are secrets that argon2id has accepted, by hash with what it was compared to: it is slow, and apps send the same
	// secret each time.
	proven *lru.Cache[string, struct{}]
}

// maxProven is how many secrets are remembered.
const maxProven = 1000

// New makes a Registry.
func New(o Options) *Registry {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	proven, err := lru.New[string, struct{}](maxProven)
	if err != nil {
		panic("client: " + err.Error()) // only for a size below 1
	}
	return &Registry{Options: o, keys: newKeySets(o), proven: proven}
}

// Add registers an app. Its error is an *oauth.Error where the app is not as it must be, and store.ErrConflict where another one
// has its id.
func (r *Registry) Add(ctx context.Context, c state.Client) error {
	if err := r.Validate(c); err != nil {
		return err
	}
	if c.Created.IsZero() {
		c.Created = r.Now().UTC()
	}
	_, err := r.Tables.Clients.Put(ctx, state.Record[state.Client]{Key: c.ID, Value: c})
	return err
}

// Replace registers an app in place of the one that has its id. What that one was given stays; its scopes are bounded anew when
// tokens are refreshed. store.ErrNotFound where there is none.
func (r *Registry) Replace(ctx context.Context, c state.Client) error {
	if err := r.Validate(c); err != nil {
		return err
	}
	_, err := r.Tables.Clients.Change(ctx, c.ID, func(record *state.Record[state.Client]) error {
		c.Created = record.Value.Created
		record.Value = c
		return nil
	})
	return err
}

// Remove ends an app and everything that it was given. It is no error if there is none.
func (r *Registry) Remove(ctx context.Context, id string) error {
	if err := r.Tables.Clients.Delete(ctx, id); err != nil {
		return err
	}
	for grant, err := range r.Tables.Grants.List(ctx, "") {
		if err != nil {
			return err
		}
		if grant.Value.Client != id || grant.Value.Revoked {
			continue
		}
		_, err := r.Tables.Grants.Change(ctx, grant.Key, func(g *state.Record[state.Grant]) error {
			g.Value.Revoked = true
			return nil
		})
		if err != nil && !isNotFound(err) {
			return err
		}
	}
	return nil
}

// NewSecret is a random secret for an app, and what is kept of it in state.Client.Secret.
func NewSecret(random io.Reader) (secret, kept string, err error) {
	if random == nil {
		random = rand.Reader
	}
	if secret, err = state.Secret(random); err != nil {
		return "", "", err
	}
	return secret, state.Hash(secret), nil
}

// KeepSecret is what is kept of a secret that a person has chosen.
func KeepSecret(ctx context.Context, secret string) (kept string, err error) {
	return password.Hash(ctx, secret)
}
