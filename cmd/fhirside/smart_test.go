package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"fhirside/resources/rest"
	"fhirside/smart/account"
	"fhirside/smart/authserver"
	"fhirside/smart/state"
)

// A second server, as a process of its own, is the OpenID Connect issuer of this one.
func TestExternalIssuer(t *testing.T) {
	issuing := &runs{T: t, set: serveSettings{store: "sqlite:" + filepath.Join(t.TempDir(), "issuer.db")}}
	issuer := serverProcess(t, "--store", issuing.set.store)
	issuing.must(userCommand, "correct horse", "add", "maria", "--fhir-user", "Patient/maria", "--password-stdin")
	issuing.must(clientCommand, "", "add", "app", "--redirect", "https://app.example/cb", "--scope", "patient/*.rs")
	token := issuing.must(tokenCommand, "", "app", "--user", "maria", "--base-url", issuer)

	dir := t.TempDir()
	records, database := filepath.Join(dir, "records.ndjson"), "sqlite:"+filepath.Join(dir, "records.db")
	if err := os.WriteFile(records, []byte(`{"resourceType":"Patient","id":"maria"}`+"\n"+`{"resourceType":"Patient","id":"other"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := execute(t, loadCommand(), records, "--store", database); err != nil {
		t.Fatal(err)
	}
	server := serverProcess(t, "--store", database, "--oidc-issuer", issuer, "--oidc-audience", issuer+rest.Path)
	for path, want := range map[string]int{"/fhir/Patient/maria": 200, "/fhir/Patient/other": 404, "/fhir/Patient": 200, "/oauth/token": 404, "/oauth/authorize": 404} {
		if got := statusOf(t, server+path, token); got != want {
			t.Errorf("%s: %d, not %d", path, got, want)
		}
	}
	if got := statusOf(t, server+"/fhir/Patient/maria", token+"x"); got != http.StatusUnauthorized {
		t.Errorf("a broken token: %d", got)
	}
	other := serverProcess(t, "--store", database, "--oidc-issuer", issuer)
	if got := statusOf(t, other+"/fhir/Patient/maria", token); got != http.StatusUnauthorized {
		t.Errorf("a token for another audience: %d", got)
	}
	for _, path := range []string{"/fhir/.well-known/smart-configuration", "/fhir/metadata"} {
		if text := fetch(t, server+path); !strings.Contains(text, `"`+issuer+`/oauth/token"`) || strings.Contains(text, server+"/oauth") {
			t.Errorf("%s does not point to the issuer: %.600s", path, text)
		}
	}
}

// An administrator sees the clinic also where practitioners see only the patients that they care for.
func TestAdministrator(t *testing.T) {
	r := &runs{T: t, set: testSettings(t)}
	r.set.auth, r.set.smart.practitioners = "smart", "care-team"
	file := filepath.Join(t.TempDir(), "records.ndjson")
	if err := os.WriteFile(file, []byte(`{"resourceType":"Patient","id":"maria"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	r.must(loadCommand, "", file)
	r.must(userCommand, "correct horse", "add", "nurse", "--fhir-user", "Practitioner/1", "--password-stdin")
	r.must(userCommand, "correct horse", "add", "boss", "--fhir-user", "Practitioner/1", "--admin", "--password-stdin")
	r.must(clientCommand, "", "add", "app", "--redirect", "https://app.example/cb", "--scope", "user/*.rs")
	server, _, _ := startServer(t, r.set)
	for name, want := range map[string]int{"nurse": http.StatusNotFound, "boss": http.StatusOK} {
		if got := statusOf(t, server+"/fhir/Patient/maria", r.must(tokenCommand, "", "app", "--user", name, "--base-url", server)); got != want {
			t.Errorf("%s: %d, not %d", name, got, want)
		}
	}
}

func fetch(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %s", url, response.Status, body)
	}
	return string(body)
}

// What the discovery documents, the CapabilityStatement and the routes say of the endpoints is the same.
func TestEndpointsAgree(t *testing.T) {
	set := testSettings(t)
	set.auth, set.smart.registration = "smart", "open"
	url, _, _ := startServer(t, set)
	var smart, openID, metadata map[string]any
	for path, into := range map[string]*map[string]any{
		"/fhir/.well-known/smart-configuration": &smart, "/.well-known/openid-configuration": &openID, "/fhir/metadata": &metadata,
	} {
		if err := json.Unmarshal([]byte(fetch(t, url+path)), into); err != nil {
			t.Fatal(err)
		}
	}
	text, err := json.Marshal(metadata["rest"].([]any)[0].(map[string]any)["security"])
	if err != nil {
		t.Fatal(err)
	}
	for name, member := range map[string]string{
		"authorize": "authorization_endpoint", "token": "token_endpoint", "introspect": "introspection_endpoint",
		"revoke": "revocation_endpoint", "register": "registration_endpoint",
	} {
		claimed, _ := smart[member].(string)
		if claimed == "" || openID[member] != claimed || !strings.Contains(string(text), `{"url":"`+name+`","valueUri":"`+claimed+`"}`) {
			t.Errorf("%s: %v, %v, %s", name, smart[member], openID[member], text)
		}
		if response, err := http.Post(claimed, "application/x-www-form-urlencoded", http.NoBody); err != nil || response.StatusCode == http.StatusNotFound {
			t.Errorf("%s is not served: %v", claimed, err)
		}
	}
}

var requestID = regexp.MustCompile(`under the request id \w+|"jti":"[^"]*"`)

// Nothing that apps of other origins may use looks at a cookie: with those of a signed-in browser the answers are the same as
// without. (Browsers would not even send them there: their path is /oauth, but that is not relied on.) The pages do look.
func TestCookiesOpenNoAPI(t *testing.T) {
	set := testSettings(t)
	set.auth, set.smart.registration = "smart", "open"
	r := &runs{T: t, set: set}
	address, _, _ := startServer(t, set)
	r.must(userCommand, "correct horse", "add", "maria", "--fhir-user", "Patient/maria", "--password-stdin")
	r.must(clientCommand, "", "add", "app", "--redirect", "https://app.example/cb", "--scope", "patient/*.rs launch/patient")
	cookies := signedIn(t, set.store, "maria")

	ask := func(method, path, form string, cookies []*http.Cookie) (int, string) {
		t.Helper()
		request, err := http.NewRequest(method, address+path, strings.NewReader(form))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for _, c := range cookies {
			request.AddCookie(c)
		}
		response, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		return response.StatusCode, requestID.ReplaceAllString(string(body), "")
	}
	type call struct{ method, path, form string }
	calls := []call{
		{"GET", "/fhir", ""}, {"GET", "/fhir/Patient", ""}, {"GET", "/fhir/Patient/maria", ""}, {"GET", "/fhir/_history", ""}, {"DELETE", "/fhir/Patient/maria", ""},
		{"POST", "/fhir/Patient/_search", "name=x"}, {"GET", "/fhir/$meta", ""}, {"GET", "/.well-known/openid-configuration", ""},
		{"POST", "/oauth/token", "grant_type=client_credentials&client_id=app"}, {"POST", "/oauth/launch", "user=maria"},
	}
	for _, path := range authserver.SharedPaths() {
		calls = append(calls, call{"GET", path, ""}, call{"POST", path, "token=x&client_id=app"})
	}
	for _, c := range calls {
		status, body := ask(c.method, c.path, c.form, nil)
		statusWith, bodyWith := ask(c.method, c.path, c.form, cookies)
		if status != statusWith || body != bodyWith {
			t.Errorf("%s %s: %d %s without cookies, %d %s with them", c.method, c.path, status, body, statusWith, bodyWith)
		}
		if strings.HasPrefix(c.path, "/fhir") && statusWith != http.StatusUnauthorized {
			t.Errorf("%s %s with cookies alone: %d", c.method, c.path, statusWith)
		}
	}
	authorize := "/oauth/authorize?" + url.Values{
		"response_type": {"code"}, "client_id": {"app"}, "redirect_uri": {"https://app.example/cb"}, "scope": {"patient/*.rs launch/patient"}, "state": {"s"},
		"aud": {address + rest.Path}, "code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
	}.Encode()
	if status, page := ask("GET", authorize, "", nil); status != http.StatusOK || !strings.Contains(page, `name="password"`) {
		t.Errorf("nobody is signed in, but: %d %s", status, page)
	}
	if _, page := ask("GET", authorize, "", cookies); strings.Contains(page, `name="password"`) {
		t.Errorf("somebody is signed in, but: %s", page)
	}
}

// signedIn are the cookies of a browser in which somebody has signed in.
func signedIn(t *testing.T, url, name string) []*http.Cookie {
	t.Helper()
	s, err := openStore(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	accounts := account.New(account.Options{Tables: state.New(s.State())})
	person, err := accounts.Get(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	if _, err := accounts.SignIn(t.Context(), w, person); err != nil {
		t.Fatal(err)
	}
	return w.Result().Cookies()
}
