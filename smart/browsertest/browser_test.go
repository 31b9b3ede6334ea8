package browsertest_test

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The versions of the npm packages that the test is run with.
var packages = []string{"fhirclient@2.6.3", "playwright-core@1.65.1"}

var (
	//go:embed testdata/app.html
	app string
	//go:embed testdata/run.mjs
	script string
)

const root = "../.."

// tools are what the test needs beside Go. Where one is missing it is skipped.
type tools struct{ node, chromium, modules string }

func findTools(t *testing.T) (found tools) {
	t.Helper()
	look := func(names ...string) string {
		for _, name := range names {
			if path, err := exec.LookPath(name); err == nil {
				return path
			}
		}
		t.Skipf("skipped: there is no %s here", names[0])
		return ""
	}
	found.node = look("node")
	found.chromium = look("chromium", "chromium-browser", "google-chrome")
	cache, err := filepath.Abs(filepath.Join(root, ".cache", "browsertest"))
	if err != nil {
		t.Fatal(err)
	}
	found.modules = cache
	if installed(cache) {
		return found
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", cache}, packages...)
	if out, err := exec.Command(look("npm"), args...).CombinedOutput(); err != nil {
		t.Skipf("skipped: npm cannot install %v: %v\n%s", packages, err, out)
	}
	return found
}

// installed says whether the packages are there in these versions.
func installed(cache string) bool {
	for _, p := range packages {
		name, version, _ := strings.Cut(p, "@")
		text, err := os.ReadFile(filepath.Join(cache, "node_modules", name, "package.json"))
		if err != nil || !bytes.Contains(text, fmt.Appendf(nil, `"version": %q`, version)) {
			return false
		}
	}
	return true
}

// clinic is a server of its own process, with its command line.
type clinic struct {
	*testing.T
	binary, store, url string
}

func newClinic(t *testing.T) *clinic {
	dir := t.TempDir()
	c := &clinic{T: t, binary: filepath.Join(dir, "fhirside"), store: "sqlite:" + filepath.Join(dir, "clinic.db")}
	build := exec.Command("go", "build", "-o", c.binary, "./cmd/fhirside")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return c
}

// run runs a command of the binary on the store.
func (c *clinic) run(input string, args ...string) string {
	c.Helper()
	cmd := exec.Command(c.binary, append(args, "--store", c.store)...)
	cmd.Stdin = strings.NewReader(input)
	var errors bytes.Buffer
	cmd.Stderr = &errors
	out, err := cmd.Output()
	if err != nil {
		c.Fatalf("fhirside %s: %v\n%s", strings.Join(args, " "), err, errors.String())
	}
	return strings.TrimSpace(string(out))
}

// serve starts the server and waits until it says where it listens.
func (c *clinic) serve() {
	c.Helper()
	cmd := exec.Command(c.binary, "serve", "--auth", "smart", "--listen", "127.0.0.1:0", "--store", c.store)
	log, err := cmd.StderrPipe()
	if err != nil {
		c.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		c.Fatal(err)
	}
	c.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		var line struct{ Msg, Address string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "serving" {
			c.url = "http://" + line.Address
			go func() { _, _ = io.Copy(io.Discard, log) }()
			return
		}
	}
	c.Fatal("the server did not start")
}

const records = `{"resourceType":"Practitioner","id":"doctor","name":[{"family":"Weber"}]}
{"resourceType":"Patient","id":"maria","name":[{"family":"Meier","given":["Maria"]}],"birthDate":"1971-05-02"}
{"resourceType":"Patient","id":"other","name":[{"family":"Meiningen"}]}
{"resourceType":"Encounter","id":"visit","status":"in-progress","class":{"code":"AMB"},"subject":{"reference":"Patient/maria"}}
`

func (c *clinic) load() {
	c.Helper()
	lines := records
	for _, patient := range []string{"maria", "other"} {
		for i := range 5 {
			lines += fmt.Sprintf(`{"resourceType":"Observation","id":"%s-%d","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/%s"},"performer":[{"reference":"Practitioner/doctor"}]}`+"\n", patient, i, patient)
		}
	}
	file := filepath.Join(c.TempDir(), "records.ndjson")
	if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
		c.Fatal(err)
	}
	c.run("", "load", file)
}

// apps serves a page per app, each with its clientId and scope in it.
func apps(t *testing.T, modules string, scopes map[string]string) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	for id, scope := range scopes {
		settings, err := json.Marshal(map[string]string{"clientId": id, "scope": scope})
		if err != nil {
			t.Fatal(err)
		}
		mux.HandleFunc("/"+id+".html", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, strings.Replace(app, "SETTINGS", string(settings), 1))
		})
	}
	mux.HandleFunc("/fhir-client.js", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, filepath.Join(modules, "node_modules/fhirclient/build/fhir-client.js"))
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

// launch is one for the script to do, and seen is what came of it.
type launch struct {
	Name         string   `json:"name"`
	URL          string   `json:"url"`
	Username     string   `json:"username"`
	Password     string   `json:"password"`
	Patient      string   `json:"patient"`
	Deny         []string `json:"deny,omitempty"`
	NarrowPolicy string   `json:"narrowPolicy,omitempty"`
}

type seen struct {
	Pages, Violations, Log      []string
	Failure, Where, Text, Title string
	Scripts                     string // cookies that a script of the app sees
	Result                      struct {
		Error, Patient, Subject, Performer, Again, Other, User, Encounter, Intent, Scope string
		Observations                                                                     []string
		Refreshed                                                                        bool
	}
}

func drive(t *testing.T, found tools, launches []launch) map[string]seen {
	t.Helper()
	input, err := json.Marshal(map[string]any{"executable": found.chromium, "launches": launches})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "run.mjs")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, found.node, file)
	cmd.Env = append(os.Environ(), "MODULES="+found.modules)
	cmd.Stdin = bytes.NewReader(input)
	var errors bytes.Buffer
	cmd.Stderr = &errors
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, errors.String())
	}
	var results map[string]seen
	if err := json.Unmarshal(out, &results); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return results
}

func TestLaunches(t *testing.T) {
	found := findTools(t)
	c := newClinic(t)
	c.load()
	c.run("correct horse", "user", "add", "maria", "--fhir-user", "Patient/maria", "--password-stdin")
	c.run("battery staple", "user", "add", "weber", "--fhir-user", "Practitioner/doctor", "--password-stdin")
	scopes := map[string]string{
		"patient-app": "openid fhirUser offline_access launch/patient patient/*.rs",
		"ehr-app":     "openid fhirUser launch online_access patient/*.rs",
		"doctor-app":  "openid fhirUser launch/patient patient/Patient.rs patient/Observation.rs patient/Practitioner.rs",
	}
	site := apps(t, found.modules, scopes)
	for id, scope := range scopes {
		page := site.URL + "/" + id + ".html"
		c.run("", "client", "add", id, "--type", "public", "--redirect", page, "--launch-url", page, "--scope", scope)
	}
	c.serve()
	iss := "?iss=" + c.url + "/fhir"
	maria := launch{Username: "maria", Password: "correct horse"}
	weber := launch{Username: "weber", Password: "battery staple", Patient: "maria"}
	with := func(l launch, name, url string) launch {
		l.Name, l.URL = name, url
		return l
	}
	denied := with(maria, "denied", site.URL+"/patient-app.html"+iss)
	denied.Deny = []string{"offline_access"}
	narrow := with(maria, "narrow", site.URL+"/patient-app.html"+iss)
	narrow.NarrowPolicy = "/oauth/consent"
	results := drive(t, found, []launch{
		with(maria, "standalone", site.URL+"/patient-app.html"+iss),
		denied,
		with(weber, "picker", site.URL+"/doctor-app.html"+iss),
		with(weber, "ehr", c.run("", "launch", "ehr-app", "--user", "weber", "--patient", "maria", "--encounter", "visit", "--intent", "review", "--base-url", c.url)),
		narrow,
	})
	for _, name := range []string{"standalone", "denied", "picker", "ehr"} {
		s := results[name]
		if s.Failure != "" || s.Result.Error != "" || len(s.Violations) > 0 {
			t.Errorf("%s failed: %s %s at %s after %q\n%s\n%q\n%s", name, s.Failure, s.Result.Error, s.Where, s.Pages, s.Text, s.Violations, strings.Join(s.Log, "\n"))
			continue
		}
		r := s.Result
		if r.Patient != "maria" || r.Again != "maria" || r.Subject != "Patient/maria" || r.Performer != "Practitioner/doctor" {
			t.Errorf("%s: the app reads %+v", name, r)
		}
		if got := strings.Join(r.Observations, " "); len(r.Observations) != 5 || strings.Contains(got, "other") {
			t.Errorf("%s: over all pages the app reads the observations %s", name, got)
		}
		if r.Other == "read" || !strings.HasPrefix(r.Other, "40") {
			t.Errorf("%s: another patient is %s", name, r.Other)
		}
		if s.Scripts != "" {
			t.Errorf("%s: a script sees the cookies %s", name, s.Scripts)
		}
		if want := name != "denied" && name != "picker"; r.Refreshed != want {
			t.Errorf("%s: refreshed is %v (scope %s)", name, r.Refreshed, r.Scope)
		}
	}
	if user := results["standalone"].Result.User; user != "Patient/maria" && user != c.url+"/fhir/Patient/maria" {
		t.Errorf("the user is %s", user)
	}
	if r := results["ehr"].Result; r.Encounter != "visit" || r.Intent != "review" {
		t.Errorf("the launch context is %+v", r)
	}
	if pages := strings.Join(results["picker"].Pages, ", "); !strings.Contains(pages, "Whose record?") {
		t.Errorf("no patient was picked: %s", pages)
	}
	// Chromium does not follow the redirect after the consent form to an app that form-action does not name.
	if s := results["narrow"]; s.Title == "done" || s.Result.Patient != "" || !strings.Contains(strings.Join(s.Violations, ""), "form-action") {
		t.Errorf("without the app in form-action: %+v", s)
	}
}
