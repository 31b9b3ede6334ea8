package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"fhirside/resources/store"
	"fhirside/resources/store/sqlite"
	"fhirside/search"
)

// crashEnv names the file for the process that TestCrash kills.
const crashEnv = "FHIRSIDE_TEST_CRASH"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashEnv); path != "" {
		fmt.Fprintln(os.Stderr, writeForever(path))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// writeForever has eight writers that commit pairs of resources and a version of a shared one, and say which ones on standard
// output when Commit has returned.
func writeForever(path string) error {
	ctx := context.Background()
	s, err := sqlite.Open(ctx, path, sqlite.Options{})
	if err != nil {
		return err
	}
	failed := make(chan error)
	for i := range 8 {
		go func() {
			for j := 0; ; j++ {
				pair := fmt.Sprintf("%d-%d-%d", os.Getpid(), i, j)
				if err := commitPair(ctx, s, pair); err != nil {
					failed <- err
				}
				fmt.Println(pair) // one write: lines of several writers do not mix
			}
		}()
	}
	return <-failed
}

func commitPair(ctx context.Context, s store.Store, pair string) error {
	return s.Commit(ctx, func(tx store.Tx) error {
		shared, err := tx.Read("Patient", "shared")
		if err != nil && shared.Version != 0 {
			return err
		}
		for _, r := range []store.Version{
			{Key: store.Key{Type: "Patient", ID: pair + "-a"}, Version: 1, Method: store.Created},
			{Key: store.Key{Type: "Patient", ID: pair + "-b"}, Version: 1, Method: store.Created},
			{Key: store.Key{Type: "Patient", ID: "shared"}, Version: shared.Version + 1, Method: store.Updated},
		} {
			r.Body = fmt.Appendf(nil, `{"resourceType":"Patient","id":%q,"language":%q}`, r.ID, pair)
			if err := tx.Put(store.Record{Version: r}); err != nil {
				return err
			}
		}
		return nil
	})
}

// TestCrash kills a process in the middle of eight writers, several times over the same file: every commit that was acknowledged
// is there, and no half of one.
func TestCrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "crash.db")
	acknowledged := map[string]bool{}
	for round := range 6 {
		killAfter(t, path, 40+170*round, acknowledged)
		checkPairs(t, path, acknowledged)
	}
	if result, err := sqlite.Check(path); err != nil || result != "ok" {
		t.Errorf("SQLite's check: %s %v", result, err)
	}
	t.Logf("%d commits acknowledged", len(acknowledged))
}

// killAfter runs the writing process until it acknowledged n commits.
func killAfter(t *testing.T, path string, n int, acknowledged map[string]bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashEnv+"="+path)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	lines := bufio.NewReader(out)
	for i := 0; ; i++ {
		line, err := lines.ReadString('\n')
		if err != nil {
			break // a line without its end was never said
		}
		acknowledged[strings.TrimSpace(line)] = true
		if i >= n { // and go on reading: what was said before the end counts
			once.Do(func() { cmd.Process.Kill() })
		}
	}
	cmd.Process.Kill()
	if err := cmd.Wait(); stderr.Len() > 0 {
		t.Fatalf("the writing process failed: %v: %s", err, stderr.String())
	}
}

func checkPairs(t *testing.T, path string, acknowledged map[string]bool) {
	t.Helper()
	ctx := context.Background()
	s, err := sqlite.Open(ctx, path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	halves := map[string]int{}
	for m, err := range s.Search(ctx, store.Search{Types: []string{"Patient"}, Filter: search.All{}, KeysOnly: true}) {
		if err != nil {
			t.Fatal(err)
		}
		if m.ID != "shared" {
			halves[m.ID[:len(m.ID)-2]]++
		}
	}
	for pair := range acknowledged {
		if halves[pair] != 2 {
			t.Errorf("%d resources of the acknowledged commit %s", halves[pair], pair)
		}
	}
	for pair, n := range halves {
		if n != 2 {
			t.Errorf("%d resources of commit %s", n, pair)
		}
	}
	shared, err := s.Read(ctx, "Patient", "shared")
	if err != nil || shared.Version != int64(len(halves)) {
		t.Errorf("%d commits left %d versions of what all write (%v)", len(halves), shared.Version, err)
	}
	n, err := s.Count(ctx, []string{"Patient"}, search.All{})
	if err != nil || n != int64(2*len(halves)+1) {
		t.Errorf("%d commits, and %d resources are counted (%v)", len(halves), n, err)
	}
}
