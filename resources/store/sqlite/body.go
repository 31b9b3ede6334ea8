package sqlite

import (
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/klauspost/compress/s2"

	"fhirside/resources/store"
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

// errDamaged says that somebody else's hand was in a record.
var errDamaged = errors.New("the stored record cannot be read")

// unpack gives the encoded values and the body. It fails with errDamaged.
func (c codec) unpack(record []byte) (values, body []byte, err error) {
	if n, err := s2.DecodedLen(record); err != nil || n > maxRecord {
		return nil, nil, fmt.Errorf("%w: it says that it is too long", errDamaged)
	}
	plain, err := c.dict.Decode(nil, record)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	n, k := binary.Uvarint(plain)
	if k <= 0 || n > uint64(len(plain)-k) {
		return nil, nil, fmt.Errorf("%w: bad length", errDamaged)
	}
	end := k + int(n)
	return plain[k:end:end], plain[end:len(plain):len(plain)], nil
}

// version is what is known of a version, with its body; with Damage where the record is not that of this version.
func (c codec) version(v store.Version, record []byte) store.Version {
	if _, v.Body, v.Damage = c.unpack(record); v.Damage != nil {
		return v
	}
	return sound(v).Checked()
}

// sound is the version, with Damage where its body is no JSON.
func sound(v store.Version) store.Version {
	if v.Body != nil && !store.Sound(v.Body) {
		v.Body, v.Damage = nil, errDamaged
	}
	return v
}

// whole is version with the index values of some parameters, nil for all; there are none where it has Damage. The body is only known to be
// that of this version, not to be sound.
func (c codec) whole(v store.Version, record []byte, want *params) (store.Version, *index.Values) {
	values, body, err := c.unpack(record)
	var decoded index.Values
	if err == nil {
		v.Body = body
		v = v.Checked()
		err = v.Damage
	}
	if err == nil {
		decoded, err = decodeSome(values, want)
	}
	if err != nil {
		v.Body, v.Damage = nil, err
		return v, nil
	}
	return v, &decoded
}

// values are the index values of a version. They fail with errDamaged where the record is not that of this version.
func (c codec) values(v store.Version, record []byte) (index.Values, error) {
	v, values := c.whole(v, record, nil)
	if v.Damage != nil {
		return index.Values{}, fmt.Errorf("%w: %s/%s: %w", errDamaged, v.Type, v.ID, v.Damage)
	}
	return *values, nil
}
