package document

import (
	"encoding/binary"
	"math/bits"
)

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// plain is the number of bytes before the first one that JSON strings do not hold as it is: a quote, a backslash or a control
// character. It looks at eight bytes at a time.
func plain(b []byte) int {
	i := 0
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		quote, backslash := w^('"'*ones), w^('\\'*ones)
		// A byte's high bit is set where the byte is zero (or, for w itself, below 0x20) and no lower byte borrowed from it; the
		// lowest of them is always a true one.
		if hit := ((quote-ones)&^quote | (backslash-ones)&^backslash | (w-' '*ones)&^w) & highs; hit != 0 {
			return i + bits.TrailingZeros64(hit)/8
		}
	}
	for ; i < len(b); i++ {
		if c := b[i]; c == '"' || c == '\\' || c < ' ' {
			return i
		}
	}
	return i
}

// place is one step on the way from the root to a value: a member's name or an item's position.
type place struct {
	name  []byte // nil for an item
	index int
}

// path is the way to a value as MongoDB writes it: "component.1.valueQuantity.value".
func path(places []place) string {
	var out []byte
	for i, p := range places {
		if i > 0 {
			out = append(out, '.')
		}
		if p.name != nil {
			out = append(out, p.name...)
		} else {
			out = appendIndex(out, p.index)
		}
	}
	return string(out)
}
