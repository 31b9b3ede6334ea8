package search

import (
	"errors"
	"strings"

	"github.com/go-json-experiment/json"

	"fhirside/fhir"
)

// filter reads _filter, an expression such as
//
//	given eq "peter" and (birthdate ge 2014-10-10 or not (subject.name co "pet"))
//
// by the grammar of search_filter.html; "and" and "or" are joined from left to right. What that page leaves open is decided as
// follows. eq on a string compares the whole folded text, as values are never case sensitive; sw is the ordinary search, which also
// finds words within a text; ew compares the end of a whole text. po compares dates only. ne on what is no number, quantity or date,
// and filters in brackets are not supported: each names another way to write it, or says that there is none.
func (p *parser) filter(text string) (Filter, error) {
	e := &expression{p: p, rest: text}
	f, err := e.logical(0)
	if err == nil && e.peek() != "" {
		err = e.unexpected("and, or, or the end")
	}
	if refusal := (*fhir.Error)(nil); isUnknown(err) && errors.As(err, &refusal) {
		err = refusal.Because(nil) // _filter itself is known: lenient handling does not leave it out
	}
	return f, err
}

// expression is what is left of a filter to read.
type expression struct {
	p    *parser
	rest string
}

const maxNesting = 20 // parentheses of a filter

// logical reads terms joined by and and or.
func (e *expression) logical(depth int) (Filter, error) {
	if depth > maxNesting {
		return nil, e.p.errorf(fhir.CodeTooCostly, "parentheses are nested more than %d deep", maxNesting)
	}
	left, err := e.term(depth)
	for err == nil {
		var join func(a, b Filter) Filter
		switch e.peek() {
		case "and":
			join = func(a, b Filter) Filter { return And{a, b} }
		case "or":
			join = func(a, b Filter) Filter { return AnyOf(a, b) }
		default:
			return left, nil
		}
		e.word()
		var right Filter
		if right, err = e.term(depth); err == nil {
			left = join(left, right)
		}
	}
	return nil, err
}

// term reads a comparison, or an expression in parentheses with not before it or without.
func (e *expression) term(depth int) (Filter, error) {
	negated := false
	if word := e.peek(); word == "not" && strings.HasPrefix(strings.TrimLeft(e.trimmed()[len(word):], blanks), "(") {
		e.word()
		negated = true
	}
	if e.peek() != "(" {
		return e.comparison()
	}
	e.word()
	f, err := e.logical(depth + 1)
	if err != nil {
		return nil, err
	}
	if e.word() != ")" {
		return nil, e.p.errorf(fhir.CodeInvalid, "a closing parenthesis is missing")
	}
	if negated {
		return Not{f}, nil
	}
	return f, nil
}

// comparison reads path, operator and value.
func (e *expression) comparison() (Filter, error) {
	path := e.word()
	switch {
	case path == "" || strings.ContainsAny(path, "()\"]"):
		e.rest = path + e.rest
		return nil, e.unexpected("the name of a search parameter")
	case strings.Contains(path, "["):
		return nil, e.p.errorf(fhir.CodeNotSupported, "filters in brackets, as in %q, are not supported", clip(path))
	}
	name := e.word()
	op, ok := filterOps[name]
	if !ok {
		return nil, e.p.errorf(fhir.CodeInvalid, "%q is no operator: write one of eq, ne, co, sw, ew, gt, lt, ge, le, ap, sa, eb, pr, po, ss, sb, in, re", clip(name))
	}
	value, err := e.value()
	if err != nil {
		return nil, err
	}
	if err := e.p.step(1); err != nil {
		return nil, err
	}
	if name == "pr" {
		return e.present(path, value)
	}
	return e.condition(path, func(param *Param) (Filter, error) {
		f, err := op(e.p, operand{param, name, value})
		if err == nil {
			err = e.p.step(leaves(f))
		}
		return f, err
	})
}

// condition reads a path; read is called for the parameter at its end.
func (e *expression) condition(path string, read func(param *Param) (Filter, error)) (Filter, error) {
	return e.p.condition(e.p.types, path, func(param *Param, modifier string) (Filter, error) {
		if modifier != "" {
			return nil, e.p.errorf(fhir.CodeNotSupported, "a filter has operators and no modifiers: %q", clip(path))
		}
		return read(param)
	}, 0)
}

// present reads pr: whether there is a value at the end of the path.
func (e *expression) present(path, value string) (Filter, error) {
	if value != "true" && value != "false" {
		return nil, e.p.errorf(fhir.CodeValue, "%q is neither true nor false", clip(value))
	}
	f, err := e.condition(path, func(param *Param) (Filter, error) {
		if param.Type == TypeSpecial || param.Words {
			return nil, e.p.inapplicable(operand{param: param, op: "pr"})
		}
		return e.p.missing(comparison{param: param, code: param.Code}, "false")
	})
	if err == nil && value == "false" {
		f = Not{f}
	}
	return f, err
}

const blanks = " \t\r\n"

func (e *expression) trimmed() string {
	e.rest = strings.TrimLeft(e.rest, blanks)
	return e.rest
}

// peek is the next word, or parenthesis; "" at the end.
func (e *expression) peek() string {
	text := e.trimmed()
	if text == "" {
		return ""
	}
	if text[0] == '(' || text[0] == ')' {
		return text[:1]
	}
	if end := strings.IndexAny(text, blanks+"()"); end >= 0 {
		return text[:end]
	}
	return text
}

// word takes what peek shows.
func (e *expression) word() string {
	w := e.peek()
	e.rest = e.rest[len(w):]
	return w
}

// value takes a JSON string, or anything up to a space or a closing parenthesis or bracket.
func (e *expression) value() (value string, err error) {
	text := e.trimmed()
	if strings.HasPrefix(text, `"`) {
		end := 1
		for end < len(text) && text[end] != '"' {
			if text[end] == '\\' {
				end++
			}
			end++
		}
		if end >= len(text) || json.Unmarshal([]byte(text[:end+1]), &value) != nil {
			return "", e.p.errorf(fhir.CodeInvalid, "a string is not closed, or has escapes that JSON has not: %s", clip(text))
		}
		if value == "" {
			return "", e.p.errorf(fhir.CodeInvalid, "a value is empty")
		}
		e.rest = text[end+1:]
		return value, nil
	}
	end := strings.IndexAny(text, blanks+")]")
	if end < 0 {
		end = len(text)
	}
	if end == 0 {
		return "", e.unexpected("a value")
	}
	e.rest = text[end:]
	return text[:end], nil
}

func (e *expression) unexpected(wanted string) error {
	found := "the end"
	if text := e.trimmed(); text != "" {
		found = `"` + clip(text) + `"`
	}
	return e.p.errorf(fhir.CodeInvalid, "%s is expected, not %s", wanted, found)
}
