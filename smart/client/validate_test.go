package client_test

import (
	"encoding/json"
	"strings"
	"testing"

	"fhirside/smart/oauth"
	"fhirside/smart/state"
)

func TestRedirects(t *testing.T) {
	w := newWorld(t, false)
	validate := func(uri string) error {
		return w.Validate(state.Client{ID: "app", Type: state.Public, Redirects: []string{uri}, Scope: "patient/*.rs"})
	}
	for _, good := range []string{
		"https://app.example/callback", "https://app.example", "https://app.example/?a=b", "https://app.example:8443/cb", "http://localhost/cb",
		"http://localhost:3000/cb", "http://127.0.0.1/cb", "http://127.0.0.1:1234", "http://[::1]:80/cb", "com.example.app:/cb", "com.example.app://cb",
	} {
		if err := validate(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for bad, says := range map[string]string{
		"":                                                 "no absolute",
		"/callback":                                        "no absolute",
		"app.example/callback":                             "no absolute",
		"//app.example/callback":                           "no absolute",
		"https:///callback":                                "no host",
		"https:callback":                                   "no host",
		"http://app.example/callback":                      "without TLS",
		"http://10.0.0.1/callback":                         "without TLS",
		"http://localhost.evil.example":                    "without TLS",
		"https://app.example/#x":                           "fragment",
		"https://app.example/cb#":                          "fragment",
		"https://*.app.example/cb":                         "wildcard",
		"https://app.example/*":                            "wildcard",
		"https://u:p@app.example/cb":                       "user",
		"http://localhost@evil.example":                    "user",
		"https://app.example/a b":                          "characters",
		"https://app.example/\n":                           "characters",
		`https://app.example\@evil`:                        "characters",
		"https://äpp.example/":                             "characters",
		"javascript:alert(1)":                              "scheme",
		"data:text/html,x":                                 "scheme",
		"myapp://callback":                                 "scheme",
		"https://app.example/" + strings.Repeat("a", 3000): "too long",
	} {
		w.refused(bad, validate(bad), oauth.InvalidRedirectURI, says)
	}
}

func TestMetadata(t *testing.T) {
	w := newWorld(t, false)
	rsa, ec := newKey(t, "RS384"), newKey(t, "ES384")
	one := jwksOf(t, rsa.public("1"))
	public := state.Client{ID: "app", Type: state.Public, Redirects: []string{"https://app.example/"}, Scope: "patient/*.rs"}
	backend := state.Client{ID: "app", Type: state.Backend, JWKS: one, Scope: "system/*.rs"}
	confidential := state.Client{ID: "app", Type: state.Confidential, Secret: "kept", Scope: "patient/*.rs"}
	for name, c := range map[string]struct {
		client state.Client
		change func(*state.Client)
		says   string // "": good
	}{
		"public":                       {public, func(*state.Client) {}, ""},
		"backend":                      {backend, func(*state.Client) {}, ""},
		"confidential":                 {confidential, func(*state.Client) {}, ""},
		"confidential by keys":         {confidential, func(c *state.Client) { c.Secret, c.JWKS = "", jwksOf(t, ec.public("1")) }, ""},
		"only to introspect":           {confidential, func(c *state.Client) { c.Scope = "" }, ""},
		"keys elsewhere":               {backend, func(c *state.Client) { c.JWKS, c.JWKSURI = nil, "https://app.example/jwks" }, ""},
		"an odd key beside":            {backend, func(c *state.Client) { c.JWKS = jwksOf(t, `{"kty":"new"}`, `7`, rsa.public("1")) }, ""},
		"launched":                     {public, func(c *state.Client) { c.LaunchURL = "http://localhost:9000/launch" }, ""},
		"no id":                        {public, func(c *state.Client) { c.ID = "" }, "client_id"},
		"id with a space":              {public, func(c *state.Client) { c.ID = "a b" }, "client_id"},
		"id too long":                  {public, func(c *state.Client) { c.ID = strings.Repeat("a", 201) }, "client_id"},
		"long name":                    {public, func(c *state.Client) { c.Name = strings.Repeat("ä", 101) }, "100 characters"},
		"name that turns around":       {public, func(c *state.Client) { c.Name = "cin\u202eilc" }, "cannot be seen"},
		"name in Persian":              {public, func(c *state.Client) { c.Name = "نامه\u200cنگار" }, ""},
		"name with a line end":         {public, func(c *state.Client) { c.Name = "a\nb" }, "client_name"},
		"no type":                      {public, func(c *state.Client) { c.Type = "" }, "public, confidential or backend"},
		"public with a secret":         {public, func(c *state.Client) { c.Secret = "kept" }, "neither"},
		"public with keys":             {public, func(c *state.Client) { c.JWKS = one }, "neither"},
		"confidential, proves nothing": {confidential, func(c *state.Client) { c.Secret = "" }, "has a secret"},
		"backend with a secret":        {backend, func(c *state.Client) { c.Secret = "kept" }, "no secret"},
		"backend without keys":         {backend, func(c *state.Client) { c.JWKS = nil }, "jwks"},
		"backend with a redirect":      {backend, func(c *state.Client) { c.Redirects = []string{"https://app.example/"} }, "no user"},
		"keys here and elsewhere":      {backend, func(c *state.Client) { c.JWKSURI = "https://app.example/jwks" }, "exclude"},
		"no keys in jwks":              {backend, func(c *state.Client) { c.JWKS = json.RawMessage(`{"keys":[]}`) }, "no key"},
		"jwks is none":                 {backend, func(c *state.Client) { c.JWKS = json.RawMessage(`[]`) }, "JWK Set"},
		"only odd keys":                {backend, func(c *state.Client) { c.JWKS = jwksOf(t, `{"kty":"new"}`) }, "no key"},
		"a private key":                {backend, func(c *state.Client) { c.JWKS = jwksOf(t, rsa.public("1"), ec.privateJWK(t)) }, "no public one"},
		"a symmetric key":              {backend, func(c *state.Client) { c.JWKS = jwksOf(t, `{"kty":"oct","k":"c2VjcmV0"}`) }, "no public one"},
		"a weak key":                   {backend, func(c *state.Client) { c.JWKS = jwksOf(t, weakKey(t)) }, "no key"},
		"a key to encrypt with":        {backend, func(c *state.Client) { c.JWKS = jwksOf(t, strings.Replace(rsa.public("1"), `"sig"`, `"enc"`, 1)) }, "no key"},
		"jwks_uri without TLS":         {backend, func(c *state.Client) { c.JWKS, c.JWKSURI = nil, "http://app.example/jwks" }, "https"},
		"jwks_uri is a file":           {backend, func(c *state.Client) { c.JWKS, c.JWKSURI = nil, "file:///etc/passwd" }, "https"},
		"scope is missing":             {public, func(c *state.Client) { c.Scope = "" }, "scope is missing"},
		"scope with quotes":            {public, func(c *state.Client) { c.Scope = `"` }, "scope"},
		"no redirect":                  {public, func(c *state.Client) { c.Redirects = nil }, "redirect_uris"},
		"launched without TLS":         {public, func(c *state.Client) { c.LaunchURL = "http://app.example/launch" }, "without TLS"},
		"launched by script":           {public, func(c *state.Client) { c.LaunchURL = "javascript:x" }, "no URL of the web"},
	} {
		changed := c.client
		c.change(&changed)
		err := w.Validate(changed)
		if c.says == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
