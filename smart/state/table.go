package state

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"fhirside/resources/store"
)

// Table is the records of one kind, by key.
type Table[T any] struct {
	state store.State
	kind  string
}

// Record is a record with what the store knows about it.
type Record[T any] struct {
	Key      string
	Owner    string
	Expires  time.Time // zero: never
	Value    T
	revision int64
}

// Get is the record of that key; store.ErrNotFound where there is none or it has expired.
func (t Table[T]) Get(ctx context.Context, key string) (Record[T], error) {
	e, err := t.state.Get(ctx, t.kind, key)
	if err != nil {
		return Record[T]{}, err
	}
	return t.read(e)
}

// Put writes a record: a new one (store.ErrConflict if the key is taken), or one that came from Get or List and has been changed
// (store.ErrConflict if somebody else has changed it since). The returned record can be changed and put again.
func (t Table[T]) Put(ctx context.Context, r Record[T]) (Record[T], error) {
	value, err := json.Marshal(r.Value)
	if err != nil {
		return r, err
	}
	r.revision, err = t.state.Put(ctx, store.Entry{
		Kind: t.kind, Key: r.Key, Owner: r.Owner, Revision: r.revision, Expires: r.Expires, Value: value,
	})
	return r, err
}

// Change gets a record, changes it and puts it back, as often as somebody else comes between. An error of change ends it and
// nothing is written. change may run more than once.
func (t Table[T]) Change(ctx context.Context, key string, change func(*Record[T]) error) (Record[T], error) {
	for {
		r, err := t.Get(ctx, key)
		if err != nil {
			return r, err
		}
		if err := change(&r); err != nil {
			return r, err
		}
		if r, err = t.Put(ctx, r); !errors.Is(err, store.ErrConflict) {
			return r, err
		}
	}
}

// Delete removes a record; it is no error if there is none.
func (t Table[T]) Delete(ctx context.Context, key string) error {
	return t.state.Delete(ctx, t.kind, key)
}

// List yields the records of an owner, of all owners if it is "", by key.
func (t Table[T]) List(ctx context.Context, owner string) iter.Seq2[Record[T], error] {
	return func(yield func(Record[T], error) bool) {
		for e, err := range t.state.List(ctx, t.kind, owner) {
			var r Record[T]
			if err == nil {
				r, err = t.read(e)
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

func (t Table[T]) read(e store.Entry) (Record[T], error) {
	r := Record[T]{Key: e.Key, Owner: e.Owner, Expires: e.Expires, revision: e.Revision}
	if err := json.Unmarshal(e.Value, &r.Value); err != nil {
		return r, fmt.Errorf("the stored %s cannot be read: %w", t.kind, err)
	}
	return r, nil
}

// Secret is a new value that nobody can guess: 256 random bits as base64url.
func Secret(random io.Reader) (string, error) {
	var b [32]byte
	_, err := io.ReadFull(random, b[:])
	return base64.RawURLEncoding.EncodeToString(b[:]), err
}

// Hash is under which key a secret that clients hold (a code, a refresh token, a cookie) is kept: SHA-256, base64url. Those
// secrets are random and long, so nothing slower is needed; passwords are another matter.
func Hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
