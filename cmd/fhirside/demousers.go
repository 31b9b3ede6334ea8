package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"fhirside/resources/demo"
	"fhirside/resources/store"
	"fhirside/search"
	"fhirside/smart/account"
	"fhirside/smart/client"
	"fhirside/smart/state"
)

// What demo --with-users makes. Everybody knows these passwords: they are for clinics without people.
const (
	demoSecret   = "demo-clinic-secret"
	demoApp      = "demo-app"
	demoServer   = "demo-server"
	demoBackend  = "demo-backend"
	demoAppScope = "openid fhirUser profile launch launch/patient launch/encounter offline_access online_access patient/*.cruds user/*.cruds"
)

// demoUser is an account of the demo clinic.
type demoUser struct{ name, password, fhirUser, is string }

func demoUsers(c demo.Clinic) []demoUser {
	users := []demoUser{{"demo-doctor", "demo-clinic-doctor", "Practitioner/practitioner-01", "a practitioner"}}
	if c.Patients > 0 {
		users = append(users, demoUser{"demo-patient", "demo-clinic-patient", "Patient/patient-0001", "a patient"})
	}
	if relative, patient := c.Proxy(); relative != "" {
		users = append(users, demoUser{"demo-relative", "demo-clinic-relative", "RelatedPerson/" + relative, "who acts for " + patient})
	}
	return users
}

// demoClients are a public app, one with a secret, and a backend service. The redirect URIs hold for every port of the machine.
func demoClients(keys json.RawMessage) []state.Client {
	redirects := []string{"http://127.0.0.1/demo", "http://127.0.0.1/", "http://127.0.0.1/callback", "http://localhost/demo", "http://localhost/", "http://localhost/callback"}
	return []state.Client{
		{ID: demoApp, Name: "Demo app", Type: state.Public, Redirects: redirects, LaunchURL: "http://127.0.0.1:8080/demo", Scope: demoAppScope},
		{ID: demoServer, Name: "Demo app with a secret", Type: state.Confidential, Redirects: redirects, Scope: demoAppScope},
		{ID: demoBackend, Name: "Demo backend service", Type: state.Backend, JWKS: keys, Scope: "system/*.cruds"},
	}
}

// checkNoClinic refuses a database that somebody else's records or accounts are in, if any of the demo's people or apps would be new
// there: everybody knows their passwords, and a practitioner of the demo sees the whole clinic.
func checkNoClinic(ctx context.Context, url string, c demo.Clinic) (err error) {
	s, err := makeStore(ctx, url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	tables, missing := state.New(s.State()), map[string]bool{}
	for _, u := range demoUsers(c) {
		missing[u.name] = true
	}
	for _, cl := range demoClients(nil) {
		missing[cl.ID] = true
	}
	others := "" // something that is not the demo's
	for a, err := range tables.Accounts.List(ctx, "") {
		if err != nil {
			return err
		}
		if !missing[a.Key] {
			others = "accounts"
		}
		delete(missing, a.Key)
	}
	for cl, err := range tables.Clients.List(ctx, "") {
		if err != nil {
			return err
		}
		if !missing[cl.Key] {
			others = "apps"
		}
		delete(missing, cl.Key)
	}
	if len(missing) == 0 {
		return nil
	}
	for match, err := range s.Search(ctx, store.Search{Types: []string{"Patient"}, Filter: search.All{}, KeysOnly: true}) {
		if err != nil {
			return err
		}
		if !demo.IsPatient(match.ID) {
			others = "patients"
			break
		}
	}
	if others != "" {
		return fmt.Errorf("the database holds %s that are not the demo's, and everybody knows the passwords that --with-users adds: use another one (or say --yes)", others)
	}
	return nil
}

// addDemoUsers adds them to a store and prints them. Accounts that are there already stay as they are. The backend service's private key goes to the
// file; a key that is there already is taken.
func addDemoUsers(ctx context.Context, out io.Writer, s store.Store, c demo.Clinic, keyFile string) error {
	tables := state.New(s.State())
	accounts := account.New(account.Options{Tables: tables})
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "USER\tPASSWORD\tWHO")
	for _, u := range demoUsers(c) {
		if _, err := accounts.Add(ctx, u.name, u.fhirUser, u.password, false); err != nil && !errors.Is(err, account.ErrTaken) {
			return err
		}
		fmt.Fprintf(w, "%s\t%s\t%s, %s\n", u.name, u.password, u.is, u.fhirUser)
	}
	keys, err := demoKeys(keyFile)
	if err != nil {
		return err
	}
	registry := client.New(client.Options{Tables: tables})
	fmt.Fprintln(w, "\nCLIENT\tSECRET\tWHAT")
	for _, cl := range demoClients(keys) {
		shown := "-"
		switch cl.Type {
		case state.Confidential:
			shown = demoSecret
			if cl.Secret, err = client.KeepSecret(ctx, demoSecret); err != nil {
				return err
			}
		case state.Backend:
			shown = "key in " + keyFile
		}
		cl.Created = time.Now().UTC()
		err := registry.Add(ctx, cl)
		if errors.Is(err, store.ErrConflict) {
			err = registry.Replace(ctx, cl) // the key may be another one
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", cl.ID, shown, cl.Type)
	}
	return w.Flush()
}

// demoKeys is the JWK Set of the private key in the file, which is made where there is none.
func demoKeys(file string) (json.RawMessage, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		text, err = makeDemoKey(file)
	}
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s holds no private key", file)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	private, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || private.Curve != elliptic.P384() {
		return nil, fmt.Errorf("%s holds no key for ES384", file)
	}
	point, err := private.PublicKey.Bytes() // 4, x, y
	if err != nil {
		return nil, err
	}
	b64, size := base64.RawURLEncoding, (len(point)-1)/2
	return json.Marshal(map[string]any{"keys": []any{map[string]string{
		"kty": "EC", "crv": "P-384", "alg": "ES384", "use": "sig", "kid": demoBackend,
		"x": b64.EncodeToString(point[1 : 1+size]), "y": b64.EncodeToString(point[1+size:]),
	}}})
}

func makeDemoKey(file string) ([]byte, error) {
	private, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return text, os.WriteFile(file, text, 0o600)
}
