package token

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Errors of VerifyAccess. Any other is a fault of the store.
var (
	ErrInvalid = errors.New("the token is not valid")
	ErrExpired = errors.New("the token has expired")
)

const (
	accessType = "at+jwt" // RFC 9068, section 2.1
	idType     = "JWT"
	// maxToken bounds what is read as a token, in bytes.
	maxToken = 16 << 10
	// skew is by how much the clocks of processes that share a store may differ. It concerns only when a token begins: that
	// makes none live longer.
	skew = time.Minute
)

// Access is what an access token says.
type Access struct {
	ID        string // jti
	Issuer    string
	Audience  string // the FHIR base
	ClientID  string
	Subject   string // name of the account, or the client's id where there is none
	Scope     string
	Grant     string // id of the state.Grant that it lives and dies with
	Patient   string // ids of the launch context
	Encounter string
	FHIRUser  string    // absolute URL
	Issued    time.Time // in whole seconds
	Expires   time.Time
}

// accessClaims are those of RFC 9068, section 2.2, and our own.
type accessClaims struct {
	Issuer    string           `json:"iss"`
	Audience  string           `json:"aud"` // one, and as a string: that is what all readers take
	Subject   string           `json:"sub"`
	ClientID  string           `json:"client_id"`
	Expires   *jwt.NumericDate `json:"exp"`
	Issued    *jwt.NumericDate `json:"iat"`
	NotBefore *jwt.NumericDate `json:"nbf,omitempty"`
	ID        string           `json:"jti"`
	Scope     string           `json:"scope"`
	Grant     string           `json:"grant"`
	Patient   string           `json:"patient,omitempty"`
	Encounter string           `json:"encounter,omitempty"`
	FHIRUser  string           `json:"fhirUser,omitempty"`
}

func (c *accessClaims) GetExpirationTime() (*jwt.NumericDate, error) { return c.Expires, nil }
func (c *accessClaims) GetIssuedAt() (*jwt.NumericDate, error)       { return c.Issued, nil }
func (c *accessClaims) GetNotBefore() (*jwt.NumericDate, error)      { return c.NotBefore, nil }
func (c *accessClaims) GetIssuer() (string, error)                   { return c.Issuer, nil }
func (c *accessClaims) GetSubject() (string, error)                  { return c.Subject, nil }
func (c *accessClaims) GetAudience() (jwt.ClaimStrings, error) {
	return jwt.ClaimStrings{c.Audience}, nil
}

// SignAccess makes an access token.
func (k *Keys) SignAccess(ctx context.Context, a Access) (string, error) {
	return k.sign(ctx, accessMethod, accessType, &accessClaims{
		Issuer: a.Issuer, Audience: a.Audience, Subject: a.Subject, ClientID: a.ClientID,
		Expires: jwt.NewNumericDate(a.Expires), Issued: jwt.NewNumericDate(a.Issued), ID: a.ID, Scope: a.Scope, Grant: a.Grant,
		Patient: a.Patient, Encounter: a.Encounter, FHIRUser: a.FHIRUser,
	})
}

// VerifyAccess reads an access token of that issuer for that audience. ErrInvalid is for everything that is none, whatever the
// reason, ErrExpired for one that was.
func (k *Keys) VerifyAccess(ctx context.Context, issuer, audience, token string) (Access, error) {
	if len(token) > maxToken {
		return Access{}, fmt.Errorf("%w: it is too long", ErrInvalid)
	}
	var fault error // of the store
	find := func(t *jwt.Token) (any, error) {
		if t.Header["typ"] != accessType {
			return nil, errors.New("it is no access token")
		}
		if _, has := t.Header["crit"]; has { // RFC 7515, section 4.1.11: none of these is understood here
			return nil, errors.New("it has critical extensions")
		}
		id, _ := t.Header["kid"].(string)
		public, err := k.public(ctx, accessMethod.Alg(), id)
		switch fault = err; {
		case err != nil:
			return nil, err
		case public == nil:
			return nil, errors.New("it was signed by an unknown key")
		}
		return public, nil
	}
	claims := &accessClaims{}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{accessMethod.Alg()}), jwt.WithoutClaimsValidation(), jwt.WithStrictDecoding())
	if _, err := parser.ParseWithClaims(token, claims, find); err != nil {
		if fault != nil {
			return Access{}, fault
		}
		return Access{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if err := claims.check(issuer, audience, k.Now()); err != nil {
		return Access{}, err
	}
	return Access{
		ID: claims.ID, Issuer: claims.Issuer, Audience: audience, ClientID: claims.ClientID, Subject: claims.Subject, Scope: claims.Scope,
		Grant: claims.Grant, Patient: claims.Patient, Encounter: claims.Encounter, FHIRUser: claims.FHIRUser,
		Issued: claims.Issued.Time, Expires: claims.Expires.Time,
	}, nil
}

// check holds the claims to RFC 9068, section 4. Leeway is for when a token begins, never for when it ends.
func (c *accessClaims) check(issuer, audience string, now time.Time) error {
	began := jwt.NewValidator(jwt.WithIssuer(issuer), jwt.WithAudience(audience), jwt.WithIssuedAt(), jwt.WithLeeway(skew),
		jwt.WithTimeFunc(func() time.Time { return now }))
	err := began.Validate(c)
	switch {
	case errors.Is(err, jwt.ErrTokenExpired) && !errors.Is(err, jwt.ErrTokenInvalidIssuer) && !errors.Is(err, jwt.ErrTokenInvalidAudience):
		return ErrExpired
	case err != nil:
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	case c.Expires == nil || c.Issued == nil || c.ID == "" || c.Subject == "" || c.ClientID == "" || c.Grant == "":
		return fmt.Errorf("%w: a claim is missing", ErrInvalid)
	case !now.Before(c.Expires.Time):
		return ErrExpired
	}
	return nil
}

// ID is what an id token says.
type ID struct {
	Issuer, Subject, Audience, Nonce string
	FHIRUser                         string // absolute URL; "" where the app may not know who the user is
	Name                             string
	Issued, Expires                  time.Time
	AuthTime                         time.Time // zero: not told
}

// SignID makes an id token.
func (k *Keys) SignID(ctx context.Context, id ID) (string, error) {
	claims := jwt.MapClaims{
		"iss": id.Issuer, "sub": id.Subject, "aud": id.Audience, "iat": id.Issued.Unix(), "exp": id.Expires.Unix(),
	}
	for name, value := range map[string]string{"nonce": id.Nonce, "fhirUser": id.FHIRUser, "profile": id.FHIRUser, "name": id.Name} {
		if value != "" {
			claims[name] = value
		}
	}
	if !id.AuthTime.IsZero() {
		claims["auth_time"] = id.AuthTime.Unix()
	}
	return k.sign(ctx, idMethod, idType, claims)
}
