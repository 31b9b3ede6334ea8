package rest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"fhirside/resources/rest/resttest"
	"fhirside/resources/store"
	"fhirside/resources/store/mongo"
	"fhirside/resources/store/mongo/mongotest"
	"fhirside/resources/store/sqlite"
	"fhirside/resources/store/sqlite/sqlitetest"
)

func TestDamage(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { resttest.RunDamage(t, openFile) })
	t.Run("mongodb", func(t *testing.T) { resttest.RunDamage(t, openDatabase) })
}

// openFile is a store in a file, and who writes to that by SQL.
func openFile(t *testing.T) (store.Store, resttest.Vandal) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "damage.db")
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s, resttest.Vandal{
		Garble: func(t testing.TB, key store.Key) { sqlitetest.Garble(t, path, key.Type, key.ID) },
		Swap:   func(t testing.TB, key, other store.Key) { sqlitetest.Swap(t, path, key.Type, key.ID, other.ID) },
	}
}

// openDatabase is a store in MongoDB, and who edits its documents.
func openDatabase(t *testing.T) (store.Store, resttest.Vandal) {
	t.Helper()
	uri := mongotest.URI(t)
	s, err := mongo.Open(t.Context(), uri, mongo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s, resttest.Vandal{
		Garble: func(t testing.TB, key store.Key) { mongotest.Garble(t, uri, key.Type, key.ID) },
		Swap:   func(t testing.TB, key, other store.Key) { mongotest.Swap(t, uri, key.Type, key.ID, other.ID) },
	}
}

// TestDamageInBigPages: a page that is sent while it is read ends well, in each format, and says what it lacks.
func TestDamageInBigPages(t *testing.T) {
	for name, open := range map[string]func(*testing.T) (store.Store, resttest.Vandal){"sqlite": openFile, "mongodb": openDatabase} {
		t.Run(name, func(t *testing.T) {
			st, vandal := open(t)
			defer st.Close()
			const n = 250
			documents(t, st, n)
			vandal.Garble(t, store.Key{Type: "DocumentReference", ID: "d170"})
			vandal.Garble(t, store.Key{Type: "Encounter", ID: "e180"})
			handler := pages(st, io.Discard)
			for _, c := range []struct {
				query, accept, entry string
				entries              int
				tells                []string
			}{
				{"DocumentReference?_count=1000", "application/fhir+json", `"mode":"match"`, n - 1, []string{`"mode":"outcome"`, "DocumentReference/d170 cannot be read"}},
				{"DocumentReference?_count=1000&_sort=_lastUpdated&_include=DocumentReference:encounter", "application/fhir+json", `"mode":"include"`, n - 2, []string{"DocumentReference/d170 cannot be read", "Encounter/e180 cannot be read"}},
				{"DocumentReference?_count=1000", "application/fhir+xml", `<mode value="match"/>`, n - 1, []string{`<mode value="outcome"/>`, "DocumentReference/d170 cannot be read"}},
				{"DocumentReference/_history?_count=1000", "application/fhir+json", `"method":"PUT"`, n, []string{"DocumentReference/d170/_history/1 cannot be read"}},
			} {
				request := httptest.NewRequest("GET", "/fhir/"+c.query, nil)
				request.Header.Set("Accept", c.accept)
				answer := httptest.NewRecorder()
				handler.ServeHTTP(answer, request)
				body := answer.Body.String()
				if got := strings.Count(body, c.entry); answer.Code != http.StatusOK || got != c.entries {
					t.Errorf("%s as %s: %d, %d entries, not %d", c.query, c.accept, answer.Code, got, c.entries)
				}
				for _, text := range c.tells {
					if !strings.Contains(body, text) {
						t.Errorf("%s as %s does not say %q: …%s", c.query, c.accept, text, body[max(0, len(body)-500):])
					}
				}
				if c.accept == "application/fhir+json" && !json.Valid([]byte(body)) {
					t.Errorf("%s is no JSON", c.query)
				}
			}
		})
	}
}
