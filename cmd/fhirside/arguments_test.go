package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMistakesOnTheCommandLine: what cannot be meant is refused in words that help, and leaves nothing behind.
func TestMistakesOnTheCommandLine(t *testing.T) {
	dir := t.TempDir()
	missing := "sqlite:" + filepath.Join(dir, "typo.db")
	there := "sqlite:" + filepath.Join(dir, "there.db")
	if _, _, err := execute(t, rootCommand(), "client", "add", "app", "--redirect", "https://app.example/callback", "--scope", "openid", "--store", there); err != nil {
		t.Fatal(err)
	}
	for _, m := range []struct{ args, says string }{
		{"user ad maria", `unknown command "ad"`},
		{"client nothing", `unknown command "nothing"`},
		{"key turn", `unknown command "turn"`},
		{"purge --store " + there, "TYPE/ID is missing: fhirside purge TYPE/ID"},
		{"purge Patient/1 Patient/2 --store " + there, `"Patient/2" is too much`},
		{"load", "PATH is missing: fhirside load PATH…"},
		{"user remove", "NAME is missing: fhirside user remove NAME"},
		{"serve --max-body lots", `--max-body "lots": invalid syntax (fhirside serve --help`},
		{"serve --nothing", "fhirside serve --help"},
		{"serve --base-url https://me:secret@clinic.example", "--base-url is no origin"},
		{"serve --listen 127.0.0.1:http:80 --store " + there, "--listen 127.0.0.1:http:80: "},
		{"serve --config " + filepath.Join(dir, "no.yaml"), "--config: "},
		{"serve --tls-cert nothing --tls-key nothing", "--tls-cert, --tls-key: "},
		{"serve --store /srv/records.db", "/srv/records.db names no database: write sqlite:PATH"},
		{"serve --store sqlite:" + filepath.Join(dir, "no", "a.db"), "a.db: the store is unavailable: no such file or directory"},
		{"reindex --type Patent --store " + there, `R4 has no resource type "Patent"`},
		{"reindex --store " + missing, "there is no database"},
		{"purge Patient/1 --yes --store " + missing, "there is no database"},
		{"copy --from " + missing + " --to " + missing + "2", "there is no database"},
		{"user list --store " + missing, "there is no database"},
		{"user passwd maria --store " + missing, "there is no database"},
		{"client list --store " + missing, "there is no database"},
		{"client remove app --store " + missing, "there is no database"},
		{"launch app --user maria --store " + missing, "there is no database"},
		{"token app --store " + missing, "there is no database"},
		{"key rotate --store " + missing, "there is no database"},
	} {
		if _, _, err := execute(t, rootCommand(), strings.Fields(m.args)...); err == nil || !strings.Contains(err.Error(), m.says) || strings.Contains(err.Error(), "secret") {
			t.Errorf("fhirside %s: %v", m.args, err)
		}
	}
	made, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range made {
		if !strings.HasPrefix(entry.Name(), "there.db") {
			t.Errorf("%s was made", entry.Name())
		}
	}
}
