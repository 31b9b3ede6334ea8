package sqlite_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fhirside/resources/store"
	"fhirside/resources/store/sqlite"
	"fhirside/search/searchtest"
)

// A purge overwrites what it erases: the name that no one may find any more is nowhere in the file.
func TestPurgedBytes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "purged.db")
	holds := func() bool {
		t.Helper()
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Contains(bytes.ToLower(data), []byte("zanzibarius"))
	}
	write := func(do func(s store.Store) error) {
		t.Helper()
		s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
		if err == nil {
			err = do(s)
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	write(func(s store.Store) error {
		return put(t.Context(), s, patient("a", "Zanzibarius"), patient("b", "Berg"))
	})
	if !holds() {
		t.Fatal("the file does not show the name: this test shows nothing")
	}
	for version := range int64(5) { // rows move, and leave copies where they were
		write(func(s store.Store) error {
			return s.Commit(t.Context(), func(tx store.Tx) error {
				body := patient("a", strings.Repeat("Zanzibarius", 1+int(version)*40%97))
				v := store.Version{Key: store.Key{Type: "Patient", ID: "a"}, Version: version + 2, Method: store.Updated, Body: []byte(body)}
				values, err := searchtest.Values([]byte(body))
				if err != nil {
					return err
				}
				return tx.Put(store.Record{Version: v, Values: values})
			})
		})
	}
	write(func(s store.Store) error {
		return s.Commit(t.Context(), func(tx store.Tx) error {
			_, err := tx.Purge("Patient", "a")
			return err
		})
	})
	if holds() {
		t.Error("the name is still in the file")
	}
}
