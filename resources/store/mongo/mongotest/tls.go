package mongotest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Encrypted is a server that takes connections by TLS only. Its connection string names the file of the authority that its
// certificate is of.
func Encrypted(t testing.TB) Server {
	t.Helper()
	certificate, key := writeCertificate(t, t.TempDir())
	var p *process
	var err error
	if binary := findMongod(); binary != "" {
		p, err = newMongod(binary, setName, "--tlsMode", "requireTLS", "--tlsCertificateKeyFile", joined(t, certificate, key))
	} else if binary := tool("secantusd-rs", binaryVariable); binary != "" {
		p, err = newSecantus(binary, "--log-file-max", "32MB", "--tls-cert-file", certificate, "--tls-key-file", key)
	} else {
		t.Skip("no server program is here that could be started with a certificate")
	}
	require(t, err)
	p.query = "?tls=true&tlsCAFile=" + url.QueryEscape(certificate)
	if p.kind == "mongod" {
		p.initiate = func() error { return initiate(p.URI(), setName, p.address()) }
	}
	server, err := p.begin()
	require(t, err)
	t.Cleanup(server.Stop)
	return server
}

// writeCertificate writes a certificate for 127.0.0.1 that signs itself, and its key.
func writeCertificate(t testing.TB, dir string) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	require(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	require(t, err)
	certificate, key = filepath.Join(dir, "certificate.pem"), filepath.Join(dir, "key.pem")
	require(t, os.WriteFile(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), 0o600))
	return certificate, key
}

// joined is a file with the content of others, as mongod wants a certificate and its key.
func joined(t testing.TB, files ...string) string {
	t.Helper()
	var all []byte
	for _, file := range files {
		content, err := os.ReadFile(file)
		require(t, err)
		all = append(all, content...)
	}
	path := filepath.Join(t.TempDir(), "joined.pem")
	require(t, os.WriteFile(path, all, 0o600))
	return path
}
