package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fhirside/smart/account"
	"fhirside/smart/state"
)

// What demo --with-users prints can be used: people sign in, apps get tokens, and loading it all again changes nothing.
func TestDemoUsers(t *testing.T) {
	dir := t.TempDir()
	set := testSettings(t)
	set.auth = "smart"
	key := filepath.Join(dir, "key.pem")
	var printed [2]string
	for i := range printed {
		out, _, err := execute(t, demoCommand(), "--store", set.store, "--patients", "12", "--with-users", "--demo-key", key)
		if err != nil {
			t.Fatal(err)
		}
		printed[i] = out[strings.Index(out, "USER"):]
	}
	if printed[0] != printed[1] {
		t.Errorf("%s\n%s", printed[0], printed[1])
	}
	if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file: %v, %v", info, err)
	}
	s, err := openStore(t.Context(), set.store)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	accounts := account.New(account.Options{Tables: state.New(s.State())})
	for name, password := range map[string]string{"demo-patient": "demo-clinic-patient", "demo-doctor": "demo-clinic-doctor", "demo-relative": "demo-clinic-relative"} {
		person, err := accounts.Authenticate(t.Context(), name, password, account.Browser{})
		if err != nil || !strings.Contains(printed[0], name) || !strings.Contains(printed[0], password) || !strings.Contains(printed[0], person.FHIRUser) {
			t.Errorf("%s: %+v, %v\n%s", name, person, err, printed[0])
		}
	}
	// The key of the backend service was lost: it is registered with the new one.
	key = filepath.Join(dir, "new.pem")
	if _, _, err := execute(t, demoCommand(), "--store", set.store, "--patients", "12", "--with-users", "--demo-key", key); err != nil {
		t.Fatal(err)
	}
	keys, err := demoKeys(key)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := state.New(s.State()).Clients.Get(t.Context(), demoBackend); err != nil || string(c.Value.JWKS) != string(keys) {
		t.Errorf("registered with %s, not %s: %v", c.Value.JWKS, keys, err)
	}
	url, _, _ := startServer(t, set)
	r := &runs{T: t, set: set}
	backend := r.must(tokenCommand, "", "demo-backend", "--base-url", url)
	doctor := r.must(tokenCommand, "", "demo-app", "--user", "demo-doctor", "--scope", "user/*.rs", "--base-url", url)
	for name, token := range map[string]string{"backend": backend, "doctor": doctor} {
		if got := statusOf(t, url+"/fhir/Patient/patient-0012", token); got != 200 {
			t.Errorf("%s: %d", name, got)
		}
	}

	// A server that wants a token is loaded with one.
	file, tokens := filepath.Join(dir, "more.json"), filepath.Join(dir, "token")
	if err := os.WriteFile(file, []byte(`{"resourceType":"Patient","id":"more"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(tokens, []byte(backend+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := execute(t, loadCommand(), file, "--server", url); err == nil {
		t.Error("loaded without a token")
	}
	if out, notes, err := execute(t, loadCommand(), file, "--server", url, "--token-file", tokens); err != nil {
		t.Errorf("%v\n%s\n%s", err, out, notes)
	}
}

// Where others' records, accounts or apps are, nobody gets a password that everybody knows.
func TestDemoUsersInAClinic(t *testing.T) {
	for name, prepare := range map[string]func(*testing.T, *runs){
		"patients": func(t *testing.T, r *runs) {
			file := filepath.Join(t.TempDir(), "patient.json")
			if err := os.WriteFile(file, []byte(`{"resourceType":"Patient","id":"patient-maria"}`), 0o600); err != nil {
				t.Fatal(err)
			}
			r.must(loadCommand, "", file)
		},
		"accounts": func(t *testing.T, r *runs) {
			r.must(userCommand, "correct horse", "add", "maria", "--fhir-user", "Patient/patient-0001", "--password-stdin")
		},
		"apps": func(t *testing.T, r *runs) {
			r.must(clientCommand, "", "add", "app", "--redirect", "https://app.example/cb", "--scope", "patient/*.rs")
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := &runs{T: t, set: testSettings(t)}
			prepare(t, r)
			load := []string{"--store", r.set.store, "--patients", "2", "--with-users", "--demo-key", filepath.Join(t.TempDir(), "key.pem")}
			if _, _, err := execute(t, demoCommand(), load...); err == nil || !strings.Contains(err.Error(), "holds "+name) {
				t.Errorf("%v", err)
			}
			if out := r.must(userCommand, "", "list"); strings.Contains(out, "demo-") {
				t.Errorf("added:\n%s", out)
			}
			if _, _, err := execute(t, demoCommand(), append(load, "--yes")...); err != nil {
				t.Error(err)
			}
			if _, _, err := execute(t, demoCommand(), load...); err != nil {
				t.Errorf("nothing would be new: %v", err)
			}
		})
	}
}
