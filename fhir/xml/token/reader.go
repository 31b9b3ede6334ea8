package token

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"fhirside/fhir"
)

// Kind of a Token.
type Kind uint8

const (
	Start   Kind = iota + 1 // a start tag; an empty-element tag is a Start and an End
	End                     // an end tag
	Text                    // characters inside the root element
	Comment                 // a comment, wherever it is
	Done                    // the document has ended
)

// Name is a name in a namespace; Space is "" where it is in none.
type Name struct{ Space, Local string }

// Attr is an attribute, without those that declare namespaces.
type Attr struct {
	Name
	Prefix string // as it was written
	Value  string // never with literal tabs and line ends, which XML reads as spaces: those that are there were written as &#9; …
}

// Declaration is an attribute that declares a namespace: xmlns="…" (Prefix is "") or xmlns:prefix="…".
type Declaration struct{ Prefix, Space string }

// Token is a piece of a document.
type Token struct {
	Kind     Kind
	Name     Name          // of a Start or End
	Prefix   string        // of the Name, as it was written
	Attrs    []Attr        // of a Start
	Declared []Declaration // of a Start
	Text     []byte        // of a Text or Comment, entities resolved
	From, To int           // its place in the document in bytes; the End of an empty-element tag takes none
}

// Attr is the value of an attribute that is in no namespace.
func (t *Token) Attr(local string) (value string, ok bool) {
	for i := range t.Attrs {
		if t.Attrs[i].Space == "" && t.Attrs[i].Local == local {
			return t.Attrs[i].Value, true
		}
	}
	return "", false
}

// Reader reads the tokens of one document.
type Reader struct {
	data   []byte
	dec    *xml.Decoder
	token  Token
	open   []tag
	bound  []binding
	rooted bool // there was a root element
}

type tag struct{ prefix, local string }

// binding is a prefix with its namespace, while the element at that depth is open.
type binding struct {
	Declaration
	depth int
}

const xmlNamespace = "http://www.w3.org/XML/1998/namespace"

var byteOrderMark = []byte("\ufeff")

// NewReader reads a document from its beginning. Tokens keep no part of it.
func NewReader(data []byte) *Reader {
	data = bytes.TrimPrefix(data, byteOrderMark)
	r := &Reader{data: data, dec: xml.NewDecoder(bytes.NewReader(data))}
	r.dec.CharsetReader = func(charset string, _ io.Reader) (io.Reader, error) { return nil, charsetError(charset) }
	return r
}

// charsetError is a declared encoding that is not UTF-8.
type charsetError string

func (e charsetError) Error() string {
	return fmt.Sprintf("the encoding is %q: FHIR is exchanged in UTF-8 only", clip(string(e)))
}

// Next is the next token. It is good until the next call. The error is an *fhir.Error of reason Invalid with line and column.
func (r *Reader) Next() (*Token, error) {
	for {
		from := int(r.dec.InputOffset())
		if from == 0 {
			if err := r.checkUTF8(); err != nil {
				return nil, err
			}
		}
		raw, err := r.dec.RawToken()
		if err != nil {
			return r.end(err)
		}
		r.token = Token{From: from, To: int(r.dec.InputOffset()), Attrs: r.token.Attrs[:0], Declared: r.token.Declared[:0]}
		if err := r.checkReferences(raw); err != nil {
			return nil, err
		}
		switch t := raw.(type) {
		case xml.StartElement:
			return r.start(t)
		case xml.EndElement:
			return r.close(t)
		case xml.Comment:
			r.token.Kind, r.token.Text = Comment, t
			return &r.token, nil
		case xml.CharData:
			if len(r.open) > 0 {
				r.token.Kind, r.token.Text = Text, t
				return &r.token, nil
			}
			if !Blank(t) {
				return nil, r.Errorf(from, "there is text outside the root element")
			}
		case xml.ProcInst:
			if strings.EqualFold(t.Target, "xml") && from > 0 {
				return nil, r.Errorf(from, "the XML declaration stands at the very beginning or nowhere")
			}
		case xml.Directive:
			return nil, r.Errorf(from, "document types and entities are not allowed in FHIR")
		}
	}
}

// checkReferences refuses references to surrogates, which are no characters. encoding/xml takes them for U+FFFD.
func (r *Reader) checkReferences(t xml.Token) error {
	text := r.data[r.token.From:r.token.To]
	switch t.(type) {
	case xml.StartElement:
	case xml.CharData:
		if bytes.HasPrefix(text, []byte("<![CDATA[")) {
			return nil
		}
	default:
		return nil
	}
	for {
		at := bytes.Index(text, []byte("&#"))
		if at < 0 {
			return nil
		}
		text = text[at+len("&#"):]
		digits, base := text[:max(bytes.IndexByte(text, ';'), 0)], 10
		if bytes.HasPrefix(digits, []byte("x")) {
			digits, base = digits[1:], 16
		}
		if n, err := strconv.ParseUint(string(digits), base, 32); err == nil && utf16.IsSurrogate(rune(n)) {
			return r.Errorf(r.token.From, "illegal character code U+%04X", n)
		}
	}
}

func (r *Reader) checkUTF8() error {
	if utf8.Valid(r.data) {
		return nil
	}
	at := 0
	for {
		c, size := utf8.DecodeRune(r.data[at:])
		if c == utf8.RuneError && size <= 1 {
			return r.Errorf(at, "the text is not UTF-8")
		}
		at += size
	}
}

// end is what to say where no token could be read.
func (r *Reader) end(err error) (*Token, error) {
	offset := int(r.dec.InputOffset())
	var syntax *xml.SyntaxError
	var charset charsetError
	switch {
	case errors.Is(err, io.EOF) && len(r.open) > 0:
		return nil, r.Errorf(offset, "the document ends before </%s>", r.open[len(r.open)-1])
	case errors.Is(err, io.EOF) && !r.rooted:
		return nil, r.Errorf(offset, "there is no element")
	case errors.Is(err, io.EOF):
		r.token = Token{Kind: Done, From: offset, To: offset}
		return &r.token, nil
	case errors.As(err, &charset):
		return nil, r.Errorf(offset, "%s", charset)
	case errors.As(err, &syntax):
		return nil, r.Errorf(offset, "%s", clip(syntax.Msg))
	}
	return nil, r.Errorf(offset, "%s", clip(strings.TrimPrefix(err.Error(), "xml: ")))
}

func (t tag) String() string {
	if t.prefix == "" {
		return clip(t.local)
	}
	return clip(t.prefix + ":" + t.local)
}

func (r *Reader) start(t xml.StartElement) (*Token, error) {
	if len(r.open) == 0 && r.rooted {
		return nil, r.Errorf(r.token.From, "<%s> stands behind the root element: there is one only", tag{t.Name.Space, t.Name.Local})
	}
	r.rooted = true
	r.open = append(r.open, tag{t.Name.Space, t.Name.Local})
	for i := range t.Attr {
		if err := r.declare(&t.Attr[i]); err != nil {
			return nil, err
		}
	}
	r.token.Kind, r.token.Prefix = Start, t.Name.Space
	var err error
	if r.token.Name, err = r.resolve(t.Name, true); err != nil {
		return nil, err
	}
	for i, a := range t.Attr {
		if err := r.attribute(i, a); err != nil {
			return nil, err
		}
	}
	return &r.token, nil
}

// declare keeps a declaration of a namespace.
func (r *Reader) declare(a *xml.Attr) error {
	d := Declaration{Prefix: a.Name.Local, Space: a.Value}
	switch {
	case a.Name.Space == "" && a.Name.Local == "xmlns":
		d.Prefix = ""
	case a.Name.Space != "xmlns":
		return nil
	case d.Space == "" || d.Prefix == "xmlns" || (d.Prefix == "xml") != (d.Space == xmlNamespace):
		return r.Errorf(r.token.From, "the namespace prefix %s cannot be declared so", clip(d.Prefix))
	}
	if slices.ContainsFunc(r.token.Declared, func(o Declaration) bool { return o.Prefix == d.Prefix }) {
		return r.Errorf(r.token.From, "a namespace is declared twice in a tag")
	}
	r.token.Declared = append(r.token.Declared, d)
	r.bound = append(r.bound, binding{d, len(r.open)})
	return nil
}

// resolve finds a name's namespace. Attributes without a prefix are in none.
func (r *Reader) resolve(name xml.Name, element bool) (Name, error) {
	switch {
	case name.Space == "" && !element:
		return Name{"", name.Local}, nil
	case name.Space == "xml":
		return Name{xmlNamespace, name.Local}, nil
	case strings.Contains(name.Local, ":"):
		return Name{}, r.Errorf(r.token.From, "%q is no name", clip(name.Local))
	}
	for i := len(r.bound) - 1; i >= 0; i-- {
		if r.bound[i].Prefix == name.Space {
			return Name{r.bound[i].Space, name.Local}, nil
		}
	}
	if name.Space == "" {
		return Name{"", name.Local}, nil
	}
	return Name{}, r.Errorf(r.token.From, "the namespace prefix %s is not declared", clip(name.Space))
}

// attribute keeps an attribute, which is the tag's i-th.
func (r *Reader) attribute(i int, a xml.Attr) error {
	if a.Name.Space == "xmlns" || a.Name.Space == "" && a.Name.Local == "xmlns" {
		return nil
	}
	name, err := r.resolve(a.Name, false)
	if err != nil {
		return err
	}
	for j := range r.token.Attrs {
		if r.token.Attrs[j].Name == name {
			return r.Errorf(r.token.From, "the attribute %s occurs twice in a tag", tag{a.Name.Space, a.Name.Local})
		}
	}
	value := a.Value
	if strings.ContainsAny(value, "\t\n\r") {
		value = normalised(r.data[r.token.From:r.token.To], i)
	}
	r.token.Attrs = append(r.token.Attrs, Attr{name, a.Name.Space, value})
	return nil
}

// normalised is the value of a tag's i-th attribute, read from its text: a space for each tab and line end that was not
// written as a character reference.
func normalised(tag []byte, i int) string {
	var quoted []byte
	for ; i >= 0; i-- {
		from := bytes.IndexAny(tag, `"'`)
		to := from + 2 + bytes.IndexByte(tag[from+1:], tag[from])
		quoted, tag = tag[from:to], tag[to:]
	}
	spaced := strings.NewReplacer("\r\n", " ", "\r", " ", "\n", " ", "\t", " ").Replace(string(quoted))
	t, err := xml.NewDecoder(strings.NewReader("<a v=" + spaced + "/>")).RawToken()
	if e, ok := t.(xml.StartElement); ok && err == nil {
		return e.Attr[0].Value
	}
	return "" // not reached: the text was read before
}

func (r *Reader) close(t xml.EndElement) (*Token, error) {
	top := len(r.open) - 1
	switch {
	case top < 0:
		return nil, r.Errorf(r.token.From, "</%s> closes nothing", tag{t.Name.Space, t.Name.Local})
	case r.open[top] != tag{t.Name.Space, t.Name.Local}:
		return nil, r.Errorf(r.token.From, "</%s> stands where </%s> is due", tag{t.Name.Space, t.Name.Local}, r.open[top])
	}
	r.token.Kind, r.token.Prefix = End, t.Name.Space
	var err error
	if r.token.Name, err = r.resolve(t.Name, true); err != nil {
		return nil, err
	}
	for n := len(r.bound); n > 0 && r.bound[n-1].depth > top; n-- {
		r.bound = r.bound[:n-1]
	}
	r.open = r.open[:top]
	return &r.token, nil
}

// Lookup is the namespace that a prefix stands for where the reader is; "" is the default namespace.
func (r *Reader) Lookup(prefix string) (space string, ok bool) {
	for i := len(r.bound) - 1; i >= 0; i-- {
		if r.bound[i].Prefix == prefix {
			return r.bound[i].Space, true
		}
	}
	return "", false
}

// Errorf is a refusal of what stands at that offset.
func (r *Reader) Errorf(offset int, format string, args ...any) *fhir.Error {
	before := r.data[:min(max(offset, 0), len(r.data))]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
	return fhir.Errorf(fhir.Invalid, fhir.CodeStructure, "XML, line %d, column %d: %s", line, column, fmt.Sprintf(format, args...))
}

// Data is the document's text.
func (r *Reader) Data() []byte { return r.data }

// Blank says whether there is nothing but white space.
func Blank(text []byte) bool { return len(bytes.TrimLeft(text, " \t\r\n")) == 0 }

// clip keeps messages short.
func clip(text string) string {
	const limit = 80
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "…"
}

// Written is the attribute's name as it was written.
func (a *Attr) Written() string {
	if a.Prefix == "" {
		return a.Local
	}
	return a.Prefix + ":" + a.Local
}
