package rest_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"fhirside/fhir"
	"fhirside/resources"
	"fhirside/resources/access"
	"fhirside/resources/rest"
)

// guarded is a server that wants a token and has an authorization server, whose page looks at cookies.
func guarded(origins ...string) http.Handler {
	return rest.New(rest.Options{
		Service: resources.New(resources.Options{}), Log: slog.New(slog.DiscardHandler), Realm: "fhirside", Origins: origins,
		Metadata: func(string) []byte { return []byte(`{"resourceType":"CapabilityStatement"}`) },
		Guard: func(r *http.Request) (access.Policy, error) {
			switch r.Header.Get("Authorization") {
			case "":
				return nil, fhir.Errorf(fhir.Unauthenticated, fhir.CodeLogin, "send an access token")
			case "Bearer narrow":
				return nil, fhir.Errorf(fhir.Forbidden, fhir.CodeForbidden, "this token does not reach that far")
			}
			return nil, fhir.Errorf(fhir.Unauthenticated, fhir.CodeSecurity, "the \"token\" has\nexpired: größer")
		},
		Mount: func(r gin.IRouter) {
			r.POST("/oauth/token", func(c *gin.Context) { c.String(http.StatusOK, "token") })
			r.GET("/oauth/authorize", func(c *gin.Context) { c.String(http.StatusOK, "page") })
			r.GET("/.well-known/openid-configuration", func(c *gin.Context) { c.String(http.StatusOK, "{}") })
			r.GET("/fhir/.well-known/smart-configuration", func(c *gin.Context) { c.String(http.StatusOK, "smart") })
		},
		SharedPaths: []string{"/oauth/token"},
	})
}

func answer(h http.Handler, method, url string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, url, http.NoBody)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestChallenge(t *testing.T) {
	for token, want := range map[string]struct {
		status    int
		challenge string
	}{
		"":              {401, `Bearer realm="fhirside"`},
		"Bearer old":    {401, `Bearer realm="fhirside", error="invalid_token", error_description="the token hasexpired: grer"`},
		"Bearer narrow": {403, `Bearer realm="fhirside", error="insufficient_scope"`},
	} {
		for _, url := range []string{"/fhir/Patient/1", "/fhir/Patient", "/fhir", "/fhir/_history"} {
			w := answer(guarded(), http.MethodGet, url, "Authorization", token)
			if w.Code != want.status || w.Header().Get("WWW-Authenticate") != want.challenge || !strings.Contains(w.Body.String(), `"OperationOutcome"`) {
				t.Errorf("%s with %q: %d %s %s", url, token, w.Code, w.Header().Get("WWW-Authenticate"), w.Body)
			}
		}
	}
	for _, url := range []string{"/fhir/metadata", "/fhir/.well-known/smart-configuration", "/.well-known/openid-configuration", "/oauth/authorize", "/healthz"} {
		if w := answer(guarded(), http.MethodGet, url); w.Code != http.StatusOK {
			t.Errorf("%s needs a token: %d %s", url, w.Code, w.Body)
		}
	}
}

func TestCrossOrigin(t *testing.T) {
	const app = "https://app.example"
	paths := map[string]bool{ // whether apps of other origins may use them
		"/fhir": true, "/fhir/": true, "/fhir/Patient/1": true, "/fhir/metadata": true, "/fhir/.well-known/smart-configuration": true,
		"/.well-known/openid-configuration": true, "/oauth/token": true,
		"/oauth/authorize": false, "/": false, "/metrics": false, "/fhirside": false,
	}
	for name, given := range map[string]struct {
		origins []string
		want    bool
	}{
		"any": {[]string{rest.AnyOrigin}, true}, "this": {[]string{"https://other.example", app}, true}, "another": {[]string{"https://other.example"}, false}, "none": {nil, false},
	} {
		h := guarded(given.origins...)
		for url, shared := range paths {
			want := ""
			if given.want && shared {
				want = app
			}
			w := answer(h, http.MethodGet, url, "Origin", app)
			if got := w.Header().Get("Access-Control-Allow-Origin"); got != want {
				t.Errorf("%s: GET %s allows %q, not %q", name, url, got, want)
			}
			if vary := w.Header().Values("Vary"); shared && given.origins != nil && !strings.Contains(strings.Join(vary, ","), "Origin") {
				t.Errorf("%s: GET %s varies by %q", name, url, vary)
			}
			if got := w.Header().Get("Access-Control-Allow-Credentials"); (got == "true") != (want != "") {
				t.Errorf("%s: GET %s allows credentials: %q", name, url, got)
			}
			for _, exposed := range []string{"Location", "Etag", "Last-Modified", "Content-Location"} {
				if got := w.Header().Get("Access-Control-Expose-Headers"); want != "" && !strings.Contains(got, exposed) {
					t.Errorf("%s: GET %s exposes %q", name, url, got)
				}
			}
			w = answer(h, http.MethodOptions, url, "Origin", app, "Access-Control-Request-Method", "PATCH", "Access-Control-Request-Headers", "authorization,x-app,if-match")
			if got := w.Header().Get("Access-Control-Allow-Origin"); got != want {
				t.Errorf("%s: preflight of %s allows %q, not %q", name, url, got, want)
			}
			if want != "" && (w.Code != http.StatusNoContent || w.Header().Get("Access-Control-Allow-Headers") != "authorization,x-app,if-match" || w.Header().Get("Access-Control-Allow-Methods") != "PATCH") {
				t.Errorf("%s: preflight of %s: %d %v", name, url, w.Code, w.Header())
			}
			if vary := w.Header().Values("Vary"); want != "" && !strings.Contains(strings.Join(vary, ","), "Origin") {
				t.Errorf("%s: preflight of %s varies by %q", name, url, vary)
			}
		}
	}
}

// The client's address comes from a proxy only where that proxy is trusted.
func TestProxies(t *testing.T) {
	for name, given := range map[string]struct {
		proxies []netip.Prefix
		want    string
	}{
		"none":    {nil, "192.0.2.1:1234"},
		"this":    {[]netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, "203.0.113.7:0"},
		"another": {[]netip.Prefix{netip.MustParsePrefix("198.51.100.1/32")}, "192.0.2.1:0"},
	} {
		var got string
		h := rest.New(rest.Options{
			Service: resources.New(resources.Options{}), Log: slog.New(slog.DiscardHandler), Proxies: given.proxies,
			Guard: func(r *http.Request) (access.Policy, error) {
				got = r.RemoteAddr
				return nil, fhir.Errorf(fhir.Unauthenticated, fhir.CodeLogin, "no")
			},
		})
		if answer(h, http.MethodGet, "/fhir", "X-Forwarded-For", "198.51.100.9, 203.0.113.7"); got != given.want {
			t.Errorf("%s: %s, not %s", name, got, given.want)
		}
	}
}

// Links begin with what a trusted proxy says that the client asked for.
func TestForwarded(t *testing.T) {
	these := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	const direct = "http://example.com/fhir"
	for name, c := range map[string]struct {
		proxies []netip.Prefix
		base    string
		header  []string
		want    string
	}{
		"no proxies":     {nil, "", []string{"X-Forwarded-Proto", "https", "X-Forwarded-Host", "evil.example"}, direct},
		"another":        {[]netip.Prefix{netip.MustParsePrefix("198.51.100.1/32")}, "", []string{"X-Forwarded-Host", "evil.example"}, direct},
		"scheme":         {these, "", []string{"X-Forwarded-Proto", "https"}, "https://example.com/fhir"},
		"all":            {these, "", []string{"X-Forwarded-Proto", "HTTPS", "X-Forwarded-Host", "clinic.example:8443", "X-Forwarded-Prefix", "/records/"}, "https://clinic.example:8443/records/fhir"},
		"several":        {these, "", []string{"X-Forwarded-Host", "evil.example, clinic.example"}, "http://clinic.example/fhir"},
		"rfc 7239":       {these, "", []string{"Forwarded", `for=1.2.3.4;host=evil.example, for="[2001:db8::1]:47"; Proto=https;host="[2001:db8::2]:8443"`}, "https://[2001:db8::2]:8443/fhir"},
		"base":           {these, "https://known.example/fhir", []string{"X-Forwarded-Host", "clinic.example"}, "https://known.example/fhir"},
		"bad host":       {these, "", []string{"X-Forwarded-Host", "a/b"}, direct},
		"bad host space": {these, "", []string{"X-Forwarded-Host", `a"b`}, direct},
		"bad scheme":     {these, "", []string{"X-Forwarded-Proto", "javascript"}, direct},
		"bad prefix":     {these, "", []string{"X-Forwarded-Prefix", "//evil.example"}, direct},
		"dots in prefix": {these, "", []string{"X-Forwarded-Prefix", "/a b"}, direct},
	} {
		h := rest.New(rest.Options{
			Service: resources.New(resources.Options{}), Log: slog.New(slog.DiscardHandler), Proxies: c.proxies, Base: c.base,
			Guard:    func(*http.Request) (access.Policy, error) { return access.Everything, nil },
			Metadata: func(base string) []byte { return []byte(`{"resourceType":"CapabilityStatement","url":"` + base + `"}`) },
		})
		if got := answer(h, http.MethodGet, "/fhir/metadata", c.header...).Body.String(); !strings.Contains(got, `"`+c.want+`"`) {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestStrictTransport(t *testing.T) {
	for base, want := range map[string]string{"": "", "http://127.0.0.1:8080/fhir": "", "https://clinic.example/fhir": "max-age=31536000"} {
		h := rest.New(rest.Options{Service: resources.New(resources.Options{}), Log: slog.New(slog.DiscardHandler), Base: base})
		for _, url := range []string{"/", "/nothing", "/healthz"} {
			if got := answer(h, http.MethodGet, url).Header().Get("Strict-Transport-Security"); got != want {
				t.Errorf("%s at base %q: %q", url, base, got)
			}
		}
	}
}

// The landing page offers what can be opened: without tokens the records, with them where tokens come from.
func TestLanding(t *testing.T) {
	options := rest.Options{Service: resources.New(resources.Options{}), Log: slog.New(slog.DiscardHandler)}
	open := rest.New(options)
	options.Pages = []rest.Page{{Path: "/demo", Title: "Demo app"}}
	for name, c := range map[string]struct {
		handler       http.Handler
		shows, leaves string
	}{
		"open":    {open, "/fhir/Patient?", "smart-configuration"},
		"demo":    {rest.New(options), `<a href="./demo">Demo app</a>`, "smart-configuration"},
		"guarded": {guarded(), "/fhir/.well-known/smart-configuration", "/fhir/Patient?"},
	} {
		page := answer(c.handler, http.MethodGet, "/").Body.String()
		if !strings.Contains(page, c.shows) || strings.Contains(page, c.leaves) || !strings.Contains(page, "/fhir/metadata") {
			t.Errorf("%s: %s", name, page)
		}
	}
}
