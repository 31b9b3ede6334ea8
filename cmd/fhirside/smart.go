package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"fhirside/conformance/capability"
	"fhirside/resources"
	"fhirside/resources/access"
	"fhirside/smart/account"
	"fhirside/smart/authserver"
	"fhirside/smart/client"
	"fhirside/smart/guard"
	"fhirside/smart/scope"
	"fhirside/smart/state"
)

// smartSettings are the flags of serve for --auth smart.
type smartSettings struct {
	keyFile, registration, registrationToken string
	practitioners                            string
	tokenLifetime                            time.Duration
	privateJWKS                              bool
	issuer                                   guard.IssuerOptions
}

func (set *smartSettings) addFlags(f *pflag.FlagSet) {
	f.StringVar(&set.keyFile, "key-file", "", keyFileUsage)
	f.StringVar(&set.registration, "registration", "off", "apps that register themselves: off, token (with --registration-token), or open")
	f.StringVar(&set.registrationToken, "registration-token", "", "the initial access token of --registration token; better set by FHIRSIDE_REGISTRATION_TOKEN")
	f.StringVar(&set.practitioners, "practitioner-access", "clinic", "what user/ scopes let practitioners see: clinic (everything), or care-team (patients whose active CareTeam they are in, or whose general practitioner they are)")
	f.DurationVar(&set.tokenLifetime, "token-lifetime", time.Hour, "how long access tokens live, at most an hour")
	f.BoolVar(&set.privateJWKS, "allow-private-jwks", false, "fetch apps' keys (jwks_uri) from private addresses as well")
	f.StringVar(&set.issuer.URL, "oidc-issuer", "", "take the access tokens of this OpenID Connect issuer, in place of the server's own")
	f.StringSliceVar(&set.issuer.Audiences, "oidc-audience", nil, "values of aud that stand for this server, of which a token of --oidc-issuer needs one (default: the FHIR base URL)")
	f.StringVar(&set.issuer.ScopeClaim, "oidc-scope-claim", "", "claim with the scopes (default: scope, or else scp)")
	f.StringVar(&set.issuer.PatientClaim, "oidc-patient-claim", "patient", "claim with the id of the launch patient")
	f.StringVar(&set.issuer.UserClaim, "oidc-user-claim", "fhirUser", "claim with who the user is, as Practitioner/123")
}

func (set smartSettings) check() error {
	switch authserver.Registration(set.registration) {
	case authserver.RegistrationOff, authserver.RegistrationOpen:
	case authserver.RegistrationToken:
		if set.registrationToken == "" {
			return errors.New("--registration token needs --registration-token")
		}
	default:
		return fmt.Errorf("--registration %q is not known: off, token or open", set.registration)
	}
	if set.practitioners != "clinic" && set.practitioners != "care-team" {
		return fmt.Errorf("--practitioner-access %q is not known: clinic or care-team", set.practitioners)
	}
	if set.tokenLifetime <= 0 || set.tokenLifetime > time.Hour {
		return fmt.Errorf("--token-lifetime %v: above 0, and at most an hour", set.tokenLifetime)
	}
	return nil
}

// smartDoor lets in who has an access token: of the authorization server that it makes, or of an external issuer. origin is where
// clients find the server.
func (set serveSettings) smartDoor(ctx context.Context, service *resources.Service, origin string, listening net.Addr, log *slog.Logger) (door, error) {
	tables := state.New(service.Store.State())
	options := scope.Options{
		Registry:     service.SearchParameters,
		Base:         service.Base,
		CareTeamOnly: set.smart.practitioners == "care-team",
		ActsFor: func(relatedPerson string) ([]string, error) {
			return authserver.ActsFor(context.Background(), service, service.Base, time.Now(), relatedPerson)
		},
	}
	accounts := account.New(account.Options{Tables: tables, Secure: strings.HasPrefix(origin, "https:"), Path: pagesPath(origin)})
	if set.smart.issuer.URL == "" { // whose users have no account here
		options.Administers = administrators(accounts)
	}
	policies := scope.NewCompiler(options)
	policy := func(c guard.Claims) (access.Policy, error) {
		granted, err := scope.Parse(c.Scope)
		if err != nil {
			return nil, guard.Invalid(err)
		}
		return policies.Policy(granted, scope.Subject{Patient: c.Patient, FHIRUser: c.FHIRUser, Account: c.Subject, ClientID: c.Client, Grant: c.Grant})
	}
	if set.smart.issuer.URL != "" {
		return set.externalDoor(service.Base, policy, tables)
	}
	keys, err := signingKeys(ctx, set.store, set.smart.keyFile, service.Store, tables, log)
	if err != nil {
		return door{}, err
	}
	g := guard.New(guard.Options{Verify: guard.Own(keys, origin, service.Base), Policy: policy, Grants: tables.Grants})
	server := authserver.New(authserver.Options{
		Origin:        origin,
		Base:          service.Base,
		Loopback:      set.baseURL == "" && isLoopback(listening),
		Tables:        tables,
		Accounts:      accounts,
		Clients:       client.New(client.Options{Tables: tables, Issuer: origin, Log: log, AllowPrivateJWKS: set.smart.privateJWKS}),
		Keys:          keys,
		Service:       service,
		Policies:      policies.Policy,
		Forget:        g.Forget,
		Registration:  authserver.Registration(set.smart.registration),
		InitialToken:  set.smart.registrationToken,
		TokenLifetime: set.smart.tokenLifetime,
		Log:           log,
	})
	e := server.Endpoints()
	return door{
		guard: g.Policy, realm: "fhirside", mount: server.Mount, sharedPaths: authserver.SharedPaths(),
		security: &capability.Security{Authorize: e.Authorize, Token: e.Token, Register: e.Register, Introspect: e.Introspect, Revoke: e.Revoke},
	}, nil
}

// administrators says whose accounts are marked as such.
func administrators(accounts *account.Accounts) func(name string) (bool, error) {
	return func(name string) (bool, error) {
		a, err := accounts.Get(context.Background(), name)
		if errors.Is(err, account.ErrUnknown) {
			return false, nil
		}
		return a.Admin, err
	}
}

// externalDoor lets in who has an access token of the issuer that --oidc-issuer names.
func (set serveSettings) externalDoor(base string, policy func(guard.Claims) (access.Policy, error), tables *state.Tables) (door, error) {
	o := set.smart.issuer
	o.Base = base
	if len(o.Audiences) == 0 {
		o.Audiences = []string{base}
	}
	issuer, err := guard.Find(o)
	if err != nil {
		return door{}, err
	}
	g := guard.New(guard.Options{Verify: issuer.Verify, Policy: policy, Grants: tables.Grants})
	member := func(name string) string {
		text, _ := issuer.Configuration[name].(string)
		return text
	}
	return door{
		guard: g.Policy, realm: "fhirside", mount: issuer.Mount,
		security: &capability.Security{
			Authorize: member("authorization_endpoint"), Token: member("token_endpoint"), Register: member("registration_endpoint"),
			Manage: member("management_endpoint"), Introspect: member("introspection_endpoint"), Revoke: member("revocation_endpoint"),
		},
	}, nil
}

// pagesPath is where browsers see the pages: cookies are sent there alone.
func pagesPath(origin string) string {
	u, err := url.Parse(origin)
	if err != nil {
		return "/oauth"
	}
	return u.Path + "/oauth"
}

func isLoopback(address net.Addr) bool {
	tcp, ok := address.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}
