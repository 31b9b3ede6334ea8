package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// execute runs a command and gives what it printed.
func execute(t *testing.T, cmd *cobra.Command, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.SetArgs(args)
	cmd.SetOut(&out)
	cmd.SetErr(&errs)
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	err = cmd.ExecuteContext(t.Context())
	return out.String(), errs.String(), err
}

// total is how many resources of a type the server has.
func total(t *testing.T, url, query string) int {
	t.Helper()
	response, err := http.Get(url + "/fhir/" + query + "&_total=accurate")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var bundle struct{ Total int }
	body, _ := io.ReadAll(response.Body)
	if err := json.Unmarshal(body, &bundle); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s", query, response.StatusCode, body)
	}
	return bundle.Total
}

func TestDemoIntoStoreThenServed(t *testing.T) {
	set := testSettings(t)
	args := []string{"--store", set.store, "--patients", "12", "--date", "2026-03-31"}
	first, _, err := execute(t, demoCommand(), args...)
	if err != nil || !strings.Contains(first, "0 refused") {
		t.Fatalf("%v\n%s", err, first)
	}
	again, _, err := execute(t, demoCommand(), args...)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(again) {
		if f := strings.Fields(line); len(f) == 4 && f[3] == "Patient" && f[0] != "0" {
			t.Errorf("the second time made new ones: %s", line)
		}
	}
	url, _, _ := startServer(t, set)
	if n := total(t, url, "Patient?_security=HTEST"); n != 12 {
		t.Errorf("%d patients", n)
	}
	if n := total(t, url, "Slot?status=busy&start=ge2026-03-31"); n == 0 {
		t.Error("no slot is busy")
	}
	if n := total(t, url, "Patient?_id=patient-0001&_has:Observation:patient:code=8867-4"); n != 1 {
		t.Error("the first patient has no heart rate")
	}
}

func TestLoadIntoServer(t *testing.T) {
	url, _, _ := startServer(t, testSettings(t))
	dir := t.TempDir()
	for name, text := range map[string]string{
		"Observation.ndjson": `{"resourceType":"Observation","id":"o","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p"}}` + "\n" +
			`{"resourceType":"Observation","id":"bad","status":"perhaps","code":{"text":"x"}}` + "\n",
		"p.json": `{"resourceType":"Patient","id":"p"}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, errs, err := execute(t, loadCommand(), "--server", url, dir)
	if err == nil || err.Error() != "1 of 3 resources were refused" {
		t.Errorf("the error is %v", err)
	}
	if !strings.Contains(errs, "Observation.ndjson:2: Observation/bad: ") || !strings.Contains(out, "2 resources stored") {
		t.Errorf("stdout:\n%s\nstderr:\n%s", out, errs)
	}
	if n := total(t, url, "Observation?patient=p"); n != 1 {
		t.Errorf("%d observations", n)
	}
}

func TestDemoWritesFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "clinic")
	if _, _, err := execute(t, demoCommand(), "--out", dir, "--patients", "1"); err != nil {
		t.Fatal(err)
	}
	if files, err := filepath.Glob(dir + "/*.json"); err != nil || len(files) != 27 { // directory, 25 agendas, patients
		t.Errorf("%v %v", files, err)
	}
}

func TestLoadAndDemoRefuseSettings(t *testing.T) {
	for name, run := range map[string]func() error{
		"nowhere to go":    func() error { _, _, err := execute(t, demoCommand()); return err },
		"two places":       func() error { _, _, err := execute(t, demoCommand(), "--out", "x", "--store", "sqlite:y"); return err },
		"a wrong date":     func() error { _, _, err := execute(t, demoCommand(), "--out", "x", "--date", "tomorrow"); return err },
		"too few patients": func() error { _, _, err := execute(t, demoCommand(), "--out", "x", "--patients", "-1"); return err },
		"no files":         func() error { _, _, err := execute(t, loadCommand()); return err },
		"no URL":           func() error { _, _, err := execute(t, loadCommand(), "--server", "clinic.example", "x"); return err },
		"no database":      func() error { _, _, err := execute(t, loadCommand(), "--store", "oracle:x", "x"); return err },
		"no such file": func() error {
			_, _, err := execute(t, loadCommand(), "--store", "sqlite::memory:", filepath.Join(t.TempDir(), "x.json"))
			return err
		},
	} {
		if run() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
