package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fhirside/resources/store/mongo/mongotest"
)

// asProgram, in the environment, makes the test binary the program itself.
const asProgram = "FHIRSIDE_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	mongotest.Main(m)
}

// serverProcess starts a server as a process of its own and returns where it listens.
func serverProcess(t *testing.T, args ...string) string {
	t.Helper()
	ctx, end := context.WithTimeout(t.Context(), 10*time.Minute) // more than the whole test takes
	cmd := exec.CommandContext(ctx, os.Args[0], append([]string{"serve", "--listen", "127.0.0.1:0", "--auth", "smart"}, args...)...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end(); _ = cmd.Wait() })
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		var line struct{ Msg, Address string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "serving" {
			go func() { _, _ = io.Copy(io.Discard, log) }() // or it waits for somebody to read
			return "http://" + line.Address
		}
	}
	t.Fatalf("the server does not start: %v", lines.Err())
	return ""
}

// TestServerProcesses: two servers and the commands, each a process of its own, on one database.
func TestServerProcesses(t *testing.T) {
	for name, open := range map[string]func() string{
		"SQLite":  func() string { return "sqlite:" + filepath.Join(t.TempDir(), "two.db") },
		"MongoDB": func() string { return mongotest.URI(t) },
	} {
		t.Run(name, func(t *testing.T) {
			r := &runs{T: t, set: serveSettings{store: open()}}
			const base = "http://clinic.test"
			servers := []string{serverProcess(t, "--store", r.set.store, "--base-url", base), serverProcess(t, "--store", r.set.store, "--base-url", base)}
			r.must(userCommand, "correct horse", "add", "maria", "--fhir-user", "Patient/1", "--password-stdin")
			r.must(clientCommand, "", "add", "app", "--redirect", "https://app.example/cb", "--scope", "patient/*.rs")
			admitted := func(token string, want int) {
				t.Helper()
				for _, server := range servers {
					if got := statusOf(t, server+"/fhir/Observation", token); got != want {
						t.Errorf("status %d, not %d", got, want)
					}
				}
			}
			old := r.must(tokenCommand, "", "app", "--user", "maria", "--base-url", base)
			admitted(old, http.StatusOK)
			r.must(keyCommand, "", "rotate")
			fresh := r.must(tokenCommand, "", "app", "--user", "maria", "--base-url", base)
			if kid(t, old) == kid(t, fresh) {
				t.Error("the old key signs on")
			}
			admitted(fresh, http.StatusOK)
			admitted(old, http.StatusOK)
			shutOut := func(token, whose string) {
				t.Helper()
				began := time.Now()
				for _, server := range servers {
					for statusOf(t, server+"/fhir/Observation", token) != http.StatusUnauthorized {
						if time.Since(began) > 5*time.Second { // it promises one, on a machine that has nothing else to do
							t.Fatalf("the token of %s is still good", whose)
						}
					}
				}
			}
			r.must(userCommand, "", "disable", "maria")
			shutOut(old, "a disabled account")
			r.must(userCommand, "", "enable", "maria")
			again := r.must(tokenCommand, "", "app", "--user", "maria", "--base-url", base)
			admitted(again, http.StatusOK)
			r.must(clientCommand, "", "remove", "app")
			shutOut(again, "a removed app")
		})
	}
}

func statusOf(t *testing.T, url, token string) int {
	t.Helper()
	ctx, end := context.WithTimeout(t.Context(), 30*time.Second)
	defer end()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(token))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}
