package authserver

import (
	"cmp"
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"fhirside/resources"
	"fhirside/resources/access"
	"fhirside/smart/account"
	"fhirside/smart/client"
	"fhirside/smart/scope"
	"fhirside/smart/state"
	"fhirside/smart/token"
)

// Registration says who may register an app over HTTP (RFC 7591).
type Registration string

const (
	RegistrationOff   Registration = "off"   // nobody: apps are added on the command line
	RegistrationToken Registration = "token" // who has Options.InitialToken
	RegistrationOpen  Registration = "open"  // everybody, but no app gets system scopes that way
)

// Lifetimes.
const (
	codeLife    = time.Minute          // RFC 6749 allows ten
	codeKept    = 24 * time.Hour       // after its use, so that a second one is noticed
	pendingLife = 30 * time.Minute     // to sign in, choose and consent
	launchLife  = 5 * time.Minute      // of a launch value
	offlineLife = 100 * 24 * time.Hour // of a refresh token that is not used; SMART asks for three months
	onlineLife  = 12 * time.Hour       // no session lasts longer
)

// Options of a Server. Those down to Policies are required.
type Options struct {
	// Origin is the issuer: the server's base URL without a slash at its end, "https://clinic.example" or with a prefix.
	Origin string
	// Base is the FHIR base URL, the aud of every access token: "https://clinic.example/fhir".
	Base string
	// Loopback: nobody has said by which name clients know the server, and it listens on a loopback address, so that localhost,
	// 127.0.0.1 and [::1] in an aud are all it.
	Loopback bool

	Tables   *state.Tables
	Accounts *account.Accounts
	Clients  *client.Registry
	Keys     *token.Keys
	Service  *resources.Service // for patients and encounters to choose from, as far as the user may see them
	// Policies is what scopes allow a subject.
	Policies func(scope.Set, scope.Subject) (access.Policy, error)

	// Forget is told of each grant that is revoked here: guard.Guard.Forget.
	Forget func(grant string)
	Clinic string // the server's name for people; default that of web

	Registration Registration // default off
	InitialToken string       // for RegistrationToken
	// TokenLifetime of access tokens; default, and at most, an hour. Those of backend services live five minutes or less.
	TokenLifetime time.Duration
	Limits        Limits // default: DefaultLimits

	Now    func() time.Time // default: time.Now
	Random io.Reader        // default: crypto/rand
	Log    *slog.Logger     // default: slog.Default(). It is told of faults, never of secrets or people.
}

// Server is the authorization server. It is safe for concurrent use, and several processes may share its tables.
type Server struct {
	Options
	path   string // of the pages and endpoints as browsers see it: "/oauth" below the origin's own path
	limits limiters
}

// New makes a Server.
func New(o Options) *Server {
	if o.Forget == nil {
		o.Forget = func(string) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	o.Registration = cmp.Or(o.Registration, RegistrationOff)
	o.Limits = o.Limits.orDefault()
	if o.TokenLifetime <= 0 || o.TokenLifetime > token.MaxLife {
		o.TokenLifetime = token.MaxLife
	}
	path := "/oauth"
	if u, err := url.Parse(o.Origin); err == nil {
		path = u.Path + path
	}
	return &Server{Options: o, path: path, limits: newLimiters(o.Limits)}
}

// handlers are what serves the methods of a path. GET stands for HEAD as well.
type handlers map[string]func(*Server, http.ResponseWriter, *http.Request) error

// endpoint is a path with its handlers.
type endpoint struct {
	path    string
	shared  bool // apps of other origins may use it from a browser: it looks at no cookie
	methods handlers
}

var endpoints = []endpoint{
	{"/oauth/authorize", false, handlers{http.MethodGet: (*Server).authorize, http.MethodPost: (*Server).authorize}},
	{"/oauth/sign-in", false, handlers{http.MethodPost: (*Server).signIn}},
	{"/oauth/second-factor", false, handlers{http.MethodPost: (*Server).secondFactor}},
	{"/oauth/patient", false, handlers{http.MethodPost: (*Server).pickPatient}},
	{"/oauth/consent", false, handlers{http.MethodPost: (*Server).decide}},
	{"/oauth/sign-out", false, handlers{http.MethodGet: (*Server).askSignOut, http.MethodPost: (*Server).signOut}},

	{"/oauth/token", true, handlers{http.MethodPost: (*Server).token}},
	{"/oauth/introspect", true, handlers{http.MethodPost: (*Server).introspect}},
	{"/oauth/revoke", true, handlers{http.MethodPost: (*Server).revoke}},
	{"/oauth/register", true, handlers{http.MethodPost: (*Server).register}},
	{"/oauth/launch", true, handlers{http.MethodPost: (*Server).launch}},
	{"/oauth/userinfo", true, handlers{http.MethodGet: (*Server).userinfo, http.MethodPost: (*Server).userinfo}},
	{"/oauth/jwks", true, handlers{http.MethodGet: (*Server).jwks}},

	{"/fhir/.well-known/smart-configuration", true, handlers{http.MethodGet: (*Server).smartConfiguration}},
	{"/.well-known/smart-configuration", true, handlers{http.MethodGet: (*Server).smartConfiguration}},
	{"/.well-known/openid-configuration", true, handlers{http.MethodGet: (*Server).openidConfiguration}},
	{"/.well-known/oauth-authorization-server", true, handlers{http.MethodGet: (*Server).serverMetadata}},
}

// SharedPaths are the paths below /oauth that apps of other origins may use from a browser: none of them looks at a cookie.
func SharedPaths() (paths []string) {
	for _, e := range endpoints {
		if e.shared && strings.HasPrefix(e.path, "/oauth/") {
			paths = append(paths, e.path)
		}
	}
	return paths
}

// Mount hangs the endpoints below the server's origin.
func (s *Server) Mount(r gin.IRouter) {
	for _, e := range endpoints {
		r.Any(e.path, func(c *gin.Context) {
			method := c.Request.Method
			if method == http.MethodHead {
				method = http.MethodGet
			}
			serve, ok := e.methods[method]
			if !ok {
				c.Header("Allow", strings.Join(e.allowed(), ", "))
				if method == http.MethodOptions {
					c.Status(http.StatusNoContent)
					return
				}
				s.fail(c.Writer, c.Request, methodNotAllowed(c.Request.Method))
				return
			}
			if err := serve(s, c.Writer, c.Request); err != nil {
				s.fail(c.Writer, c.Request, err)
			}
		})
	}
}

// allowed are the methods of an endpoint.
func (e endpoint) allowed() (methods []string) {
	for m := range e.methods {
		if methods = append(methods, m); m == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
	}
	slices.Sort(methods)
	return methods
}

// revokeGrant ends a family of tokens, at once in this process and within a second in the others.
func (s *Server) revokeGrant(ctx context.Context, id string) error {
	_, err := s.Tables.Grants.Change(ctx, id, func(r *state.Record[state.Grant]) error {
		r.Value.Revoked = true
		return nil
	})
	s.Forget(id)
	return absent(err)
}
