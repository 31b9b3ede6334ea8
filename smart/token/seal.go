package token

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/x509"
	"errors"
	"fmt"
)

// errWrapping says that the private keys cannot be decrypted.
var errWrapping = errors.New("the signing keys in the store cannot be decrypted: they were encrypted by another key than the one in the key file")

// aead is AES-256-GCM with random nonces, which it keeps in front of what it seals.
func (k *Keys) aead() (cipher.AEAD, error) {
	block, err := aes.NewCipher(k.wrapping[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// seal is a private key as PKCS #8, encrypted. Its id is bound to it.
func (k *Keys) seal(id string, private crypto.Signer) ([]byte, error) {
	plain, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, err
	}
	aead, err := k.aead()
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, plain, []byte(id)), nil
}

func (k *Keys) unseal(id string, sealed []byte) (crypto.Signer, error) {
	aead, err := k.aead()
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, nil, sealed, []byte(id))
	if err != nil {
		return nil, errWrapping
	}
	parsed, err := x509.ParsePKCS8PrivateKey(plain)
	if err != nil {
		return nil, fmt.Errorf("the signing key %s: %w", id, err)
	}
	private, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("the signing key %s cannot sign", id)
	}
	return private, nil
}
