package guard_test

import (
	"bufio"
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
)

const asProvider = "GUARD_TEST_PROVIDER"

// TestMain runs the tests or, in the process that startProvider begins, an OpenID Connect provider.
func TestMain(m *testing.M) {
	if os.Getenv(asProvider) != "" {
		serveProvider()
		return
	}
	os.Exit(m.Run())
}

// order is what the provider's /sign takes: a token that anybody may wish for.
type order struct {
	Algorithm, Type string
	Foreign         bool // signed by a key that is not published
	Claims          map[string]any
}

// serveProvider is an OpenID Connect provider as far as a resource server sees one. It ends with its standard input.
func serveProvider() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	origin := "http://" + listener.Addr().String()
	keys, foreign := newKeys(), newKeys()
	set := jose.JSONWebKeySet{}
	for algorithm, key := range keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: key.Public(), KeyID: algorithm, Use: "sig", Algorithm: algorithm})
	}
	http.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(map[string]any{
			"issuer": origin, "jwks_uri": origin + "/jwks", "authorization_endpoint": origin + "/auth", "token_endpoint": origin + "/token",
			"code_challenge_methods_supported": []string{"S256"}, "grant_types_supported": []string{"authorization_code"},
		})
	})
	var asked atomic.Int32
	http.HandleFunc("/jwks", func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		json.NewEncoder(w).Encode(set)
	})
	http.HandleFunc("/asked", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, asked.Load()) })
	http.HandleFunc("/sign", func(w http.ResponseWriter, r *http.Request) {
		var o order
		if err := json.NewDecoder(r.Body).Decode(&o); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		token := jwt.NewWithClaims(jwt.GetSigningMethod(o.Algorithm), jwt.MapClaims(o.Claims))
		token.Header["kid"] = o.Algorithm
		token.Header["typ"] = o.Type
		var key any = keys[o.Algorithm]
		switch {
		case o.Foreign:
			key = foreign[o.Algorithm]
		case o.Algorithm == "HS256":
			key = []byte("secret")
		case o.Algorithm == "none":
			key = jwt.UnsafeAllowNoneSignatureType
		}
		signed, err := token.SignedString(key)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		io.WriteString(w, signed)
	})
	fmt.Println(origin)
	go http.Serve(listener, nil)
	io.Copy(io.Discard, os.Stdin)
}

func newKeys() map[string]crypto.Signer {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return map[string]crypto.Signer{
		"RS256": rsaKey, "RS384": rsaKey, "PS256": rsaKey, "RS512": rsaKey, "ES256": p256, "ES384": p384,
	}
}

// provider is that process.
type provider struct{ origin string }

func startProvider(t *testing.T) provider {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asProvider+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	origin, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return provider{strings.TrimSpace(origin)}
}

func (p provider) sign(t *testing.T, o order) string {
	t.Helper()
	body, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.Post(p.origin+"/sign", "application/json", bytes.NewReader(body))
	return content(t, answer, err)
}

func (p provider) get(t *testing.T, path string) string {
	t.Helper()
	answer, err := http.Get(p.origin + path)
	return content(t, answer, err)
}

func content(t *testing.T, answer *http.Response, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", answer.Status, body, err)
	}
	return string(body)
}
