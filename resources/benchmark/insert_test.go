package benchmark

import (
	"encoding/gob"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"
)

// bundle is how many resources a transaction of the floor has: the average of the Synthea Bundles.
const bundle = 755

// A batch holds the rows of one transaction by table.
type batch map[string][]row

type row []any // int64, float64, string, []byte or nil

func init() {
	gob.Register([]byte(nil))
}

// tables are those of the store whose rows belong to a resource, with its number and the order in which rows are inserted. The
// low bits of a key are the resource's number.
var tables = []struct{ name, number, order string }{
	{"resource", "number", "number"},
	{"identity", "number", "hash, number"},
	{"term", keyNumber, "term, key"},
	{"patient", keyNumber, "term, key"},
	{"date", keyNumber, "param, lo, key, hi"},
	{"number", keyNumber, "param, key, unit, lo, hi"},
	{"string", keyNumber, "param, value, key"},
}

const keyNumber = "key & 268435455"

// dealRows writes what a store's file holds into one file per batch: the index tables are not in the order of resources.
func dealRows(file, folder string) error {
	db, err := sqlite3.Open("file:" + file + "?mode=ro")
	if err != nil {
		return err
	}
	defer db.Close()
	var batches []batch
	for _, t := range tables {
		err := each(db, `SELECT `+t.number+`, * FROM "`+t.name+`" ORDER BY `+t.order, func(st *sqlite3.Stmt) {
			i := st.ColumnInt(0) / bundle
			for len(batches) <= i {
				batches = append(batches, batch{})
			}
			batches[i][t.name] = append(batches[i][t.name], readRow(st))
		})
		if err != nil {
			return err
		}
	}
	for i, b := range batches {
		if err := writeBatch(filepath.Join(folder, fmt.Sprintf("%05d", i)), b); err != nil {
			return err
		}
	}
	var schema []string
	err = each(db, `SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type DESC`, func(st *sqlite3.Stmt) {
		schema = append(schema, st.ColumnText(0))
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "schema"), []byte(strings.Join(schema, ";\n")), 0o600)
}

func readRow(st *sqlite3.Stmt) row {
	r := make(row, st.ColumnCount()-1)
	for i := range r {
		switch st.ColumnType(i + 1) {
		case sqlite3.INTEGER:
			r[i] = st.ColumnInt64(i + 1)
		case sqlite3.FLOAT:
			r[i] = st.ColumnFloat(i + 1)
		case sqlite3.TEXT:
			r[i] = st.ColumnText(i + 1)
		case sqlite3.BLOB:
			r[i] = st.ColumnBlob(i+1, nil)
		}
	}
	return r
}

func writeBatch(name string, b batch) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return gob.NewEncoder(f).Encode(b)
}

func readBatch(name string) (b batch, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return b, gob.NewDecoder(f).Decode(&b)
}

// insertRows is the floor of loading: the same bytes and the same index rows into a new file of the same schema, durable, in
// transactions of as many resources as a Bundle has, each table's rows in its own order. It prints the seconds that the inserts
// took; reading the batches is not among them, nor what the server computes to get there.
func insertRows() error {
	folder, file := os.Args[1], os.Args[2]
	schema, err := os.ReadFile(filepath.Join(folder, "schema"))
	if err != nil {
		return err
	}
	db, err := sqlite3.Open(file)
	if err != nil {
		return err
	}
	for _, sql := range []string{
		"PRAGMA page_size=8192", "PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "PRAGMA cache_size=-65536",
		"PRAGMA wal_autocheckpoint=8000", string(schema),
	} {
		if err := db.Exec(sql); err != nil {
			return err
		}
	}
	names, err := filepath.Glob(filepath.Join(folder, "0*"))
	if err != nil {
		return err
	}
	statements := map[string]*sqlite3.Stmt{}
	var took time.Duration
	for _, name := range names {
		b, err := readBatch(name)
		if err != nil {
			return err
		}
		begun := time.Now()
		if err := insertBatch(db, statements, b); err != nil {
			return err
		}
		took += time.Since(begun)
	}
	fmt.Println(took.Seconds())
	untilInputEnds()
	return nil
}

func insertBatch(db *sqlite3.Conn, statements map[string]*sqlite3.Stmt, b batch) error {
	if err := db.Exec("BEGIN"); err != nil {
		return err
	}
	for _, t := range tables {
		rows := b[t.name]
		for len(rows) > 0 {
			n := 1
			if t.name != "resource" && len(rows) >= 32 {
				n = 32
			}
			if err := insertMany(db, statements, t.name, rows[:n]); err != nil {
				return err
			}
			rows = rows[n:]
		}
	}
	return db.Exec("COMMIT")
}

func insertMany(db *sqlite3.Conn, statements map[string]*sqlite3.Stmt, table string, rows []row) (err error) {
	values := "(?" + strings.Repeat(",?", len(rows[0])-1) + ")"
	sql := `INSERT INTO "` + table + `" VALUES` + values + strings.Repeat(","+values, len(rows)-1)
	st := statements[sql]
	if st == nil {
		if st, _, err = db.Prepare(sql); err != nil {
			return err
		}
		statements[sql] = st
	}
	i := 0
	for _, r := range rows {
		for _, v := range r {
			i++
			if err := bind(st, i, v); err != nil {
				return err
			}
		}
	}
	return st.Exec()
}

func bind(st *sqlite3.Stmt, i int, v any) error {
	switch v := v.(type) {
	case int64:
		return st.BindInt64(i, v)
	case float64:
		return st.BindFloat(i, v)
	case string:
		return st.BindText(i, v)
	case []byte:
		return st.BindBlob(i, v)
	}
	return st.BindNull(i)
}
