package search

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"fhirside/fhir"
)

// filter reads _filter, an expression such as
//
//	given eq "peter" and (birthdate ge 2014-10-10 or not (subject[active eq true].name co "pet"))
//
// by the grammar of search_filter.html; "and" and "or" are joined from left to right. Refusals say at which character. What that
// page leaves open, or contradicts itself in, is decided as follows.
//
//   - A name may carry the type of what it refers to (subject:Patient.name), and _has.
//   - Brackets choose among the resources that a reference parameter refers to (subject[…].name: one and the same subject), or among
//     the tuples of a composite, whose components are the names in and behind the brackets
//     (component-code-value-quantity[component-code eq 8480-6].component-value-quantity gt 140). On any other parameter there is
//     nothing to choose from, and they are refused. Of the page's additional parameters those that R4 still has parameters for are
//     there: characteristic of Group and relatesTo of DocumentReference.
//   - gt, lt, ge and le on strings compare the folded text by its code points, as far as the value goes: "m" is no less than "miller".
//   - ne holds where a value differs, be there an equal one or not. not (… eq …) asks that there is none.
//   - eq on a reference is re. co compares dates only: how exactly a number was written is not indexed.
//   - Values are never case sensitive, so a code is looked for in the spellings that R4's code systems have for it, and in upper and
//     in lower case.
func (p *parser) filter(text string) (Filter, error) {
	defer p.at(0)()
	r := &filterReader{p: p, text: text}
	expression, err := r.logical(0)
	if err == nil && r.peek() != "" {
		err = r.unexpected("and, or, or the end")
	}
	var f Filter
	if err == nil {
		f, err = expression.build(p, p.types, 0)
	}
	if refusal := (*fhir.Error)(nil); isUnknown(err) && errors.As(err, &refusal) {
		err = refusal.Because(nil) // _filter itself is known: lenient handling does not leave it out
	}
	return f, err
}

// at sets the place that refusals tell, a character counted from 1, or 0 for none; what it returns sets the one before.
func (p *parser) at(place int) (restore func()) {
	before := p.place
	p.place = place
	return func() { p.place = before }
}

// filterExpression is a part of a filter that was read, but not yet as what it means: that depends on the types it is about.
type filterExpression interface {
	build(p *parser, types []string, depth int) (Filter, error)
	// knownTo says whether a type has the parameters that it begins with.
	knownTo(p *parser, resourceType string) bool
}

type (
	filterJoin struct {
		or          bool
		left, right filterExpression
	}
	filterNot        struct{ part filterExpression }
	filterComparison struct {
		path      *filterPath
		op, value string
		place     int
	}
)

// filterPath is a name, "subject" or "subject:Patient.organization", and what follows in brackets and behind them.
type filterPath struct {
	name   string
	within filterExpression // nil: no brackets
	rest   *filterPath
}

// filterReader reads the text of a filter.
type filterReader struct {
	p    *parser
	text string
	pos  int // in bytes
}

const maxNesting = 20 // parentheses and brackets of a filter

// logical reads terms joined by and and or.
func (r *filterReader) logical(depth int) (filterExpression, error) {
	if depth > maxNesting {
		return nil, r.errorf(fhir.CodeTooCostly, "parentheses and brackets are nested more than %d deep", maxNesting)
	}
	left, err := r.term(depth)
	for err == nil {
		word := r.peek()
		if word != "and" && word != "or" {
			return left, nil
		}
		r.word()
		if err := r.p.step(1); err != nil {
			return nil, err
		}
		var right filterExpression
		if right, err = r.term(depth); err == nil {
			left = filterJoin{word == "or", left, right}
		}
	}
	return nil, err
}

// term reads a comparison, or an expression in parentheses with not before it or without.
func (r *filterReader) term(depth int) (filterExpression, error) {
	negated := false
	if r.peek() == "not" && strings.HasPrefix(strings.TrimLeftFunc(r.text[r.pos+len("not"):], unicode.IsSpace), "(") {
		r.word()
		negated = true
	}
	if r.peek() != "(" {
		return r.comparison(depth)
	}
	r.word()
	part, err := r.logical(depth + 1)
	if err != nil {
		return nil, err
	}
	if err := r.expect(")", "a closing parenthesis"); err != nil {
		return nil, err
	}
	if negated {
		return filterNot{part}, nil
	}
	return part, nil
}

// comparison reads path, operator and value.
func (r *filterReader) comparison(depth int) (filterExpression, error) {
	r.peek()
	c := filterComparison{place: r.character()}
	var err error
	if c.path, err = r.path(depth); err != nil {
		return nil, err
	}
	c.op = r.peek()
	if _, ok := filterOps[c.op]; !ok {
		return nil, r.errorf(fhir.CodeInvalid, "%q is no operator: write one of %s", clip(c.op), filterOpNames)
	}
	r.word()
	c.value, err = r.value()
	return c, err
}

// path reads a name and, where there are brackets, what is in them and the path behind.
func (r *filterReader) path(depth int) (*filterPath, error) {
	name := r.peek()
	if name == "" || strings.ContainsAny(name, `()[]"`) {
		return nil, r.unexpected("the name of a search parameter")
	}
	r.word()
	path := &filterPath{name: name}
	if !strings.HasPrefix(r.text[r.pos:], "[") {
		return path, nil
	}
	r.word()
	var err error
	if path.within, err = r.logical(depth + 1); err != nil {
		return nil, err
	}
	if err := r.expect("]", "a closing bracket"); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(r.text[r.pos:], ".") {
		return nil, r.unexpected("a dot and a search parameter behind the brackets")
	}
	r.pos++
	path.rest, err = r.path(depth)
	return path, err
}

// peek is the next word, parenthesis, bracket or quotation mark; "" at the end.
func (r *filterReader) peek() string {
	rest := strings.TrimLeftFunc(r.text[r.pos:], unicode.IsSpace)
	r.pos = len(r.text) - len(rest)
	end := strings.IndexFunc(rest, func(c rune) bool { return unicode.IsSpace(c) || strings.ContainsRune(`()[]"`, c) })
	switch {
	case end < 0:
		return rest
	case end == 0:
		return rest[:1]
	}
	return rest[:end]
}

// word takes what peek shows.
func (r *filterReader) word() { r.pos += len(r.peek()) }

func (r *filterReader) expect(mark, name string) error {
	if r.peek() != mark {
		return r.unexpected(name)
	}
	r.word()
	return nil
}

// value takes a JSON string, or anything up to a space or a closing parenthesis or bracket.
func (r *filterReader) value() (value string, err error) {
	r.peek()
	text := r.text[r.pos:]
	if strings.HasPrefix(text, `"`) {
		end := 1
		for end < len(text) && text[end] != '"' {
			if text[end] == '\\' {
				end++
			}
			end++
		}
		if end >= len(text) || json.Unmarshal([]byte(text[:end+1]), &value) != nil {
			return "", r.errorf(fhir.CodeInvalid, "a string is not closed, or has escapes that JSON has not: %s", clip(text))
		}
		if value == "" || strings.ContainsRune(value, 0) {
			return "", r.errorf(fhir.CodeInvalid, "a value is empty, or holds a NUL")
		}
		r.pos += end + 1
		return value, nil
	}
	end := strings.IndexFunc(text, func(c rune) bool { return unicode.IsSpace(c) || c == ')' || c == ']' })
	if end < 0 {
		end = len(text)
	}
	if end == 0 {
		return "", r.unexpected("a value")
	}
	r.pos += end
	return text[:end], nil
}

// character is the place of what comes next, counted from 1.
func (r *filterReader) character() int { return utf8.RuneCountInString(r.text[:r.pos]) + 1 }

func (r *filterReader) errorf(code fhir.Code, format string, args ...any) error {
	defer r.p.at(r.character())()
	return r.p.errorf(code, format, args...)
}

func (r *filterReader) unexpected(wanted string) error {
	found := "the end"
	if r.peek() != "" {
		found = `"` + clip(r.text[r.pos:]) + `"`
	}
	return r.errorf(fhir.CodeInvalid, "%s is expected, not %s", wanted, found)
}
