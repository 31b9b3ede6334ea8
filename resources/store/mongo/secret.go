package mongo

import (
	"context"
	"crypto/rand"
	"fmt"

	"fhirside/resources/store"
)

// secretsName is the collection of secrets. Whoever makes one first decides for all.
const secretsName = "secrets"

// Secret is kept in a collection of its own. See store.Store.
func (s *Store) Secret(ctx context.Context, name string) (*[store.SecretSize]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, s.opt.Timeout)
	defer cancel()
	if err := s.check(ctx); err != nil {
		return nil, err
	}
	fresh := make([]byte, store.SecretSize)
	rand.Read(fresh) // never fails: crypto/rand ends the program instead
	raw, err := once(ctx, s.db.Collection(secretsName), d("_id", name, "key", fresh))
	if err != nil {
		return nil, explain(ctx, err)
	}
	_, secret, ok := raw.Lookup("key").BinaryOK()
	if !ok || len(secret) != store.SecretSize {
		return nil, fmt.Errorf("the secret %q in the database is damaged", name)
	}
	return (*[store.SecretSize]byte)(secret), nil
}
