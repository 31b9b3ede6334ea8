package resources

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"sync"
	"time"

	"fhirside/fhir"
	"fhirside/resources/access"
	"fhirside/resources/store"
	"fhirside/search"
)

// cursor is where a search or a history goes on. Clients carry it sealed: nothing in it can be read or changed.
type cursor struct {
	Path  string `json:"p"`           // of the search: "Patient"
	Query string `json:"q,omitempty"` // what was searched, without _count
	After string `json:"a"`           // the store's position
	Total int64  `json:"t"`           // found when the search began; -1: unknown
	// Began is when the search did, in microseconds since 1970: its pages measure nearness in time (ap) from there.
	Began int64 `json:"n,omitempty"`
	// Containers are the types in which contained resources are searched.
	Containers []string `json:"c,omitempty"`
	// Back are where pages before this one begin, the nearest last.
	Back []mark `json:"b,omitempty"`
	// Until is where a page ends that was reached from the one behind it, and Next the first match of that; Matches is how many there
	// were from After to there.
	Until   string `json:"u,omitempty"`
	Next    string `json:"x,omitempty"`
	Matches int    `json:"g,omitempty"`

	first string // the position of the page's first match
}

// mark is where a page begins ("": the first) and how many matches there are from it to the next mark, or to the page itself: pages
// may differ in size, since each request says its _count.
type mark struct {
	After   string `json:"a"`
	Matches int    `json:"n"`
}

// Bounds of cursor.Back, which makes URLs longer.
const (
	maxBack      = 16
	maxBackBytes = 2048
)

// advanced is the cursor of the page behind this one, which ended at a position.
func (c cursor) advanced(last string, total int64, count int) cursor {
	next := c
	next.After, next.Total = last, total
	next.Back = append(slices.Clone(c.Back), mark{c.After, count})
	return next.thinned()
}

// thinned is the cursor with as many marks as it may have: the first, the nearest, and some between them at even distances.
func (c cursor) thinned() cursor {
	bytes := 0
	for _, m := range c.Back {
		bytes += len(m.After)
	}
	for len(c.Back) > 1 && (len(c.Back) > maxBack || bytes > maxBackBytes) {
		least := 1
		for i := 1; i < len(c.Back)-near/2; i++ {
			if c.Back[i-1].Matches+c.Back[i].Matches < c.Back[least-1].Matches+c.Back[least].Matches {
				least = i
			}
		}
		bytes -= len(c.Back[least].After)
		c.Back[least-1].Matches += c.Back[least].Matches
		c.Back = slices.Delete(c.Back, least, least+1)
	}
	return c
}

// previous is the cursor of the page before this one; false where there is none.
func (c cursor) previous() (cursor, bool) {
	n := len(c.Back)
	if n == 0 {
		return c, false
	}
	from := c.Back[n-1]
	c.After, c.Until, c.Next, c.Matches, c.Back = from.After, c.After, c.first, from.Matches, c.Back[:n-1]
	return c, true
}

// cursorBox seals cursors with AES-256-GCM, for one caller each.
type cursorBox struct{ aead cipher.AEAD }

func newCursorBox(key *[store.SecretSize]byte) cursorBox {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic("resources: " + err.Error()) // only for keys of another length
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic("resources: " + err.Error())
	}
	return cursorBox{aead}
}

// cursorBoxes gives the box whose key all processes on a store share, once a page needs it.
type cursorBoxes struct {
	mu  sync.Mutex
	box *cursorBox
}

// keyTimeout bounds the one look-up of the key.
const keyTimeout = 10 * time.Second

func (s *Service) cursorBox() (cursorBox, error) {
	s.cursors.mu.Lock()
	defer s.cursors.mu.Unlock()
	if s.cursors.box == nil {
		ctx, cancel := context.WithTimeout(context.Background(), keyTimeout) // for all requests to come, not just this one
		defer cancel()
		key, err := s.Store.Secret(ctx, "cursor")
		if err != nil {
			return cursorBox{}, err
		}
		box := newCursorBox(key)
		s.cursors.box = &box
	}
	return *s.cursors.box, nil
}

// purpose is the additional data: what the sealed text is for, and for whom.
func purpose(caller string) []byte { return []byte("fhirside cursor 3 " + caller) }

func (b cursorBox) seal(c cursor, caller string) string {
	text, err := json.Marshal(c)
	if err != nil {
		panic("resources: " + err.Error()) // strings and a number
	}
	return base64.RawURLEncoding.EncodeToString(b.aead.Seal(nil, nil, text, purpose(caller)))
}

// open reads a cursor that was given out to this caller for this path.
func (b cursorBox) open(sealed, path, caller string) (cursor, error) {
	data, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil || base64.RawURLEncoding.EncodeToString(data) != sealed { // line breaks and stray bits would be skipped
		return cursor{}, badCursor()
	}
	text, err := b.aead.Open(nil, nil, data, purpose(caller))
	if err != nil {
		return cursor{}, badCursor()
	}
	var c cursor
	if err := json.Unmarshal(text, &c); err != nil || c.Path != path {
		return cursor{}, badCursor()
	}
	return c, nil
}

func badCursor() *fhir.Error {
	return fhir.Errorf(fhir.Invalid, fhir.CodeValue, "_cursor is not one that this server gave out for this search; begin again with the first page").At("_cursor")
}

// pageLinks are those of a page that began at one cursor and ended before another, with more to come or not. The first page is
// named by its query, later ones by cursor and _count alone.
func (s *Service) pageLinks(p access.Policy, at, next cursor, more bool, count int) ([]pageLink, error) {
	counted := search.Parameter{Name: "_count", Value: strconv.Itoa(count)}
	first := at.Path + "?"
	if at.Query != "" {
		first += at.Query + "&"
	}
	first += formatQuery([]search.Parameter{counted})
	links := []pageLink{{"self", first}, {"first", first}}
	if at.After == "" && !more {
		return links, nil
	}
	box, err := s.cursorBox()
	if err != nil {
		return nil, err
	}
	sealed := func(c cursor) string {
		return withQuery(c.Path, []search.Parameter{{Name: "_cursor", Value: box.seal(c, access.CallerOf(p))}, counted})
	}
	if at.After != "" {
		links[0].url = sealed(at)
	}
	if before, ok := at.previous(); ok {
		links = append(links, pageLink{"previous", sealed(before)})
	}
	if more {
		links = append(links, pageLink{"next", sealed(next)})
	}
	return links, nil
}

// without is the list without the parameters of that name.
func without(list []search.Parameter, name string) []search.Parameter {
	return slices.DeleteFunc(slices.Clone(list), func(p search.Parameter) bool { return p.Name == name })
}
