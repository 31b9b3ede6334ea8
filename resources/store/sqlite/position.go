package sqlite

import (
	"encoding/base64"
	"encoding/binary"

	"fhirside/resources/store"
)

// A position is a place in an order, written for those who only hand it back. It ends with a keyed hash of itself and of what was
// asked, so that garbage and positions of another search are told from it.

const positionSum = 4 // bytes

func (h hasher) writePosition(place []byte, asked ...string) string {
	sum := h.positionSum(place, asked)
	return base64.RawURLEncoding.EncodeToString(binary.LittleEndian.AppendUint32(place, sum))
}

func (h hasher) readPosition(position string, asked ...string) (place []byte, err error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(position)
	if err != nil || len(b) < positionSum {
		return nil, store.ErrCursor
	}
	place = b[:len(b)-positionSum]
	if h.positionSum(place, asked) != binary.LittleEndian.Uint32(b[len(place):]) {
		return nil, store.ErrCursor
	}
	return place, nil
}

func (h hasher) positionSum(place []byte, asked []string) uint32 {
	return uint32(h.sum(kindPosition, append([]string{string(place)}, asked...)...))
}

func (s *db) writeStamp(stamp int64, asked ...string) string {
	return s.index.writePosition(binary.BigEndian.AppendUint64(nil, uint64(stamp)), asked...)
}

func (s *db) readStamp(position string, asked ...string) (int64, error) {
	place, err := s.index.readPosition(position, asked...)
	if err != nil || len(place) != 8 {
		return 0, store.ErrCursor
	}
	return int64(binary.BigEndian.Uint64(place)), nil
}
