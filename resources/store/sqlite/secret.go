package sqlite

import (
	"context"
	"crypto/rand"
	"fmt"

	"fhirside/resources/store"
)

// Secret is kept among the file's settings. See store.Store.
func (s *db) Secret(ctx context.Context, name string) (_ *[store.SecretSize]byte, err error) {
	c, err := connect(ctx, s.uri) // not the writer's connection: its turn is for commits
	if err != nil {
		return nil, explain(ctx, err)
	}
	defer c.discard()
	var secret []byte
	err = c.transaction(func() (err error) {
		secret, err = setting(c, "secret "+name, func() []byte {
			fresh := make([]byte, store.SecretSize)
			rand.Read(fresh) // never fails: crypto/rand ends the program instead
			return fresh
		})
		return err
	})
	switch {
	case err != nil:
		return nil, explain(ctx, err)
	case len(secret) != store.SecretSize:
		return nil, fmt.Errorf("the file's secret %q is damaged", name)
	}
	return (*[store.SecretSize]byte)(secret), nil
}
