package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fhirside/resources"
)

// writeCertificate writes a certificate for 127.0.0.1 that signs itself, and its key.
func writeCertificate(t *testing.T, dir string, serial int64) (cert, key string, pool *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key, pool = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), x509.NewCertPool()
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	pool.AppendCertsFromPEM(text)
	for name, content := range map[string][]byte{cert: text, key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(time.Duration(serial) * time.Minute) // file systems are coarse
		if err := os.Chtimes(name, at, at); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key, pool
}

func TestServeByTLS(t *testing.T) {
	set := testSettings(t)
	var pool *x509.CertPool
	set.tlsCert, set.tlsKey, pool = writeCertificate(t, t.TempDir(), 1)
	url, _, _ := startServer(t, set)
	url = strings.Replace(url, "http://", "https://", 1)
	get := func(config *tls.Config) (*http.Response, error) {
		transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
		defer transport.CloseIdleConnections()
		response, err := (&http.Client{Transport: transport}).Get(url + "/healthz")
		if err == nil {
			response.Body.Close()
		}
		return response, err
	}
	response, err := get(&tls.Config{RootCAs: pool})
	if err != nil {
		t.Fatal(err)
	}
	if response.ProtoMajor != 2 || response.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("%s %v", response.Proto, response.Header)
	}
	if _, err := get(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
}

// A certificate is read anew when its files have changed, and kept when they cannot be read.
func TestCertificateIsRenewed(t *testing.T) {
	dir := t.TempDir()
	cert, key, _ := writeCertificate(t, dir, 1)
	c, err := loadCertificate(cert, key, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	serial := func() int64 {
		c.looked = time.Time{}
		leaf, err := x509.ParseCertificate(c.now().Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		return leaf.SerialNumber.Int64()
	}
	if got := serial(); got != 1 {
		t.Errorf("serial %d", got)
	}
	writeCertificate(t, dir, 2)
	if got := serial(); got != 2 {
		t.Errorf("after the renewal: serial %d", got)
	}
	if err := os.WriteFile(key, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := serial(); got != 2 {
		t.Errorf("with a broken key: serial %d", got)
	}
}

func TestNetworkSettings(t *testing.T) {
	dir := t.TempDir()
	cert, _, _ := writeCertificate(t, dir, 1)
	for name, change := range map[string]func(*serveSettings){
		"certificate alone": func(s *serveSettings) { s.tlsCert = cert },
		"no such file":      func(s *serveSettings) { s.tlsCert, s.tlsKey = cert, filepath.Join(dir, "none") },
		"proxy":             func(s *serveSettings) { s.proxies = []string{"proxy.example"} },
		"origin":            func(s *serveSettings) { s.origins = []string{"app.example"} },
		"origin with path":  func(s *serveSettings) { s.origins = []string{"https://app.example/"} },
	} {
		set := testSettings(t)
		change(&set)
		if _, err := set.network(slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	set := testSettings(t)
	set.proxies, set.origins = []string{"10.0.0.7", "fd00::/8"}, []string{"*", "https://app.example:8443"}
	n, err := set.network(slog.New(slog.DiscardHandler))
	if err != nil || len(n.proxies) != 2 || n.proxies[0].String() != "10.0.0.7/32" {
		t.Errorf("%v, %v", n, err)
	}
}

func TestOrigin(t *testing.T) {
	for _, c := range []struct {
		base, listen, want string
		tls                bool
	}{
		{"", "127.0.0.1:8080", "http://127.0.0.1:8080", false},
		{"", "0.0.0.0:8080", "http://localhost:8080", false},
		{"", "[::1]:8443", "https://[::1]:8443", true},
		{"https://clinic.example/", "127.0.0.1:8080", "https://clinic.example", false},
		{"https://clinic.example/r4", "127.0.0.1:8080", "https://clinic.example/r4", false},
	} {
		n := network{}
		if c.tls {
			n.certificate = &certificate{}
		}
		address, err := net.ResolveTCPAddr("tcp", c.listen)
		if err != nil {
			t.Fatal(err)
		}
		if got := (serveSettings{baseURL: c.base}).origin(n, address); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

// Browsers' apps of any origin are let in unless origins are named.
func TestServeOrigins(t *testing.T) {
	set := testSettings(t)
	for origins, want := range map[string]string{"*": "https://app.example", "https://other.example": ""} {
		set.origins = []string{origins}
		options, err := set.serviceOptions()
		if err != nil {
			t.Fatal(err)
		}
		request := httptest.NewRequest(http.MethodGet, "/fhir/metadata", http.NoBody)
		request.Header.Set("Origin", "https://app.example")
		answer := httptest.NewRecorder()
		handler(resources.New(options), set, network{}, everybody, untold(), slog.New(slog.DiscardHandler)).ServeHTTP(answer, request)
		if got := answer.Header().Get("Access-Control-Allow-Origin"); got != want {
			t.Errorf("origins %s: %q", origins, got)
		}
		if claims := strings.Contains(answer.Body.String(), `"cors":true`); !claims {
			t.Errorf("origins %s: cors is not claimed", origins)
		}
	}
}
