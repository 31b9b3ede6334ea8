package fhir

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// end refuses anything but white space after the value.
func (p *parser) end() error {
	offset := int(p.dec.InputOffset())
	if rest := bytes.TrimLeft(p.input[offset:], " \t\r\n"); len(rest) > 0 {
		return p.errorf(len(p.input)-len(rest), "unexpected bytes after the end of the document")
	}
	return nil
}

// syntaxError gives a decoder's error its place in the input.
func (p *parser) syntaxError(err error) error {
	if e := (*Error)(nil); errors.As(err, &e) {
		return e
	}
	offset := int(p.dec.InputOffset())
	cause := err
	if e := (*jsontext.SyntacticError)(nil); errors.As(err, &e) {
		offset, cause = int(e.ByteOffset), e.Err
		if hint := advice(p.input[min(offset, len(p.input)):]); hint != "" {
			cause = fmt.Errorf("%w: %s", cause, hint)
		}
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		offset, cause = len(p.input), errors.New("the document ends too early")
	}
	if errors.Is(cause, jsontext.ErrDuplicateName) {
		cause = fmt.Errorf("member %s occurs twice", nameAt(p.input, offset))
	}
	return p.errorf(offset, "%v", cause)
}

// advice says what would be right where JSON is broken in a way that people and other languages often break it; "" for other ways.
func advice(rest []byte) string {
	switch r, _ := utf8.DecodeRune(rest); r {
	case '\ufeff':
		return "leave out the byte order mark"
	case '/', '#':
		return "JSON has no comments"
	case '\'', '‘', '’', '“', '”':
		return `text stands in double quotes (")`
	case ',':
		return "a comma stands only between two members or two items"
	case 'N', 'I', 'T', 'F', 'u':
		return "what is not in quotes is a number, true, false or null"
	}
	return ""
}

// nameAt is the quoted member name at or near the offset, for a message.
func nameAt(input []byte, offset int) string {
	rest := input[min(offset, len(input)):]
	if len(rest) > 0 && rest[0] == '"' {
		if end := bytes.IndexByte(rest[1:], '"'); end >= 0 && end < 64 {
			return string(rest[:end+2])
		}
	}
	return "name"
}

func (p *parser) errorf(offset int, format string, args ...any) error {
	line, column := position(p.input, offset)
	return Errorf(Invalid, CodeStructure, "JSON, line %d, column %d: %s", line, column, fmt.Sprintf(format, args...))
}

// position is the line and column (in characters, both from 1) of a byte offset.
func position(input []byte, offset int) (line, column int) {
	before := input[:min(max(offset, 0), len(input))]
	line = 1 + bytes.Count(before, []byte("\n"))
	return line, 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
}
