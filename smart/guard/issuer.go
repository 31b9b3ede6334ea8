package guard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/golang-jwt/jwt/v5"

	"fhirside/fhir"
)

// Issuer is an external OpenID Connect issuer whose access tokens are taken. URL, Audiences and Base are required.
type Issuer struct {
	// URL is the issuer, as its discovery document and its tokens name it.
	URL string
	// Audiences are the values of aud that stand for this server; a token needs one of them. Never an app's client_id: an id_token
	// of that app would pass as an access token.
	Audiences []string
	// Base is this server's FHIR base URL, by which a fhirUser claim with a whole URL is known as one of ours.
	Base string
	// Names of claims; defaults "patient", "fhirUser", and for scopes "scope" or else "scp".
	PatientClaim, UserClaim, ScopeClaim string
	Client                              *http.Client     // default: one that gives up after 10 s
	Now                                 func() time.Time // default: time.Now

	discovering sync.Mutex
	provider    *oidc.Provider
	failed      time.Time // of the last discovery
	failure     error
}

// algorithms that an issuer may sign with. No HMAC, and nothing unsigned.
var algorithms = []string{oidc.RS256, oidc.RS384, oidc.ES256, oidc.ES384, oidc.PS256}

// again is how long a failed discovery is not repeated.
const again = 5 * time.Second

func (i *Issuer) now() time.Time {
	if i.Now != nil {
		return i.Now()
	}
	return time.Now()
}

// Discover is the issuer's discovery document; it is fetched once. The error is an answer for callers (503) while the issuer
// cannot be reached.
func (i *Issuer) Discover() (*oidc.Provider, error) {
	i.discovering.Lock()
	defer i.discovering.Unlock()
	if i.provider != nil {
		return i.provider, nil
	}
	if i.failure == nil || i.now().Sub(i.failed) >= again {
		client := i.Client
		if client == nil {
			client = &http.Client{Timeout: 10 * time.Second}
		}
		// The provider goes on to fetch keys with this context: no request's may end it.
		i.provider, i.failure = oidc.NewProvider(oidc.ClientContext(context.Background(), client), i.URL)
		i.failed = i.now()
	}
	if i.failure != nil {
		return nil, fhir.Errorf(fhir.Unavailable, fhir.CodeTransient, "the issuer of access tokens cannot be reached").Because(i.failure)
	}
	return i.provider, nil
}

// Verify is a Verifier.
func (i *Issuer) Verify(ctx context.Context, token string) (Claims, error) {
	if err := checkType(token); err != nil {
		return Claims{}, Invalid(err)
	}
	provider, err := i.Discover()
	if err != nil {
		return Claims{}, err
	}
	// go-oidc calls it an id_token, but what it checks is any signed JWT of the issuer: signature, iss, exp and nbf. aud is ours.
	verified, err := provider.Verifier(&oidc.Config{
		SkipClientIDCheck: true, SupportedSigningAlgs: algorithms, Now: i.now,
	}).Verify(ctx, token)
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
	patient := text(all, or(i.PatientClaim, "patient"))
	c.Patient = strings.TrimPrefix(strings.TrimPrefix(patient, i.Base+"/"), "Patient/")
	if c.Patient != "" && !fhir.ValidID(c.Patient) {
		return c, Invalid(errors.New("its claim of a patient is no id"))
	}
	c.FHIRUser = strings.TrimPrefix(text(all, or(i.UserClaim, "fhirUser")), i.Base+"/")
	if resourceType, id, _ := strings.Cut(c.FHIRUser, "/"); !fhir.ValidID(id) || resourceType == "" {
		c.FHIRUser = "" // a user of another server: nobody here
	}
	return c, nil
}

func or(name, otherwise string) string {
	if name == "" {
		return otherwise
	}
	return name
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
