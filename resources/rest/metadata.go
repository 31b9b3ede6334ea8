package rest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/klauspost/compress/gzip"

	"fhirside/resources"
	"fhirside/search"
)

// statements are answers to metadata that are ready to be sent, since a CapabilityStatement is big, asked for by everybody, and changes
// rarely.
type statements struct {
	ready *lru.Cache[statementKey, *statement]
}

// maxStatements is how many are kept: a base URL may be what a client says it is.
const maxStatements = 16

type statementKey struct {
	base    string
	format  string
	pretty  bool
	summary search.Summary
}

// statement is one of them.
type statement struct {
	of, body []byte // the text that it was made of, and what that became
	tag      string
	gzipped  func() []byte
}

func newStatements() statements {
	ready, err := lru.New[statementKey, *statement](maxStatements)
	if err != nil {
		panic("rest: " + err.Error()) // only for a size below 1
	}
	return statements{ready}
}

// metadata serves the statement of capabilities, with an entity tag (http.html#capabilities). It is public, and a copy of it is to be
// looked after by that tag.
func (s *server) metadata(r *request) error {
	shape, err := resources.ShapeOf("CapabilityStatement", r.params)
	if err != nil {
		return err
	}
	answer, again, err := s.statement(r, shape)
	if err != nil {
		return err
	}
	h := r.c.Writer.Header()
	h.Set("Cache-Control", "public, no-cache")
	h.Set("ETag", answer.tag)
	if known := r.list("If-None-Match"); known == "*" || strings.Contains(known, strings.TrimPrefix(answer.tag, "W/")) {
		r.notModified()
		return nil
	}
	body := answer.body
	if again && qualityFor("gzip", r.header("Accept-Encoding")) > 0 {
		h.Set("Content-Encoding", "gzip")
		body = answer.gzipped()
	}
	write(r.c, http.StatusOK, r.as.contentType, body)
	return nil
}

// statement is the answer, ready if it was asked for before: then it is worth more work. Lists of elements are too many to keep what was
// answered.
func (s *server) statement(r *request, shape resources.Shape) (answer *statement, again bool, err error) {
	text := s.Metadata(r.pref.Base)
	key := statementKey{r.pref.Base, r.as.contentType[0], r.as.pretty, shape.Summary}
	if ready, ok := s.statements.ready.Get(key); ok && shape.Elements == nil && bytes.Equal(ready.of, text) {
		return ready, true, nil
	}
	body, err := shape.Apply(text)
	if err == nil {
		body, err = r.as.render(body)
	}
	if err != nil {
		return nil, false, err
	}
	digest := sha256.Sum256(body)
	answer = &statement{
		of: text, body: body, tag: `W/"` + hex.EncodeToString(digest[:8]) + `"`,
		gzipped: sync.OnceValue(func() []byte { return gzipped(body) }),
	}
	if shape.Elements == nil {
		s.statements.ready.Add(key, answer)
	}
	return answer, false, nil
}

// gzipped is as small as gzip makes it, which is worth it for what is sent many times.
func gzipped(body []byte) []byte {
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, gzip.BestCompression) // there is that level
	_, _ = w.Write(body)                                    // memory takes all
	_ = w.Close()
	return out.Bytes()
}
