package sqlite_test

import (
	"fmt"
	"testing"
	"time"

	"fhirside/resources/store"
	"fhirside/resources/store/sqlite"
)

// TestStateIsSwept: what has expired goes with a later write, and nothing else does.
func TestStateIsSwept(t *testing.T) {
	now := time.Now()
	s := open(t, sqlite.Memory, sqlite.Options{Now: func() time.Time { return now }})
	put := func(key string, life time.Duration) {
		t.Helper()
		e := store.Entry{Kind: "a", Key: key, Value: []byte(`1`)}
		if life > 0 {
			e.Expires = now.Add(life)
		}
		if _, err := s.State().Put(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	rows := func(want int64) {
		t.Helper()
		if n, err := sqlite.StateRows(t.Context(), s); err != nil || n != want {
			t.Errorf("%d rows, not %d (%v)", n, want, err)
		}
	}
	put("stays", 0)
	put("lives", time.Hour)
	for i := range 10 {
		put(fmt.Sprint(i), time.Second)
	}
	rows(12)
	now = now.Add(2 * time.Second)
	put("soon", time.Hour) // sweeping is not for each write
	rows(13)
	now = now.Add(time.Minute)
	put("later", time.Hour)
	rows(4)
	for _, key := range []string{"stays", "lives", "soon", "later"} {
		if _, err := s.State().Get(t.Context(), "a", key); err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
}
