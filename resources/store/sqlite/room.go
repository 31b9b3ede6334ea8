package sqlite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/ncruces/go-sqlite3"

	"fhirside/resources/store"
)

// room is what a disk that is not full has: enough for a commit and the write-ahead log to go on.
const room = 1 << 20

// whereFull is an error as store.ErrFull where the disk is full. SQLite tells only of an I/O error: what it does behind the write
// that failed takes the reason away.
func whereFull(path string, err error) error {
	if path == Memory || !errors.Is(err, sqlite3.IOERR) || hasRoom(filepath.Dir(path)) {
		return err
	}
	return fmt.Errorf("%w: the disk is full: %s", store.ErrFull, err.Error()) // which says that it is unavailable
}

// hasRoom tries whether something can be written into a folder.
func hasRoom(dir string) bool {
	f, err := os.CreateTemp(dir, ".room-*")
	if err == nil {
		_, err = f.Write(make([]byte, room))
		err = errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	return !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT)
}
