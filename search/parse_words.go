package search

import (
	"strings"
	"unicode"

	"fhirside/fhir"
)

// words reads a value of _text or _content: each of its words must begin one of the resource's. OR and AND, in any case, and NOT, in
// capitals, join them as in R4's example, "(bone OR liver) and metastases"; AND binds closer than OR (search.html#text).
func (p *parser) words(c comparison, text string) (Filter, error) {
	r := wordReader{p: p, param: c.code}
	r.split(text)
	f, err := r.either(0)
	switch {
	case err != nil:
		return nil, err
	case len(r.tokens) > 0:
		return nil, r.unexpected()
	case f == nil:
		return None{}, nil
	}
	return f, nil
}

// wordReader reads words with what joins them.
type wordReader struct {
	p      *parser
	param  string
	tokens []string // that are left: words and parentheses
}

func (r *wordReader) split(text string) {
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimLeftFunc(text, unicode.IsSpace) {
		end := strings.IndexFunc(text, func(c rune) bool { return unicode.IsSpace(c) || c == '(' || c == ')' })
		switch {
		case end == 0:
			end = 1
		case end < 0:
			end = len(text)
		}
		r.tokens = append(r.tokens, text[:end])
		text = text[end:]
	}
}

// take takes the next token if it is this one.
func (r *wordReader) take(is func(token string) bool) bool {
	if len(r.tokens) == 0 || !is(r.tokens[0]) {
		return false
	}
	r.tokens = r.tokens[1:]
	return true
}

func isOr(token string) bool  { return strings.EqualFold(token, "or") }
func isAnd(token string) bool { return strings.EqualFold(token, "and") }
func isNot(token string) bool { return token == "NOT" }

func isMark(mark string) func(string) bool { return func(token string) bool { return token == mark } }

// either reads alternatives. The filter is nil where there is no word.
func (r *wordReader) either(depth int) (Filter, error) {
	f, err := r.both(depth)
	for err == nil && r.take(isOr) {
		var other Filter
		if other, err = r.both(depth); err == nil && other != nil {
			if f == nil {
				f = None{}
			}
			f = AnyOf(f, other)
		}
	}
	return f, err
}

// both reads what must hold together.
func (r *wordReader) both(depth int) (all Filter, err error) {
	for {
		f, err := r.one(depth)
		if err != nil {
			return nil, err
		}
		if f != nil {
			all = AllOf(all, f)
		}
		if !r.take(isAnd) && (len(r.tokens) == 0 || isOr(r.tokens[0]) || r.tokens[0] == ")") {
			return all, nil
		}
	}
}

// one reads a word, or an expression in parentheses, with NOT before it or without.
func (r *wordReader) one(depth int) (f Filter, err error) {
	negated := r.take(isNot)
	switch {
	case depth > maxNesting:
		return nil, r.p.errorf(fhir.CodeTooCostly, "parentheses are nested more than %d deep", maxNesting)
	case len(r.tokens) == 0 || isOr(r.tokens[0]) || isAnd(r.tokens[0]) || r.tokens[0] == ")":
		return nil, r.unexpected()
	case r.take(isMark("(")):
		if f, err = r.either(depth + 1); err == nil && !r.take(isMark(")")) {
			err = r.unexpected()
		}
	default:
		f, err = r.word()
	}
	if negated && err == nil && f != nil {
		f = Not{f}
	}
	return f, err
}

// word reads a run of characters, which may be several words ("follow-up") or none ("--").
func (r *wordReader) word() (Filter, error) {
	var all Filter
	words := Words(r.tokens[0])
	for _, word := range words {
		all = AllOf(all, String{r.param, Prefix, word})
	}
	r.tokens = r.tokens[1:]
	return all, r.p.step(len(words))
}

func (r *wordReader) unexpected() error {
	found := "the end"
	if len(r.tokens) > 0 {
		found = `"` + clip(r.tokens[0]) + `"`
	}
	return r.p.errorf(fhir.CodeValue, "a word is expected, not %s: words are joined by AND, OR and NOT, and by parentheses in pairs", found)
}
