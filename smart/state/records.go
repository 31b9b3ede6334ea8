package state

import (
	"encoding/json"
	"time"

	"fhirside/resources/store"
)

// Tables are all that the authorization server remembers.
type Tables struct {
	Accounts   Table[Account]   // by sign-in name, folded
	Sessions   Table[Session]   // by hash of the cookie; owner: the account
	Clients    Table[Client]    // by client_id
	Launches   Table[Launch]    // by hash of the launch value
	Codes      Table[Code]      // by hash of the code
	Grants     Table[Grant]     // by id; owner: the account, or the client of a backend service
	Refreshes  Table[Refresh]   // by hash of the refresh token; owner: the grant
	Assertions Table[Assertion] // by hash of client and jti: assertions that have been used
	Keys       Table[Key]       // by algorithm and generation ("ES256.1")
	Attempts   Table[Attempts]  // by what is limited ("sign-in:NAME")
	Pending    Table[Pending]   // by hash of its id: authorization requests on their way through the pages; owner: the session
}

// New are the tables in a store.
func New(s store.State) *Tables {
	return &Tables{
		Accounts:   Table[Account]{s, "account"},
		Sessions:   Table[Session]{s, "session"},
		Clients:    Table[Client]{s, "client"},
		Launches:   Table[Launch]{s, "launch"},
		Codes:      Table[Code]{s, "code"},
		Grants:     Table[Grant]{s, "grant"},
		Refreshes:  Table[Refresh]{s, "refresh"},
		Assertions: Table[Assertion]{s, "assertion"},
		Keys:       Table[Key]{s, "key"},
		Attempts:   Table[Attempts]{s, "attempts"},
		Pending:    Table[Pending]{s, "pending"},
	}
}

// MovableKinds are the kinds of entries that go along when a store moves: of all tables but Keys, which only their own key file opens.
// The new place makes its own.
func MovableKinds() []string {
	return []string{"account", "session", "client", "launch", "code", "grant", "refresh", "assertion", "attempts", "pending"}
}

// Account is a person who can sign in.
type Account struct {
	Name     string    `json:"name"`
	FHIRUser string    `json:"fhirUser"` // Patient/ID, Practitioner/ID or RelatedPerson/ID
	Admin    bool      `json:"admin,omitzero"`
	Password string    `json:"password"`          // argon2id, in the PHC string format
	TOTP     string    `json:"totp,omitzero"`     // base32 secret of a second factor (RFC 6238)
	TOTPStep int64     `json:"totpStep,omitzero"` // time step of the last code that was taken: no code works twice
	Disabled bool      `json:"disabled,omitzero"`
	Created  time.Time `json:"created"`
}

// Session is a browser in which a person has signed in.
type Session struct {
	Account string    `json:"account"`
	Since   time.Time `json:"since"` // of the sign-in, for auth_time
	CSRF    string    `json:"csrf"`
	Half    bool      `json:"half,omitzero"` // the password was right, the code of the second factor is still missing
}

// ClientType is how an app proves who it is.
type ClientType string

const (
	Public       ClientType = "public"       // cannot keep a secret: PKCE alone
	Confidential ClientType = "confidential" // by a secret, or by assertions if it has keys
	Backend      ClientType = "backend"      // by assertions, for client_credentials
)

// Client is an app.
type Client struct {
	ID        string          `json:"id"`
	Name      string          `json:"name,omitzero"` // for people
	Type      ClientType      `json:"type"`
	Secret    string          `json:"secret,omitzero"` // Hash of a generated one; an argon2id PHC string of one that a person chose
	JWKS      json.RawMessage `json:"jwks,omitzero"`
	JWKSURI   string          `json:"jwksUri,omitzero"`
	Redirects []string        `json:"redirects,omitzero"`
	LaunchURL string          `json:"launchUrl,omitzero"`
	Scope     string          `json:"scope"`            // the most that it can be granted
	Trusted   bool            `json:"trusted,omitzero"` // may create launches; its users are not asked for consent
	Dynamic   bool            `json:"dynamic,omitzero"` // registered itself (RFC 7591)
	Created   time.Time       `json:"created"`
}

// Context is what an app is launched with; its members go into the token response as they are named there.
type Context struct {
	Patient           string          `json:"patient,omitzero"`
	Encounter         string          `json:"encounter,omitzero"`
	FHIRContext       json.RawMessage `json:"fhirContext,omitzero"`
	NeedPatientBanner *bool           `json:"need_patient_banner,omitzero"`
	SmartStyleURL     string          `json:"smart_style_url,omitzero"`
	Intent            string          `json:"intent,omitzero"`
	Tenant            string          `json:"tenant,omitzero"`
}

// Launch is a launch from within an EHR.
type Launch struct {
	Client  string    `json:"client"`
	Account string    `json:"account"`
	Context Context   `json:"context"`
	Until   time.Time `json:"until"`         // an app may come with it before
	Used    string    `json:"used,omitzero"` // Key of the Pending that it was used by; kept for a while, so that a second use is noticed
}

// Code is an authorization code. It is kept for a while after its use, so that a second use is noticed.
type Code struct {
	Grant       string    `json:"grant"`
	Client      string    `json:"client"`
	RedirectURI string    `json:"redirectUri"`
	Challenge   string    `json:"challenge"` // PKCE, S256
	Until       time.Time `json:"until"`
	Used        bool      `json:"used,omitzero"`
}

// Grant is what a person has allowed an app, or what a backend service was given: a family of tokens that is revoked as one.
type Grant struct {
	Client   string    `json:"client"`
	Account  string    `json:"account,omitzero"` // "" for backend services
	FHIRUser string    `json:"fhirUser,omitzero"`
	Scope    string    `json:"scope"`
	Context  Context   `json:"context"`
	Nonce    string    `json:"nonce,omitzero"`
	AuthTime time.Time `json:"authTime,omitzero"`
	Session  string    `json:"session,omitzero"` // Key of the session that online_access ends with; "" for offline_access
	Revoked  bool      `json:"revoked,omitzero"`
	Created  time.Time `json:"created"`
}

// Refresh is a refresh token. A used one is kept as long as its grant, so that its reuse is noticed.
type Refresh struct {
	Grant string `json:"grant"`
	Scope string `json:"scope"`
	Used  bool   `json:"used,omitzero"`
}

// Assertion is a client assertion that has been used.
type Assertion struct{}

// Key is a signing key. The newest of an algorithm signs, the others verify until they expire.
type Key struct {
	ID        string    `json:"kid"`
	Algorithm string    `json:"alg"`
	Private   []byte    `json:"private"` // PKCS #8, encrypted
	Created   time.Time `json:"created"`
}

// Attempts counts failures.
type Attempts struct {
	Failures int       `json:"failures"`
	Until    time.Time `json:"until"` // no further attempt before
}

// Pending is an authorization request that waits for its user.
type Pending struct {
	Request json.RawMessage `json:"request"` // as authserver has checked it
}
