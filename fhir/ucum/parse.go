package ucum

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// SyntaxError says why a code is no unit.
type SyntaxError struct{ Code, Problem string }

func (e *SyntaxError) Error() string { return fmt.Sprintf("%q is no UCUM unit: %s", e.Code, e.Problem) }

// maxLength of a code in bytes. The longest in use have some 40.
const maxLength = 200

// parse reads a code by UCUM's grammar (§§5-12): components joined by "." and "/" from left to right, a component being a
// number, a unit with an optional exponent, an annotation, or a term in parentheses.
func parse(code string) (measure, error) {
	if len(code) > maxLength {
		return measure{}, &SyntaxError{code[:maxLength] + "…", "it is too long"}
	}
	p := parser{code: code}
	m, err := p.term()
	if err == nil && p.at < len(code) {
		err = p.errorf("nothing is expected at %q", code[p.at:])
	}
	return m, err
}

type parser struct {
	code string
	at   int
}

func (p *parser) errorf(format string, args ...any) error {
	return &SyntaxError{p.code, fmt.Sprintf(format, args...)}
}

// next takes a character if it is the next one.
func (p *parser) next(c byte) bool {
	if p.at < len(p.code) && p.code[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *parser) term() (measure, error) {
	sign := 1
	if p.next('/') {
		sign = -1
	}
	product := measure{factor: one}
	for {
		component, err := p.component()
		if err != nil {
			return measure{}, err
		}
		var ok bool
		if product, ok = product.times(component, sign); !ok {
			return measure{}, p.errorf("its parts cannot be multiplied")
		}
		switch {
		case p.next('.'):
			sign = 1
		case p.next('/'):
			sign = -1
		default:
			return product, nil
		}
	}
}

func (p *parser) component() (measure, error) {
	if p.next('(') {
		m, err := p.term()
		if err == nil && !p.next(')') {
			err = p.errorf("a closing parenthesis is missing")
		}
		if err == nil { // not in the grammar, but used in R4's own list: "g/(8.h){shift}"
			_, err = p.annotation()
		}
		return m, err
	}
	symbol := p.symbol()
	annotated, err := p.annotation()
	switch {
	case err != nil:
		return measure{}, err
	case symbol == "" && annotated:
		return measure{factor: one}, nil
	case symbol == "":
		return measure{}, p.errorf("a unit is missing")
	}
	return p.unit(symbol)
}

// symbol takes a number or a unit with its exponent: everything up to an operator that is not in brackets.
func (p *parser) symbol() string {
	start, brackets := p.at, 0
	for ; p.at < len(p.code); p.at++ {
		switch p.code[p.at] {
		case '[':
			brackets++
		case ']':
			brackets--
		case '.', '/', '(', ')', '{', '}':
			if brackets <= 0 {
				return p.code[start:p.at]
			}
		}
	}
	return p.code[start:]
}

// annotation takes a text in braces, which has no meaning for the unit (§12).
func (p *parser) annotation() (bool, error) {
	if !p.next('{') {
		return false, nil
	}
	end := strings.IndexByte(p.code[p.at:], '}')
	if end < 0 {
		return false, p.errorf("a closing brace is missing")
	}
	if strings.IndexByte(p.code[p.at:p.at+end], '{') >= 0 {
		return false, p.errorf("braces cannot be nested")
	}
	p.at += end + 1
	return true, nil
}

// unit is a number, or a unit with an exponent behind it: "24", "m2", "10*-3", "[in_i]2".
func (p *parser) unit(symbol string) (measure, error) {
	if strings.Trim(symbol, "0123456789") == "" {
		n, _ := new(big.Int).SetString(symbol, 10)
		if n.Sign() == 0 {
			return measure{}, p.errorf("a unit cannot be zero")
		}
		return measure{factor: new(big.Rat).SetInt(n)}, nil
	}
	name := strings.TrimRight(symbol, "0123456789")
	exponent := 1
	if digits := symbol[len(name):]; digits != "" {
		var err error
		if exponent, err = strconv.Atoi(digits); err != nil || exponent > maxExponent {
			return measure{}, p.errorf("the exponent %s is too large", digits)
		}
		if sign := name[len(name)-1]; sign == '-' || sign == '+' {
			name = name[:len(name)-1]
			if sign == '-' {
				exponent = -exponent
			}
		}
	}
	m, ok := lookup(name)
	if !ok {
		return measure{}, p.errorf("there is no unit %q", name)
	}
	if m, ok = (measure{factor: one}).times(m, exponent); !ok {
		return measure{}, p.errorf("%q cannot have the exponent %d", name, exponent)
	}
	return m, nil
}
