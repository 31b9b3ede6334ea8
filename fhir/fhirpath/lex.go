package fhirpath

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"fhirside/fhir"
)

// tokenKind says what a token is.
type tokenKind uint8

const (
	tokenEnd       tokenKind = iota
	tokenName                // an identifier or keyword
	tokenQuoted              // `an identifier`
	tokenString              // 'text', escapes resolved
	tokenNumber              // 1 or 1.5
	tokenTemporal            // @2015, @2015-02-04T14:34Z or @T14:34, without the @
	tokenVariable            // $this, without the $
	tokenExternal            // %resource, without the %
	tokenSymbol              // an operator or bracket
	tokenUndefined           // what no token begins with
)

// token is a word of an expression.
type token struct {
	kind tokenKind
	text string
	at   int // byte offset in the expression
}

// lexer cuts an expression into tokens.
type lexer struct {
	source string
	at     int
}

func (l *lexer) errorf(at int, format string, args ...any) *fhir.Error {
	return syntaxError(l.source, at, format, args...)
}

func (l *lexer) rest() string { return l.source[l.at:] }

// next reads a token.
func (l *lexer) next() (token, error) {
	if err := l.skipSpace(); err != nil {
		return token{}, err
	}
	start, rest := l.at, l.rest()
	if rest == "" {
		return token{tokenEnd, "the end", start}, nil
	}
	switch c := rest[0]; {
	case isLetter(c):
		return l.take(tokenName, span(rest, isNamePart)), nil
	case isDigit(c):
		return l.take(tokenNumber, numberSpan(rest)), nil
	case c == '\'':
		return l.quoted(tokenString, '\'')
	case c == '`':
		return l.quoted(tokenQuoted, '`')
	case c == '@':
		l.at++
		t := l.take(tokenTemporal, temporalSpan(rest[1:]))
		t.at = start
		return t, nil
	case c == '$':
		l.at++
		t := l.take(tokenVariable, span(rest[1:], isNamePart))
		t.at = start
		return t, nil
	case c == '%':
		return l.external()
	}
	return l.symbol(), nil
}

func (l *lexer) take(kind tokenKind, length int) token {
	t := token{kind, l.source[l.at : l.at+length], l.at}
	l.at += length
	return t
}

// skipSpace passes over white space and comments.
func (l *lexer) skipSpace() error {
	for {
		l.at += span(l.rest(), isSpace)
		switch rest := l.rest(); {
		case strings.HasPrefix(rest, "//"):
			end := strings.IndexAny(rest, "\r\n")
			if end < 0 {
				end = len(rest)
			}
			l.at += end
		case strings.HasPrefix(rest, "/*"):
			end := strings.Index(rest[2:], "*/")
			if end < 0 {
				return l.errorf(l.at, "the comment does not end: write */")
			}
			l.at += end + 4
		default:
			return nil
		}
	}
}

// external reads %name, %`name` or %'name'.
func (l *lexer) external() (token, error) {
	start := l.at
	l.at++
	rest := l.rest()
	t := token{}
	switch {
	case rest != "" && (rest[0] == '`' || rest[0] == '\''):
		var err error
		if t, err = l.quoted(tokenExternal, rest[0]); err != nil {
			return t, err
		}
	default:
		t = l.take(tokenExternal, span(rest, isNamePart))
	}
	t.at = start
	return t, nil
}

func (l *lexer) symbol() token {
	rest := l.rest()
	for _, s := range [...]string{"<=", ">=", "!=", "!~"} {
		if strings.HasPrefix(rest, s) {
			return l.take(tokenSymbol, len(s))
		}
	}
	if strings.IndexByte("()[]{}.,+-*/&|<>=~", rest[0]) >= 0 {
		return l.take(tokenSymbol, 1)
	}
	_, size := utf8.DecodeRuneInString(rest)
	return l.take(tokenUndefined, size)
}

// quoted reads a string or a delimited identifier and resolves its escapes.
func (l *lexer) quoted(kind tokenKind, quote byte) (token, error) {
	start := l.at
	var text strings.Builder
	for i := start + 1; i < len(l.source); i++ {
		switch c := l.source[i]; c {
		case quote:
			l.at = i + 1
			return token{kind, text.String(), start}, nil
		case '\\':
			length, err := l.escape(i, &text)
			if err != nil {
				return token{}, err
			}
			i += length
		default:
			text.WriteByte(c)
		}
	}
	return token{}, l.errorf(start, "the text does not end: write %c", quote)
}

// escape resolves the escape at a backslash and returns how many bytes follow the backslash.
func (l *lexer) escape(at int, out *strings.Builder) (int, error) {
	if at+1 >= len(l.source) {
		return 0, l.errorf(at, "the escape does not end")
	}
	c := l.source[at+1]
	if c == 'u' {
		digits := l.source[at+2 : min(at+6, len(l.source))]
		n, err := strconv.ParseUint(digits, 16, 16)
		if err != nil || len(digits) != 4 {
			return 0, l.errorf(at, `\u is followed by four hexadecimal digits`)
		}
		out.WriteRune(rune(n))
		return 5, nil
	}
	i := strings.IndexByte("'\"`\\/frnt", c)
	if i < 0 {
		return 0, l.errorf(at, `unknown escape: write \' \" \`+"`"+` \\ \/ \f \r \n \t or \u and four hexadecimal digits`)
	}
	out.WriteByte("'\"`\\/\f\r\n\t"[i])
	return 1, nil
}

// span is how many of the first bytes satisfy is.
func span(s string, is func(byte) bool) int {
	for i := 0; i < len(s); i++ {
		if !is(s[i]) {
			return i
		}
	}
	return len(s)
}

// numberSpan is the length of a number; a point belongs to it only where a digit follows.
func numberSpan(s string) int {
	n := span(s, isDigit)
	if n+1 < len(s) && s[n] == '.' && isDigit(s[n+1]) {
		n += 1 + span(s[n+1:], isDigit)
	}
	return n
}

// temporalSpan is the length of a date, time or both; a point belongs to it only behind seconds, a sign only behind a time.
func temporalSpan(s string) int {
	day, clock := span(s, func(c byte) bool { return isDigit(c) || c == '-' }), 0
	if day >= len(s) || s[day] != 'T' {
		return day
	}
	day++
	clock = span(s[day:], func(c byte) bool { return isDigit(c) || c == ':' })
	end := day + clock
	if end+1 < len(s) && s[end] == '.' && isDigit(s[end+1]) && clock > 0 {
		end += 1 + span(s[end+1:], isDigit)
	}
	switch {
	case end < len(s) && s[end] == 'Z':
		end++
	case end+6 <= len(s) && (s[end] == '+' || s[end] == '-') && s[end+3] == ':' && clock > 0:
		end += 6
	}
	return end
}

func isDigit(c byte) bool    { return c >= '0' && c <= '9' }
func isLetter(c byte) bool   { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' }
func isNamePart(c byte) bool { return isLetter(c) || isDigit(c) }
func isSpace(c byte) bool    { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
