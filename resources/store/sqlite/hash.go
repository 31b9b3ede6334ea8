package sqlite

import (
	"encoding/binary"

	"github.com/dchest/siphash"
)

// hasher makes the 64-bit terms of the index tables. Its key is drawn when the file is made and kept in it, so that nobody who
// writes resources can choose two values that collide; by chance one pair does among five thousand million different values.
type hasher struct{ k0, k1 uint64 }

// A term's kind keeps apart what the same words mean in different places.
const (
	kindIdentity  = 'i' // type, id
	kindType      = 'T' // type: every resource of it
	kindToken     = 't' // type, parameter, fold, system, code
	kindReference = 'r' // type, parameter, target type, target id, url
	kindURI       = 'u' // type, parameter, uri
	kindText      = 'x' // type, parameter, folded text of a code that has no code
	kindTuple     = 'c' // type, parameter, fold, system, code of the first component
	kindApart     = 'a' // type, parameter: resources where it differs from its twin

	kindDates     = 'D' // type, parameter: rows of the date table, and so on
	kindNumbers   = 'N'
	kindTupleNums = 'C' // type, parameter, fold, system, code of the first component
	kindStrings   = 'S'
	kindParts     = 'P' // the words within strings

	kindSystems = 's' // type, parameter: words of the dictionary
	kindUnits   = 'q'
	kindURIs    = 'w'
	kindTexts   = 'y'

	kindPosition = 'p'
)

func (h hasher) sum(kind byte, parts ...string) int64 {
	var room [256]byte
	b := append(room[:0], kind)
	for _, p := range parts {
		b = binary.AppendUvarint(b, uint64(len(p)))
		b = append(b, p...)
	}
	return int64(siphash.Hash(h.k0, h.k1, b))
}

func (h hasher) token(kind byte, typ, param, system, code string, fold bool) int64 {
	f := "="
	if fold {
		f = "~"
	}
	return h.sum(kind, typ, param, f, system, code)
}

// unit is a quantity's unit as 48 bits; 0 is a number without any.
func (h hasher) unit(word string) int64 { return h.sum(kindUnits, word) & (1<<48 - 1) }

// signature has three of 62 bits for a token's term. A resource's signature is all of its tokens'; where it lacks a bit of a
// term's, the resource does not have the term.
func signature(term int64) int64 {
	h := uint64(term)
	return 1<<(h%62) | 1<<(h>>20%62) | 1<<(h>>40%62)
}
