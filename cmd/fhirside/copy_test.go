package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"fhirside/fhir"
	"fhirside/resources"
	"fhirside/resources/access"
	"fhirside/resources/store/mongo/mongotest"
)

// TestCopyKilled: a copy from SQLite to MongoDB that is killed midway goes on where it was, and nothing is missing in the end. It is one
// that follows, so that it does not end before it is killed.
func TestCopyKilled(t *testing.T) {
	source, target := "sqlite:"+filepath.Join(t.TempDir(), "source.db"), mongotest.URI(t)
	const records = 200
	fillForCopy(t, source, records)
	r := &runs{T: t, set: serveSettings{store: source}}
	r.must(userCommand, "correct horse", "add", "maria", "--fhir-user", "Patient/1", "--password-stdin")
	r.must(clientCommand, "", "add", "app", "--redirect", "https://app.example/cb", "--scope", "patient/*.rs")
	copying := func(from, to string, more ...string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), os.Args[0], append([]string{"copy", "--from", from, "--to", to}, more...)...)
		cmd.Env = append(os.Environ(), asProgram+"=1")
		return cmd
	}
	killed := copying(source, target, "--follow")
	if err := killed.Start(); err != nil {
		t.Fatal(err)
	}
	done := awaitMidway(t, target)
	if err := killed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := killed.Wait(); !errors.As(err, &exit) || exit.ExitCode() != -1 {
		t.Fatalf("the copy ended by itself: %v", err)
	}
	t.Logf("killed after %d versions", done.Versions)
	again := copying(source, target)
	again.Stderr = t.Output()
	out, err := again.Output()
	if want := fmt.Sprintf("%d versions are copied", 3*records); err != nil || !strings.Contains(string(out), want) || !strings.Contains(string(out), "2 entries") {
		t.Fatalf("%v %s", err, out)
	}
	t.Run("what is there", func(t *testing.T) {
		set := testSettings(t)
		set.store = target
		url, _, _ := startServer(t, set)
		for i := range records {
			record := fmt.Sprintf("%s/fhir/Basic/%d", url, i)
			for version := 1; version <= 2; version++ {
				want := fmt.Sprintf(`"text":"%d of %d"`, version, i)
				if answer, text := ask(t, http.MethodGet, fmt.Sprintf("%s/_history/%d", record, version), ""); answer.StatusCode != http.StatusOK || !strings.Contains(text, want) {
					t.Fatal(i, version, answer.Status, text)
				}
			}
			if answer, _ := ask(t, http.MethodGet, record, ""); answer.StatusCode != http.StatusGone {
				t.Fatal(i, answer.Status)
			}
		}
		if n := entriesOf(t, url+"/fhir/Basic/7/_history"); n != 3 {
			t.Errorf("%d versions of one, not 3", n)
		}
		if n := entriesOf(t, url+"/fhir/_history?_count=500"); n != 3*records {
			t.Errorf("%d versions of all, not %d", n, 3*records)
		}
		copied := &runs{T: t, set: set}
		tables, _ := copied.tables()
		if _, err := tables.Accounts.Get(t.Context(), "maria"); err != nil {
			t.Error(err)
		}
		if _, err := tables.Clients.Get(t.Context(), "app"); err != nil {
			t.Error(err)
		}
		copied.must(tokenCommand, "", "app", "--user", "maria", "--base-url", "http://clinic.test") // by keys of its own
	})
	t.Run("other data is refused", func(t *testing.T) {
		other := "sqlite:" + filepath.Join(t.TempDir(), "other.db")
		fillForCopy(t, other, 1)
		for to, says := range map[string]string{other: "the target holds other data", source: "two databases"} {
			out, err := copying(source, to).CombinedOutput()
			if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(string(out), says) {
				t.Errorf("%v %s", err, out)
			}
		}
		if out, err := copying(other, target).CombinedOutput(); !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(string(out), "a copy of another database") {
			t.Errorf("%v %s", err, out)
		}
	})
}

// TestCopyFollows: a copy goes on beside a server that writes, and ends when it is interrupted after the server has ended.
func TestCopyFollows(t *testing.T) {
	set := testSettings(t)
	target := mongotest.URI(t)
	url, stop, done := startServer(t, set)
	put(t, url+"/fhir/Basic/before", strings.NewReader(`{"resourceType":"Basic","id":"before","code":{"text":"x"}}`))
	cmd := exec.CommandContext(t.Context(), os.Args[0], "copy", "--follow", "--from", set.store, "--to", target)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	copied, err := openStore(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	for batch, err := range copied.Follow(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if batch[len(batch)-1].ID == "meanwhile" {
			break
		}
		put(t, url+"/fhir/Basic/meanwhile", strings.NewReader(`{"resourceType":"Basic","id":"meanwhile","code":{"text":"x"}}`))
	}
	put(t, url+"/fhir/Basic/last", strings.NewReader(`{"resourceType":"Basic","id":"last","code":{"text":"x"}}`))
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || !strings.Contains(out.String(), "3 versions are copied") {
		t.Errorf("%v %s", err, out.String())
	}
}

// fillForCopy makes records of three versions each, of which the last is a deletion.
func fillForCopy(t *testing.T, url string, records int) {
	t.Helper()
	s, err := makeStore(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	service := resources.New(resources.Options{Store: s, Log: slog.New(slog.DiscardHandler)})
	for i := range records {
		id := fmt.Sprint(i)
		for version := 1; version <= 2; version++ {
			r, err := fhir.Parse(fmt.Appendf(nil, `{"resourceType":"Basic","id":"%d","code":{"text":"%d of %d"}}`, i, version, i))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := service.Update(t.Context(), access.Everything, "Basic", id, r, resources.Conditions{}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := service.Delete(t.Context(), access.Everything, "Basic", id, resources.Conditions{}); err != nil {
			t.Fatal(err)
		}
	}
}

// awaitMidway watches a copy's target until some versions are there.
func awaitMidway(t *testing.T, url string) (c resources.Copying) {
	t.Helper()
	s, err := makeStore(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	until(t, "some versions are copied", func() bool {
		if e, err := s.State().Get(t.Context(), "search", "copy"); err == nil {
			if err := json.Unmarshal(e.Value, &c); err != nil {
				t.Fatal(err)
			}
		}
		return c.Versions > 0
	})
	return c
}

// entriesOf counts the entries of all pages.
func entriesOf(t *testing.T, url string) (n int) {
	t.Helper()
	for url != "" {
		answer, text := ask(t, http.MethodGet, url, "")
		var page struct {
			Link  []struct{ Relation, URL string }
			Entry []struct{}
		}
		if err := json.Unmarshal([]byte(text), &page); err != nil || answer.StatusCode != http.StatusOK {
			t.Fatal(answer.Status, text)
		}
		n, url = n+len(page.Entry), ""
		for _, l := range page.Link {
			if l.Relation == "next" {
				url = l.URL
			}
		}
	}
	return n
}
