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
// that says what follows. Marks sort before everything that codes of parameters are made of, so that a parameter's terms are
// neighbours; those in front (from hasValue to noValue) are there for each of its values.
const (
	textWord     = ' ' // family mülle                 the first 8 letters of a folded text, or of a word in it
	orderedValue = '#' // birthdate#p8005a3e3c2c18000  a number or the beginning of an interval; see ordered
	tuple        = '$' // see tupleTerm
	uriIs        = '%' // url%http://…
	refersTo     = '&' // subject&Patient/123; subject&http://… for what is not on this server
	codeExact    = '(' // code(8480-6                  a code of a system that respects case
	codeFolded   = ')' // …                            and of one that does not, or is not known to
	textBegins   = '+' // family+mü                    fewer letters, of names
	further      = ',' // subject,Patient/123|2        a version; birthdate,… the end of an interval; see also nameTerm

	hasValue = textWord
	noValue  = textBegins
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

func codeMark(fold bool) byte {
	if fold {
		return codeFolded
	}
	return codeExact
}

// codeTerm finds a token by its code alone: codes of several systems are seldom the same.
func codeTerm(param, code string, fold bool) string { return term(param, codeMark(fold), code) }

// wholeToken is a token with its system, as index.k has it: "code)http://loinc.org|8480-6".
func wholeToken(param, system, code string, fold bool) string {
	return term(param, codeMark(fold), escapeSystem(system)+"|"+code)
}

// wholeTokens are the tokens of a resource, or of a component of a tuple.
func wholeTokens(tokens []index.Token) (list []string) {
	for _, e := range tokens {
		list = append(list, wholeToken(e.Param, e.System, e.Code, e.Fold))
	}
	return list
}

// targetOf is what a reference names, as a sort compares it too.
func targetOf(resourceType, id, url string) string {
	if resourceType != "" {
		return resourceType + "/" + id
	}
	return url
}

// wordLetters is how many letters of a text are a term.
const wordLetters = 8

// nameBegins are the lengths of the shorter beginnings that are terms for names: with those an index gives the order, where a range
// of words has to be sorted.
var nameBegins = []int{1, 2, 3, 4, 6}

var isName = map[string]bool{"family": true, "given": true, "name": true}

// letters are the first n letters of a text; all says that there are no more.
func letters(text string, n int) (first string, all bool) {
	for i := range text {
		if n == 0 {
			return text[:i], false
		}
		n--
	}
	return text, true
}

func wordTerm(param, folded string) string {
	word, _ := letters(folded, wordLetters)
	return term(param, textWord, word)
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
//
// A quantity of a coded unit has, whether there are others or not, a term with its unit too: with its number where it is one, without
// where it is an interval. What a modifier reads has only that.
const (
	point      = 'p'
	wide       = 'w'
	unitPoint  = 'u'
	unitSpread = 'x'
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
		if e.URL != "" {
			t.add(nameTerm(e.Param, named{e.URL, search.FoldCode(e.Version)}))
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
	t.add(wordTerm(e.Param, e.Folded))
	if !isName[e.Param] {
		return
	}
	for _, n := range nameBegins {
		begin, all := letters(e.Folded, n)
		if all && utf8.RuneCountInString(begin) < n {
			return
		}
		t.add(term(e.Param, textBegins, begin))
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
		if e.Code == "" || !isModifiers(e.Param) {
			t.number(e.Number, several[e.Param])
		}
		switch {
		case e.Code == "":
		case e.Lo == e.Hi:
			t.add(unitBegin(e.Param, unitPoint, e.System, e.Code) + orderedFloat(e.Lo))
		default:
			t.add(unitBegin(e.Param, unitSpread, e.System, e.Code))
		}
	}
}

// beforeNumber ends what stands before a number or the next component's value in a term. It is no NUL: the stand-in for MongoDB
// reads an index to its end where a bound has one.
const beforeNumber = "\x01"

// unitBegin is what the terms of quantities with a unit begin with: value-quantity#uhttp://unitsofmeasure.org|mg␁<number>.
func unitBegin(param string, class byte, system, code string) string {
	return shorten(param+string([]byte{orderedValue, class})+escapeSystem(system)+"|"+code) + beforeNumber
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
//	code-value-quantity$0)8480-6␁p<number>
//
// "0" is the component of the tokens. Behind beforeNumber stands what the next component is: an ordered value (p), a token's own term
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
				t.add(tupleBegin(e.Param, i, codeTerm("", token.Code, token.Fold)) + rest)
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

// tupleBegin is what a tuple's terms with this token begin with.
func tupleBegin(param string, component int, token string) string {
	return term(param, tuple, arrayKey(component)+token) + beforeNumber
}

// tupleRests are the ends of a tuple's terms for a component: those of its tokens, or the one ordered value it has.
func tupleRests(v index.Values) (rests []string) {
	for _, token := range v.Tokens {
		rests = append(rests, tupleToken+codeTerm("", token.Code, token.Fold))
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
