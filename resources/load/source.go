package load

import (
	"bufio"
	"cmp"
	"compress/bzip2"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"
)

// source is a file to be loaded.
type source struct {
	path   string
	size   int64 // on disk
	ndjson bool
	rank   int // sources of a lower rank come first
}

// find lists the files. In folders, at any depth, those with a name of resources count; a file that is named counts anyway.
func find(paths []string) ([]source, error) {
	var out []source
	for _, path := range paths {
		err := filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			name := strings.ToLower(d.Name())
			if d.IsDir() || p != path && (strings.HasPrefix(name, ".") || !hasAnySuffix(plainName(name), ".json", ".ndjson", ".jsonl")) {
				return nil
			}
			info, err := os.Stat(p) // follows links, as the shell's user expects
			if err != nil {
				return err
			}
			out = append(out, source{path: p, size: info.Size(), ndjson: hasAnySuffix(plainName(name), ".ndjson", ".jsonl")})
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if len(out) == 0 {
		return nil, errNothing
	}
	return out, nil
}

// plainName is a file's name without the ending of its compression.
func plainName(name string) string {
	for _, ending := range []string{".gz", ".bz2", ".zst"} {
		name = strings.TrimSuffix(name, ending)
	}
	return name
}

func hasAnySuffix(name string, suffixes ...string) bool {
	return slices.ContainsFunc(suffixes, func(s string) bool { return strings.HasSuffix(name, s) })
}

// open reads the file, expanded. Advance is told of each byte read from the disk.
func (s source) open(advance func(int64)) (io.ReadCloser, error) {
	f, err := os.Open(s.path)
	if err != nil {
		return nil, err
	}
	counted := bufio.NewReaderSize(&counter{f, advance}, 1<<16)
	switch strings.ToLower(filepath.Ext(s.path)) {
	case ".gz":
		z, err := gzip.NewReader(counted)
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("%s: %w", s.path, err)
		}
		return file{z, f.Close}, nil
	case ".bz2":
		return file{bzip2.NewReader(counted), f.Close}, nil
	case ".zst":
		z, err := zstd.NewReader(counted, zstd.WithDecoderConcurrency(1))
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("%s: %w", s.path, err)
		}
		return file{z, func() error { z.Close(); return f.Close() }}, nil
	}
	return file{counted, f.Close}, nil
}

type file struct {
	io.Reader
	close func() error
}

func (f file) Close() error { return f.close() }

type counter struct {
	io.Reader
	advance func(int64)
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.advance(int64(n))
	return n, err
}

// peekSize is how much of a file is looked at to learn what it holds.
const peekSize = 64 << 10

// rank looks into each source and sorts them by rank, the big ones of a rank first, so that none of them is left for the end.
func rank(sources []source) error {
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range sources {
		g.Go(func() error {
			f, err := sources[i].open(func(int64) {})
			if err != nil {
				return err
			}
			defer f.Close()
			head, err := io.ReadAll(io.LimitReader(f, peekSize))
			if err != nil {
				return fmt.Errorf("%s: %w", sources[i].path, err)
			}
			sources[i].rank = rankOf(head)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	slices.SortStableFunc(sources, func(a, b source) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(b.size, a.size))
	})
	return nil
}
