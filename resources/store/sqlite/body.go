package sqlite

import (
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/klauspost/compress/s2"

	"fhirside/search/index"
)

// vocabulary is text that resources often repeat: records are compressed against it. Each file keeps the one it was made with.
//
//go:embed vocabulary.txt
var vocabulary []byte

// codec packs a version for the body column: the length of its index values, the values, the body; compressed by S2, which
// reads faster than the SQLite page that it saves.
type codec struct{ dict *s2.Dict }

func newCodec(vocabulary []byte) (codec, error) {
	d := s2.MakeDict(vocabulary, nil)
	if d == nil {
		return codec{}, errors.New("the vocabulary is too short or too long")
	}
	return codec{d}, nil
}

// packer packs one version after the other in the same room.
type packer struct {
	codec
	values        encoder
	plain, packed []byte
}

func (p *packer) pack(v index.Values, body []byte) []byte {
	p.values.b, p.values.param = p.values.b[:0], ""
	p.values.values(v)
	p.plain = binary.AppendUvarint(p.plain[:0], uint64(len(p.values.b)))
	p.plain = append(p.plain, p.values.b...)
	p.plain = append(p.plain, body...)
	p.packed = slices.Grow(p.packed[:0], s2.MaxEncodedLen(len(p.plain)))
	return slices.Clone(p.dict.Encode(p.packed[:cap(p.packed)], p.plain))
}

// maxRecord is more than any record has in bytes. One that says it is longer is damaged.
const maxRecord = 1 << 30

// unpack gives the encoded values and the body.
func (c codec) unpack(record []byte) (values, body []byte, err error) {
	if n, err := s2.DecodedLen(record); err != nil || n > maxRecord {
		return nil, nil, errors.New("a stored record cannot be read: it says that it is too long")
	}
	plain, err := c.dict.Decode(nil, record)
	if err != nil {
		return nil, nil, fmt.Errorf("a stored record cannot be read: %w", err)
	}
	n, k := binary.Uvarint(plain)
	if k <= 0 || n > uint64(len(plain)-k) {
		return nil, nil, errors.New("a stored record cannot be read: bad length")
	}
	end := k + int(n)
	return plain[k:end:end], plain[end:len(plain):len(plain)], nil
}

func (c codec) body(record []byte) ([]byte, error) {
	_, body, err := c.unpack(record)
	return body, err
}

func (c codec) values(record []byte) (index.Values, error) {
	values, _, err := c.unpack(record)
	if err != nil {
		return index.Values{}, err
	}
	return decodeValues(values)
}
