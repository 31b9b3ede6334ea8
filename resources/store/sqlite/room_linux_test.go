package sqlite_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"fhirside/resources/store"
	"fhirside/resources/store/sqlite"
)

// TestFullDisk: a commit that a full disk keeps from being written says so, as Open does, and with more room it goes on.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=3m"); err != nil {
		t.Skip("skipped: no small disk can be mounted here:", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	s, err := sqlite.Open(t.Context(), filepath.Join(dir, "full.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, 3<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	n := 0
	for ; err == nil && n < 1e4; n++ {
		err = put(t.Context(), s, patient(fmt.Sprint("a", n), "Family"))
	}
	if !errors.Is(err, store.ErrFull) {
		t.Errorf("after %d commits: %v", n, err)
	}
	if _, err := sqlite.Open(t.Context(), filepath.Join(dir, "another.db"), sqlite.Options{}); !errors.Is(err, store.ErrFull) {
		t.Errorf("opened on a full disk: %v", err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if err := put(t.Context(), s, patient("later", "Family")); err != nil {
		t.Error("with more room:", err)
	}
}
