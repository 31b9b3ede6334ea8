package store

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"fhirside/search"
)

// Checked is the version with its body, or with Damage in its place if the body is not that of this version: somebody else's hand was
// in the database. A store gives out what it has read by no other way: one resource must never be taken for another.
func (v Version) Checked() Version {
	if v.Body != nil {
		if err := v.identify(); err != nil {
			v.Body, v.Damage = nil, err
		}
	}
	return v
}

// identify says why the body is not that of the version: its resourceType and id must be those of the key, and its meta.versionId, if
// there is one, the version's number.
func (v Version) identify() error {
	if v.begins() {
		return nil
	}
	return v.compare()
}

// begins says whether the body begins as most do, which tells already whose it is.
func (v Version) begins() bool {
	var digits [20]byte
	rest, ok := cut(v.Body, `{"resourceType":"`, v.Type)
	if ok {
		rest, ok = cut(rest, `","id":"`, v.ID)
	}
	if ok {
		rest, ok = cut(rest, `","meta":{"versionId":"`, string(strconv.AppendInt(digits[:0], v.Version, 10)))
	}
	return ok && len(rest) > 0 && rest[0] == '"'
}

// compare is identify wherever the members are. A contained resource has an id of its own within the one around it, and no versions.
func (v Version) compare() error {
	var resourceType, id, number []byte
	err := eachMember(v.Body, func(name, value []byte) error {
		switch string(name) {
		case `"resourceType"`:
			resourceType = value
		case `"id"`:
			id = value
		case `"meta"`:
			if value[0] != '{' {
				return nil
			}
			return eachMember(value, func(name, value []byte) error {
				if string(name) == `"versionId"` {
					number = value
				}
				return nil
			})
		}
		return nil
	})
	if err != nil {
		return err
	}
	wanted, version := v.ID, strconv.FormatInt(v.Version, 10)
	if search.IsContained(v.Type) {
		wanted, number = wanted[strings.LastIndexByte(wanted, '#')+1:], nil
	}
	switch {
	case !quotes(resourceType, search.ResourceType(v.Type)):
		return errors.New("its resourceType is another one")
	case !quotes(id, wanted):
		return errors.New("its id is another one")
	case number != nil && !quotes(number, version):
		return fmt.Errorf("its meta.versionId is not %s", version)
	}
	return nil
}

// cut takes two texts off the beginning.
func cut(b []byte, first, second string) (rest []byte, ok bool) {
	n := len(first) + len(second)
	if len(b) < n || string(b[:len(first)]) != first || string(b[len(first):n]) != second {
		return b, false
	}
	return b[n:], true
}

// quotes says whether a JSON value is a text that needs no escapes.
func quotes(value []byte, text string) bool {
	n := len(value)
	return n == len(text)+2 && value[0] == '"' && value[n-1] == '"' && string(value[1:n-1]) == text
}

// Sound says whether a body is one JSON object, as far as its quotes and brackets tell: for what no decoder of the database has looked
// into. It costs a fraction of parsing it.
func Sound(body []byte) bool {
	return len(body) > 0 && body[0] == '{' && (isPaired(body) || valueEnd(body) == len(body))
}

// isPaired says whether it is most likely sound, which counting tells much faster than looking: most resources have no escapes, and no
// brackets in texts that are not closed there.
func isPaired(body []byte) bool {
	count := func(c string) int { return bytes.Count(body, []byte(c)) }
	return body[len(body)-1] == '}' && bytes.IndexByte(body, '\\') < 0 &&
		count(`"`)%2 == 0 && count("{") == count("}") && count("[") == count("]")
}

var errNoJSON = errors.New("it is no JSON object")

// eachMember calls f with the members of a canonical JSON object, as they are written. It looks into none of them.
func eachMember(object []byte, f func(name, value []byte) error) error {
	if len(object) < 2 || object[0] != '{' {
		return errNoJSON
	}
	if object[1] == '}' {
		return nil
	}
	for rest := object[1:]; ; rest = rest[1:] {
		name := rest[:valueEnd(rest)]
		if rest = rest[len(name):]; len(name) == 0 || len(rest) < 2 || rest[0] != ':' {
			return errNoJSON
		}
		rest = rest[1:]
		value := rest[:valueEnd(rest)]
		if rest = rest[len(value):]; len(value) == 0 || len(rest) == 0 {
			return errNoJSON
		}
		if err := f(name, value); err != nil {
			return err
		}
		if rest[0] != ',' {
			if rest[0] != '}' || len(rest) > 1 {
				return errNoJSON
			}
			return nil
		}
	}
}

// valueEnd is the length of the value that a text begins with; 0 where it does not end.
func valueEnd(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			n := textEnd(b[i:])
			if n == 0 {
				return 0
			}
			i += n - 1
		case '{', '[':
			depth++
			continue
		case '}', ']':
			depth--
		case ',', ':':
			if depth == 0 {
				return i
			}
			continue
		default:
			continue
		}
		switch {
		case depth == 0:
			return i + 1
		case depth < 0: // of what is around it
			return i
		}
	}
	return 0
}

// textEnd is the length of the JSON string that a text begins with; 0 where it does not end.
func textEnd(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
	}
	return 0
}
