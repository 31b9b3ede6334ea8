package token

// AppendText appends characters as the content of an element.
func AppendText(dst []byte, text string) []byte {
	from := 0
	for i := range len(text) {
		var escaped string
		switch text[i] {
		case '&':
			escaped = "&amp;"
		case '<':
			escaped = "&lt;"
		case '>':
			escaped = "&gt;"
		case '\r':
			escaped = "&#13;"
		default:
			continue
		}
		dst = append(append(dst, text[from:i]...), escaped...)
		from = i + 1
	}
	return append(dst, text[from:]...)
}

// AppendAttr appends an attribute with a space before it. Tabs and line ends become character references: XML reads them as
// spaces otherwise.
func AppendAttr(dst []byte, name, value string) []byte {
	dst = append(append(append(dst, ' '), name...), '=', '"')
	from := 0
	for i := range len(value) {
		var escaped string
		switch value[i] {
		case '&':
			escaped = "&amp;"
		case '<':
			escaped = "&lt;"
		case '"':
			escaped = "&quot;"
		case '\n':
			escaped = "&#10;"
		case '\r':
			escaped = "&#13;"
		case '\t':
			escaped = "&#9;"
		default:
			continue
		}
		dst = append(append(dst, value[from:i]...), escaped...)
		from = i + 1
	}
	return append(append(dst, value[from:]...), '"')
}

// Illegal is the first character that XML cannot hold: a control character, U+FFFE or U+FFFF.
func Illegal(text string) (character rune, found bool) {
	for i := range len(text) {
		switch b := text[i]; {
		case b < ' ' && b != '\t' && b != '\n' && b != '\r':
			return rune(b), true
		case b == 0xef && i+2 < len(text) && text[i+1] == 0xbf && text[i+2] >= 0xbe:
			return 0xff40 | rune(text[i+2]), true
		}
	}
	return 0, false
}
