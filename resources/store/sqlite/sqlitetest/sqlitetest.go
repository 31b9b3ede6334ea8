// Package sqlitetest changes files of package sqlite behind the store's back, for tests of what comes of that.
package sqlitetest

import (
	"testing"

	"github.com/ncruces/go-sqlite3"
)

// Garble makes the current version of a resource something that nobody can read.
func Garble(t testing.TB, path, resourceType, id string) {
	t.Helper()
	run(t, path, `UPDATE resource SET body=x'0401020304' WHERE type=? AND id=?`, resourceType, id)
}

// Swap gives the current version of a resource the content and the index values of another one of its type.
func Swap(t testing.TB, path, resourceType, id, other string) {
	t.Helper()
	run(t, path, `UPDATE resource SET body=(SELECT body FROM resource WHERE type=?1 AND id=?3) WHERE type=?1 AND id=?2`, resourceType, id, other)
}

func run(t testing.TB, path, sql string, args ...string) {
	t.Helper()
	db, err := sqlite3.Open("file:" + path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	st, _, err := db.Prepare(sql)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	for i, a := range args {
		if err := st.BindText(i+1, a); err != nil {
			t.Fatal(err)
		}
	}
	if err := st.Exec(); err != nil {
		t.Fatal(err)
	}
	if n := db.Changes(); n != 1 {
		t.Fatalf("%d records of %s/%s were changed", n, args[0], args[1])
	}
}
