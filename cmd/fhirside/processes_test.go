package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
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
				for _, server := range servers { // within a second, by its clock
					until(t, "the token of "+whose+" is refused", func() bool {
						return statusOf(t, server+"/fhir/Observation", token) == http.StatusUnauthorized
					})
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

// balanced sends each request to the next of several servers, as a load balancer does.
type balanced struct {
	t       *testing.T
	servers []string
	sent    atomic.Uint64
}

func (b *balanced) send(method, path, body string, header ...string) (*http.Response, string) {
	server := b.servers[b.sent.Add(1)%uint64(len(b.servers))]
	request, err := http.NewRequestWithContext(b.t.Context(), method, server+path, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	request.Header.Set("Content-Type", "application/fhir+json")
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		b.t.Error(err)
		return &http.Response{Header: http.Header{}}, ""
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Error(err)
	}
	return response, string(text)
}

// TestThreeServers: to clients three servers, each a process of its own, are one: versions, criteria and cursors hold in all of them.
func TestThreeServers(t *testing.T) {
	uri := mongotest.URI(t)
	b := &balanced{t: t}
	for range 3 {
		b.servers = append(b.servers, serverProcess(t, "--store", uri, "--auth", "none"))
	}
	const writers, times = 8, 6
	if r, text := b.send("PUT", "/fhir/Patient/counter", `{"resourceType":"Patient","id":"counter"}`); r.StatusCode != http.StatusCreated {
		t.Fatal(r.Status, text)
	}
	var writing sync.WaitGroup
	var created atomic.Int64
	for w := range writers {
		writing.Go(func() {
			for n := range times {
				for counted := false; !counted && !t.Failed(); {
					now, _ := b.send("GET", "/fhir/Patient/counter", "")
					body := fmt.Sprintf(`{"resourceType":"Patient","id":"counter","name":[{"text":"%d of %d"}]}`, n, w)
					switch r, text := b.send("PUT", "/fhir/Patient/counter", body, "If-Match", now.Header.Get("ETag")); r.StatusCode {
					case http.StatusOK:
						counted = true
					case http.StatusPreconditionFailed:
					default:
						t.Error(r.Status, text)
					}
				}
				slot := fmt.Sprintf("urn:x|%d", n)
				body := fmt.Sprintf(`{"resourceType":"Patient","identifier":[{"system":"urn:x","value":"%d"}]}`, n)
				switch r, text := b.send("POST", "/fhir/Patient", body, "If-None-Exist", "identifier="+slot); r.StatusCode {
				case http.StatusCreated:
					created.Add(1)
				case http.StatusOK:
				default:
					t.Error(r.Status, text)
				}
			}
		})
	}
	writing.Wait()
	if r, _ := b.send("GET", "/fhir/Patient/counter", ""); r.Header.Get("ETag") != fmt.Sprintf(`W/"%d"`, writers*times+1) {
		t.Errorf("%d updates made %s", writers*times, r.Header.Get("ETag"))
	}
	if created.Load() != times {
		t.Errorf("%d say that they created one of %d", created.Load(), times)
	}
	for path, want := range map[string]int{"/fhir/Patient?_count=2": times + 1, "/fhir/Patient/counter/_history?_count=10": writers*times + 1} {
		found := map[string]int{}
		for path != "" {
			r, text := b.send("GET", path, "")
			var page struct {
				Link  []struct{ Relation, URL string }
				Entry []struct {
					Resource struct {
						ID   string
						Meta struct{ VersionID string }
					}
				}
			}
			if err := json.Unmarshal([]byte(text), &page); err != nil || r.StatusCode != http.StatusOK {
				t.Fatal(r.Status, text)
			}
			for _, e := range page.Entry {
				found[e.Resource.ID+"/"+e.Resource.Meta.VersionID]++
			}
			path = ""
			for _, link := range page.Link {
				if link.Relation == "next" {
					next, err := url.Parse(link.URL)
					if err != nil {
						t.Fatal(err)
					}
					path = next.RequestURI()
				}
			}
		}
		if len(found) != want {
			t.Errorf("%d found, not %d", len(found), want)
		}
		for name, n := range found {
			if n != 1 {
				t.Errorf("%s comes %d times", name, n)
			}
		}
	}
}

func statusOf(t *testing.T, url, token string) int {
	t.Helper()
	ctx, end := context.WithTimeout(t.Context(), limit)
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
