package authserver_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"fhirside/smart/authserver"
)

// Whatever a request to authorize holds, nobody gets a code by it who has not signed in, and nobody is sent where no app is.
func FuzzAuthorize(f *testing.F) {
	e := newEnv(f, unlimited)
	for _, q := range []url.Values{
		e.request(), e.request("prompt", "none"), e.request("client_id", "portal", "redirect_uri", "http://127.0.0.1:8/cb"), e.request("aud", ""),
		e.request("scope", "patient/Observation.rs?category=x|y"), e.request("redirect_uri", "https://evil.example"), {"client_id": {"spa", "spa"}},
	} {
		f.Add(q.Encode(), false)
		f.Add(q.Encode(), true)
	}
	f.Add("client_id=%zz&;=&&=", true)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	f.Fuzz(func(t *testing.T, query string, post bool) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, e.origin+"/oauth/authorize", nil)
		if post {
			r, err = http.NewRequestWithContext(t.Context(), http.MethodPost, e.origin+"/oauth/authorize", strings.NewReader(query))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		} else {
			r.URL.RawQuery = strings.Map(visible, query)
		}
		must(t, err)
		response, err := client.Do(r)
		must(t, err)
		response.Body.Close()
		if response.StatusCode >= 500 {
			t.Errorf("status %d", response.StatusCode)
		}
		to := response.Header.Get("Location")
		allowed := to == ""
		for _, prefix := range []string{redirectURI + "?", "http://127.0.0.1", "http://[::1]", "com.example.app:/cb?"} {
			allowed = allowed || strings.HasPrefix(to, prefix)
		}
		u, err := url.Parse(to)
		if err != nil || !allowed || u.Query().Has("code") || strings.Contains(u.Host, "evil") {
			t.Errorf("Location: %s", to)
		}
	})
}

// visible keeps a request line one.
func visible(r rune) rune {
	if r <= ' ' || r == 0x7f {
		return -1
	}
	return r
}

// Whatever a token request holds, its answer is JSON, no fault, and no token.
func FuzzToken(f *testing.F) {
	e := newEnv(f, unlimited)
	for _, form := range []url.Values{
		redeem("abc"), refreshing("abc"), refreshing("abc", "client_id", ""), asking("a.b.c"), asking("eyJhbGciOiJub25lIn0.e30."),
		redeem("abc", "client_id", "portal", "client_secret", "x"), {"grant_type": {"x"}},
	} {
		f.Add(form.Encode(), "")
		f.Add(form.Encode(), "Basic cG9ydGFsOng=")
		f.Add(form.Encode(), "Bearer x")
	}
	f.Fuzz(func(t *testing.T, form, authorization string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, e.origin+"/oauth/token", strings.NewReader(form))
		must(t, err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if authorization = strings.TrimSpace(strings.Map(printable, authorization)); authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		here := *e
		here.t = t
		a := here.send(r, "")
		if a.status < 400 || a.status >= 500 || a.text("error") == "" || a.json["access_token"] != nil {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
}

func unlimited(o *authserver.Options) {
	most := authserver.Limit{PerSecond: 1e9, Burst: 1 << 30}
	o.Limits = authserver.Limits{SignIn: most, Token: most, Failure: most, Registration: most}
}

// printable is what a header can hold.
func printable(r rune) rune {
	if r < ' ' || r > '~' {
		return -1
	}
	return r
}
