package sqlite

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/ncruces/go-sqlite3"
	_ "github.com/ncruces/go-sqlite3/vfs/mvcc" // for databases in memory

	"fhirside/resources/store"
	"fhirside/search/index"
)

// Options of a store. The zero value is ready for use.
type Options struct {
	// Layout of the index tables; nil is DefaultLayout.
	Layout *Layout
	// Values computes index values from a body, and Rules names the version of how it does. Opening a file whose values were
	// computed by other rules computes them anew. Without Values they are taken as they are.
	Values func(body []byte) (index.Values, error)
	Rules  string
	// Now is the clock of commits; nil is the system's.
	Now func() time.Time
	// Readers is how many searches and reads run at once; 0 is twice the number of processors, at least 4.
	Readers int
	// MaxSteps bounds the work of one search or count, in millions of steps of SQLite's virtual machine, before it fails with
	// store.ErrTooCostly; 0 is 200. A million takes some 20 ms, as does looking at the index values of a thousand resources. An order
	// that no table has is refused at once where it takes more.
	MaxSteps int
	// Log is where the store says what an operator should know; nil is slog.Default.
	Log *slog.Logger
	// MaxPages bounds the file's size in pages of 8 KB; 0 is no bound but the disk.
	MaxPages int
}

// Memory is the path of a database in memory, which is gone when it is closed.
const Memory = ":memory:"

// db is an open store.
type db struct {
	opt     Options
	path    string
	uri     string // of the path, for SQLite
	limits  limits
	codec   codec
	index   indexer
	readers *pool
	writer  *writer
	state   state
	news    broadcast // of commits, for those who follow the changes
	close   sync.Once
}

// Open opens the database file, and makes it where there is none, readable for its owner only. Several processes may have the file
// open. A file of an older schema or another layout is brought up to date first, while no other process has it open; one of a
// newer schema is refused.
func Open(ctx context.Context, path string, opt Options) (store.Store, error) {
	if opt.Layout == nil {
		l := DefaultLayout()
		opt.Layout = &l
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.Default()
	}
	if opt.Readers == 0 {
		opt.Readers = max(4, 2*runtime.GOMAXPROCS(0))
	}
	if opt.MaxSteps == 0 {
		opt.MaxSteps = 200
	}
	s, err := open(ctx, path, opt)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, whereFull(path, explain(ctx, err)))
	}
	return s, nil
}

func open(ctx context.Context, path string, opt Options) (_ *db, err error) {
	if err := makePrivate(path); err != nil {
		return nil, err
	}
	s := &db{opt: opt, path: path, uri: fileURI(path), limits: usual}
	s.state.s = s
	w, err := s.connectWriter(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			w.discard()
		}
	}()
	if err := migrate(w, migrations); err != nil {
		return nil, err
	}
	if err := s.loadSettings(w); err != nil {
		return nil, err
	}
	s.readers = newPool(opt.Readers, func(ctx context.Context) (*conn, error) { return connect(ctx, s.uri, readerPragmas...) })
	s.writer = newWriter(s, w)
	return s, nil
}

// fileURI is the name of the database for SQLite.
func fileURI(path string) string {
	if path == Memory {
		return "file:/" + rand.Text() + "?vfs=mvcc"
	}
	file := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}
	file.RawQuery = "modeof=" + strings.ReplaceAll(url.QueryEscape(path), "+", "%20") // the WAL gets the mode of the file
	return file.String()
}

// makePrivate makes the file, where there is none, so that only its owner can read it.
func makePrivate(path string) error {
	if path == Memory {
		return nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		if named, ok := errors.AsType[*fs.PathError](err); ok { // by a name that Open says
			err = named.Err
		}
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return f.Close()
}

func (s *db) connectWriter(ctx context.Context) (*conn, error) {
	pragmas := []string{
		"page_size=8192",
		"journal_mode=WAL",
		"synchronous=FULL",
		"cache_size=-65536",            // KB
		"wal_autocheckpoint=8000",      // pages: 64 MB
		"journal_size_limit=134217728", // bytes
		"temp_store=MEMORY",
		"secure_delete=ON", // of what a purge erases, no earlier copies may be left where rows once were
	}
	if s.opt.MaxPages > 0 {
		pragmas = append(pragmas, fmt.Sprintf("max_page_count=%d", s.opt.MaxPages))
	}
	return connect(ctx, s.uri, pragmas...)
}

var readerPragmas = []string{
	"query_only=1",
	"cache_size=-16384",
	"temp_store=MEMORY",
}

// loadSettings reads what the file says about itself, or writes it into a new one.
func (s *db) loadSettings(c *conn) error {
	var key, words, layout, rules []byte
	err := c.transaction(func() (err error) {
		key, err = setting(c, "hash key", func() []byte {
			k := make([]byte, 16)
			rand.Read(k) // never fails: crypto/rand ends the program instead
			return k
		})
		if err == nil {
			words, err = setting(c, "vocabulary", func() []byte { return vocabulary })
		}
		if err == nil {
			layout, err = setting(c, "layout", func() []byte { return []byte(s.opt.Layout.fingerprint()) })
		}
		if err == nil {
			rules, err = setting(c, "rules", func() []byte { return []byte(s.opt.Rules) })
		}
		return err
	})
	if err != nil {
		return err
	}
	if len(key) != 16 {
		return errors.New("the file's hash key is damaged")
	}
	s.index = indexer{hasher{binary.LittleEndian.Uint64(key), binary.LittleEndian.Uint64(key[8:])}, *s.opt.Layout}
	if s.codec, err = newCodec(words); err != nil {
		return err
	}
	fromBodies := s.opt.Values != nil && string(rules) != s.opt.Rules
	if string(layout) == s.opt.Layout.fingerprint() && !fromBodies {
		return nil
	}
	resources, _, err := c.integer(`SELECT count(*) FROM resource`)
	if err != nil {
		return err
	}
	if resources > 0 {
		s.opt.Log.Info("computing the file's index anew, as this version wants it: nothing else goes on until that is done", "resources", resources)
	}
	return c.alone(func() error {
		return c.transaction(func() error { return s.reindex(c, fromBodies) })
	})
}

// setting is a value that belongs to the file; first makes it where there is none.
func setting(c *conn, name string, first func() []byte) (value []byte, err error) {
	found := false
	err = c.each(func(st *sqlite3.Stmt) error {
		value, found = st.ColumnBlob(0, nil), true
		return nil
	}, `SELECT value FROM setting WHERE name=?`, text(name))
	if err != nil || found {
		return value, err
	}
	value = first()
	return value, c.exec(`INSERT INTO setting(name, value) VALUES(?, ?)`, text(name), blob(value))
}

// Ready says whether the file can be read and nothing keeps commits from it.
func (s *db) Ready(ctx context.Context) (work string, err error) {
	return "", s.read(ctx, func(c *conn) error {
		_, _, err := c.integer(`SELECT max(number) FROM resource`)
		return err
	})
}

// Close ends the store when the running commits and reads have ended.
func (s *db) Close() (err error) {
	s.close.Do(func() {
		err = errors.Join(s.writer.shut(), s.readers.close())
		s.news.wake()
	})
	return err
}

// read runs f on a connection for reading.
func (s *db) read(ctx context.Context, f func(*conn) error) (err error) {
	c, err := s.readers.get(ctx)
	if err != nil {
		return err
	}
	defer s.readers.put(c)
	defer c.guard(&err)
	return explain(ctx, f(c))
}
