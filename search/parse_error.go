package search

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"fhirside/fhir"
)

// What the parser itself tells apart among its errors; they are their causes.
var (
	errUnknown = errors.New("unknown or unsupported search parameter")
	errBound   = errors.New("over a bound of the parser")
)

func isUnknown(err error) bool { return errors.Is(err, errUnknown) }
func isBound(err error) bool   { return errors.Is(err, errBound) }

// errorf is a refusal of the parameter being read.
func (p *parser) errorf(code fhir.Code, format string, args ...any) *fhir.Error {
	name := clip(p.name)
	where := ""
	if p.place > 0 {
		where = fmt.Sprintf(" at character %d", p.place)
	}
	err := fhir.Errorf(fhir.Invalid, code, "search parameter %q%s: %s", name, where, fmt.Sprintf(format, args...))
	if name != "" {
		err = err.At(name)
	}
	if code == fhir.CodeTooCostly {
		err = err.Because(errBound)
	}
	return err
}

// unsupported are the parameters of R4 that this server does not answer, in or beside the registry; _text and _content only where
// their words are not indexed.
var unsupported = []string{contentName, queryName, textName}

// nearURL is the one special parameter of R4 that is answered.
const nearURL = "http://hl7.org/fhir/SearchParameter/Location-near"

// Searchable says whether searches by the parameter are answered.
func Searchable(param *Param) bool {
	return param.Words || (param.Type != TypeSpecial || param.URL == nearURL) && !slices.Contains(unsupported, param.Code)
}

// unknown refuses a code that one of the types has no parameter for, and tells what there is.
func (p *parser) unknown(types []string, without, code string) *fhir.Error {
	problem := fmt.Sprintf("%s has no search parameter %q", without, clip(code))
	if slices.Contains(unsupported, code) {
		problem = fmt.Sprintf("%q is not supported", code)
		if code == textName || code == contentName {
			problem = fmt.Sprintf("%q is not supported: the words of resources are not indexed here (serve --text-search)", code)
		}
	}
	return unknownUnlessQuery(p.errorf(fhir.CodeNotSupported, "%s. Supported for %s: %s", problem, named(types), strings.Join(p.supported(types), ", ")), code)
}

// unknownUnlessQuery lets lenient handling leave the parameter out that an error is about; but never _query, without which a search
// finds something else altogether.
func unknownUnlessQuery(err *fhir.Error, code string) *fhir.Error {
	if code == queryName {
		return err
	}
	return err.Because(errUnknown)
}

// named are the types searched, in a message.
func named(types []string) string {
	switch {
	case len(types) == 1:
		return types[0]
	case len(types) <= 5:
		return "all of " + strings.Join(types, ", ")
	}
	return "all types"
}

// orNone is a list in a message.
func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// unknownBehind refuses a chain whose next parameter none of the target types knows.
func (p *parser) unknownBehind(param *Param, targets []string, rest string) *fhir.Error {
	return unknownUnlessQuery(p.errorf(fhir.CodeNotSupported, "none of the types that %q refers to (%s) has a search parameter %q",
		param.Code, strings.Join(targets, ", "), clip(rest)), rest)
}

// supported are the names that a search over these types can use.
func (p *parser) supported(types []string) []string {
	var names []string
	for _, param := range p.reg.Params(types[0]) {
		everywhere := !slices.ContainsFunc(types[1:], func(t string) bool { return p.reg.Param(t, param.Code) == nil })
		if everywhere && Searchable(param) {
			names = append(names, param.Code)
		}
	}
	names = append(append(names, SystemParameters()...), ResultParameters()...)
	if !p.allTypes {
		names = slices.DeleteFunc(names, func(name string) bool { return name == typeName })
	}
	return names
}
