package guard

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	lru "github.com/hashicorp/golang-lru/v2"

	"fhirside/fhir"
	"fhirside/resources/access"
	"fhirside/resources/store"
	"fhirside/smart/state"
)

// recheck is how long a grant is taken to stand after it has been looked at: revocation reaches every process within a second.
const recheck = 500 * time.Millisecond

// renewed is how long a policy is taken to be what the claims allow: for whom a related person acts can end before their token does.
const renewed = time.Minute

// cached is how many tokens are remembered with their policies.
const cached = 10_000

// Claims are what an access token says.
type Claims struct {
	Client, Subject string
	Scope           string
	Grant           string // id of the state.Grant that it lives and dies with; "" for tokens of an external issuer
	Patient         string // id of the launch patient
	FHIRUser        string // who the user is, as "Practitioner/123"
	Expires         time.Time
}

// Verifier reads an access token. Its error is the answer to the request: see Invalid and Expired.
type Verifier func(ctx context.Context, token string) (Claims, error)

// Invalid is for a token that is of no use, whatever the reason, which only the log learns.
func Invalid(because error) error {
	return fhir.Errorf(fhir.Unauthenticated, models.IssueTypeUnknown, "the access token is not valid here").Because(because)
}

// Expired is for a token that was valid once.
func Expired() error {
	return fhir.Errorf(fhir.Unauthenticated, models.IssueTypeExpired, "the access token has expired or was revoked")
}

// Options of a Guard. All but Now are required.
type Options struct {
	Verify Verifier
	// Policy is what the claims of a token allow.
	Policy func(Claims) (access.Policy, error)
	Grants state.Table[state.Grant]
	Now    func() time.Time // default: time.Now
}

// Guard is safe for concurrent use.
type Guard struct {
	Options
	tokens  *lru.Cache[[sha256.Size]byte, *pass]
	forgets atomic.Uint64 // calls of Forget
}

// pass is a token that has been verified.
type pass struct {
	policy  access.Policy
	grant   string
	expires time.Time
	made    time.Time

	looking state.Look
	looked  atomic.Int64 // when the grant was seen to stand, in Unix nanoseconds
}

// New makes a Guard.
func New(o Options) *Guard {
	if o.Now == nil {
		o.Now = time.Now
	}
	tokens, err := lru.New[[sha256.Size]byte, *pass](cached)
	if err != nil {
		panic("guard: " + err.Error()) // only for a size below 1
	}
	return &Guard{Options: o, tokens: tokens}
}

// Policy is what the sender of a request may do. Its error, a *fhir.Error, is the answer where they have no valid access token.
func (g *Guard) Policy(r *http.Request) (access.Policy, error) {
	token, err := bearer(r.Header["Authorization"])
	if err != nil {
		return nil, err
	}
	ctx, key := r.Context(), sha256.Sum256([]byte(token))
	p, ok := g.tokens.Get(key)
	if !ok || g.Now().Sub(p.made) >= renewed && g.Now().Before(p.expires) {
		if p, err = g.verify(ctx, token); err != nil {
			return nil, err
		}
		g.tokens.Add(key, p)
	}
	if !g.Now().Before(p.expires) {
		g.tokens.Remove(key)
		return nil, Expired()
	}
	if err := g.stands(ctx, p); err != nil {
		return nil, err
	}
	return p.policy, nil
}

// bearer is the token of the Authorization header.
func bearer(headers []string) (string, error) {
	if len(headers) == 0 {
		return "", fhir.Errorf(fhir.Unauthenticated, fhir.CodeLogin, "send an access token: Authorization: Bearer …").At("http.Authorization")
	}
	scheme, token, _ := strings.Cut(headers[0], " ")
	token = strings.TrimLeft(token, " ")
	switch {
	case len(headers) > 1:
		return "", fhir.Errorf(fhir.Invalid, fhir.CodeInvalid, "more than one Authorization header").At("http.Authorization")
	case !strings.EqualFold(scheme, "Bearer"):
		return "", fhir.Errorf(fhir.Unauthenticated, fhir.CodeLogin, "only access tokens are taken: Authorization: Bearer …").At("http.Authorization")
	case token == "":
		return "", Invalid(errors.New("an empty token"))
	}
	return token, nil
}

func (g *Guard) verify(ctx context.Context, token string) (*pass, error) {
	claims, err := g.Verify(ctx, token)
	if err != nil {
		return nil, err
	}
	policy, err := g.Options.Policy(claims)
	if err != nil {
		return nil, err
	}
	return &pass{policy: policy, grant: claims.Grant, expires: claims.Expires, made: g.Now()}, nil
}

// stands looks whether the grant of a token has been revoked, if that is not known from a moment ago.
func (g *Guard) stands(ctx context.Context, p *pass) error {
	asked := g.Now()
	if p.grant == "" || p.freshAt(asked) {
		return nil
	}
	return p.looking.Once(func() bool { return p.freshAt(asked) }, func() error { return g.look(ctx, p) })
}

func (g *Guard) look(ctx context.Context, p *pass) error {
	now, forgets := g.Now(), g.forgets.Load()
	switch grant, err := g.Grants.Get(ctx, p.grant); {
	case errors.Is(err, store.ErrNotFound) || err == nil && grant.Value.Revoked:
		return Expired()
	case err != nil:
		return err
	}
	// What was forgotten since may be this one, read a moment before: then the next request looks again.
	if forgets == g.forgets.Load() {
		p.looked.Store(now.UnixNano())
	}
	return nil
}

// freshAt says whether the grant was seen to stand a moment before, or since.
func (p *pass) freshAt(t time.Time) bool {
	return t.Sub(time.Unix(0, p.looked.Load())) < recheck
}

// Forget makes this process look at a grant anew: it has just been revoked here.
func (g *Guard) Forget(grant string) {
	g.forgets.Add(1)
	for _, key := range g.tokens.Keys() {
		if p, ok := g.tokens.Peek(key); ok && p.grant == grant {
			g.tokens.Remove(key)
		}
	}
}
