package main

import (
	"bytes"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"fhirside/resources/store/mongo/mongotest"
	"fhirside/resources/store/sqlite/sqlitetest"
)

// TestDamage: what somebody has damaged in the database stops neither a reindexing nor a copy, nor keeps the server from starting. Both
// commands name it, and fail in the end.
func TestDamage(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "damage.db")
		testDamage(t, "sqlite:"+path, func(resourceType, id string) { sqlitetest.Garble(t, path, resourceType, id) })
	})
	t.Run("MongoDB", func(t *testing.T) {
		uri := mongotest.URI(t)
		testDamage(t, uri, func(resourceType, id string) { mongotest.Garble(t, uri, resourceType, id) })
	})
}

func testDamage(t *testing.T, store string, garble func(resourceType, id string)) {
	set := testSettings(t)
	set.store = store
	url, stop, ended := startServer(t, set)
	for _, id := range []string{"a", "bad", "c"} {
		ask(t, http.MethodPut, url+"/fhir/Patient/"+id, `{"resourceType":"Patient","id":"`+id+`","active":true}`)
	}
	ask(t, http.MethodPut, url+"/fhir/SearchParameter/eyes", `{"resourceType":"SearchParameter","id":"eyes","url":"http://example.org/p","name":"eyes","status":"active","description":"d",`+
		`"code":"eyes","base":["Patient"],"type":"token","expression":"Patient.gender"}`)
	stop()
	<-ended
	garble("Patient", "bad")
	garble("SearchParameter", "eyes")
	run := func(cmd *cobra.Command, args ...string) (string, error) {
		out := new(bytes.Buffer)
		cmd.SetArgs(args)
		cmd.SetOut(out)
		cmd.SetErr(io.Discard)
		err := cmd.ExecuteContext(t.Context())
		return out.String(), err
	}
	out, err := run(reindexCommand(), "--store", store)
	if !strings.HasPrefix(out, "2 resources are indexed anew; 2 could not be read\n") || err == nil || !strings.Contains(err.Error(), "Patient/bad") || !strings.Contains(err.Error(), "SearchParameter/eyes") {
		t.Errorf("reindex: %q, %v", out, err)
	}
	target := "sqlite:" + filepath.Join(t.TempDir(), "copy.db")
	out, err = run(copyCommand(), "--from", store, "--to", target)
	if !strings.HasPrefix(out, "2 versions are copied; all are as they were\n") || err == nil || !strings.Contains(err.Error(), "Patient/bad/_history/1") {
		t.Errorf("copy: %q, %v", out, err)
	}
	set = testSettings(t)
	set.store = store
	url, _, _ = startServer(t, set)
	for path, want := range map[string]int{"Patient/a": 200, "Patient/bad": 500, "Patient?active=true": 200, "readyz": 200} {
		where := "/fhir/" + path
		if path == "readyz" {
			where = "/" + path
		}
		if answer, text := ask(t, http.MethodGet, url+where, ""); answer.StatusCode != want {
			t.Errorf("%s: %s %s", path, answer.Status, text)
		}
	}
}
