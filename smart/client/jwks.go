package client

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"

	"github.com/go-jose/go-jose/v4"
)

// AssertionAlgorithms are those that assertions may be signed by: RS384 and ES384, which SMART asks for, and what libraries sign by
// if nobody tells them.
var AssertionAlgorithms = []string{"RS384", "ES384", "RS256", "ES256"}

// publicKey is a key of an app.
type publicKey struct {
	id        string
	algorithm string // "": any that its kind of key can do
	key       crypto.PublicKey
}

// fits says whether the key may have signed by the algorithm.
func (k publicKey) fits(algorithm string) bool {
	if k.algorithm != "" && k.algorithm != algorithm {
		return false
	}
	switch key := k.key.(type) {
	case *rsa.PublicKey:
		return algorithm == "RS384" || algorithm == "RS256"
	case *ecdsa.PublicKey:
		return algorithm == "ES384" && key.Curve == elliptic.P384() || algorithm == "ES256" && key.Curve == elliptic.P256()
	}
	return false
}

// splitJWKS takes a JWK Set (RFC 7517, section 5) apart.
func splitJWKS(text []byte) ([]json.RawMessage, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, err
	}
	if set.Keys == nil {
		return nil, errors.New("it has no keys")
	}
	return set.Keys[:min(len(set.Keys), maxKeys)], nil
}

// parseJWKS are the keys of a set that can be used. Each is parsed by itself, so that an odd one, of a kind that this server does
// not know, spoils nothing.
func parseJWKS(text []byte) ([]publicKey, error) {
	raw, err := splitJWKS(text)
	if err != nil {
		return nil, err
	}
	var keys []publicKey
	for _, one := range raw {
		if k, ok := parseKey(one); ok {
			keys = append(keys, k)
		}
	}
	return keys, nil
}

func parseKey(text []byte) (publicKey, bool) {
	var k jose.JSONWebKey
	if k.UnmarshalJSON(text) != nil || !k.Valid() || !k.IsPublic() || k.Use != "" && k.Use != "sig" {
		return publicKey{}, false
	}
	switch key := k.Key.(type) {
	case *rsa.PublicKey:
		if key.N.BitLen() < minRSA {
			return publicKey{}, false
		}
	case *ecdsa.PublicKey:
	default:
		return publicKey{}, false
	}
	found := publicKey{k.KeyID, k.Algorithm, k.Key}
	for _, algorithm := range AssertionAlgorithms {
		if found.fits(algorithm) {
			return found, true
		}
	}
	return publicKey{}, false
}
