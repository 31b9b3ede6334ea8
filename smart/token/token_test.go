package token_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"fhirside/resources/store/sqlite"
	"fhirside/smart/state"
	"fhirside/smart/token"
)

const (
	issuer = "https://clinic.example"
	base   = issuer + "/fhir"
)

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func tables(t testing.TB, c *clock) *state.Tables {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Memory, sqlite.Options{Now: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return state.New(s.State())
}

func open(t testing.TB, tables *state.Tables, c *clock) *token.Keys {
	t.Helper()
	keys, err := token.New(t.Context(), token.Options{Table: tables.Keys, Now: c.Now, Wrapping: token.Given(token.WrappingKey{})})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func access(now time.Time) token.Access {
	return token.Access{
		ID: "1", Issuer: issuer, Audience: base, ClientID: "app", Subject: "maria", Scope: "patient/*.rs", Grant: "g", Patient: "p",
		Encounter: "e", FHIRUser: base + "/Patient/p", Issued: now, Expires: now.Add(time.Hour),
	}
}

func sign(t testing.TB, keys *token.Keys, a token.Access) string {
	t.Helper()
	signed, err := keys.SignAccess(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func part(t testing.TB, signed string, i int) map[string]any {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(signed, ".")[i])
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestAccess(t *testing.T) {
	c := newClock()
	keys := open(t, tables(t, c), c)
	want := access(c.Now())
	signed := sign(t, keys, want)
	got, err := keys.VerifyAccess(t.Context(), issuer, base, signed)
	if err != nil {
		t.Fatal(err)
	}
	got.Issued, got.Expires = got.Issued.UTC(), got.Expires.UTC()
	if got != want {
		t.Errorf("read\n%+v, signed\n%+v", got, want)
	}
	if h := part(t, signed, 0); h["typ"] != "at+jwt" || h["alg"] != "ES256" || h["kid"] == "" {
		t.Errorf("header %v", h)
	}
	if b := part(t, signed, 1); b["aud"] != base || b["iss"] != issuer || b["client_id"] != "app" || b["sub"] != "maria" || b["jti"] != "1" {
		t.Errorf("claims %v", b)
	}
	c.pass(time.Hour - time.Second)
	if _, err := keys.VerifyAccess(t.Context(), issuer, base, signed); err != nil {
		t.Error("a second before it expires:", err)
	}
	c.pass(time.Second)
	if _, err := keys.VerifyAccess(t.Context(), issuer, base, signed); !errors.Is(err, token.ErrExpired) {
		t.Error("expired:", err)
	}
}

func TestID(t *testing.T) {
	c := newClock()
	keys := open(t, tables(t, c), c)
	signed, err := keys.SignID(t.Context(), token.ID{
		Issuer: issuer, Subject: "maria", Audience: "app", Nonce: "n", FHIRUser: base + "/Patient/p", Name: "Maria", Issued: c.Now(),
		Expires: c.Now().Add(time.Hour), AuthTime: c.Now(),
	})
	if err != nil {
		t.Fatal(err)
	}
	set := jwks(t, keys)
	parsed, err := jwt.Parse(signed, func(k *jwt.Token) (any, error) { return set.Key(k.Header["kid"].(string))[0].Key, nil },
		jwt.WithValidMethods([]string{"RS256"}), jwt.WithAudience("app"), jwt.WithIssuer(issuer), jwt.WithTimeFunc(c.Now))
	if err != nil {
		t.Fatal(err)
	}
	claims := parsed.Claims.(jwt.MapClaims)
	if claims["nonce"] != "n" || claims["fhirUser"] != base+"/Patient/p" || claims["profile"] != base+"/Patient/p" || claims["name"] != "Maria" || claims["auth_time"] != float64(c.Now().Unix()) {
		t.Errorf("claims %v", claims)
	}
	for _, audience := range []string{base, "app"} {
		if _, err := keys.VerifyAccess(t.Context(), issuer, audience, signed); !errors.Is(err, token.ErrInvalid) {
			t.Error("an id token passes as an access token:", err)
		}
	}
	signed, err = keys.SignID(t.Context(), token.ID{Issuer: issuer, Subject: "maria", Audience: "app", Issued: c.Now(), Expires: c.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	for name := range part(t, signed, 1) {
		if !strings.Contains("iss sub aud iat exp", name) {
			t.Errorf("it says %s, which nobody gave", name)
		}
	}
}

func jwks(t testing.TB, keys *token.Keys) (set jose.JSONWebKeySet) {
	t.Helper()
	text, err := keys.JWKS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &set); err != nil {
		t.Fatal(err)
	}
	for _, k := range set.Keys {
		if !k.IsPublic() || !k.Valid() || k.Use != "sig" || k.KeyID == "" || k.Algorithm == "" {
			t.Errorf("key %+v", k)
		}
	}
	return set
}

// TestBadTokens: whatever is not exactly what SignAccess makes is refused. Each is signed by the right key, but for what it tries.
func TestBadTokens(t *testing.T) {
	c := newClock()
	keys := open(t, tables(t, c), c)
	good := sign(t, keys, access(c.Now()))
	header, claims := part(t, good, 0), part(t, good, 1)
	set := jwks(t, keys)
	rsaID := ""
	for _, k := range set.Keys {
		if k.Algorithm == "RS256" {
			rsaID = k.KeyID
		}
	}
	public := set.Key(header["kid"].(string))[0].Key
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	private := token.Private(keys, "ES256")
	foreign, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := c.Now().Unix()
	for name, bad := range map[string]struct {
		header, claims map[string]any
		method         jwt.SigningMethod
		key            any
		expired        bool
	}{
		"alg none":                  {method: jwt.SigningMethodNone, key: jwt.UnsafeAllowNoneSignatureType},
		"HS256 by the public key":   {method: jwt.SigningMethodHS256, key: der},
		"HS256, kid of the RSA key": {method: jwt.SigningMethodHS256, key: der, header: map[string]any{"kid": rsaID}},
		"RS256 by the id token key": {method: jwt.SigningMethodRS256, key: token.Private(keys, "RS256"), header: map[string]any{"kid": rsaID}},
		"PS256 by the id token key": {method: jwt.SigningMethodPS256, key: token.Private(keys, "RS256"), header: map[string]any{"kid": rsaID}},
		"another key":               {key: foreign},
		"kid of the id token key":   {header: map[string]any{"kid": rsaID}},
		"unknown kid":               {header: map[string]any{"kid": "unknown"}},
		"no kid":                    {header: map[string]any{"kid": nil}},
		"kid of another type":       {header: map[string]any{"kid": 1}},
		"typ JWT":                   {header: map[string]any{"typ": "JWT"}},
		"no typ":                    {header: map[string]any{"typ": nil}},
		"critical extension":        {header: map[string]any{"crit": []string{"exp"}}},
		"an own key in the header":  {key: foreign, header: map[string]any{"jwk": jose.JSONWebKey{Key: foreign.Public()}}},
		"another issuer":            {claims: map[string]any{"iss": "https://evil.example"}},
		"issuer with a slash":       {claims: map[string]any{"iss": issuer + "/"}},
		"no issuer":                 {claims: map[string]any{"iss": nil}},
		"another audience":          {claims: map[string]any{"aud": "app"}},
		"another audience, expired": {claims: map[string]any{"aud": "app", "exp": now - 10}},
		"no audience":               {claims: map[string]any{"aud": nil}},
		"expired":                   {claims: map[string]any{"exp": now - 10}, expired: true},
		"expires now":               {claims: map[string]any{"exp": now}, expired: true},
		"expired a minute ago":      {claims: map[string]any{"exp": now - 60}, expired: true},
		"expired long ago":          {claims: map[string]any{"exp": now - 86400}, expired: true},
		"no exp":                    {claims: map[string]any{"exp": nil}},
		"exp is text":               {claims: map[string]any{"exp": "tomorrow"}},
		"issued in the future":      {claims: map[string]any{"iat": now + 120}},
		"no iat":                    {claims: map[string]any{"iat": nil}},
		"begins in the future":      {claims: map[string]any{"nbf": now + 120}},
		"no jti":                    {claims: map[string]any{"jti": nil}},
		"no sub":                    {claims: map[string]any{"sub": ""}},
		"no client":                 {claims: map[string]any{"client_id": nil}},
		"no grant":                  {claims: map[string]any{"grant": nil}},
	} {
		t.Run(name, func(t *testing.T) {
			if bad.method == nil {
				bad.method = jwt.SigningMethodES256
			}
			if bad.key == nil {
				bad.key = private
			}
			made := jwt.NewWithClaims(bad.method, jwt.MapClaims(merge(claims, bad.claims)))
			made.Header = merge(header, bad.header)
			made.Header["alg"] = bad.method.Alg()
			signed, err := made.SignedString(bad.key)
			if err != nil {
				t.Fatal(err)
			}
			want := token.ErrInvalid
			if bad.expired {
				want = token.ErrExpired
			}
			if _, err := keys.VerifyAccess(t.Context(), issuer, base, signed); !errors.Is(err, want) {
				t.Error(err)
			}
		})
	}
	parts := strings.Split(good, ".")
	for name, text := range map[string]string{
		"nothing":                 "",
		"a word":                  "token",
		"dots":                    "..",
		"no signature":            parts[0] + "." + parts[1] + ".",
		"two parts":               parts[0] + "." + parts[1],
		"four parts":              good + ".x",
		"signature cut":           good[:len(good)-2],
		"signature with padding":  good + "==",
		"a bit of the signature":  good[:len(good)-10] + flip(good[len(good)-10:]),
		"loose end of base64":     good[:len(good)-1] + string(good[len(good)-1]+1),
		"claims of somebody else": parts[0] + "." + flip(parts[1]) + "." + parts[2],
		"white space":             " " + good,
		"not UTF-8":               "\xff\xfe." + parts[1] + "." + parts[2],
		"huge":                    strings.Repeat("a", 1<<20) + "." + parts[1] + "." + parts[2],
	} {
		if _, err := keys.VerifyAccess(t.Context(), issuer, base, text); !errors.Is(err, token.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, skewed := range []map[string]any{{"iat": now + 30}, {"nbf": now + 30}, {"nbf": now - 30}} { // of a process whose clock is ahead
		made := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims(merge(claims, skewed)))
		made.Header = header
		signed, err := made.SignedString(private)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := keys.VerifyAccess(t.Context(), issuer, base, signed); err != nil {
			t.Errorf("%v: %v", skewed, err)
		}
	}
}

// merge is a with what b changes; nil takes out.
func merge(a, b map[string]any) map[string]any {
	m := maps.Clone(a)
	for name, value := range b {
		if m[name] = value; value == nil {
			delete(m, name)
		}
	}
	return m
}

// flip changes the first letter of base64.
func flip(s string) string {
	if s[0] == 'A' {
		return "B" + s[1:]
	}
	return "A" + s[1:]
}

func TestRotation(t *testing.T) {
	c := newClock()
	both := tables(t, c)
	here, there := open(t, both, c), open(t, both, c)
	old := sign(t, here, access(c.Now()))
	if before := jwks(t, here); len(before.Keys) != 2 {
		t.Fatalf("%d keys", len(before.Keys))
	}
	if err := here.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.pass(time.Millisecond)
	fresh := sign(t, here, access(c.Now()))
	if part(t, fresh, 0)["kid"] == part(t, old, 0)["kid"] {
		t.Error("the old key signs on")
	}
	// A process that has not looked yet does so for the kid that it does not know.
	for name, signed := range map[string]string{"old": old, "new": fresh} {
		for _, keys := range []*token.Keys{here, there} {
			if _, err := keys.VerifyAccess(t.Context(), issuer, base, signed); err != nil {
				t.Errorf("%s key: %v", name, err)
			}
		}
	}
	c.pass(time.Second)
	if part(t, sign(t, there, access(c.Now())), 0)["kid"] != part(t, fresh, 0)["kid"] {
		t.Error("a second later another process signs by the old key")
	}
	if after := jwks(t, there); len(after.Keys) != 4 {
		t.Errorf("%d keys", len(after.Keys))
	}
	if err := there.Rotate(t.Context()); err != nil { // keys before the newest keep their end
		t.Fatal(err)
	}
	c.pass(58 * time.Minute)
	if _, err := there.VerifyAccess(t.Context(), issuer, base, old); err != nil {
		t.Error("the old key is gone before what it has signed:", err)
	}
	c.pass(10 * time.Minute)
	if left := jwks(t, here); len(left.Keys) != 2 {
		t.Errorf("%d keys are left", len(left.Keys))
	}
	if _, err := here.VerifyAccess(t.Context(), issuer, base, old); !errors.Is(err, token.ErrInvalid) {
		t.Error(err)
	}
}

// TestManyBegin: of processes that start at once on an empty store, all end with the same keys.
func TestManyBegin(t *testing.T) {
	c := newClock()
	shared := tables(t, c)
	many := make([]*token.Keys, 4)
	var all sync.WaitGroup
	for i := range many {
		all.Go(func() {
			keys, err := token.New(context.WithoutCancel(t.Context()), token.Options{Table: shared.Keys, Now: c.Now, Wrapping: token.Given(token.WrappingKey{})})
			if err != nil {
				t.Error(err)
				return
			}
			many[i] = keys
		})
	}
	all.Wait()
	if t.Failed() {
		return
	}
	signed := sign(t, many[0], access(c.Now()))
	for _, keys := range many {
		if set := jwks(t, keys); len(set.Keys) != 2 {
			t.Errorf("%d keys", len(set.Keys))
		}
		if _, err := keys.VerifyAccess(t.Context(), issuer, base, signed); err != nil {
			t.Error(err)
		}
	}
}

func TestAtRest(t *testing.T) {
	c := newClock()
	shared := tables(t, c)
	keys := open(t, shared, c)
	for record, err := range shared.Keys.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if _, err := x509.ParsePKCS8PrivateKey(record.Value.Private); err == nil {
			t.Errorf("%s lies open", record.Key)
		}
	}
	_ = keys
	if _, err := token.New(t.Context(), token.Options{Table: shared.Keys, Now: c.Now, Wrapping: token.Given(token.WrappingKey{1})}); err == nil || !strings.Contains(err.Error(), "key file") {
		t.Error("opened by another wrapping key:", err)
	}
}

// TestUnknownKeys: tokens by unknown keys do not reach the store with each.
func TestUnknownKeys(t *testing.T) {
	c := newClock()
	counted := &counting{State: nil}
	s, err := sqlite.Open(t.Context(), sqlite.Memory, sqlite.Options{Now: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	counted.State = s.State()
	keys := open(t, state.New(counted), c)
	foreign := sign(t, open(t, tables(t, c), c), access(c.Now()))
	before := counted.lists.Load()
	c.pass(time.Second)
	for range 100 {
		if _, err := keys.VerifyAccess(t.Context(), issuer, base, foreign); !errors.Is(err, token.ErrInvalid) {
			t.Fatal(err)
		}
	}
	if n := counted.lists.Load() - before; n > 1 {
		t.Errorf("looked up %d times", n)
	}
	counted.fail.Store(true)
	c.pass(time.Second)
	if _, err := keys.VerifyAccess(t.Context(), issuer, base, foreign); err == nil || errors.Is(err, token.ErrInvalid) {
		t.Error("a fault of the store is taken for a bad token:", err)
	}
}

func FuzzVerifyAccess(f *testing.F) {
	c := newClock()
	keys := open(f, tables(f, c), c)
	good := sign(f, keys, access(c.Now()))
	parts := strings.Split(good, ".")
	f.Add(parts[0], parts[1], parts[2])
	f.Add("", "", "")
	f.Add("eyJhbGciOiJub25lIn0", parts[1], "")
	f.Fuzz(func(t *testing.T, header, claims, signature string) {
		text := header + "." + claims + "." + signature
		_, err := keys.VerifyAccess(t.Context(), issuer, base, text)
		switch {
		case err == nil && text != good:
			t.Errorf("%q passes", text)
		case err != nil && !errors.Is(err, token.ErrInvalid) && !errors.Is(err, token.ErrExpired):
			t.Error(err)
		}
	})
}
