package token_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"fhirside/smart/token"
)

func TestKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db.key")
	made := make([][token.WrappingSize]byte, 8)
	var all sync.WaitGroup
	for i := range made {
		all.Go(func() {
			key, err := token.KeyFile(path)
			if err != nil {
				t.Error(err)
			}
			made[i] = key
		})
	}
	all.Wait()
	for _, key := range made {
		if key != made[0] || key == [token.WrappingSize]byte{} {
			t.Error("not the same for all")
		}
	}
	if list, err := filepath.Glob(path + "*"); err != nil || len(list) != 1 {
		t.Errorf("left behind: %v, %v", list, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	for name, spoil := range map[string]func() error{
		"read by others": func() error { return os.Chmod(path, 0o640) },
		"does not hold":  func() error { return os.WriteFile(path, []byte("c2hvcnQ="), 0o600) },
		"is a directory": func() error { return os.Mkdir(path, 0o700) },
	} {
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
		if _, err := token.KeyFile(path); err != nil {
			t.Fatal(err)
		}
		if name == "is a directory" {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		if _, err := token.KeyFile(path); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := token.KeyFile(filepath.Join(t.TempDir(), "no", "folder")); err == nil {
		t.Error("made in a folder that is not there")
	}
}
