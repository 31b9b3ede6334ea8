package resources

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"

	"fhirside/fhir"
)

// cursor is where a search or a history goes on. Clients carry it sealed: nothing in it can be read or changed.
type cursor struct {
	Path  string `json:"p"`           // of the search: "Patient"
	Query string `json:"q,omitempty"` // what was searched, without _count
	After string `json:"a"`           // the store's position
	Total int64  `json:"t"`           // found when the search began; -1: unknown
}

// cursorBox seals cursors with AES-256-GCM.
type cursorBox struct{ aead cipher.AEAD }

func newCursorBox(key *[32]byte) cursorBox {
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

// The additional data says what the sealed text is for.
var cursorPurpose = []byte("fhirside cursor 1")

func (b cursorBox) seal(c cursor) string {
	text, err := json.Marshal(c)
	if err != nil {
		panic("resources: " + err.Error()) // strings and a number
	}
	return base64.RawURLEncoding.EncodeToString(b.aead.Seal(nil, nil, text, cursorPurpose))
}

// open reads a cursor that was given out for this path.
func (b cursorBox) open(sealed, path string) (cursor, error) {
	data, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		return cursor{}, badCursor()
	}
	text, err := b.aead.Open(nil, nil, data, cursorPurpose)
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
