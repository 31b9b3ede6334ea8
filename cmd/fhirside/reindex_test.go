package main

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"fhirside/resources/store"
	"fhirside/resources/store/mongo"
	"fhirside/resources/store/mongo/mongotest"
	"fhirside/resources/store/sqlite"
	"fhirside/search/index"
)

// The command finishes what a server was asked for, beside it, and what it finds by its own parameters outlives other rules.
func TestReindex(t *testing.T) {
	older := func([]byte) (index.Values, error) { return index.Values{}, nil }
	t.Run("SQLite", func(t *testing.T) {
		set := testSettings(t)
		testReindex(t, set, func() (store.Store, error) {
			return sqlite.Open(t.Context(), strings.TrimPrefix(set.store, "sqlite:"), sqlite.Options{Rules: "older", Values: older})
		})
	})
	t.Run("MongoDB", func(t *testing.T) {
		set := testSettings(t)
		set.store = mongotest.URI(t)
		testReindex(t, set, func() (store.Store, error) {
			return openMongoDB(t.Context(), set.store, mongo.Options{Rules: "older", Values: older})
		})
	})
}

func testReindex(t *testing.T, set serveSettings, byOlderRules func() (store.Store, error)) {
	url, stop, ended := startServer(t, set)
	call := func(method, path, body string) (int, string) {
		t.Helper()
		request, err := http.NewRequest(method, url+"/fhir/"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(text)
	}
	call(http.MethodPut, "Patient/a", `{"resourceType":"Patient","id":"a","extension":[{"url":"http://example.org/eyes","valueCode":"blue"}]}`)
	status, text := call(http.MethodPut, "SearchParameter/eyes", `{"resourceType":"SearchParameter","id":"eyes","url":"http://example.org/p","name":"eyes","status":"active","description":"d",`+
		`"code":"eyes","base":["Patient"],"type":"token","expression":"Patient.extension('http://example.org/eyes').value"}`)
	if status != http.StatusCreated {
		t.Fatal(status, text)
	}
	if status, text := call(http.MethodPost, "SearchParameter/eyes/$reindex", ""); status >= 300 {
		t.Fatal(status, text)
	}
	run := func(args ...string) string {
		t.Helper()
		cmd, out := reindexCommand(), new(bytes.Buffer)
		cmd.SetArgs(append(args, "--store", set.store))
		cmd.SetOut(out)
		cmd.SetErr(io.Discard)
		if err := cmd.ExecuteContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if got := run("--type", "Patient"); got != "1 resources are indexed anew; 0 could not be read\n" {
		t.Error(got)
	}
	if got := run(); got != "2 resources are indexed anew; 0 could not be read\n" {
		t.Error(got)
	}
	found := func() {
		t.Helper()
		if status, text := call(http.MethodGet, "Patient?eyes=blue", ""); status != http.StatusOK || !strings.Contains(text, `"total":1`) {
			t.Fatal(status, text)
		}
	}
	call(http.MethodGet, "SearchParameter/eyes/$reindex", "") // the server takes up what has become of it
	found()
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	reopen := func() {
		t.Helper()
		older, err := byOlderRules()
		if err != nil {
			t.Fatal(err)
		}
		for _, err := older.Ready(t.Context()); err != nil; _, err = older.Ready(t.Context()) {
			if t.Context().Err() != nil {
				t.Fatal("it is not indexed by older rules")
			}
		}
		if err := older.Close(); err != nil {
			t.Fatal(err)
		}
	}
	reopen()
	url, stop, ended = startServer(t, set)
	for answer, _ := ask(t, http.MethodGet, url+"/readyz", ""); answer.StatusCode != http.StatusOK; {
		answer, _ = ask(t, http.MethodGet, url+"/readyz", "")
	}
	found()
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	// The first thing after an update may be the command.
	reopen()
	if got := run(); got != "2 resources are indexed anew; 0 could not be read\n" {
		t.Error(got)
	}
}
