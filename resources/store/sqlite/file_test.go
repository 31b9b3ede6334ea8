package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fhirside/resources/store"
	"fhirside/resources/store/sqlite"
	"fhirside/search"
	"fhirside/search/searchtest"
)

func patient(id, family string) string {
	return fmt.Sprintf(`{"resourceType":"Patient","id":%q,"name":[{"family":%q}],"text":{"status":"generated","div":"<div>%s</div>"}}`, id, family, strings.Repeat("x", 300))
}

// TestFull: a full file refuses commits, keeps what it acknowledged and can be read; with more room it goes on.
func TestFull(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "full.db")
	s, err := sqlite.Open(ctx, path, sqlite.Options{MaxPages: 60})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for ; err == nil && n < 1e5; n++ {
		err = put(ctx, s, patient(fmt.Sprint("a", n), fmt.Sprint("Family", n)), patient(fmt.Sprint("b", n), fmt.Sprint("Family", n)))
	}
	if n--; !errors.Is(err, store.ErrFull) {
		t.Fatalf("after %d commits: %v", n, err)
	}
	check := func(s store.Store) {
		t.Helper()
		ids, err := find(ctx, s, "Patient", 0)
		if err != nil || len(ids) != 2*n {
			t.Fatalf("%d resources after %d commits (%v)", len(ids), n, err)
		}
		if ids, err := find(ctx, s, "Patient", 0, search.Parameter{Name: "family:exact", Value: fmt.Sprint("Family", n)}); err != nil || len(ids) > 0 {
			t.Errorf("the refused commit left %v (%v)", ids, err)
		}
	}
	check(s)
	if _, err := s.Ready(ctx); err != nil {
		t.Errorf("a full store can be read: %v", err)
	}
	if err := put(ctx, s, patient("again", "Again")); !errors.Is(err, store.ErrFull) {
		t.Errorf("once more: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path, sqlite.Options{})
	check(s)
	if err := put(ctx, s, patient("again", "Again")); err != nil {
		t.Errorf("with more room: %v", err)
	}
}

// TestLocked: who cannot get the file's lock is told so, writes nothing and can go on later.
func TestLocked(t *testing.T) {
	before := sqlite.SetBusyTimeout(30 * time.Millisecond)
	t.Cleanup(func() { sqlite.SetBusyTimeout(before) })
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "locked.db")
	s, other := open(t, path, sqlite.Options{}), open(t, path, sqlite.Options{})
	err := other.Commit(ctx, func(tx store.Tx) error {
		if err := put(ctx, s, patient("a", "A")); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("while another writes: %v", err)
		}
		short, cancel := context.WithTimeout(ctx, time.Millisecond)
		defer cancel()
		if err := put(short, s, patient("a", "A")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("with a deadline: %v", err)
		}
		if ids, err := find(ctx, s, "Patient", 0); err != nil || len(ids) > 0 {
			t.Errorf("reading while another writes: %v (%v)", ids, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := put(ctx, s, patient("a", "A")); err != nil {
		t.Errorf("later: %v", err)
	}
}

// TestReopen: what was written is there, and time goes on even where the clock went back.
func TestReopen(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "reopen.db")
	now := time.Date(2024, 5, 6, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	var last time.Time
	for i := range 4 {
		s, err := sqlite.Open(ctx, path, sqlite.Options{Now: clock})
		if err != nil {
			t.Fatal(err)
		}
		if err := put(ctx, s, patient(fmt.Sprint("p", i), "Berg")); err != nil {
			t.Fatal(err)
		}
		v, err := s.Read(ctx, "Patient", fmt.Sprint("p", i))
		if err != nil || !v.Updated.After(last) {
			t.Errorf("%v follows %v (%v)", v.Updated, last, err)
		}
		last = v.Updated
		ids, err := find(ctx, s, "Patient", 0, search.Parameter{Name: "family", Value: "berg"})
		if err != nil || len(ids) != i+1 {
			t.Errorf("opened for the %dth time it has %v (%v)", i+1, ids, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		now = now.Add(-time.Hour)
	}
}

// TestAlone: what other processes rely on is not changed while they have the file open.
func TestAlone(t *testing.T) {
	before := sqlite.SetBusyTimeout(30 * time.Millisecond)
	t.Cleanup(func() { sqlite.SetBusyTimeout(before) })
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "alone.db")
	s := open(t, path, sqlite.Options{})
	if err := put(ctx, s, patient("a", "Berg")); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(ctx, path, sqlite.Options{Layout: &sqlite.Layout{}}); !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "another process") {
		t.Errorf("another layout: %v", err)
	}
	next := append(slices.Clone(sqlite.Migrations()), "CREATE TABLE later(x)")
	if err := sqlite.Migrate(path, next); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("another schema: %v", err)
	}
	if err := put(ctx, s, patient("b", "Berg")); err != nil {
		t.Errorf("the first one goes on: %v", err)
	}
}

// TestPrivate: nobody else can read the files.
func TestPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "private.db")
	s := open(t, path, sqlite.Options{})
	if err := put(t.Context(), s, patient("a", "Berg")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, path + "-wal"} {
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v (%v)", name, info.Mode(), err)
		}
	}
}

func TestClosed(t *testing.T) {
	ctx := t.Context()
	s, err := sqlite.Open(ctx, filepath.Join(t.TempDir(), "closed.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(ctx, "Patient", "a"); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("read: %v", err)
	}
	if err := put(ctx, s, patient("a", "A")); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("commit: %v", err)
	}
	if _, err := s.Ready(ctx); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("ready: %v", err)
	}
}

// TestOtherSchemas: files of a newer schema and of other programs are refused with a text that says what to do.
func TestOtherSchemas(t *testing.T) {
	for name, c := range map[string]struct{ sql, text string }{
		"newer":   {"PRAGMA user_version=99; PRAGMA application_id=1179145042", "version 99"},
		"foreign": {"CREATE TABLE t(x)", "something else than fhirside"},
		"another": {"PRAGMA application_id=5", "something else than fhirside"},
	} {
		path := filepath.Join(t.TempDir(), name+".db")
		if err := sqlite.Exec(path, c.sql); err != nil {
			t.Fatal(err)
		}
		s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
		if err == nil {
			s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.text) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "no", "such", "folder.db"), sqlite.Options{}); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("no folder: %v", err)
	}
}

// TestMigrate: an older file is brought forward, all or nothing, and keeps what it holds.
func TestMigrate(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "old.db")
	s, err := sqlite.Open(ctx, path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(put(ctx, s, patient("a", "Berg")), s.Close()); err != nil {
		t.Fatal(err)
	}
	now := sqlite.Migrations()
	bad := append(slices.Clone(now), "CREATE TABLE later(x); INSERT INTO nowhere VALUES(1)")
	if err := sqlite.Migrate(path, bad); err == nil || !strings.Contains(err.Error(), fmt.Sprint("version ", len(bad))) {
		t.Fatalf("a step that fails: %v", err)
	}
	s, err = sqlite.Open(ctx, path, sqlite.Options{})
	if err != nil {
		t.Fatalf("after a step that failed: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	next := append(slices.Clone(now), "CREATE TABLE later(x)", "ALTER TABLE later ADD COLUMN y; INSERT INTO later VALUES(1, 2)")
	for range 2 { // the second time there is nothing to do
		if err := sqlite.Migrate(path, next); err != nil {
			t.Fatal(err)
		}
	}
	if err := sqlite.Exec(path, "UPDATE later SET y=3"); err != nil {
		t.Error(err)
	}
	if _, err := sqlite.Open(ctx, path, sqlite.Options{}); err == nil || !strings.Contains(err.Error(), fmt.Sprint("version ", len(next))) {
		t.Errorf("by the program of before: %v", err)
	}
	if err := sqlite.Exec(path, fmt.Sprintf("DROP TABLE later; PRAGMA user_version=%d", len(now))); err != nil {
		t.Fatal(err)
	}
	if ids, err := find(ctx, open(t, path, sqlite.Options{}), "Patient", 0, search.Parameter{Name: "family", Value: "berg"}); err != nil || len(ids) != 1 {
		t.Errorf("it holds %v (%v)", ids, err)
	}
}

// TestLayouts: a file opened with another layout is rewritten for it, and answers as before.
func TestLayouts(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "layout.db")
	other := sqlite.Layout{SortDates: map[string]string{"Observation": "value-date"}, Patient: "subject"}
	var want []string
	for i, layout := range []*sqlite.Layout{nil, {}, &other, nil} {
		s, err := sqlite.Open(ctx, path, sqlite.Options{Layout: layout})
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			var bodies []string
			for n := range 25 {
				bodies = append(bodies, fmt.Sprintf(`{"resourceType":"Observation","id":"o%d","status":"final","code":{"coding":[{"system":"urn:c","code":"%d"}],"text":"code %d"},"subject":{"reference":"Patient/p%d"},"effectiveDateTime":"2020-01-%02dT10:00:00Z","valueQuantity":{"value":%d,"unit":"mg"}}`,
					n, n%3, n%3, n%2, 1+n, n))
			}
			if err := put(ctx, s, bodies...); err != nil {
				t.Fatal(err)
			}
		}
		var got []string
		for _, p := range []search.Parameter{
			{Name: "patient", Value: "p1"}, {Name: "subject", Value: "Patient/p0"}, {Name: "code", Value: "urn:c|1"}, {Name: "combo-code", Value: "2"},
			{Name: "date", Value: "ge2020-01-13"}, {Name: "value-quantity", Value: "gt10"}, {Name: "code:text", Value: "code 2"}, {Name: "code-value-quantity", Value: "1$lt9"},
		} {
			ids, err := find(ctx, s, "Observation", 0, p, search.Parameter{Name: "_sort", Value: "-date"})
			if err != nil || len(ids) == 0 {
				t.Errorf("%s=%s: %v (%v)", p.Name, p.Value, ids, err)
			}
			got = append(got, fmt.Sprint(p, ids))
		}
		if i > 0 && !slices.Equal(got, want) {
			t.Errorf("layout %d: %v, not %v", i, got, want)
		}
		want = got
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRules: a file whose index values were computed by other rules gets new ones from its bodies.
func TestRules(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "rules.db")
	finds := func(opt sqlite.Options, want int) {
		t.Helper()
		s, err := sqlite.Open(ctx, path, opt)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if want < 0 {
			err := s.Commit(ctx, func(tx store.Tx) error {
				v := store.Version{Key: store.Key{Type: "Patient", ID: "a"}, Version: 1, Method: store.Created, Body: []byte(patient("a", "Berg"))}
				return tx.Put(store.Record{Version: v}) // by rules that find nothing
			})
			if err != nil {
				t.Fatal(err)
			}
			want = 0
		}
		ids, err := find(ctx, s, "Patient", 0, search.Parameter{Name: "family", Value: "berg"})
		if err != nil || len(ids) != want {
			t.Errorf("by rules %q: %v (%v)", opt.Rules, ids, err)
		}
		if v, err := s.Read(ctx, "Patient", "a"); err != nil || string(v.Body) != patient("a", "Berg") {
			t.Errorf("by rules %q the body is %s (%v)", opt.Rules, v.Body, err)
		}
	}
	finds(sqlite.Options{Rules: "1"}, -1)
	finds(sqlite.Options{Rules: "2"}, 0)
	finds(sqlite.Options{Rules: "1", Values: searchtest.Values}, 0)
	finds(sqlite.Options{Rules: "2", Values: searchtest.Values}, 1)
	finds(sqlite.Options{Rules: "2", Values: searchtest.Values}, 1)
}

// TestDamaged: a record that cannot be read is given as that, and everything else works.
func TestDamaged(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "damaged.db")
	s := open(t, path, sqlite.Options{})
	if err := put(ctx, s, patient("a", "Berg"), patient("b", "Berg")); err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{"x'00'", "x'ffffffffffffffff'", "x''", "x'0401020304'"} {
		if err := sqlite.Exec(path, "UPDATE resource SET body="+body+" WHERE id='a'"); err != nil {
			t.Fatal(err)
		}
		if v, err := s.Read(ctx, "Patient", "a"); err != nil || v.Damage == nil || v.Body != nil || v.Version != 1 {
			t.Errorf("body %s: read %+v (%v)", body, v, err)
		}
		for m, err := range s.Search(ctx, store.Search{Types: []string{"Patient"}}) {
			if err != nil || (m.ID == "a") != (m.Damage != nil) || (m.Body == nil) != (m.Damage != nil) {
				t.Errorf("body %s: found %+v (%v)", body, m, err)
			}
		}
		if _, err := s.Read(ctx, "Patient", "b"); err != nil {
			t.Error(err)
		}
	}
}

// TestTooCostly: an order that no table has, over more resources than are looked at for it.
func TestTooCostly(t *testing.T) {
	ctx := t.Context()
	s := open(t, sqlite.Memory, sqlite.Options{MaxSteps: 1})
	var bodies []string
	for i := range 1100 {
		bodies = append(bodies, patient(fmt.Sprint("p", i), fmt.Sprint("Family", i)))
	}
	if err := put(ctx, s, bodies...); err != nil {
		t.Fatal(err)
	}
	byGender := search.Parameter{Name: "_sort", Value: "gender"}
	sqlite.Steps(s)
	if ids, err := find(ctx, s, "Patient", 10, byGender); !errors.Is(err, store.ErrUnordered) || !errors.Is(err, store.ErrTooCostly) {
		t.Errorf("found %d (%v)", len(ids), err)
	}
	if steps := sqlite.Steps(s); steps > 10*len(bodies) {
		t.Errorf("it was refused after %d steps, instead of at once", steps)
	}
	if ids, err := find(ctx, s, "Patient", 10, byGender, search.Parameter{Name: "family", Value: "family109"}); err != nil || len(ids) != 10 {
		t.Errorf("a bounded one: %v (%v)", ids, err)
	}
	if ids, err := find(ctx, s, "Patient", 0); err != nil || len(ids) != 1100 {
		t.Errorf("all: %d (%v)", len(ids), err)
	}
}

// countdown is a context that ends when it has been asked so often.
type countdown struct {
	context.Context
	left int
}

func (c *countdown) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

// TestCancel: a search ends with its context, wherever it is.
func TestCancel(t *testing.T) {
	s := open(t, sqlite.Memory, sqlite.Options{})
	var bodies []string
	for i := range 300 {
		bodies = append(bodies, patient(fmt.Sprint("p", i), fmt.Sprint("Family", i)))
	}
	if err := put(t.Context(), s, bodies...); err != nil {
		t.Fatal(err)
	}
	ended := 0
	for after := 0; ; after += 1 + after/4 {
		ctx := &countdown{t.Context(), after}
		ids, err := find(ctx, s, "Patient", 10, search.Parameter{Name: "_sort", Value: "gender"})
		if err == nil && len(ids) == 10 {
			break
		}
		if ended++; !errors.Is(err, context.Canceled) {
			t.Fatalf("ended after %d: %v (%v)", after, ids, err)
		}
	}
	if ended < 10 {
		t.Errorf("it was asked in only %d places", ended)
	}
	if ids, err := find(t.Context(), s, "Patient", 10); err != nil || len(ids) != 10 {
		t.Errorf("then: %v (%v)", ids, err)
	}
}

// TestWaiting: who gives up waiting for a turn has written nothing and keeps nobody from theirs.
func TestWaiting(t *testing.T) {
	ctx := t.Context()
	s := memory(t)
	begun, finish := make(chan struct{}), make(chan struct{})
	results := make(chan error, 10)
	go func() {
		results <- s.Commit(ctx, func(store.Tx) error {
			close(begun)
			<-finish
			return nil
		})
	}()
	<-begun
	waiting, give := context.WithCancel(ctx)
	gaveUp := make(chan error, 5)
	for i := range 5 {
		go func() { gaveUp <- put(waiting, s, patient(fmt.Sprint("gave up", i), "A")) }()
		go func() { results <- put(ctx, s, patient(fmt.Sprint("waited", i), "B")) }()
	}
	give()
	for range 5 {
		if err := <-gaveUp; !errors.Is(err, context.Canceled) {
			t.Errorf("gave up: %v", err)
		}
	}
	close(finish)
	for range 6 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if ids, err := find(ctx, s, "Patient", 0); err != nil || len(ids) != 5 || strings.Contains(fmt.Sprint(ids), "gave") {
		t.Errorf("%v (%v)", ids, err)
	}
}
