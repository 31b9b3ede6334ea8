package load

import (
	"bytes"
	"strings"

	"fhirside/fhir"
)

// unit is what one request carries: a transaction that was given as one, or entries that need not be together.
type unit struct {
	Whole   bool   // all or nothing, posted as Body
	Body    []byte // the Bundle, where Whole
	Batch   bool   // entries of a batch Bundle: never to be made a transaction
	Entries []entry
}

// entry is an entry of a Bundle that is sent. The members are exported for the spool.
type entry struct {
	Source string
	Number int // line or entry, from 1
	Type   string
	ID     string
	// Repeatable: doing it twice has the effect of doing it once.
	Repeatable bool
	JSON       []byte // the entry with its request; nil in a Whole unit
	Reason     string // why it was refused the last time
}

func (e entry) what() string {
	if e.ID == "" {
		return e.Type
	}
	return e.Type + "/" + e.ID
}

// A unit of loose entries is sent when it has this many entries or bytes.
const (
	unitEntries = 200
	unitBytes   = 2 << 20
)

func (u *unit) full() bool {
	size := 0
	for _, e := range u.Entries {
		size += len(e.JSON)
	}
	return len(u.Entries) >= unitEntries || size >= unitBytes
}

func (u *unit) repeatable() bool {
	for _, e := range u.Entries {
		if !e.Repeatable {
			return false
		}
	}
	return true
}

// bundle is the request's body.
func (u *unit) bundle(bundleType string) []byte {
	if u.Whole {
		return u.Body
	}
	var b bytes.Buffer
	b.WriteString(`{"resourceType":"Bundle","type":"` + bundleType + `","entry":[`)
	for i, e := range u.Entries {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(e.JSON)
	}
	b.WriteString("]}")
	return b.Bytes()
}

// put is the entry that stores a resource: at its id, or at a new one where it has none.
func put(source string, number int, fullURL string, r *fhir.Resource) entry {
	e := entry{Source: source, Number: number, Type: r.Type(), ID: r.ID()}
	method, url := "POST", e.Type
	if e.ID != "" {
		method, url, e.Repeatable = "PUT", e.Type+"/"+e.ID, true
	}
	var b bytes.Buffer
	b.WriteByte('{')
	if fullURL != "" {
		b.WriteString(`"fullUrl":`)
		b.Write(fhir.Quote(fullURL))
		b.WriteByte(',')
	}
	b.WriteString(`"resource":`)
	b.Write(r.Bytes())
	b.WriteString(`,"request":{"method":"` + method + `","url":`)
	b.Write(fhir.Quote(url))
	b.WriteString(`}}`)
	e.JSON = b.Bytes()
	return e
}

// given is an entry that has a request already.
func given(source string, number int, e fhir.Element) entry {
	request := e.Get("request")
	method, url := request.Get("method").Text(), request.Get("url").Text()
	out := entry{
		Source: source, Number: number,
		Repeatable: method != "POST" && method != "PATCH" || request.Get("ifNoneExist").Exists(),
		JSON:       e.Raw(),
	}
	if r := e.Get("resource").Resource(); r != nil {
		out.Type, out.ID = r.Type(), r.ID()
	} else {
		path, _, _ := strings.Cut(url, "?")
		out.Type, out.ID, _ = strings.Cut(path, "/")
	}
	return out
}
