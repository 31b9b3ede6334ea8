package benchmark

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/klauspost/compress/s2"
	"github.com/ncruces/go-sqlite3"

	"fhirside/resources/store/mongo/mongotest"
)

// The floors run as processes of their own, as the server does: this test binary, started again with the name of a floor in the
// environment. They print one line when they are ready and end when their standard input does.
const floorVariable = "FHIRSIDE_FLOOR"

func TestMain(m *testing.M) {
	floors := map[string]func() error{"fixed": serveFixed, "bare": serveBare, "insert": insertRows,
		"mongodb-insert": insertDocuments, "mongodb-read": findByID, "mongodb-serve": serveFound, "mongodb-search": repeatSearches,
		"mongodb-service": askService}
	if floor, ok := floors[os.Getenv(floorVariable)]; ok {
		if err := floor(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	mongotest.Main(m)
}

const contentType = "application/fhir+json; charset=utf-8"

// serveFixed answers every request with the same 2 KB.
func serveFixed() error {
	body := []byte(`{"resourceType":"Basic","text":"` + strings.Repeat("x", 2010) + `"}`)
	return serveReads(func(c *gin.Context) { c.Data(http.StatusOK, contentType, body) })
}

// serveBare reads the body by id from the server's own file, with one statement and no more than decoding what is stored. Where
// a resource is to be found is known to it beforehand.
func serveBare() error {
	file := os.Args[1]
	first, err := sqlite3.Open("file:" + file + "?mode=ro")
	if err != nil {
		return err
	}
	dict, err := vocabulary(first)
	if err != nil {
		return err
	}
	hashes, err := identities(first)
	if err != nil {
		return err
	}
	first.Close()
	readers := make(chan *sqlite3.Stmt, 4)
	for range cap(readers) {
		db, err := sqlite3.Open("file:" + file + "?mode=ro")
		if err != nil {
			return err
		}
		if err := db.Exec("PRAGMA cache_size=-16384"); err != nil {
			return err
		}
		st, _, err := db.Prepare(`SELECT r.body FROM identity i CROSS JOIN resource r ON r.number=i.number WHERE i.hash=?`)
		if err != nil {
			return err
		}
		readers <- st
	}
	return serveReads(func(c *gin.Context) {
		st := <-readers
		st.BindInt64(1, hashes[c.Param("type")+"/"+c.Param("id")])
		var body []byte
		if st.Step() {
			body, _ = decode(dict, st.ColumnRawBlob(0))
		}
		st.Reset()
		readers <- st
		c.Data(http.StatusOK, contentType, body)
	})
}

func decode(dict *s2.Dict, record []byte) ([]byte, error) {
	plain, err := dict.Decode(nil, record)
	if err != nil {
		return nil, err
	}
	n, k := binary.Uvarint(plain)
	return plain[k+int(n):], nil
}

func vocabulary(db *sqlite3.Conn) (dict *s2.Dict, err error) {
	err = each(db, `SELECT value FROM setting WHERE name='vocabulary'`, func(st *sqlite3.Stmt) {
		dict = s2.MakeDict(st.ColumnBlob(0, nil), nil)
	})
	return dict, err
}

func identities(db *sqlite3.Conn) (map[string]int64, error) {
	hashes := map[string]int64{}
	err := each(db, `SELECT r.type, r.id, i.hash FROM identity i JOIN resource r ON r.number=i.number`, func(st *sqlite3.Stmt) {
		hashes[st.ColumnText(0)+"/"+st.ColumnText(1)] = st.ColumnInt64(2)
	})
	return hashes, err
}

func each(db *sqlite3.Conn, sql string, row func(*sqlite3.Stmt)) error {
	st, _, err := db.Prepare(sql)
	if err != nil {
		return err
	}
	defer st.Close()
	for st.Step() {
		row(st)
	}
	return st.Err()
}

func serveReads(handle gin.HandlerFunc) error {
	engine := newEngine()
	engine.GET("/fhir/:type/:id", handle)
	return serve(engine)
}

func newEngine() *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	return gin.New()
}

// serve prints the address and serves until the input ends.
func serve(engine *gin.Engine) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	go http.Serve(l, engine)
	untilInputEnds()
	return nil
}

func untilInputEnds() { os.Stdin.Read(make([]byte, 1)) }
