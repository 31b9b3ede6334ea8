package sqlite_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fhirside/resources/store"
	"fhirside/resources/store/sqlite"
	"fhirside/search"
	"fhirside/search/searchtest"
)

// A purge overwrites what it erases: the name that no one may find any more is nowhere in the file.
func TestPurgedBytes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "purged.db")
	holds := func() bool {
		t.Helper()
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Contains(bytes.ToLower(data), []byte("zanzibarius"))
	}
	write := func(do func(s store.Store) error) {
		t.Helper()
		s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
		if err == nil {
			err = do(s)
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	write(func(s store.Store) error {
		return put(t.Context(), s, patient("a", "Zanzibarius"), patient("b", "Berg"))
	})
	if !holds() {
		t.Fatal("the file does not show the name: this test shows nothing")
	}
	for version := range int64(5) { // rows move, and leave copies where they were
		write(func(s store.Store) error {
			return s.Commit(t.Context(), func(tx store.Tx) error {
				body := patient("a", strings.Repeat("Zanzibarius", 1+int(version)*40%97))
				v := store.Version{Key: store.Key{Type: "Patient", ID: "a"}, Version: version + 2, Method: store.Updated, Body: []byte(body)}
				values, err := searchtest.Values([]byte(body))
				if err != nil {
					return err
				}
				return tx.Put(store.Record{Version: v, Values: values})
			})
		})
	}
	write(func(s store.Store) error {
		return s.Commit(t.Context(), func(tx store.Tx) error {
			_, err := tx.Purge("Patient", "a")
			return err
		})
	})
	if holds() {
		t.Error("the name is still in the file")
	}
}

func purge(t *testing.T, s store.Store, resourceType, id string) {
	t.Helper()
	err := s.Commit(t.Context(), func(tx store.Tx) error {
		_, err := tx.Purge(resourceType, id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// onlyOf is an Observation whose words no other resource has but by its code; saying tells it from its like.
func onlyOf(id, saying string) string {
	return fmt.Sprintf(`{"resourceType":"Observation","id":"%s","meta":{"profile":["http://zanzibarius.example/%s"]},"status":"final",
		"code":{"coding":[{"system":"http://loinc.org","code":"1-8"}],"text":"Zanzibarius %s"},
		"component":[{"code":{"coding":[{"system":"http://loinc.org","code":"2-6"}]},"valueQuantity":{"value":1,"unit":"zanzibarius %s"}}],
		"valueQuantity":{"value":1,"unit":"zanzibarius per %s"}}`, id, saying, saying, saying, saying)
}

// While another process has the file open, neither the file nor its write-ahead log keeps what was purged, nor the words for it;
// and the other process goes on to find what it writes with the same words.
func TestPurgedWords(t *testing.T) {
	path := filepath.Join(t.TempDir(), "words.db")
	here, there := open(t, path, sqlite.Options{}), open(t, path, sqlite.Options{})
	holds := func(saying string) (in []string) {
		t.Helper()
		for _, name := range []string{path, path + "-wal"} {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if data = bytes.ToLower(data); bytes.Contains(data, []byte("zanzibarius "+saying)) || bytes.Contains(data, []byte("zanzibarius per "+saying)) || bytes.Contains(data, []byte("zanzibarius.example/"+saying)) {
				in = append(in, name)
			}
		}
		return in
	}
	finds := func(want string) {
		t.Helper()
		for _, s := range []store.Store{here, there} {
			for _, p := range []search.Parameter{
				{Name: "code:text", Value: "zanzibarius one"}, {Name: "_profile:below", Value: "http://zanzibarius.example/one"},
				{Name: "value-quantity", Value: "1||zanzibarius per one"}, {Name: "component-value-quantity", Value: "1||zanzibarius one"},
				{Name: "component-code-value-quantity", Value: "2-6$1||zanzibarius one"},
			} {
				if got, err := find(t.Context(), s, "Observation", 0, p); err != nil || fmt.Sprint(got) != want {
					t.Errorf("%s=%s finds %v, %v, want %s", p.Name, p.Value, got, err, want)
				}
			}
		}
	}
	if err := put(t.Context(), there, onlyOf("a", "one"), onlyOf("b", "one"), onlyOf("c", "other")); err != nil {
		t.Fatal(err)
	}
	purge(t, here, "Observation", "a")
	if in := holds("one"); in == nil {
		t.Error("the words of another resource are gone")
	}
	finds("[b]")
	purge(t, here, "Observation", "b")
	if in := holds("one"); in != nil {
		t.Errorf("what was purged is still in %v", in)
	}
	finds("[]")
	if err := put(t.Context(), there, onlyOf("d", "one")); err != nil {
		t.Fatal(err)
	}
	finds("[d]")
	purge(t, there, "Observation", "d")
	if err := put(t.Context(), there, onlyOf("e", "one")); err != nil {
		t.Fatal(err)
	}
	finds("[e]")
	if found, err := find(t.Context(), here, "Observation", 0, search.Parameter{Name: "code:text", Value: "zanzibarius other"}); err != nil || fmt.Sprint(found) != "[c]" {
		t.Errorf("the other's text finds %v, %v", found, err)
	}
}

// A reader that still sees what was purged keeps the write-ahead log; the next commit empties it.
func TestPurgeUnderReaders(t *testing.T) {
	path := filepath.Join(t.TempDir(), "readers.db")
	s := open(t, path, sqlite.Options{})
	if err := put(t.Context(), s, patient("a", "Zanzibarius"), patient("b", "Berg")); err != nil {
		t.Fatal(err)
	}
	inLog := func() bool {
		data, err := os.ReadFile(path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Contains(bytes.ToLower(data), []byte("zanzibarius"))
	}
	release, err := sqlite.Hold(path)
	if err != nil {
		t.Fatal(err)
	}
	purge(t, s, "Patient", "a")
	if !inLog() {
		t.Error("the log is empty under a reader: this test shows nothing")
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	if err := put(t.Context(), s, patient("c", "Berg")); err != nil {
		t.Fatal(err)
	}
	if inLog() {
		t.Error("the name is still in the log")
	}
}
