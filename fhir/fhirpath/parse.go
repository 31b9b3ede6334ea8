package fhirpath

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"fhirside/fhir"
)

// Limits of an expression.
const (
	maxLength  = 64 << 10 // bytes
	maxNesting = 128      // operators, brackets and invocations within each other
)

// parser reads an expression by precedence climbing over FHIRPath's grammar.
type parser struct {
	lexer
	tok   token
	depth int
}

func parse(source string) (*node, error) {
	if len(source) > maxLength {
		return nil, fhir.Errorf(fhir.Invalid, fhir.CodeTooLong, "the FHIRPath expression is longer than %d bytes", maxLength)
	}
	if !utf8.ValidString(source) {
		return nil, fhir.Errorf(fhir.Invalid, fhir.CodeInvalid, "the FHIRPath expression is no valid UTF-8")
	}
	p := &parser{lexer: lexer{source: source}}
	if err := p.advance(); err != nil {
		return nil, err
	}
	n, err := p.expression(0)
	if err != nil {
		return nil, err
	}
	if p.tok.kind != tokenEnd {
		return nil, p.unexpected("an operator or the end")
	}
	return n, nil
}

func (p *parser) advance() (err error) {
	p.tok, err = p.next()
	return err
}

func (p *parser) unexpected(wanted string) error {
	return p.errorf(p.tok.at, "%s is wanted here, not %q", wanted, p.tok.text)
}

func (p *parser) isSymbol(s string) bool { return p.tok.kind == tokenSymbol && p.tok.text == s }

func (p *parser) expect(s string) error {
	if !p.isSymbol(s) {
		return p.unexpected(fmt.Sprintf("%q", s))
	}
	return p.advance()
}

// nest counts levels, so that neither parsing nor evaluation runs out of stack.
func (p *parser) nest() error {
	if p.depth++; p.depth > maxNesting {
		return p.errorf(p.tok.at, "the expression nests more than %d levels deep", maxNesting)
	}
	return nil
}

// precedences of the binary operators; a higher one binds tighter (FHIRPath, "Operator Precedence").
var precedences = map[string]int{
	"implies": 1,
	"or":      2, "xor": 2,
	"and": 3,
	"in":  4, "contains": 4,
	"=": 5, "~": 5, "!=": 5, "!~": 5,
	">": 6, "<": 6, ">=": 6, "<=": 6,
	"|":  7,
	"is": 8, "as": 8,
	"+": 9, "-": 9, "&": 9,
	"*": 10, "/": 10, "div": 10, "mod": 10,
}

const unaryPrecedence = 11

func (p *parser) operator() (name string, precedence int) {
	if p.tok.kind != tokenSymbol && p.tok.kind != tokenName {
		return "", 0
	}
	return p.tok.text, precedences[p.tok.text]
}

// expression reads an expression whose operators all bind tighter than the given precedence.
func (p *parser) expression(above int) (*node, error) {
	depth := p.depth
	defer func() { p.depth = depth }()
	if err := p.nest(); err != nil {
		return nil, err
	}
	left, err := p.unary()
	if err != nil {
		return nil, err
	}
	for {
		name, precedence := p.operator()
		if precedence <= above {
			return left, nil
		}
		at := p.tok.at
		if err := p.advance(); err != nil {
			return nil, err
		}
		// A long a | b | c … is a deep tree to the left.
		if name != "|" {
			if err := p.nest(); err != nil {
				return nil, err
			}
		}
		if precedence == precedences["is"] {
			typeName, err := p.typeName()
			if err != nil {
				return nil, err
			}
			left = &node{kind: nodeType, at: at, name: name, typeName: typeName, args: []*node{left}}
			continue
		}
		right, err := p.expression(precedence)
		if err != nil {
			return nil, err
		}
		left = &node{kind: nodeBinary, at: at, name: name, args: []*node{left, right}}
	}
}

func (p *parser) unary() (*node, error) {
	if !p.isSymbol("+") && !p.isSymbol("-") {
		return p.postfix()
	}
	n := &node{kind: nodeUnary, at: p.tok.at, name: p.tok.text}
	if err := p.advance(); err != nil {
		return nil, err
	}
	arg, err := p.expression(unaryPrecedence)
	n.args = []*node{arg}
	return n, err
}

// postfix reads a term with the invocations and indexers behind it.
func (p *parser) postfix() (*node, error) {
	left, err := p.term()
	for err == nil {
		at := p.tok.at
		switch {
		case p.isSymbol("."):
			if err = p.advance(); err != nil {
				return nil, err
			}
			var right *node
			if right, err = p.invocation(); err == nil {
				left = &node{kind: nodeDot, at: at, args: []*node{left, right}}
			}
		case p.isSymbol("["):
			if err = p.advance(); err != nil {
				return nil, err
			}
			var index *node
			if index, err = p.expression(0); err == nil {
				left = &node{kind: nodeIndex, at: at, args: []*node{left, index}}
				err = p.expect("]")
			}
		default:
			return left, nil
		}
		if err == nil {
			err = p.nest()
		}
	}
	return nil, err
}

// term reads what stands at the beginning of a path.
func (p *parser) term() (*node, error) {
	t := p.tok
	switch t.kind {
	case tokenString:
		return &node{kind: nodeLiteral, at: t.at, value: t.text}, p.advance()
	case tokenNumber:
		return p.number()
	case tokenTemporal:
		value, ok := parseTemporal(t.text)
		if !ok {
			return nil, p.errorf(t.at, "@%s is neither a date nor a time", t.text)
		}
		return &node{kind: nodeLiteral, at: t.at, value: value}, p.advance()
	case tokenExternal:
		return &node{kind: nodeExternal, at: t.at, name: t.text}, p.advance()
	case tokenName:
		if t.text == "true" || t.text == "false" {
			return &node{kind: nodeLiteral, at: t.at, value: t.text == "true"}, p.advance()
		}
	}
	switch {
	case p.isSymbol("("):
		if err := p.advance(); err != nil {
			return nil, err
		}
		n, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		return n, p.expect(")")
	case p.isSymbol("{"):
		if err := p.advance(); err != nil {
			return nil, err
		}
		return &node{kind: nodeLiteral, at: t.at}, p.expect("}")
	}
	return p.invocation()
}

// number reads a number or, with a unit behind it, a quantity.
func (p *parser) number() (*node, error) {
	t := p.tok
	value, ok := parseNumber(t.text)
	if !ok {
		return nil, p.errorf(t.at, "%s is too large a number", t.text)
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	n := &node{kind: nodeLiteral, at: t.at, value: value}
	switch {
	case p.tok.kind == tokenString:
		n.value = &quantity{value: decimalOf(value), unit: p.tok.text}
	case p.tok.kind == tokenName && calendarUnits[p.tok.text] != "":
		n.value = &quantity{value: decimalOf(value), unit: calendarUnits[p.tok.text], calendar: true}
	default:
		return n, nil
	}
	return n, p.advance()
}

// invocation reads a member, a function call or a variable.
func (p *parser) invocation() (*node, error) {
	t := p.tok
	switch t.kind {
	case tokenVariable:
		switch t.text {
		case "this", "index", "total":
			return &node{kind: nodeVariable, at: t.at, name: t.text}, p.advance()
		}
		return nil, p.errorf(t.at, "$%s is unknown: write $this, $index or $total", t.text)
	case tokenName, tokenQuoted:
	default:
		return nil, p.unexpected("an expression")
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if t.kind == tokenQuoted || !p.isSymbol("(") {
		return &node{kind: nodeMember, at: t.at, name: t.text}, nil
	}
	args, err := p.arguments()
	return &node{kind: nodeFunction, at: t.at, name: t.text, args: args}, err
}

func (p *parser) arguments() (args []*node, err error) {
	if err = p.advance(); err != nil {
		return nil, err
	}
	for !p.isSymbol(")") {
		if len(args) > 0 {
			if !p.isSymbol(",") {
				return nil, p.unexpected(`"," or ")"`)
			}
			if err = p.advance(); err != nil {
				return nil, err
			}
		}
		arg, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		args = append(args, arg)
	}
	return args, p.advance()
}

// typeName reads a type with or without its namespace.
func (p *parser) typeName() (string, error) {
	var parts []string
	for {
		if p.tok.kind != tokenName && p.tok.kind != tokenQuoted {
			return "", p.unexpected("a type")
		}
		parts = append(parts, p.tok.text)
		if err := p.advance(); err != nil {
			return "", err
		}
		if !p.isSymbol(".") || len(parts) == 2 {
			return strings.Join(parts, "."), nil
		}
		if err := p.advance(); err != nil {
			return "", err
		}
	}
}

// syntaxError is an error at a place of an expression.
func syntaxError(source string, at int, format string, args ...any) *fhir.Error {
	before := source[:min(at, len(source))]
	line := 1 + strings.Count(before, "\n")
	column := 1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
	return fhir.Errorf(fhir.Invalid, fhir.CodeInvalid, "FHIRPath, line %d, column %d: %s", line, column, fmt.Sprintf(format, args...))
}
