package token

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/time/rate"

	"fhirside/resources/store"
	"fhirside/smart/state"
)

// The algorithms of access tokens and of id tokens.
var (
	accessMethod jwt.SigningMethod = jwt.SigningMethodES256
	idMethod     jwt.SigningMethod = jwt.SigningMethodRS256

	methods = []jwt.SigningMethod{accessMethod, idMethod}
)

// MaxLife is the longest that a token may live. A key that has been replaced is kept so long, and a little longer.
const MaxLife = time.Hour

// BackendLife is the longest that a token of a backend service may live (SMART App Launch, "Backend Services").
const BackendLife = 5 * time.Minute

const (
	overlap = MaxLife + 5*time.Minute
	// recheck is how old the keys may be that a process goes by, so that it notices those of another one within a second.
	recheck = 500 * time.Millisecond
	// refetch is how often they are looked up again, however young, for a token by an unknown key: it may be the first by a new
	// one, and whoever sends many others does not reach the store with each.
	refetch = 100 * time.Millisecond
)

// WrappingSize is the length of the key that encrypts the private keys, in bytes.
const WrappingSize = 32

// WrappingKey encrypts the private keys in the table. All processes of a store need the same.
type WrappingKey = [WrappingSize]byte

// Given is for Options.Wrapping where the key is known from the beginning.
func Given(key WrappingKey) func(context.Context) (WrappingKey, error) {
	return func(context.Context) (WrappingKey, error) { return key, nil }
}

// Options of Keys. All but Now are required.
type Options struct {
	Table state.Table[state.Key]
	// Wrapping gives the key that encrypts those in the table. It is asked until it has given it once.
	Wrapping func(context.Context) (WrappingKey, error)
	Now      func() time.Time // default: time.Now
}

// Keys are the signing keys in a store. They are safe for concurrent use, and several processes may share the store.
type Keys struct {
	Options
	looking  state.Look
	wrapping *WrappingKey // nil: it was not given yet
	ring     atomic.Pointer[ring]
	unknown  *rate.Limiter // of look-ups for keys that are not known
}

// ring is the keys as they were at a time.
type ring struct {
	looked time.Time
	byID   map[string]*key
	newest map[string]*key // by algorithm
}

// key is a signing key. Its generation counts up within its algorithm.
type key struct {
	id         string // JWK thumbprint (RFC 7638)
	algorithm  string
	generation int
	sealed     []byte
	private    crypto.Signer
}

// New are the keys in the table. The first ones are made where there are none: of several processes that start at once, those
// of one. While the store cannot be reached, New succeeds nevertheless, and what needs a key fails with store.ErrUnavailable.
func New(ctx context.Context, o Options) (*Keys, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	k := &Keys{Options: o, unknown: rate.NewLimiter(rate.Every(refetch), 1)}
	if _, err := k.look(ctx, 0); err != nil && !errors.Is(err, store.ErrUnavailable) {
		return nil, err
	}
	return k, nil
}

// Rotate makes new keys, which sign from now on. The ones before them verify until all that they have signed has expired.
func (k *Keys) Rotate(ctx context.Context) error {
	r, err := k.look(ctx, 0)
	if err != nil {
		return err
	}
	for algorithm, newest := range r.newest {
		if err := k.add(ctx, algorithm, newest.generation+1); err != nil {
			return err
		}
	}
	for _, old := range r.byID { // those before the newest have an end already
		if r.newest[old.algorithm] != old {
			continue
		}
		_, err := k.Table.Change(ctx, name(old.algorithm, old.generation), func(record *state.Record[state.Key]) error {
			if record.Expires.IsZero() {
				record.Expires = k.Now().Add(overlap)
			}
			return nil
		})
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	_, err = k.look(ctx, 0)
	return err
}

// name is the key of a record. That generations are counted makes two processes that want to add the next one meet there, and
// one of them wins.
func name(algorithm string, generation int) string { return algorithm + "." + strconv.Itoa(generation) }

// add makes a key, unless somebody else is faster.
func (k *Keys) add(ctx context.Context, algorithm string, generation int) error {
	private, err := generate(algorithm)
	if err != nil {
		return err
	}
	id, err := thumbprint(private)
	if err != nil {
		return err
	}
	sealed, err := k.seal(id, private)
	if err != nil {
		return err
	}
	_, err = k.Table.Put(ctx, state.Record[state.Key]{
		Key:   name(algorithm, generation),
		Value: state.Key{ID: id, Algorithm: algorithm, Private: sealed, Created: k.Now().UTC()},
	})
	if errors.Is(err, store.ErrConflict) {
		return nil
	}
	return err
}

func generate(algorithm string) (crypto.Signer, error) {
	if algorithm == idMethod.Alg() {
		return rsa.GenerateKey(rand.Reader, 2048)
	}
	return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
}

func thumbprint(private crypto.Signer) (string, error) {
	jwk := jose.JSONWebKey{Key: private.Public()}
	sum, err := jwk.Thumbprint(crypto.SHA256)
	return base64.RawURLEncoding.EncodeToString(sum), err
}

// look are the keys, not older than age.
func (k *Keys) look(ctx context.Context, age time.Duration) (*ring, error) {
	began := k.Now()
	fresh := func() bool {
		r := k.ring.Load()
		return r != nil && !began.After(r.looked.Add(age)) && age > 0
	}
	if err := k.looking.Once(fresh, func() error { return k.refresh(ctx) }); err != nil {
		return nil, err
	}
	return k.ring.Load(), nil
}

// refresh takes up the keys as they are in the table now.
func (k *Keys) refresh(ctx context.Context) error {
	if k.wrapping == nil {
		wrapping, err := k.Wrapping(ctx)
		if err != nil {
			return err
		}
		k.wrapping = &wrapping
	}
	r, err := k.load(ctx)
	if err == nil && len(r.newest) < len(methods) {
		r, err = k.begin(ctx, r)
	}
	if err != nil {
		return err
	}
	k.ring.Store(r)
	return nil
}

// begin makes the first key of each algorithm that has none in the table.
func (k *Keys) begin(ctx context.Context, r *ring) (*ring, error) {
	for _, method := range methods {
		if r.newest[method.Alg()] == nil {
			if err := k.add(ctx, method.Alg(), 1); err != nil {
				return nil, err
			}
		}
	}
	return k.load(ctx)
}

// load reads the keys. Those that are known already are not decrypted again.
func (k *Keys) load(ctx context.Context) (*ring, error) {
	r := &ring{looked: k.Now(), byID: map[string]*key{}, newest: map[string]*key{}}
	known := k.ring.Load()
	for record, err := range k.Table.List(ctx, "") {
		if err != nil {
			return nil, err
		}
		_, digits, _ := strings.Cut(record.Key, ".")
		generation, err := strconv.Atoi(digits)
		if err != nil {
			return nil, fmt.Errorf("%q is no name of a signing key", record.Key)
		}
		found := &key{id: record.Value.ID, algorithm: record.Value.Algorithm, generation: generation, sealed: record.Value.Private}
		if known != nil && known.byID[found.id] != nil && bytes.Equal(known.byID[found.id].sealed, found.sealed) {
			found.private = known.byID[found.id].private
		} else if found.private, err = k.unseal(found.id, found.sealed); err != nil {
			return nil, err
		}
		r.byID[found.id] = found
		if newest := r.newest[found.algorithm]; newest == nil || newest.generation < generation {
			r.newest[found.algorithm] = found
		}
	}
	return r, nil
}

// sign signs claims by the newest key.
func (k *Keys) sign(ctx context.Context, method jwt.SigningMethod, typ string, claims jwt.Claims) (string, error) {
	r, err := k.look(ctx, recheck)
	if err != nil {
		return "", err
	}
	newest := r.newest[method.Alg()]
	if newest == nil {
		return "", fmt.Errorf("there is no signing key for %s", method.Alg())
	}
	t := jwt.NewWithClaims(method, claims)
	t.Header["typ"], t.Header["kid"] = typ, newest.id
	return t.SignedString(newest.private)
}

// public is the key that verifies what has been signed by the one of that id; nil if there is none of that algorithm.
func (k *Keys) public(ctx context.Context, algorithm, id string) (crypto.PublicKey, error) {
	began := k.Now()
	r, err := k.look(ctx, recheck)
	if err == nil && r.byID[id] == nil && r.looked.Before(began) && k.unknown.AllowN(began, 1) {
		r, err = k.look(ctx, 0)
	}
	if err != nil {
		return nil, err
	}
	if found := r.byID[id]; found != nil && found.algorithm == algorithm {
		return found.private.Public(), nil
	}
	return nil, nil
}

// JWKS is the public keys as a JWK Set (RFC 7517), in JSON.
func (k *Keys) JWKS(ctx context.Context) ([]byte, error) {
	r, err := k.look(ctx, recheck)
	if err != nil {
		return nil, err
	}
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, found := range slices.SortedFunc(maps.Values(r.byID), func(a, b *key) int {
		return cmp.Or(cmp.Compare(a.algorithm, b.algorithm), cmp.Compare(b.generation, a.generation))
	}) {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: found.private.Public(), KeyID: found.id, Algorithm: found.algorithm, Use: "sig"})
	}
	return json.Marshal(set)
}
