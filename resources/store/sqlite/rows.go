package sqlite

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"fhirside/resources/store"
	"fhirside/search/index"
)

// rows are what a resource's index values become in the index tables, a row of a table each, sorted and without duplicates. They
// are a function of the values and the layout alone.
type rows struct {
	key      int64
	patient  int64 // identity of the one patient that the resource refers to; 0 where there are several or none
	terms    []termRow
	patients []patientRow
	dates    []dateRow
	numbers  []numberRow
	strings  []stringRow

	apart paramSet // token parameters whose entries are not those of their twin

	words []wordRow // these two are not removed with the resource
	spans []spanRow
}

type termRow struct{ term, key int64 }

type patientRow struct{ term, key, tokens int64 }

type dateRow struct{ param, lo, key, hi int64 }

type numberRow struct {
	param, key, unit int64
	lo, hi           float64
}

type stringRow struct {
	param int64
	value string
	key   int64
}

type wordRow struct {
	param int64
	word  string
}

type spanRow struct {
	param, width int64
	several      bool
}

// maxText is how much of a folded string is indexed, in bytes. A search for more than that also looks at the string itself.
const maxText = 128

// indexer makes rows.
type indexer struct {
	hasher
	layout Layout
}

// rows of a resource.
func (x indexer) rows(typ string, number int64, v index.Values) rows {
	v = inOrder(v)
	r := rows{
		key:   number,
		terms: make([]termRow, 0, len(v.Tokens)+len(v.References)+len(v.URIs)+2),
		words: make([]wordRow, 0, len(v.Tokens)+len(v.Quantities)+len(v.Strings)),
	}
	s := instant
	sortDate := x.layout.SortDates[typ]
	if sortDate != "" {
		var seconds int64
		seconds, s = dateKey(v.Dates, sortDate)
		r.key = makeKey(seconds, s, number)
	}
	r.term(x.sum(kindType, typ))
	tokens := x.tokens(&r, typ, v.Tokens)
	x.references(&r, typ, tokens, v.References)
	x.uris(&r, typ, v.URIs)
	x.dates(&r, typ, sortDate, s, v.Dates)
	x.numbers(&r, typ, v.Numbers)
	x.quantities(&r, typ, v.Quantities)
	x.strings(&r, typ, v)
	x.composites(&r, typ, v.Composites)

	r.sort()
	if len(r.patients) != 1 {
		r.patient = 0
	}
	return r
}

func (r *rows) sort() {
	r.terms = sorted(r.terms, termRow.compare)
	r.patients = sorted(r.patients, patientRow.compare)
	r.dates = sorted(r.dates, dateRow.compare)
	r.numbers = sorted(r.numbers, numberRow.compare)
	r.strings = sorted(r.strings, stringRow.compare)
}

func (r *rows) term(h int64) { r.terms = append(r.terms, termRow{h, r.key}) }

// inOrder has the entries of each kind in the order of their parameters, which is how they come from search/index.
func inOrder(v index.Values) index.Values {
	v.Tokens = byParam(v.Tokens, func(e index.Token) string { return e.Param })
	v.References = byParam(v.References, func(e index.Reference) string { return e.Param })
	v.Dates = byParam(v.Dates, func(e index.Date) string { return e.Param })
	v.Quantities = byParam(v.Quantities, func(e index.Quantity) string { return e.Param })
	v.Composites = byParam(v.Composites, func(e index.Composite) string { return e.Param })
	return v
}

func byParam[E any](entries []E, param func(E) string) []E {
	compare := func(a, b E) int { return cmp.Compare(param(a), param(b)) }
	if slices.IsSortedFunc(entries, compare) {
		return entries
	}
	entries = slices.Clone(entries)
	slices.SortStableFunc(entries, compare)
	return entries
}

// sorted and without duplicates.
func sorted[T comparable](list []T, compare func(a, b T) int) []T {
	slices.SortFunc(list, compare)
	return slices.Compact(list)
}

// tokens gives the signature of all of them.
func (x indexer) tokens(r *rows, typ string, entries []index.Token) int64 {
	same := x.twins(r, kindToken, typ, len(entries), func(i int) string { return entries[i].Param }, func(i, j int) bool {
		a, b := entries[i], entries[j]
		return a.System == b.System && a.Code == b.Code && a.Fold == b.Fold
	})
	tokens := int64(0)
	for _, t := range entries {
		if same.has(t.Param) {
			continue
		}
		h := x.token(kindToken, typ, t.Param, t.System, t.Code, t.Fold)
		r.term(h)
		tokens |= signature(h)
		r.words = append(r.words, wordRow{x.sum(kindSystems, typ, t.Param), systemWord(t.System, t.Fold)})
	}
	return tokens
}

func (x indexer) references(r *rows, typ string, tokens int64, entries []index.Reference) {
	same := x.twins(r, kindReference, typ, len(entries), func(i int) string { return entries[i].Param }, func(i, j int) bool {
		a, b := entries[i], entries[j]
		return a.Type == b.Type && a.ID == b.ID && a.URL == b.URL
	})
	for _, e := range entries {
		if same.has(e.Param) {
			continue
		}
		h := x.reference(typ, e.Param, e.Type, e.ID, e.URL)
		if e.Param == x.layout.Patient {
			r.patients = append(r.patients, patientRow{h, r.key, tokens})
			r.patient = x.identity(store.Key{Type: e.Type, ID: e.ID})
		} else {
			r.term(h)
		}
	}
}

// reference is the term of a reference of any version.
func (x indexer) reference(typ, param, targetType, targetID, url string) int64 {
	return x.sum(kindReference, typ, param, targetType, targetID, url)
}

func (x indexer) uris(r *rows, typ string, entries []index.URI) {
	for _, e := range entries {
		r.term(x.sum(kindURI, typ, e.Param, e.Value))
		r.words = append(r.words, wordRow{x.sum(kindURIs, typ, e.Param), e.Value})
	}
}

func (x indexer) dates(r *rows, typ, sortDate string, s shape, entries []index.Date) {
	for i, e := range entries {
		param := x.sum(kindDates, typ, e.Param)
		several := i > 0 && entries[i-1].Param == e.Param || e.Param == sortDate && s == several
		r.spans = append(r.spans, spanRow{param, width(e), several})
		if e.Param != sortDate || s != instant {
			r.dates = append(r.dates, dateRow{param, e.Lo, r.key, e.Hi})
		}
	}
}

func (x indexer) numbers(r *rows, typ string, entries []index.Number) {
	for _, e := range entries {
		r.numbers = append(r.numbers, numberRow{x.sum(kindNumbers, typ, e.Param), r.key, 0, e.Lo, e.Hi})
	}
}

func (x indexer) quantities(r *rows, typ string, entries []index.Quantity) {
	same := x.twins(r, kindNumbers, typ, len(entries), func(i int) string { return entries[i].Param }, func(i, j int) bool {
		a, b := entries[i], entries[j]
		b.Param = a.Param
		return a == b
	})
	for _, e := range entries {
		if !same.has(e.Param) {
			x.quantity(r, typ, e.Param, x.sum(kindNumbers, typ, e.Param), e)
		}
	}
}

func (x indexer) quantity(r *rows, typ, param string, row int64, e index.Quantity) {
	word := unitWord(e.System, e.Code, e.Unit)
	r.numbers = append(r.numbers, numberRow{row, r.key, x.unit(word), e.Lo, e.Hi})
	r.words = append(r.words, wordRow{x.sum(kindUnits, typ, param), word})
}

func (x indexer) strings(r *rows, typ string, v index.Values) {
	for _, e := range v.Strings {
		if base, _, ok := strings.Cut(e.Param, ":"); ok {
			x.codeText(r, typ, base, e, v.Tokens)
			continue
		}
		kind := byte(kindStrings)
		if e.Part {
			kind = kindParts
		}
		r.strings = append(r.strings, stringRow{x.sum(kind, typ, e.Param), clip(e.Folded), r.key})
	}
}

// codeText: the texts of codes (code:text) repeat with the codes. They have no rows, but the pairs of a text and the term of one of
// the resource's codes are kept as words: a search finds the codes by the text, and then looks at the texts of the resources with
// these codes. A text without any code gets a term of its own.
func (x indexer) codeText(r *rows, typ, base string, e index.String, tokens []index.Token) {
	var term int64
	if i := slices.IndexFunc(tokens, func(t index.Token) bool { return t.Param == base }); i >= 0 {
		name := base
		if twin, ok := x.layout.Twins[typ][base]; ok && !r.apart.has(base) {
			name = twin
		}
		t := tokens[i]
		term = x.token(kindToken, typ, name, t.System, t.Code, t.Fold)
	} else {
		term = x.sum(kindText, typ, e.Param, clip(e.Folded))
		r.term(term)
	}
	r.words = append(r.words, wordRow{x.sum(kindTexts, typ, e.Param), textWord(clip(e.Folded), term)})
}

// clip keeps the part of a text that is indexed.
func clip(s string) string {
	if len(s) <= maxText {
		return s
	}
	n := maxText
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// composites: a tuple of a code and a quantity becomes a row of the number table per pair of them; of other tuples only the codes
// of the first component are indexed, and searches look at the tuple itself.
func (x indexer) composites(r *rows, typ string, entries []index.Composite) {
	same := x.twins(r, kindTuple, typ, len(entries), func(i int) string { return entries[i].Param }, func(i, j int) bool {
		return equalTuples(entries[i], entries[j])
	})
	for _, e := range entries {
		if same.has(e.Param) || len(e.Components) < 2 {
			continue
		}
		for _, t := range e.Components[0].Tokens {
			r.words = append(r.words, wordRow{x.sum(kindSystems, typ, e.Param), systemWord(t.System, t.Fold)})
			if !isPair(e.Components) {
				r.term(x.token(kindTuple, typ, e.Param, t.System, t.Code, t.Fold))
				continue
			}
			for _, q := range e.Components[1].Quantities {
				x.quantity(r, typ, e.Param, x.token(kindTupleNums, typ, e.Param, t.System, t.Code, t.Fold), q)
			}
		}
	}
}

// isPair says whether the tuple's second and last component is quantities and nothing else.
func isPair(components []index.Values) bool {
	second := components[1]
	n := len(second.Tokens) + len(second.Strings) + len(second.References) + len(second.Dates) + len(second.Numbers) +
		len(second.URIs) + len(second.Composites)
	return len(components) == 2 && n == 0 && len(second.Quantities) > 0
}

func equalTuples(a, b index.Composite) bool {
	return slices.EqualFunc(a.Components, b.Components, func(a, b index.Values) bool {
		return bytes.Equal(appendValues(nil, a), appendValues(nil, b))
	})
}

// paramSet is a small set of parameters.
type paramSet []string

func (s paramSet) has(param string) bool { return slices.Contains(s, param) }

// twins finds the parameters of the layout's twins whose entries are the same as the other one's. The resource is marked for
// those that differ: a search goes by the marks.
func (x indexer) twins(r *rows, kind byte, typ string, n int, param func(i int) string, equal func(i, j int) bool) (same paramSet) {
	if n == 0 {
		return nil
	}
	group := func(p string) (from, to int) {
		for from < n && param(from) != p {
			from++
		}
		for to = from; to < n && param(to) == p; to++ {
		}
		return from, to
	}
	for p, q := range x.layout.Twins[typ] {
		i, iEnd := group(p)
		j, jEnd := group(q)
		equals := iEnd-i == jEnd-j
		for k := 0; equals && i+k < iEnd; k++ {
			equals = equal(i+k, j+k)
		}
		if equals {
			same = append(same, p)
		} else {
			r.term(x.apart(kind, typ, p))
			if kind == kindToken {
				r.apart = append(r.apart, p)
			}
		}
	}
	return same
}

// apart marks the resources whose entries of a parameter are not those of its twin.
func (x indexer) apart(kind byte, typ, param string) int64 {
	return x.sum(kindApart, string(kind), typ, param)
}

// A systemWord is a system of a token parameter together with whether its codes are folded.
func systemWord(system string, fold bool) string {
	if fold {
		return "~" + system
	}
	return "=" + system
}

func cutSystemWord(word string) (system string, fold bool) {
	return word[1:], word[0] == '~'
}

// A textWord is the text of a code and a term that resources with it have. Folded texts have no line feed.
func textWord(folded string, term int64) string {
	return folded + "\n" + strconv.FormatInt(term, 36)
}

func cutTextWord(word string) (folded string, term int64) {
	folded, digits, _ := strings.Cut(word, "\n")
	term, _ = strconv.ParseInt(digits, 36, 64)
	return folded, term
}

// A unitWord is a unit as quantities have it. Systems and codes have no line feed.
func unitWord(system, code, unit string) string {
	return strings.Join([]string{system, code, unit}, "\n")
}

func cutUnitWord(word string) (system, code, unit string) {
	parts := strings.SplitN(word, "\n", 3)
	return parts[0], parts[1], parts[2]
}

func (a termRow) compare(b termRow) int {
	return cmp.Or(cmp.Compare(a.term, b.term), cmp.Compare(a.key, b.key))
}

func (a patientRow) compare(b patientRow) int {
	return cmp.Or(cmp.Compare(a.term, b.term), cmp.Compare(a.key, b.key), cmp.Compare(a.tokens, b.tokens))
}

func (a dateRow) compare(b dateRow) int {
	return cmp.Or(cmp.Compare(a.param, b.param), cmp.Compare(a.lo, b.lo), cmp.Compare(a.key, b.key), cmp.Compare(a.hi, b.hi))
}

func (a numberRow) compare(b numberRow) int {
	return cmp.Or(cmp.Compare(a.param, b.param), cmp.Compare(a.key, b.key), cmp.Compare(a.unit, b.unit), cmp.Compare(a.lo, b.lo), cmp.Compare(a.hi, b.hi))
}

func (a stringRow) compare(b stringRow) int {
	return cmp.Or(cmp.Compare(a.param, b.param), cmp.Compare(a.value, b.value), cmp.Compare(a.key, b.key))
}
