package search

import "strings"

// The characters that have a meaning in values and are escaped by a backslash to have none (search.html#escaping).
const special = `,$|\`

// split cuts a value at each separator that is not escaped. The pieces keep their escapes.
func split(value string, separator byte) []string {
	var pieces []string
	start := 0
	for i := 0; i < len(value); i++ {
		switch value[i] {
		case '\\':
			i++ // what follows is no separator
		case separator:
			pieces = append(pieces, value[start:i])
			start = i + 1
		}
	}
	return append(pieces, value[start:])
}

// illegalEscape says whether a backslash stands before a character that it does not escape.
func illegalEscape(value string) bool {
	for i := 0; i < len(value); i++ {
		if value[i] != '\\' {
			continue
		}
		if i++; i == len(value) || strings.IndexByte(special, value[i]) < 0 {
			return true
		}
	}
	return false
}

// unescape is the text that a piece stands for.
func unescape(piece string) string {
	if !strings.Contains(piece, `\`) {
		return piece
	}
	out := make([]byte, 0, len(piece))
	for i := 0; i < len(piece); i++ {
		if piece[i] == '\\' && i+1 < len(piece) && strings.IndexByte(special, piece[i+1]) >= 0 {
			i++
		}
		out = append(out, piece[i])
	}
	return string(out)
}

// clip keeps what a message repeats of a request short.
func clip(text string) string {
	const limit = 100
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "…"
}
