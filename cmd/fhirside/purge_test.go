package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestPurge(t *testing.T) {
	set := testSettings(t)
	url, stop, ended := startServer(t, set)
	put := func(name, body string) {
		t.Helper()
		request, err := http.NewRequest(http.MethodPut, url+"/fhir/"+name, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode >= 300 {
			t.Fatalf("PUT %s: %s", name, response.Status)
		}
	}
	status := func(url string) int {
		t.Helper()
		response, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode
	}
	get := func(url string) string {
		t.Helper()
		response, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	put("Patient/a", `{"resourceType":"Patient","id":"a"}`)
	put("Patient/a", `{"resourceType":"Patient","id":"a","active":true}`)
	put("Patient/b", `{"resourceType":"Patient","id":"b"}`)
	put("Observation/o", `{"resourceType":"Observation","id":"o","status":"final","code":{"text":"c"},"subject":{"reference":"Patient/a"}}`)
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}

	run := func(input string, args ...string) (string, error) {
		cmd := purgeCommand()
		cmd.SetIn(strings.NewReader(input))
		out, _, err := execute(t, cmd, append(args, "--store", set.store)...)
		return out, err
	}
	for _, refused := range []struct{ input, name, says string }{
		{"", "Patient/b", "nothing was purged"},
		{"Patient/a\n", "Patient/b", "nothing was purged"},
		{"Patient/a\n", "Patient/a", "Observation/o"},
		{"x\n", "x", "names no record"},
		{"Patient/never\n", "Patient/never", "there is no Patient/never"},
		{"Nothing/1\n", "Nothing/1", "Nothing"},
	} {
		if out, err := run(refused.input, refused.name); err == nil || !strings.Contains(err.Error(), refused.says) {
			t.Errorf("purge %s: %s, %v", refused.name, out, err)
		}
	}
	if out, err := run("", "Patient/a", "--yes", "--references", "ignore"); err != nil || !strings.Contains(out, "version 3") {
		t.Errorf("%s, %v", out, err)
	}
	if _, err := run("Observation/o\n", "Observation/o"); err != nil {
		t.Error(err)
	}

	url, _, _ = startServer(t, set)
	for path, want := range map[string]int{
		"Patient/a": 410, "Patient/a/_history/1": 404, "Patient/a/_history/2": 404, "Patient/a/_history/3": 410,
		"Observation/o": 410, "Patient/b": 200,
	} {
		if got := status(url + "/fhir/" + path); got != want {
			t.Errorf("GET %s: %d, want %d", path, got, want)
		}
	}
	events := get(url + "/fhir/AuditEvent?entity:identifier=Patient/a&action=D")
	if !strings.Contains(events, `"total":1`) || !strings.Contains(events, `"code":"destroy"`) || !strings.Contains(events, `"name":"`+operator()+`"`) {
		t.Errorf("no trace of the purge: %s", events)
	}
	if events := get(url + "/fhir/AuditEvent"); !strings.Contains(events, `"total":2`) {
		t.Errorf("two purges, but %s", events)
	}
	put("Patient/a", `{"resourceType":"Patient","id":"a"}`)
	if got := status(url + "/fhir/Patient/a/_history/4"); got != http.StatusOK {
		t.Errorf("the next version is not 4: %d", got)
	}
}
