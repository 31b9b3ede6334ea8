package main

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"fhirside/resources/store"
	"fhirside/smart/client"
	"fhirside/smart/state"
	"fhirside/smart/token"
)

// runs is a command line on a store that a server has open.
type runs struct {
	*testing.T
	set serveSettings
	url string
}

func newRuns(t *testing.T) *runs {
	set := testSettings(t)
	url, _, _ := startServer(t, set)
	return &runs{t, set, url}
}

func (r *runs) run(command func() *cobra.Command, input string, args ...string) (out, notes string, err error) {
	r.Helper()
	cmd := command()
	cmd.SetIn(strings.NewReader(input))
	return execute(r.T, cmd, append(args, "--store", r.set.store)...)
}

// must is run for what has to succeed.
func (r *runs) must(command func() *cobra.Command, input string, args ...string) (out string) {
	r.Helper()
	out, notes, err := r.run(command, input, args...)
	if err != nil {
		r.Fatalf("%v: %v\n%s", args, err, notes)
	}
	return strings.TrimSpace(out)
}

func (r *runs) refused(command func() *cobra.Command, says string, args ...string) {
	r.Helper()
	if _, _, err := r.run(command, "", args...); err == nil || !strings.Contains(err.Error(), says) {
		r.Errorf("%v: %v, not %q", args, err, says)
	}
}

// tables of the store, beside the server.
func (r *runs) tables() (*state.Tables, store.Store) {
	r.Helper()
	s, err := openStore(r.Context(), r.set.store)
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { s.Close() })
	return state.New(s.State()), s
}

func (r *runs) file(name, content string) string {
	r.Helper()
	path := filepath.Join(r.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		r.Fatal(err)
	}
	return path
}

// publicKeys is a JWK Set of the example key of RFC 7517, appendix A.1.
const publicKeys = `{"keys":[{"kty":"EC","crv":"P-256","kid":"1","use":"sig",
	"x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]}`

func TestClient(t *testing.T) {
	r := newRuns(t)
	const redirect = "https://app.example/callback"
	if out := r.must(clientCommand, "", "add", "spa", "--name", "Diary", "--redirect", redirect, "--redirect", "http://127.0.0.1/cb",
		"--launch-url", "https://app.example/launch", "--scope", "launch patient/*.rs"); out != "" {
		t.Errorf("a public app has got %q", out)
	}
	made := r.must(clientCommand, "", "add", "made", "--type", "confidential", "--redirect", redirect, "--scope", "patient/*.rs", "--trusted")
	r.must(clientCommand, "s3cret: +%\r\nmore", "add", "chosen", "--type", "confidential", "--secret-stdin", "--redirect", redirect, "--scope", "patient/*.rs")
	r.must(clientCommand, "", "add", "signs", "--type", "confidential", "--jwks", r.file("keys.json", publicKeys), "--redirect", redirect, "--scope", "user/*.rs")
	r.must(clientCommand, "", "add", "backend", "--type", "backend", "--jwks-uri", "https://app.example/jwks", "--scope", "system/*.rs")

	tables, _ := r.tables()
	registry := client.New(client.Options{Tables: tables})
	knows := func(id, secret string) bool {
		t.Helper()
		request := httptest.NewRequest(http.MethodPost, "/", nil)
		request.PostForm = url.Values{"client_id": {id}, "client_secret": {secret}}
		_, err := registry.Authenticate(t.Context(), request, "")
		return err == nil
	}
	if len(made) < 40 || !knows("made", made) || !knows("chosen", "s3cret: +%") || knows("chosen", "s3cret") {
		t.Errorf("secrets: %q", made)
	}
	list := r.must(clientCommand, "", "list")
	for _, want := range []string{
		"spa      public        -", "made     confidential  secret", "signs    confidential  jwks", "backend  backend       https://app.example/jwks", "launch patient/*.rs",
	} {
		if !strings.Contains(list, want) {
			t.Errorf("no %q in\n%s", want, list)
		}
	}
	if strings.Contains(list, made) {
		t.Error("the list shows a secret")
	}

	for says, args := range map[string][]string{
		"--replace":                        {"add", "spa", "--redirect", redirect, "--scope", "patient/*.rs"},
		"name one app":                     {"add"},
		"redirect_uris":                    {"add", "x", "--scope", "patient/*.rs"},
		"scope is":                         {"add", "x", "--redirect", redirect},
		"no scopes that this server knows": {"add", "x", "--redirect", redirect, "--scope", "patient/*.rs patients/*.rs"},
		"fragment":                         {"add", "x", "--redirect", redirect + "#", "--scope", "patient/*.rs"},
		"no secret":                        {"add", "x", "--type", "confidential", "--secret-stdin", "--redirect", redirect, "--scope", "patient/*.rs"},
		"jwks or":                          {"add", "x", "--type", "backend", "--scope", "system/*.rs"},
		"confidential or":                  {"add", "x", "--type", "other", "--redirect", redirect, "--scope", "patient/*.rs"},
		"is no JSON":                       {"add", "x", "--type", "backend", "--jwks", r.file("none.json", "x"), "--scope", "system/*.rs"},
		"no such file":                     {"add", "x", "--type", "backend", "--jwks", "missing.json", "--scope", "system/*.rs"},
		"no client x":                      {"remove", "x"},
	} {
		r.refused(clientCommand, says, args...)
	}

	r.must(clientCommand, "", "add", "made", "--replace", "--type", "confidential", "--redirect", redirect, "--scope", "patient/*.r")
	if c, err := tables.Clients.Get(t.Context(), "made"); err != nil || c.Value.Scope != "patient/*.r" || c.Value.Trusted || !knows("made", made) {
		t.Errorf("replaced: %+v, %v", c.Value, err)
	}
	r.must(clientCommand, "", "remove", "made")
	if knows("made", made) {
		t.Error("removed, and still there")
	}
}

func TestClientFile(t *testing.T) {
	r := newRuns(t)
	keys := r.file("keys.json", publicKeys)
	const good = `clients:
  - id: one
    name: One
    type: public
    redirect: [https://one.example/cb, http://localhost/cb]
    scope: patient/*.rs
  - {id: two, type: confidential, secret: chosen secret, redirect: ["https://two.example/cb"], scope: user/*.rs, trusted: true}
`
	out := r.must(clientCommand, "", "add", "--file", r.file("clients.yaml", good+"  - {id: three, type: backend, jwks: "+keys+", scope: system/*.rs}\n"))
	tables, _ := r.tables()
	if c, err := tables.Clients.Get(t.Context(), "one"); err != nil || c.Value.Name != "One" || len(c.Value.Redirects) != 2 || out != "" {
		t.Errorf("%+v, %v, %q", c.Value, err, out)
	}
	if c, err := tables.Clients.Get(t.Context(), "two"); err != nil || !c.Value.Trusted || c.Value.Secret == "" || c.Value.Secret == "chosen secret" {
		t.Errorf("%+v, %v", c.Value, err)
	}
	for says, content := range map[string]string{
		"client one": good,
		"twice":      "clients:\n  - &a {id: four, type: public, redirect: [\"https://a.example/\"], scope: patient/*.rs}\n  - *a\n",
		"client six": "clients:\n  - {id: five, type: public, redirect: [\"https://a.example/\"], scope: patient/*.rs}\n  - {id: six, type: public}\n",
		"redirects":  "clients:\n  - {id: five, redirects: [x]}\n",
		"no clients": "clients: []\n",
	} {
		r.refused(clientCommand, says, "add", "--file", r.file("bad.yaml", content))
	}
	for _, id := range []string{"four", "five", "six"} {
		if _, err := tables.Clients.Get(t.Context(), id); err == nil {
			t.Errorf("%s of a file that is wrong is there", id)
		}
	}
	r.must(clientCommand, "", "add", "--replace", "--file", r.file("again.yaml", good))
}

func TestLaunch(t *testing.T) {
	r := newRuns(t)
	r.must(userCommand, "correct horse", "add", "doctor", "--fhir-user", "Practitioner/1", "--password-stdin")
	r.must(clientCommand, "", "add", "app", "--redirect", "https://app.example/cb", "--launch-url", "https://app.example/launch?a=b", "--scope", "launch patient/*.rs")
	r.must(clientCommand, "", "add", "plain", "--redirect", "https://app.example/cb", "--scope", "patient/*.rs")
	opened, err := url.Parse(r.must(launchCommand, "", "app", "--user", "Doctor", "--patient", "Patient/1", "--encounter", "2", "--intent", "order", "--base-url", "https://clinic.example/"))
	if err != nil || opened.Host != "app.example" || opened.Query().Get("a") != "b" || opened.Query().Get("iss") != "https://clinic.example/fhir" {
		t.Errorf("%s, %v", opened, err)
	}
	tables, _ := r.tables()
	launched, err := tables.Launches.Get(t.Context(), state.Hash(opened.Query().Get("launch")))
	if c := launched.Value.Context; err != nil || launched.Value.Client != "app" || launched.Value.Account != "doctor" || c.Patient != "1" || c.Encounter != "2" || c.Intent != "order" {
		t.Errorf("%+v, %v", launched.Value, err)
	}
	for says, args := range map[string][]string{
		"no client":  {"other", "--user", "doctor"},
		"no account": {"app", "--user", "nobody"},
		"launch URL": {"plain", "--user", "doctor"},
		"no id":      {"app", "--user", "doctor", "--patient", "a b"},
		"user":       {"app"},
	} {
		r.refused(launchCommand, says, args...)
	}
}

func TestToken(t *testing.T) {
	r := newRuns(t)
	r.must(userCommand, "correct horse", "add", "doctor", "--fhir-user", "Practitioner/1", "--password-stdin")
	r.must(userCommand, "correct horse", "add", "maria", "--fhir-user", "Patient/1", "--password-stdin")
	r.must(clientCommand, "", "add", "app", "--redirect", "https://app.example/cb", "--scope", "patient/*.rs user/Observation.rs system/Patient.r openid")
	r.must(clientCommand, "", "add", "backend", "--type", "backend", "--jwks", r.file("keys.json", publicKeys), "--scope", "system/*.rs")
	const origin = "https://clinic.example"
	read := func(signed string) token.Access {
		t.Helper()
		tables, s := r.tables()
		keys, err := signingKeys(t.Context(), r.set.store, "", s, tables, nil)
		if err != nil {
			t.Fatal(err)
		}
		a, err := keys.VerifyAccess(t.Context(), origin, origin+"/fhir", signed)
		if err != nil {
			t.Fatal(err)
		}
		if g, err := tables.Grants.Get(t.Context(), a.Grant); err != nil || g.Value.Client != a.ClientID || g.Value.Scope != a.Scope {
			t.Errorf("grant %+v, %v", g.Value, err)
		}
		return a
	}
	a := read(r.must(tokenCommand, "", "app", "--user", "maria", "--scope", "patient/Observation.rs patient/Device.cruds", "--base-url", origin))
	if a.Scope != "patient/Observation.rs patient/Device.rs" {
		t.Errorf("scope %q", a.Scope)
	}
	if a.Subject != "maria" || a.Patient != "1" || a.FHIRUser != origin+"/fhir/Patient/1" || a.Expires.Sub(a.Issued) != token.MaxLife {
		t.Errorf("%+v", a)
	}
	a = read(r.must(tokenCommand, "", "backend", "--base-url", origin))
	if a.Subject != "backend" || a.Scope != "system/*.rs" || a.Expires.Sub(a.Issued) != token.BackendLife {
		t.Errorf("%+v", a)
	}
	for says, args := range map[string][]string{
		"no client":        {"other"},
		"no account":       {"app", "--user", "nobody"},
		"needs --user":     {"app", "--scope", "user/*.rs"},
		"needs --patient":  {"app", "--user", "doctor", "--scope", "patient/*.rs"},
		"backend services": {"app", "--user", "doctor", "--patient", "1"},
		"no other":         {"app", "--user", "maria", "--patient", "2", "--scope", "patient/*.rs"},
		"nothing":          {"app", "--user", "maria", "--scope", "patient/*.d"},
		"no user":          {"backend", "--user", "doctor"},
	} {
		r.refused(tokenCommand, says, args...)
	}

	// What an old key has signed is read on after new ones were made.
	old := r.must(tokenCommand, "", "backend", "--base-url", origin)
	r.must(keyCommand, "", "rotate")
	fresh := r.must(tokenCommand, "", "backend", "--base-url", origin)
	if kid(t, old) == kid(t, fresh) {
		t.Error("the old key signs on")
	}
	read(old)
	read(fresh)
	r.refused(keyCommand, "key file", "rotate", "--key-file", filepath.Join(t.TempDir(), "other.key"))
	if info, err := os.Stat(strings.TrimPrefix(r.set.store, "sqlite:") + ".key"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

func kid(t *testing.T, signed string) string {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(signed, ".")[0])
	if err != nil {
		t.Fatal(err)
	}
	var header struct{ Kid string }
	if err := json.Unmarshal(raw, &header); err != nil {
		t.Fatal(err)
	}
	return header.Kid
}
