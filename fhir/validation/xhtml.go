package validation

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"fhirside/fhir"
)

// narrative checks a Narrative.div (narrative.html): one well-formed div in the XHTML namespace with some content, made of
// formatting elements and attributes only. Other people's browsers will show it.
func (c *checker) narrative(e fhir.Element) {
	text := unquoted(e.Raw())
	if bytes.IndexByte(text, '\\') >= 0 {
		c.text, _ = jsontext.AppendUnquote(c.text[:0], e.Raw())
		text = c.text
	}
	if f := c.xhtml.check(text); f != nil {
		c.report(f.code, "%s", f.text)
	}
}

const xhtmlNamespace = "http://www.w3.org/1999/xhtml"

// xhtml is a strict scanner of a fragment of XHTML. It allocates nothing for one without faults.
type xhtml struct {
	text    []byte
	at      int
	open    [][]byte // names of the elements that are open
	names   [][]byte // of the attributes of the tag that is read
	value   []byte   // of the attribute that is read, decoded
	content bool     // there is text or an image
}

// forget drops what it holds of the text.
func (x *xhtml) forget() {
	clear(x.open[:cap(x.open)])
	clear(x.names[:cap(x.names)])
	x.text, x.open, x.names, x.value = nil, x.open[:0], x.names[:0], x.value[:0]
}

type fault struct {
	code fhir.Code
	text string
}

func malformed(format string, args ...any) *fault {
	return &fault{fhir.CodeStructure, "the narrative is not well-formed XHTML: " + fmt.Sprintf(format, args...)}
}

func forbidden(format string, args ...any) *fault {
	return &fault{fhir.CodeInvariant, "the narrative holds " + fmt.Sprintf(format, args...) + " (txt-1)"}
}

func (x *xhtml) check(text []byte) *fault {
	x.text, x.at, x.open, x.content = bytes.Trim(text, " \t\r\n"), 0, x.open[:0], false
	if !bytes.HasPrefix(x.text, []byte("<div")) {
		return malformed("it begins with <div xmlns=\"%s\">", xhtmlNamespace)
	}
	for x.at < len(x.text) {
		var f *fault
		if x.text[x.at] == '<' {
			f = x.markup()
		} else {
			f = x.characters()
		}
		if f != nil {
			return f
		}
		if len(x.open) == 0 {
			break
		}
	}
	switch {
	case len(x.open) > 0:
		return malformed("<%s> is not closed", clip(string(x.open[len(x.open)-1])))
	case x.at < len(x.text):
		return malformed("there is something behind the </div> that ends it")
	case !x.content:
		return &fault{fhir.CodeInvariant, "the narrative is blank: it must have text or an image (txt-2)"}
	}
	return nil
}

// characters reads text up to the next tag.
func (x *xhtml) characters() *fault {
	for x.at < len(x.text) {
		switch b := x.text[x.at]; {
		case b == '<':
			return nil
		case b == '&':
			if _, f := x.entity(); f != nil {
				return f
			}
			x.content = true
			continue
		case x.illegal():
			return malformed("it has a character that XML cannot hold")
		case b == ']' && bytes.HasPrefix(x.text[x.at:], []byte("]]>")):
			return malformed("write ]]&gt; for ]]>")
		case b > ' ':
			x.content = true
		}
		x.at++
	}
	return nil
}

// illegal says whether a character that XML does not allow begins here: a control character, U+FFFE or U+FFFF.
func (x *xhtml) illegal() bool {
	b := x.text[x.at]
	if b >= ' ' {
		return b == 0xef && x.at+2 < len(x.text) && x.text[x.at+1] == 0xbf && x.text[x.at+2] >= 0xbe
	}
	return b != '\t' && b != '\n' && b != '\r'
}

// entity reads a reference to a character.
func (x *xhtml) entity() (rune, *fault) {
	end := bytes.IndexByte(x.text[x.at:min(len(x.text), x.at+16)], ';')
	if end < 0 {
		return 0, malformed("write &amp; for &")
	}
	name := x.text[x.at+1 : x.at+end]
	x.at += end + 1
	switch string(name) {
	case "amp":
		return '&', nil
	case "lt":
		return '<', nil
	case "gt":
		return '>', nil
	case "quot":
		return '"', nil
	case "apos":
		return '\'', nil
	}
	if len(name) == 0 || name[0] != '#' {
		return 0, malformed("it has the entity &%s; but XML knows only amp, lt, gt, quot and apos: write the character itself, or &#160; for a no-break space", clip(string(name)))
	}
	digits, base := name[1:], 10
	if len(digits) > 0 && digits[0] == 'x' {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(viewOf(digits), base, 32)
	if err != nil || n > 0x10ffff || n < ' ' && n != '\t' && n != '\n' && n != '\r' || n >= 0xd800 && n < 0xe000 || n&0xfffe == 0xfffe {
		return 0, malformed("&%s; is no character", clip(string(name)))
	}
	return rune(n), nil
}

// markup reads a tag or a comment.
func (x *xhtml) markup() *fault {
	rest := x.text[x.at:]
	switch {
	case bytes.HasPrefix(rest, []byte("<!--")):
		end := bytes.Index(rest[4:], []byte("--"))
		if end < 0 || !bytes.HasPrefix(rest[4+end:], []byte("-->")) || end > 0 && rest[4] == '>' {
			return malformed("a comment ends with --> and has no -- inside")
		}
		x.at += 4 + end + 3
		return nil
	case bytes.HasPrefix(rest, []byte("<!")), bytes.HasPrefix(rest, []byte("<?")):
		return forbidden("a CDATA section, declaration or processing instruction: write text with &lt; and &amp;")
	case bytes.HasPrefix(rest, []byte("</")):
		return x.endTag()
	}
	return x.startTag()
}

func (x *xhtml) endTag() *fault {
	x.at += 2
	name := x.name()
	x.space()
	if x.at >= len(x.text) || x.text[x.at] != '>' {
		return malformed("the tag </%s is not ended by >", clip(string(name)))
	}
	x.at++
	top := len(x.open) - 1
	if top < 0 || !bytes.Equal(x.open[top], name) {
		return malformed("</%s> does not close the element that is open", clip(string(name)))
	}
	x.open = x.open[:top]
	return nil
}

func (x *xhtml) startTag() *fault {
	x.at++
	name := x.name()
	if len(name) == 0 {
		return malformed("write &lt; for <")
	}
	if !xhtmlElements[string(name)] {
		return forbidden("the element <%s>, which is none for formatting", clip(string(name)))
	}
	root := len(x.open) == 0
	namespace, image := false, false
	x.names = x.names[:0]
	for {
		spaced := x.space()
		if x.at >= len(x.text) {
			return malformed("the tag <%s is not ended by >", name)
		}
		switch x.text[x.at] {
		case '>':
			x.at++
			x.open = append(x.open, name)
			return x.started(root, namespace, image)
		case '/':
			if x.at+1 >= len(x.text) || x.text[x.at+1] != '>' {
				return malformed("the tag <%s is not ended by />", name)
			}
			x.at += 2
			return x.started(root, namespace, image)
		}
		if !spaced {
			return malformed("there is no space before an attribute of <%s>", name)
		}
		attribute, f := x.attribute()
		if f != nil {
			return f
		}
		namespace = namespace || string(attribute) == "xmlns"
		image = image || string(name) == "img" && string(attribute) == "src"
	}
}

// started judges a start tag that has been read.
func (x *xhtml) started(root, namespace, image bool) *fault {
	x.content = x.content || image
	if root && !namespace {
		return malformed("the div lacks xmlns=\"%s\"", xhtmlNamespace)
	}
	return nil
}

// attribute reads an attribute and judges it.
func (x *xhtml) attribute() (name []byte, f *fault) {
	name = x.name()
	if len(name) == 0 {
		return nil, malformed("an attribute has a name of letters")
	}
	for _, other := range x.names {
		if bytes.Equal(other, name) {
			return nil, malformed("the attribute %s occurs twice in a tag", clip(string(name)))
		}
	}
	const most = 64
	if x.names = append(x.names, name); len(x.names) > most {
		return nil, malformed("a tag has more than %d attributes", most)
	}
	if f := x.attributeValue(name); f != nil {
		return nil, f
	}
	return name, x.judge(name)
}

// attributeValue reads = and the quoted value, decoded, into x.value.
func (x *xhtml) attributeValue(name []byte) *fault {
	x.space()
	if x.at >= len(x.text) || x.text[x.at] != '=' {
		return malformed("the attribute %s has no value", clip(string(name)))
	}
	x.at++
	x.space()
	if x.at >= len(x.text) || x.text[x.at] != '"' && x.text[x.at] != '\'' {
		return malformed("the value of the attribute %s is not in quotes", clip(string(name)))
	}
	quote := x.text[x.at]
	x.at++
	x.value = x.value[:0]
	for x.at < len(x.text) {
		switch b := x.text[x.at]; {
		case b == quote:
			x.at++
			return nil
		case b == '<':
			return malformed("write &lt; for < in the attribute %s", clip(string(name)))
		case b == '&':
			r, f := x.entity()
			if f != nil {
				return f
			}
			x.value = append(x.value, string(r)...)
			continue
		case x.illegal():
			return malformed("it has a character that XML cannot hold")
		default:
			x.value = append(x.value, b)
		}
		x.at++
	}
	return malformed("the value of the attribute %s does not end", clip(string(name)))
}

// judge says what is wrong with an attribute; x.value is its value.
func (x *xhtml) judge(name []byte) *fault {
	switch {
	case string(name) == "xmlns":
		if string(x.value) != xhtmlNamespace {
			return malformed("xmlns is %q and must be %q", clip(string(x.value)), xhtmlNamespace)
		}
	case !xhtmlAttributes[string(name)]:
		return forbidden("the attribute %s, which is none for formatting", clip(string(name)))
	case string(name) == "href", string(name) == "src", string(name) == "cite", string(name) == "longdesc":
		if scheme := activeScheme(x.value, string(name) == "src"); scheme != "" {
			return forbidden("a %s: URL in the attribute %s", scheme, name)
		}
	case string(name) == "style":
		if word := activeStyle(x.value); word != "" {
			return forbidden("a style with %q", word)
		}
	}
	return nil
}

// activeScheme is the scheme of a URL that could run something; images may be data.
func activeScheme(url []byte, image bool) string {
	end := bytes.IndexAny(url, ":/?#")
	if end < 0 || url[end] != ':' {
		return ""
	}
	scheme := url[:end]
	for _, active := range [...]string{"javascript", "vbscript", "livescript", "mocha", "blob", "data"} {
		if !equalIgnoringSpace(scheme, active) {
			continue
		}
		if active == "data" && image && bytes.HasPrefix(bytes.TrimLeft(url[end+1:], " "), []byte("image/")) {
			return "" // in an img not even SVG runs scripts
		}
		return active
	}
	return ""
}

// equalIgnoringSpace compares as browsers do: they drop white space and control characters, and know no case.
func equalIgnoringSpace(text []byte, word string) bool {
	for _, b := range text {
		if b <= ' ' {
			continue
		}
		if word == "" || b|0x20 != word[0] {
			return false
		}
		word = word[1:]
	}
	return word == ""
}

// activeStyle is what in a style could run something or fetch another stylesheet.
func activeStyle(style []byte) string {
	for _, word := range [...]string{"expression(", "javascript:", "vbscript:", "behavior:", "-moz-binding", "@import", "\\"} {
		if containsFold(style, word) {
			return word
		}
	}
	return ""
}

func containsFold(text []byte, word string) bool {
	for i := 0; i+len(word) <= len(text); i++ {
		if strings.EqualFold(viewOf(text[i:i+len(word)]), word) {
			return true
		}
	}
	return false
}

// name reads a name of XML as far as XHTML has such.
func (x *xhtml) name() []byte {
	start := x.at
	for x.at < len(x.text) {
		c := x.text[x.at]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c == ':' || c >= 0x80
		if !letter && (x.at == start || (c < '0' || c > '9') && c != '-' && c != '.') {
			break
		}
		x.at++
	}
	return x.text[start:x.at]
}

// space skips white space and says whether there was any.
func (x *xhtml) space() bool {
	start := x.at
	for x.at < len(x.text) && (x.text[x.at] == ' ' || x.text[x.at] == '\n' || x.text[x.at] == '\t' || x.text[x.at] == '\r') {
		x.at++
	}
	return x.at > start
}

// The elements and attributes that txt-1 lists, and those of the same chapters of HTML 4 that it forgets and that tools use:
// address, area, bdo, kbd, map; usemap, xml:lang and xml:space.
var (
	xhtmlElements = words(`a abbr acronym address area b bdo big blockquote br caption cite code col colgroup dd dfn div dl dt em
		h1 h2 h3 h4 h5 h6 hr i img kbd li map ol p pre q samp small span strong sub sup table tbody td tfoot th thead tr tt ul var`)
	xhtmlAttributes = words(`abbr accesskey align alt axis bgcolor border cellhalign cellpadding cellspacing cellvalign char charoff
		charset cite class colspan compact coords dir frame headers height href hreflang hspace id lang longdesc name nowrap rel rev
		rowspan rules scope shape span src start style summary tabindex title type usemap valign value vspace width xml:lang xml:space`)
)

func words(text string) map[string]bool {
	set := map[string]bool{}
	for _, word := range strings.Fields(text) {
		set[word] = true
	}
	return set
}
