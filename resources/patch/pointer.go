package patch

import (
	"strconv"
	"strings"

	"fhirside/fhir"
)

// pointer is a JSON Pointer (RFC 6901), taken apart.
type pointer []string

// parsePointer reads a pointer; ok is false where it is none.
func parsePointer(text string) (p pointer, ok bool) {
	if text == "" {
		return nil, true
	}
	if text[0] != '/' {
		return nil, false
	}
	for token := range strings.SplitSeq(text[1:], "/") {
		for i := range len(token) {
			if token[i] == '~' && (i+1 == len(token) || token[i+1] != '0' && token[i+1] != '1') {
				return nil, false
			}
		}
		p = append(p, unescape.Replace(token))
	}
	return p, true
}

var (
	unescape = strings.NewReplacer("~1", "/", "~0", "~")
	escape   = strings.NewReplacer("/", "~1", "~", "~0")
)

func (p pointer) String() string {
	var b strings.Builder
	for _, token := range p {
		b.WriteByte('/')
		b.WriteString(escape.Replace(token))
	}
	return clip(b.String())
}

// within says whether what p points to is inside what o points to.
func (p pointer) within(o pointer) bool {
	if len(p) <= len(o) {
		return false
	}
	for i := range o {
		if p[i] != o[i] {
			return false
		}
	}
	return true
}

// position reads an array's index (no sign, no leading zeros); -1 where it is none.
func position(token string) int {
	n, err := strconv.ParseUint(token, 10, 31)
	if err != nil || token[0] == '+' || len(token) > 1 && token[0] == '0' {
		return -1
	}
	return int(n)
}

// expression is the pointer as FHIRPath, for an issue.
func (p pointer) expression(r *fhir.Resource) string {
	var b strings.Builder
	b.WriteString(r.Type())
	for _, token := range p {
		switch {
		case position(token) >= 0:
			b.WriteString("[" + token + "]")
		case identifier(strings.TrimPrefix(token, "_")):
			b.WriteString("." + strings.TrimPrefix(token, "_"))
		default:
			return b.String()
		}
	}
	return b.String()
}

// identifier says whether the text can stand in a FHIRPath expression as a name.
func identifier(text string) bool {
	for i, c := range text {
		if (c|0x20 < 'a' || c|0x20 > 'z') && c != '_' && (c < '0' || c > '9' || i == 0) {
			return false
		}
	}
	return text != "" && len(text) <= 64
}
