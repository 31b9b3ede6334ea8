package load

import (
	"bufio"
	"context"
	"encoding/gob"
	"errors"
	"io"
	"os"
	"sync"
)

// spool keeps units that were refused in a temporary file: there may be as many as were to be loaded.
type spool struct {
	mu   sync.Mutex
	file *os.File
	buf  *bufio.Writer
	enc  *gob.Encoder
	n    int
}

func (s *spool) empty() bool { return s.n == 0 }

func (s *spool) add(u unit) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		f, err := os.CreateTemp("", "fhirside-load-*")
		if err != nil {
			return err
		}
		s.file = f
		s.buf = bufio.NewWriter(f)
		s.enc = gob.NewEncoder(s.buf)
	}
	s.n++
	return s.enc.Encode(u)
}

// each gives the units in the order in which they came.
func (s *spool) each(f func(unit) error) error {
	if s.file == nil {
		return nil
	}
	if err := s.buf.Flush(); err != nil {
		return err
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	dec := gob.NewDecoder(bufio.NewReader(s.file))
	for {
		var u unit
		if err := dec.Decode(&u); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := f(u); err != nil {
			return err
		}
	}
}

// replay feeds a phase.
func (s *spool) replay(ctx context.Context, out chan<- unit) error {
	return s.each(func(u unit) error {
		select {
		case out <- u:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}

func (s *spool) discard() {
	if s.file != nil {
		s.file.Close()
		_ = os.Remove(s.file.Name()) // the system clears its temporary files
		s.file = nil
	}
}
