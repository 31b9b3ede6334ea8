package mongo

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"fhirside/search"
	"fhirside/search/index"
)

// Terms are the strings of a document's index.t, by which searches find it. A term begins with the parameter's code and a mark
// that says what follows; marks sort before everything that codes of parameters are made of, so that a parameter's terms are
// neighbours, and of those that show that the parameter has a value (from hasValue to tokenExact) each entry has about one.
const (
	tokenSystem  = '!'  // category!http://…            a token's system; "category!" is a token without one
	textExact    = '"'  // family"Müller                a text as it is
	orderedValue = '#'  // birthdate#d8005a3e3c2c18000  a number or the beginning of an interval; see ordered
	tuple        = '$'  // see tupleTerm
	uriIs        = '%'  // url%http://…
	refersTo     = '&'  // subject&Patient/123; subject&http://… for what is not on this server
	tokenExact   = '\'' // code'http://loinc.org|8480-6 system and code, where the system respects case
	tokenFolded  = '('  // …                            and where it does not, or is not known to
	codeExact    = ')'  // code)8480-6                  the code alone
	codeFolded   = '*'  // …
	textBegins   = '+'  // family+mül                   the first letters of a folded text
	further      = ','  // subject,Patient/123|2        a version; birthdate,… the end of an interval

	hasValue = tokenSystem // the first of the marks that show a value
	noValue  = tokenExact  // the first that does not
	afterAll = '-'         // the first byte that belongs to another parameter's code
)

// everyTerm is in every document.
const everyTerm = ""

// maxTerm bounds the length of a term in bytes; a longer one ends in a hash of all of it.
const maxTerm = 400

func shorten(term string) string {
	if len(term) <= maxTerm {
		return term
	}
	cut := maxTerm - 33
	for !utf8.RuneStart(term[cut]) {
		cut--
	}
	sum := sha256.Sum256([]byte(term))
	return term[:cut] + "\x00" + hex.EncodeToString(sum[:16])
}

func term(param string, mark byte, value string) string {
	return shorten(param + string(rune(mark)) + value)
}

// escapeSystem keeps the bar that ends a system unique.
func escapeSystem(system string) string {
	if !strings.ContainsAny(system, "|%") {
		return system
	}
	return strings.ReplaceAll(strings.ReplaceAll(system, "%", "%25"), "|", "%7C")
}

func tokenTerm(param, system, code string, fold bool) string {
	mark := byte(tokenExact)
	if fold {
		mark = tokenFolded
	}
	return term(param, mark, escapeSystem(system)+"|"+code)
}

func codeTerm(param, code string, fold bool) string {
	if fold {
		return term(param, codeFolded, code)
	}
	return term(param, codeExact, code)
}

// targetOf is what a reference names, as a sort compares it too.
func targetOf(resourceType, id, url string) string {
	if resourceType != "" {
		return resourceType + "/" + id
	}
	return url
}

// begins are the lengths, in letters, of the beginnings of texts that are terms.
var begins = []int{1, 2, 3, 4, 6, 8}

// beginning is the longest of a text's beginnings that is a term; whole says that it is the text itself.
func beginning(text string) (begin string, whole bool) {
	letters, longest := 0, 0
	at := 0
	for i := range text {
		if at < len(begins) && letters == begins[at] {
			longest = i
			at++
		}
		letters++
	}
	if at < len(begins) && letters == begins[at] {
		return text, true
	}
	return text[:longest], false
}

// ordered writes an integer so that strings compare as the integers do.
func ordered(n int64) string {
	return hexadecimal(uint64(n) ^ 1<<63)
}

// orderedFloat does the same for doubles; -0 is 0.
func orderedFloat(f float64) string {
	bits := math.Float64bits(f + 0)
	if bits>>63 == 1 {
		return hexadecimal(^bits)
	}
	return hexadecimal(bits | 1<<63)
}

func hexadecimal(u uint64) string {
	const digits = "0123456789abcdef"
	var b [16]byte
	for i := range b {
		b[i] = digits[u>>(60-4*i)&15]
	}
	return string(b[:])
}

// Classes of ordered values, the letter behind the mark. A point is the only value of its parameter and, for a date, at most a
// day wide: several conditions on it bound one range. Anything else is wide: its beginning and its end are terms of their own, and
// each condition bounds one of them.
const (
	point = 'p'
	wide  = 'w'
)

func orderedTerm(param string, mark, class byte, value string) string {
	return param + string([]byte{mark, class}) + value
}

// terms are those of a resource.
type terms []string

func (t *terms) add(term string) { *t = append(*t, term) }

// termsOf are the terms of a resource, each once and in order.
func termsOf(v index.Values, o order) []string {
	ordering := ""
	if o.kind == search.TypeDate {
		ordering = o.param
	}
	t := terms{everyTerm}
	t.entries(v, ordering)
	slices.Sort(t)
	return slices.Compact(t)
}

// entries adds the terms of a resource, or of a component of a tuple (whose parameters are ""). A date that orders its type has
// none but where it is wide: index.key finds it.
func (t *terms) entries(v index.Values, ordering string) {
	for _, e := range v.Tokens {
		t.add(term(e.Param, tokenSystem, e.System))
		t.add(tokenTerm(e.Param, e.System, e.Code, e.Fold))
		t.add(codeTerm(e.Param, e.Code, e.Fold))
	}
	for _, e := range v.Strings {
		t.text(e)
	}
	for _, e := range v.References {
		target := targetOf(e.Type, e.ID, e.URL)
		t.add(term(e.Param, refersTo, target))
		if e.Version != "" {
			t.add(term(e.Param, further, target+"|"+e.Version))
		}
	}
	for _, e := range v.URIs {
		t.add(term(e.Param, uriIs, e.Value))
	}
	t.dates(v.Dates, ordering)
	t.numbers(v.Numbers)
	t.quantities(v.Quantities)
	for _, e := range v.Composites {
		t.tuple(e)
	}
}

func (t *terms) text(e index.String) {
	if !e.Part {
		t.add(term(e.Param, textExact, e.Text))
	}
	letters, at := 0, 0
	for i := range e.Folded {
		if at == len(begins) {
			return
		}
		if letters == begins[at] {
			t.add(term(e.Param, textBegins, e.Folded[:i]))
			at++
		}
		letters++
	}
	if at < len(begins) && letters == begins[at] {
		t.add(term(e.Param, textBegins, e.Folded))
	}
}

func (t *terms) dates(list []index.Date, ordering string) {
	several := repeated(list, func(e index.Date) string { return e.Param })
	for _, e := range list {
		switch narrow := isNarrow(e) && !several[e.Param]; {
		case narrow && e.Param == ordering && ordering != "":
		case narrow:
			t.add(orderedTerm(e.Param, orderedValue, point, ordered(e.Lo)))
		default:
			t.add(orderedTerm(e.Param, orderedValue, wide, ordered(e.Lo)))
			t.add(orderedTerm(e.Param, further, wide, ordered(e.Hi)))
		}
	}
}

// repeated are the parameters with more than one entry.
func repeated[E any](list []E, param func(E) string) map[string]bool {
	if len(list) < 2 {
		return nil
	}
	several := make(map[string]bool, len(list))
	for _, e := range list {
		_, seen := several[param(e)]
		several[param(e)] = seen
	}
	return several
}

func (t *terms) numbers(list []index.Number) {
	several := repeated(list, func(e index.Number) string { return e.Param })
	for _, e := range list {
		t.number(e, several[e.Param])
	}
}

func (t *terms) quantities(list []index.Quantity) {
	several := repeated(list, func(e index.Quantity) string { return e.Param })
	for _, e := range list {
		t.number(e.Number, several[e.Param])
	}
}

func (t *terms) number(e index.Number, several bool) {
	if !several && e.Lo == e.Hi {
		t.add(orderedTerm(e.Param, orderedValue, point, orderedFloat(e.Lo)))
		return
	}
	t.add(orderedTerm(e.Param, orderedValue, wide, orderedFloat(e.Lo)))
	t.add(orderedTerm(e.Param, further, wide, orderedFloat(e.Hi)))
}

// tuple adds the terms of a composite's tuple. They tie its first component that has tokens to the one behind it:
//
//	code-value-quantity$0'http://loinc.org|8480-6␀p<number>
//
// "0" is the component of the tokens. Behind the NUL stands what the next component is: an ordered value (p), a token's own term
// (t), or nothing that a range could bound (x). A tuple without tokens has one term, with nothing behind the mark.
func (t *terms) tuple(e index.Composite) {
	for i, anchor := range e.Components {
		if len(anchor.Tokens) == 0 {
			continue
		}
		rests := []string{tupleOther}
		if i+1 < len(e.Components) {
			rests = tupleRests(e.Components[i+1])
		}
		for _, token := range anchor.Tokens {
			for _, rest := range rests {
				t.add(tupleTerm(e.Param, i, tokenTerm("", token.System, token.Code, token.Fold), rest))
				t.add(tupleTerm(e.Param, i, codeTerm("", token.Code, token.Fold), rest))
			}
		}
		return
	}
	t.add(term(e.Param, tuple, ""))
}

const (
	tupleOther = "x"
	tupleToken = "t"
	tuplePoint = "p"
)

func tupleTerm(param string, component int, token, rest string) string {
	return tupleBegin(param, component, token) + rest
}

// tupleBegin is what a tuple's terms with this token begin with.
func tupleBegin(param string, component int, token string) string {
	return term(param, tuple, arrayKey(component)+token) + "\x00"
}

// tupleRests are the ends of a tuple's terms for a component: those of its tokens, or the one ordered value it has.
func tupleRests(v index.Values) (rests []string) {
	for _, token := range v.Tokens {
		rests = append(rests, tupleToken+tokenTerm("", token.System, token.Code, token.Fold), tupleToken+codeTerm("", token.Code, token.Fold))
	}
	if len(rests) > 0 {
		return rests
	}
	switch {
	case len(v.Quantities) == 1 && len(v.Numbers)+len(v.Dates) == 0 && v.Quantities[0].Lo == v.Quantities[0].Hi:
		return []string{tuplePoint + orderedFloat(v.Quantities[0].Lo)}
	case len(v.Numbers) == 1 && len(v.Quantities)+len(v.Dates) == 0 && v.Numbers[0].Lo == v.Numbers[0].Hi:
		return []string{tuplePoint + orderedFloat(v.Numbers[0].Lo)}
	case len(v.Dates) == 1 && len(v.Quantities)+len(v.Numbers) == 0 && isNarrow(v.Dates[0]):
		return []string{tuplePoint + ordered(v.Dates[0].Lo)}
	}
	return []string{tupleOther}
}
