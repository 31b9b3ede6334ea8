package mongo

import (
	"context"
	"crypto/rand"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"fhirside/resources/store"
)

// secretsName is the collection of secrets. Whoever makes one first decides for all.
const secretsName = "secrets"

// Secret is kept in a collection of its own. See store.Store.
func (s *Store) Secret(ctx context.Context, name string) (*[store.SecretSize]byte, error) {
	fresh := make([]byte, store.SecretSize)
	rand.Read(fresh) // never fails: crypto/rand ends the program instead
	raw, err := s.db.Collection(secretsName).FindOneAndUpdate(ctx, d("_id", name), d("$setOnInsert", d("key", fresh)),
		options.FindOneAndUpdate().SetUpsert(true).SetReturnDocument(options.After)).Raw()
	if err != nil {
		return nil, explain(ctx, err)
	}
	_, secret, ok := raw.Lookup("key").BinaryOK()
	if !ok || len(secret) != store.SecretSize {
		return nil, fmt.Errorf("the secret %q in the database is damaged", name)
	}
	return (*[store.SecretSize]byte)(secret), nil
}
