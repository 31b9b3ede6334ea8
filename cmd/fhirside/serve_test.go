package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// startServer runs serve until the test, or stop, ends it. done gives its error.
func startServer(t *testing.T, set serveSettings) (url string, stop context.CancelFunc, done <-chan error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	listening, ended := make(chan string, 1), make(chan error, 1)
	var serving sync.WaitGroup
	serving.Go(func() {
		ended <- serve(ctx, set, slog.New(slog.DiscardHandler), func(a net.Addr) { listening <- "http://" + a.String() })
	})
	select {
	case url = <-listening:
	case err := <-ended:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		serving.Wait() // or its database is removed under it
	})
	return url, cancel, ended
}

func testSettings(t *testing.T) serveSettings {
	set := ownSettings()
	set.listen, set.store, set.maxBody = "127.0.0.1:0", "sqlite:"+filepath.Join(t.TempDir(), "test.db"), 1<<20
	set.smart = smartSettings{registration: "off", practitioners: "clinic", tokenLifetime: time.Hour}
	return set
}

func TestServeKeepsRecords(t *testing.T) {
	set := testSettings(t)
	url, stop, done := startServer(t, set)
	put(t, url+"/fhir/Patient/1", strings.NewReader(`{"resourceType":"Patient","id":"1"}`))
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	url, _, _ = startServer(t, set)
	response, err := http.Get(url + "/fhir/Patient/1")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("after a restart the status is %d", response.StatusCode)
	}
}

// A client searches by the fullUrl that the server gave it.
func TestServeKnowsItsOwnAddress(t *testing.T) {
	url, _, _ := startServer(t, testSettings(t))
	put(t, url+"/fhir/Patient/1", strings.NewReader(`{"resourceType":"Patient","id":"1"}`))
	put(t, url+"/fhir/Observation/1", strings.NewReader(`{"resourceType":"Observation","id":"1","status":"final","code":{"text":"x"},"subject":{"reference":"`+url+`/fhir/Patient/1"}}`))
	for _, patient := range []string{"1", "Patient/1", url + "/fhir/Patient/1"} {
		response, err := http.Get(url + "/fhir/Observation?patient=" + patient)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || !bytes.Contains(body, []byte(`"total":1,`)) {
			t.Errorf("patient=%s: %v %s", patient, err, body)
		}
	}
}

func put(t *testing.T, url string, body io.Reader) {
	t.Helper()
	request, err := http.NewRequest(http.MethodPut, url, body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/fhir+json")
	request.Header.Set("Expect", "100-continue")
	client := http.Client{Transport: &http.Transport{ExpectContinueTimeout: time.Minute}}
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusCreated {
		t.Errorf("status %d", response.StatusCode)
	}
}

// heldBody is a request body that waits for its first reader before it gives anything.
type heldBody struct {
	io.Reader
	wait func()
	once sync.Once
}

func (b *heldBody) Read(p []byte) (int, error) {
	b.once.Do(b.wait)
	return b.Reader.Read(p)
}

func TestRequestsInFlightFinish(t *testing.T) {
	url, stop, done := startServer(t, testSettings(t))
	// The client waits with the body until the server asks for it: then the request is in flight.
	body := &heldBody{Reader: strings.NewReader(`{"resourceType":"Patient","id":"1"}`), wait: func() {
		stop()
		for { // until nobody else is let in
			connection, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
			if err != nil {
				return
			}
			connection.Close()
		}
	}}
	put(t, url+"/fhir/Patient/1", body)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestSettingsAreRefused(t *testing.T) {
	for name, change := range map[string]func(*serveSettings){
		"registration":     func(s *serveSettings) { s.auth, s.smart.registration = "smart", "maybe" },
		"no initial token": func(s *serveSettings) { s.auth, s.smart.registration = "smart", "token" },
		"token-lifetime":   func(s *serveSettings) { s.auth, s.smart.tokenLifetime = "smart", 2*time.Hour },
		"no issuer":        func(s *serveSettings) { s.auth, s.smart.issuer.URL = "smart", "http://127.0.0.1:1" },
		"conditional":      func(s *serveSettings) { s.conditionalDelete = "all" },
		"auth":             func(s *serveSettings) { s.auth = "maybe" },
		"validation":       func(s *serveSettings) { s.validation = "strict" },
		"references":       func(s *serveSettings) { s.references = "yes" },
		"max-entries":      func(s *serveSettings) { s.maxEntries = -1 },
		"max-body":         func(s *serveSettings) { s.maxBody = 0 },
		"base-url":         func(s *serveSettings) { s.baseURL = "clinic.example" },
		"store":            func(s *serveSettings) { s.store = "oracle://x" },
		"empty path":       func(s *serveSettings) { s.store = "sqlite:" },
		"no listener":      func(s *serveSettings) { s.listen = "nowhere" },
	} {
		set := testSettings(t)
		change(&set)
		if err := serve(t.Context(), set, slog.New(slog.DiscardHandler), func(net.Addr) { t.Errorf("%s: it serves", name) }); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// The command line comes before the environment, that before the file, and that before the defaults.
func TestSettingsPrecedence(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte("listen: file:1\nstore: sqlite:file\nmax-body: 1234\nbase-url: https://file.example\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("FHIRSIDE_CONFIG", file)
	t.Setenv("FHIRSIDE_LISTEN", "env:1")
	t.Setenv("FHIRSIDE_STORE", "sqlite:env")
	cmd := serveCommand()
	if err := cmd.ParseFlags([]string{"--listen", "flag:1"}); err != nil {
		t.Fatal(err)
	}
	if err := configure(cmd); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"listen": "flag:1", "store": "sqlite:env", "max-body": "1234", "base-url": "https://file.example", "references": "check",
	} {
		if got := cmd.Flag(name).Value.String(); got != want {
			t.Errorf("--%s is %q, want %q", name, got, want)
		}
	}
}

func TestMistakesInSettings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.yaml")
	for _, text := range []string{"listne: x\n", "max-body: many\n", "[", "config: x\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := serveCommand()
		if err := cmd.ParseFlags([]string{"--config", file}); err != nil {
			t.Fatal(err)
		}
		if err := configure(cmd); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestVersion(t *testing.T) {
	var out bytes.Buffer
	cmd := rootCommand()
	cmd.SetArgs([]string{"version"})
	cmd.SetOut(&out)
	if err := cmd.Execute(); err != nil || !strings.HasPrefix(out.String(), "fhirside ") {
		t.Error(fmt.Sprint(out.String(), err))
	}
}

// A list of the file is what the flag takes: values with commas.
func TestSettingsOfLists(t *testing.T) {
	for want, value := range map[string]any{"a,b": []any{"a", "b"}, "1": []any{uint64(1)}, "x": "x", "true": true, "": []any{}} {
		if got := settingOf(value); got != want {
			t.Errorf("%v is %q, want %q", value, got, want)
		}
	}
}
