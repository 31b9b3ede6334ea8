package guard

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/time/rate"

	"fhirside/fhir"
)

// IssuerOptions describe an external OpenID Connect issuer whose access tokens are taken. URL, Audiences and Base are required.
type IssuerOptions struct {
	// URL is the issuer, as its discovery document and its tokens name it.
	URL string
	// Audiences are the values of aud that stand for this server; a token needs one of them. Never an app's client_id: an id_token
	// of that app would pass as an access token.
	Audiences []string
	// Base is this server's FHIR base URL, by which a fhirUser claim with a whole URL is known as one of ours.
	Base string
	// Names of claims; defaults "patient", "fhirUser", and for scopes "scope" or else "scp".
	PatientClaim, UserClaim, ScopeClaim string
	Now                                 func() time.Time // default: time.Now
}

// Issuer is an external issuer that has been found.
type Issuer struct {
	IssuerOptions
	Configuration map[string]any // smart-configuration, which points to it
	verifier      *oidc.IDTokenVerifier
}

// algorithms that an issuer may sign with. No HMAC, and nothing unsigned.
var algorithms = []string{oidc.RS256, oidc.RS384, oidc.ES256, oidc.ES384, oidc.PS256}

// Find reads an issuer's discovery document (OpenID Connect Discovery 1.0). Its keys are fetched when tokens name them.
func Find(o IssuerOptions) (*Issuer, error) {
	// Unknown keys make go-oidc ask for the key set, and anybody can send a token that names one: it is asked once a second at most.
	client := &http.Client{Timeout: 10 * time.Second, Transport: &slowed{rate.NewLimiter(rate.Every(time.Second), 5)}}
	// The provider goes on to fetch keys with this context: no caller's may end it.
	provider, err := oidc.NewProvider(oidc.ClientContext(context.Background(), client), o.URL)
	if err != nil {
		return nil, fmt.Errorf("the OpenID Connect issuer cannot be used: %w", err)
	}
	document, err := configuration(provider)
	if err != nil {
		return nil, fmt.Errorf("the discovery document of the OpenID Connect issuer: %w", err)
	}
	// go-oidc calls it an id_token, but what it checks holds for any signed JWT of an issuer: signature, iss, exp and nbf. aud is ours.
	verifier := provider.Verifier(&oidc.Config{SkipClientIDCheck: true, SupportedSigningAlgs: algorithms, Now: o.Now})
	return &Issuer{o, document, verifier}, nil
}

// slowed is a transport that refuses what comes too often.
type slowed struct{ limit *rate.Limiter }

func (s *slowed) RoundTrip(r *http.Request) (*http.Response, error) {
	if !s.limit.Allow() {
		return nil, errors.New("asked too often")
	}
	return http.DefaultTransport.RoundTrip(r)
}

// Verify is a Verifier.
func (i *Issuer) Verify(ctx context.Context, token string) (Claims, error) {
	if err := checkType(token); err != nil {
		return Claims{}, Invalid(err)
	}
	verified, err := i.verifier.Verify(ctx, token)
	if _, ok := errors.AsType[*oidc.TokenExpiredError](err); ok {
		return Claims{}, Expired()
	}
	if err != nil {
		return Claims{}, Invalid(err)
	}
	if !slices.ContainsFunc(verified.Audience, func(aud string) bool { return slices.Contains(i.Audiences, aud) }) {
		return Claims{}, Invalid(fmt.Errorf("the token is for %q", verified.Audience))
	}
	var all map[string]json.RawMessage
	if err := verified.Claims(&all); err != nil {
		return Claims{}, Invalid(err)
	}
	return i.claims(verified, all)
}

// checkType refuses what says of itself that it is another kind of token (RFC 8725, section 3.11). Many issuers type their access
// tokens "JWT" or not at all.
func checkType(token string) error {
	unverified, _, err := jwt.NewParser().ParseUnverified(token, jwt.MapClaims{})
	if err != nil {
		return err
	}
	kind, _ := unverified.Header["typ"].(string)
	switch strings.TrimPrefix(strings.ToLower(kind), "application/") {
	case "", "jwt", "at+jwt":
		return nil
	}
	return fmt.Errorf("a token of type %q", kind)
}

func (i *Issuer) claims(verified *oidc.IDToken, all map[string]json.RawMessage) (Claims, error) {
	c := Claims{Subject: verified.Subject, Expires: verified.Expiry, Client: text(all, "client_id")}
	if c.Client == "" {
		c.Client = text(all, "azp")
	}
	if i.ScopeClaim != "" {
		c.Scope = words(all[i.ScopeClaim])
	} else if c.Scope = words(all["scope"]); c.Scope == "" {
		c.Scope = words(all["scp"])
	}
	if c.Scope == "" {
		return c, Invalid(errors.New("the token has no scopes: an id_token, perhaps"))
	}
	patient := text(all, cmp.Or(i.PatientClaim, "patient"))
	c.Patient = strings.TrimPrefix(strings.TrimPrefix(patient, i.Base+"/"), "Patient/")
	if c.Patient != "" && !fhir.ValidID(c.Patient) {
		return c, Invalid(errors.New("its claim of a patient is no id"))
	}
	c.FHIRUser = strings.TrimPrefix(text(all, cmp.Or(i.UserClaim, "fhirUser")), i.Base+"/")
	switch resourceType, id, _ := strings.Cut(c.FHIRUser, "/"); resourceType {
	case "Patient", "Practitioner", "RelatedPerson":
		if fhir.ValidID(id) {
			return c, nil
		}
	}
	c.FHIRUser = "" // a user of another server, or none of those who can be one here
	return c, nil
}

// text is a claim that is a string, else "".
func text(claims map[string]json.RawMessage, name string) (s string) {
	if json.Unmarshal(claims[name], &s) != nil {
		return ""
	}
	return s
}

// words is a claim that is a string of words or an array of strings, as a string of words.
func words(claim json.RawMessage) string {
	var s string
	if json.Unmarshal(claim, &s) == nil {
		return s
	}
	var list []string
	if json.Unmarshal(claim, &list) == nil {
		return strings.Join(list, " ")
	}
	return ""
}
