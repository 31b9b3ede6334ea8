package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"fhirside/resources/store/mongo/mongotest"
)

// ask is the answer to a request, with its body.
func ask(t *testing.T, method, url, body string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/fhir+json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(text)
}

// TestMongoDB: what an operator sees of the database through the server.
func TestMongoDB(t *testing.T) {
	uri := mongotest.URI(t)
	set := testSettings(t)
	set.store, set.maxBody, set.textSearch = uri, 64<<20, true
	url, _, _ := startServer(t, set)
	for _, id := range []string{"good", "bad"} {
		body := `{"resourceType":"Patient","id":"` + id + `","birthDate":"1970-01-01","text":{"status":"additional","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">is ` + id + `</div>"}}`
		if r, text := ask(t, "PUT", url+"/fhir/Patient/"+id, body); r.StatusCode != http.StatusCreated {
			t.Fatal(r.Status, text)
		}
	}
	t.Run("metrics", func(t *testing.T) {
		_, text := ask(t, "GET", url+"/metrics", "")
		for _, want := range []string{
			`fhirside_mongodb_command_seconds_count{command="insert",outcome="ok"}`, `fhirside_mongodb_commit_attempts_total{outcome="committed"} 2`,
			"fhirside_mongodb_connections ", "fhirside_mongodb_connections_in_use ",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("no %s", want)
			}
		}
	})
	t.Run("words", func(t *testing.T) {
		if _, text := ask(t, "GET", url+"/fhir/Patient?_text=good&_summary=count", ""); !strings.Contains(text, `"total":1`) {
			t.Error(text)
		}
	})
	t.Run("a document edited by hand", func(t *testing.T) {
		mongotest.Edit(t, uri, "Patient", "bad", map[string]any{"$set": map[string]any{"resource.birthDate": time.Now()}})
		r, text := ask(t, "GET", url+"/fhir/Patient/bad", "")
		if id := r.Header.Get("X-Request-Id"); r.StatusCode != http.StatusInternalServerError || id == "" || !strings.Contains(text, id) {
			t.Error(r.Status, text)
		}
		if r, text := ask(t, "GET", url+"/fhir/Patient/good", ""); r.StatusCode != http.StatusOK {
			t.Error(r.Status, text)
		}
	})
	t.Run("a resource of 16 MiB", func(t *testing.T) {
		big := `{"resourceType":"Binary","id":"big","contentType":"text/plain","data":"` + strings.Repeat("QUJD", 4<<20) + `"}`
		r, text := ask(t, "PUT", url+"/fhir/Binary/big", big)
		if r.StatusCode != http.StatusRequestEntityTooLarge || !strings.Contains(text, "15 MiB") {
			t.Error(r.Status, text)
		}
	})
}

// TestMongoDBComesLater: the server starts without its database, says so, and serves when the database is there.
func TestMongoDBComesLater(t *testing.T) {
	database := mongotest.Private(t)
	if err := database.Kill(); err != nil {
		t.Fatal(err)
	}
	set := testSettings(t)
	set.store = mongotest.WithDatabase(database.URI(), "later")
	if strings.Contains(set.store, "?") {
		set.store += "&serverSelectionTimeoutMS=300"
	} else {
		set.store += "?serverSelectionTimeoutMS=300"
	}
	url, _, _ := startServer(t, set)
	set.auth = "smart"
	guarded, _, _ := startServer(t, set)
	for _, path := range []string{"/readyz", "/oauth/jwks"} {
		if r, text := ask(t, "GET", guarded+path, ""); r.StatusCode != http.StatusServiceUnavailable {
			t.Error(path, r.Status, text)
		}
	}
	if r, text := ask(t, "GET", url+"/readyz", ""); r.StatusCode != http.StatusServiceUnavailable {
		t.Error(r.Status, text)
	}
	if r, text := ask(t, "GET", url+"/healthz", ""); r.StatusCode != http.StatusOK {
		t.Error(r.Status, text)
	}
	for request, body := range map[string]string{
		"GET /Patient/1": "", "GET /Patient": "", "GET /_history": "", "PUT /Patient/1": `{"resourceType":"Patient","id":"1"}`,
	} {
		method, path, _ := strings.Cut(request, " ")
		if r, text := ask(t, method, url+"/fhir"+path, body); r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" || !strings.Contains(text, "OperationOutcome") {
			t.Error(request, r.Status, text)
		}
	}
	if err := database.Restart(); err != nil {
		t.Fatal(err)
	}
	readyz(t, url, http.StatusOK, "")
	if r, text := ask(t, "PUT", url+"/fhir/Patient/1", `{"resourceType":"Patient","id":"1"}`); r.StatusCode != http.StatusCreated {
		t.Error(r.Status, text)
	}
	readyz(t, guarded, http.StatusOK, "")
	if r, text := ask(t, "GET", guarded+"/oauth/jwks", ""); r.StatusCode != http.StatusOK || !strings.Contains(text, `"alg":"ES256"`) {
		t.Error(r.Status, text)
	}
}

// readyz waits until /readyz answers with a status and a text that holds a part.
func readyz(t *testing.T, url string, status int, part string) {
	t.Helper()
	until(t, fmt.Sprintf("/readyz answers %d with %q", status, part), func() bool {
		r, text := ask(t, "GET", url+"/readyz", "")
		return r.StatusCode == status && strings.Contains(text, part)
	})
}

type fields = map[string]any

// TestMongoDBTellsOfItsWork: /readyz says what is done to the database while the server serves, and that a newer server has taken over.
func TestMongoDBTellsOfItsWork(t *testing.T) {
	uri := mongotest.URI(t)
	set := testSettings(t)
	set.store = uri
	url, stop, done := startServer(t, set)
	body := `{"resourceType":"Patient","id":"a","birthDate":"1970-01-01"}`
	if r, text := ask(t, "PUT", url+"/fhir/Patient/a", body); r.StatusCode != http.StatusCreated {
		t.Fatal(r.Status, text)
	}
	readyz(t, url, http.StatusOK, "ready\n")
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	// An index is gone, documents are of an older layout, and somebody who does nothing has taken to both.
	shell := mongotest.Shell(t, uri)
	if err := shell.Collection("Patient").Indexes().DropOne(t.Context(), "terms"); err != nil {
		t.Fatal(err)
	}
	later := time.Now().Add(time.Hour).UnixMilli()
	if _, err := shell.Collection("schema").InsertOne(t.Context(), fields{"_id": "indexes", "owner": int64(1), "until": later}); err != nil {
		t.Fatal(err)
	}
	mongotest.Edit(t, uri, "schema", "schema", fields{"$set": fields{"from": 1, "owner": int64(1), "until": later}})
	url, _, _ = startServer(t, set)
	readyz(t, url, http.StatusOK, "the database is brought up to date")
	readyz(t, url, http.StatusOK, "indexes are built by another process: terms of Patient")
	if r, text := ask(t, "PUT", url+"/fhir/Patient/b", strings.Replace(body, `"a"`, `"b"`, 1)); r.StatusCode != http.StatusCreated {
		t.Error(r.Status, text)
	}
	for _, work := range []string{"indexes", "schema"} {
		mongotest.Edit(t, uri, "schema", work, fields{"$set": fields{"until": int64(0)}})
	}
	until(t, "/readyz says nothing but ready", func() bool {
		_, text := ask(t, "GET", url+"/readyz", "")
		return text == "ready\n"
	})
	// A newer server writes by another layout from now on.
	mongotest.Edit(t, uri, "clock", "clock", fields{"$set": fields{"schema": 1000}})
	mongotest.Edit(t, uri, "schema", "schema", fields{"$set": fields{"version": 1000}})
	for _, method := range []string{"PUT", "GET"} {
		r, text := ask(t, method, url+"/fhir/Patient/a", strings.Replace(body, "1970", "1971", 1))
		if r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" {
			t.Errorf("%s: %s (Retry-After %q) %s", method, r.Status, r.Header.Get("Retry-After"), text)
		}
	}
	readyz(t, url, http.StatusServiceUnavailable, "the store is not ready")
}
