package main

import (
	"encoding/base32"
	"strings"
	"testing"
)

func TestUser(t *testing.T) {
	set := testSettings(t)
	url, _, _ := startServer(t, set) // it may have the store open meanwhile
	put(t, url+"/fhir/Patient/1", strings.NewReader(`{"resourceType":"Patient","id":"1"}`))
	run := func(input string, args ...string) (out, notes string, err error) {
		t.Helper()
		cmd := userCommand()
		cmd.SetIn(strings.NewReader(input))
		return execute(t, cmd, append(args, "--store", set.store)...)
	}
	if out, notes, err := run("correct horse\r\n", "add", "Maria", "--fhir-user", "Patient/1", "--password-stdin"); err != nil || out != "" || !strings.Contains(notes, "maria can sign in, as Patient/1") || strings.Contains(notes, "note") {
		t.Errorf("%q, %q, %v", out, notes, err)
	}
	out, notes, err := run("correct horse", "add", "doctor", "--fhir-user", "Practitioner/1", "--admin", "--totp", "--password-stdin")
	if err != nil || !strings.Contains(notes, "there is no Practitioner/1 in the store yet") || !strings.Contains(notes, "otpauth://totp/") {
		t.Errorf("%q, %v", notes, err)
	}
	if secret, err := base32.StdEncoding.DecodeString(strings.TrimSpace(out)); err != nil || len(secret) != 20 {
		t.Errorf("second factor %q: %v", out, err)
	}
	for _, refused := range []struct {
		input, says string
		args        []string
	}{
		{"correct horse", "there is an account", []string{"add", "MARIA", "--fhir-user", "Patient/1", "--password-stdin"}},
		{"short", "too short", []string{"add", "jo", "--fhir-user", "Patient/1", "--password-stdin"}},
		{"", "too short", []string{"add", "jo", "--fhir-user", "Patient/1", "--password-stdin"}},
		{"correct horse", "no terminal", []string{"add", "jo", "--fhir-user", "Patient/1"}},
		{"correct horse", "nobody who can sign in", []string{"add", "jo", "--fhir-user", "Device/1", "--password-stdin"}},
		{"correct horse", "fhir-user", []string{"add", "jo", "--password-stdin"}},
		{"correct horse", "no such account", []string{"passwd", "jo", "--password-stdin"}},
		{"", "no such account", []string{"remove", "jo"}},
		{"", "no such account", []string{"totp", "jo"}},
		{"", "no such account", []string{"disable", "jo"}},
		{"", "no such account", []string{"enable", "jo"}},
	} {
		if _, _, err := run(refused.input, refused.args...); err == nil || !strings.Contains(err.Error(), refused.says) {
			t.Errorf("%v: %v", refused.args, err)
		}
	}
	if out, _, err := run("", "list"); err != nil || !strings.Contains(out, "doctor  Practitioner/1  yes    yes            -") || !strings.Contains(out, "maria   Patient/1       -      -") {
		t.Errorf("%s, %v", out, err)
	}
	for _, args := range [][]string{{"passwd", "maria", "--password-stdin"}, {"totp", "maria"}, {"disable", "maria"}, {"enable", "maria"}, {"remove", "maria"}} {
		if _, _, err := run("another horse\n", args...); err != nil {
			t.Errorf("%v: %v", args, err)
		}
	}
	if out, _, _ := run("", "list"); strings.Contains(out, "maria") {
		t.Errorf("removed, but listed:\n%s", out)
	}
}
