package main

import (
	"crypto/tls"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificate is that of --tls-cert and --tls-key. Those files are replaced while the server runs, by whoever renews them.
type certificate struct {
	cert, key string
	log       *slog.Logger

	mutex    sync.Mutex
	current  *tls.Certificate
	modified time.Time // of the files, when they were read
	looked   time.Time
}

// renewal is how often the files are looked at, at most.
const renewal = 10 * time.Second

// loadCertificate reads the files for the first time; then a fault in them is an error.
func loadCertificate(cert, key string, log *slog.Logger) (*certificate, error) {
	c := &certificate{cert: cert, key: key, log: log}
	return c, c.load()
}

// config is for connections by TLS 1.2 or later.
func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return c.now(), nil
		},
	}
}

// now is the newest certificate that could be read.
func (c *certificate) now() *tls.Certificate {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if time.Since(c.looked) >= renewal {
		if err := c.load(); err != nil {
			c.log.Error("the new certificate cannot be read; the old one stays", "error", err)
		}
	}
	return c.current
}

// load reads the files if they have changed.
func (c *certificate) load() error {
	c.looked = time.Now()
	var newest time.Time
	for _, name := range []string{c.cert, c.key} {
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		if info.ModTime().After(newest) {
			newest = info.ModTime()
		}
	}
	if c.current != nil && newest.Equal(c.modified) {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return err
	}
	c.current, c.modified = &pair, newest
	return nil
}
