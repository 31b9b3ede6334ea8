package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestHealth(t *testing.T) {
	url, stop, done := startServer(t, testSettings(t))
	if out, _, err := execute(t, healthCommand(), "--server", url); err != nil || out != "ready\n" {
		t.Errorf("%q, %v", out, err)
	}
	stop()
	<-done
	if _, _, err := execute(t, healthCommand(), "--server", url); err == nil {
		t.Error("a server that has ended is ready")
	}
}

// The settings of serve lead to the server: its port, from the environment, and https, from its file.
func TestHealthKnowsTheSettings(t *testing.T) {
	set := testSettings(t)
	set.tlsCert, set.tlsKey, _ = writeCertificate(t, t.TempDir(), 1)
	url, _, _ := startServer(t, set)
	file := filepath.Join(t.TempDir(), "fhirside.yaml")
	if err := os.WriteFile(file, []byte("store: sqlite:somewhere.db\nauth: smart\ntls-cert: "+set.tlsCert+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(url, "//127.0.0.1")
	for _, listen := range []string{"0.0.0.0", "", "127.0.0.1", "localhost"} {
		t.Setenv("FHIRSIDE_LISTEN", listen+port)
		if out, _, err := execute(t, healthCommand(), "--config", file); err != nil || out != "ready\n" {
			t.Errorf("%q: %q, %v", listen, out, err)
		}
	}
	if _, _, err := execute(t, healthCommand()); err == nil {
		t.Error("a server that is asked without TLS is ready")
	}
}
