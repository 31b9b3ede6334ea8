package client_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"fhirside/resources/store/sqlite"
	"fhirside/smart/client"
	"fhirside/smart/state"
)

// FuzzAuthenticate: whatever a request says, it passes for no app but the public one, and its errors are answers.
func FuzzAuthenticate(f *testing.F) {
	s, err := sqlite.Open(f.Context(), sqlite.Memory, sqlite.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { s.Close() })
	r := client.New(client.Options{Tables: state.New(s.State()), Issuer: issuer, Log: slog.New(slog.DiscardHandler)})
	_, kept, err := client.NewSecret(nil)
	if err != nil {
		f.Fatal(err)
	}
	for _, c := range []state.Client{
		{ID: "public", Type: state.Public, Redirects: []string{"https://app.example/"}, Scope: "openid"},
		{ID: "secret", Type: state.Confidential, Secret: kept, Scope: "openid"},
		{ID: "signs", Type: state.Backend, JWKS: jwksOf(f, newKey(f, "ES384").public("1")), Scope: "system/*.rs"},
	} {
		if err := r.Add(f.Context(), c); err != nil {
			f.Fatal(err)
		}
	}
	f.Add("", "public", "", "", "")
	f.Add(basic("secret", "x"), "", "", "", "")
	f.Add("", "secret", "x", "", "")
	f.Add("", "", "", client.AssertionType, "eyJhbGciOiJFUzM4NCIsImtpZCI6IjEifQ.eyJpc3MiOiJzaWducyIsInN1YiI6InNpZ25zIn0.AAAA")
	f.Fuzz(func(t *testing.T, authorization, id, secret, assertionType, assertion string) {
		request := httptest.NewRequest(http.MethodPost, endpoint, nil)
		if authorization != "" {
			request.Header["Authorization"] = []string{authorization}
		}
		request.PostForm = url.Values{"client_id": {id}, "client_secret": {secret}, "client_assertion_type": {assertionType}, "client_assertion": {assertion}}
		c, err := r.Authenticate(t.Context(), request, endpoint)
		if err == nil && c.ID != "public" {
			t.Errorf("it passes for %s", c.ID)
		}
		if err != nil && !isRefusal(err) {
			t.Error(err)
		}
	})
}

// FuzzRedirect: a redirect URI that may be registered leads where it says, to everybody who parses it.
func FuzzRedirect(f *testing.F) {
	r := client.New(client.Options{})
	for _, seed := range []string{"https://app.example/cb?a=b", "http://127.0.0.1:1/", "com.example.app:/cb", "https://u@a/#*"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		if r.Validate(state.Client{ID: "a", Type: state.Public, Scope: "openid", Redirects: []string{uri}}) != nil {
			return
		}
		u, err := url.Parse(uri)
		if err != nil || u.Scheme == "" || u.Fragment != "" || u.User != nil || (u.Scheme == "http" || u.Scheme == "https") && u.Host == "" {
			t.Errorf("%q: %+v, %v", uri, u, err)
		}
	})
}
