package token

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// KeyFile is the wrapping key in a file: 32 bytes in base64, readable for its owner only. A new one is made where there is none; of
// several processes that do so at once, all get the same.
func KeyFile(path string) (key WrappingKey, err error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = makeKeyFile(path); err == nil {
			info, err = os.Stat(path)
		}
	}
	if err != nil {
		return key, fmt.Errorf("the key file: %w", err)
	}
	if open := info.Mode().Perm() & 0o077; open != 0 {
		return key, fmt.Errorf("the key file %s can be read by others than its owner: chmod 600 it", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return key, fmt.Errorf("the key file: %w", err)
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(raw) != WrappingSize {
		return key, fmt.Errorf("the key file %s does not hold %d bytes in base64", path, WrappingSize)
	}
	return WrappingKey(raw), nil
}

// makeKeyFile makes the file at once with its content, or leaves the one that somebody else has made.
func makeKeyFile(path string) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // of mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	var key WrappingKey
	rand.Read(key[:]) // never fails: crypto/rand ends the program instead
	_, err = fmt.Fprintln(f, base64.StdEncoding.EncodeToString(key[:]))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err = os.Link(f.Name(), path); errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}
