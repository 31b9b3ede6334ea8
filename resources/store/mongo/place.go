package mongo

import (
	"fmt"
	"regexp"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"fhirside/resources/store"
	"fhirside/search"
)

// place is where the entries of a parameter are in a document, or those of a component in a tuple.
type place struct {
	param         string
	terms, tokens string // paths
	path          func(kind string) string
}

func root(param string) place {
	name := field(param)
	return place{param, termsPath, tokensPath, func(kind string) string { return "index." + kind + "." + name }}
}

func component(i int) place {
	name := arrayKey(i)
	return place{"", name + ".t", name + ".k", func(kind string) string { return name + "." + kind }}
}

// match are the conditions of a leaf, of which one is to hold; terms are set where it is nothing but having one of them.
func (p place) match(f search.Filter) (matches []bson.D, terms []string, err error) {
	switch f := f.(type) {
	case search.Token:
		return p.token(f)
	case search.Other:
		matches, err = p.other(f)
		return matches, nil, err
	case search.Reference:
		t := []string{term(p.param, refersTo, targetOf(f.Type, f.ID, f.URL))}
		switch {
		case f.Begins:
			w, err := versionsWay(f)
			return []bson.D{termBetween(p.terms, w.from, w.to)}, nil, err
		case f.Names:
			t = nameTerms(p.param, named{f.URL, f.Version})
		case f.Version != "":
			t[0] = term(p.param, further, targetOf(f.Type, f.ID, f.URL)+"|"+f.Version)
		}
		return []bson.D{anyTerm(p.terms, t)}, t, nil
	case search.ReferenceToOther:
		return p.toOther(f), nil, nil
	case search.URI:
		return p.uris(f)
	case search.Date:
		return p.dates(f), nil, nil
	case search.Number:
		return elements(p.path("n"), numberEntry(f)), nil, nil
	case search.Quantity:
		return elements(p.path("q"), quantityEntry(f)), nil, nil
	case search.String:
		matches, err = p.texts(f)
		return matches, nil, err
	case search.Or:
		return p.some(f)
	case search.And:
		return p.every(f)
	case search.All:
		return []bson.D{{}}, nil, nil
	case search.None:
		return p.some(nil)
	}
	return nil, nil, fmt.Errorf("no rule to compile the filter %T", f)
}

func (p place) token(f search.Token) (matches []bson.D, terms []string, err error) {
	switch {
	case f.AnySystem && f.AnyCode:
		return []bson.D{termBetween(p.terms, p.param+string(codeExact), p.param+string(codeFolded+1))}, nil, nil
	case f.AnySystem:
		terms = []string{codeTerm(p.param, f.Code, f.Fold)}
		return []bson.D{anyTerm(p.terms, terms)}, terms, nil
	case !f.AnyCode:
		return []bson.D{d(p.tokens, wholeToken(p.param, f.System, f.Code, f.Fold))}, nil, nil
	case len(f.System) > maxTerm-64:
		return nil, nil, fmt.Errorf("%w: a code system of %d bytes without a code", store.ErrTooCostly, len(f.System))
	}
	for _, fold := range []bool{false, true} {
		w := beginsWith(p.param + string(codeMark(fold)) + escapeSystem(f.System) + "|")
		matches = append(matches, termBetween(p.tokens, w.from, w.to))
	}
	return matches, nil, nil
}

// other is the condition that there is a token, as index.k has it, that is none of these.
func (p place) other(f search.Other) ([]bson.D, error) {
	var these bson.A
	for _, t := range f.Tokens {
		switch {
		case len(t.Code)+len(t.System) > maxTerm/2:
			return nil, fmt.Errorf("%w: a code of %d bytes that others are to differ from", store.ErrTooCostly, len(t.Code)+len(t.System))
		case t.AnySystem:
			these = append(these, bson.Regex{Pattern: "^" + regexp.QuoteMeta(p.param+string(codeMark(t.Fold))) + `[^|]*\|` + regexp.QuoteMeta(t.Code) + `\z`})
		case t.AnyCode:
			these = append(these, bson.Regex{Pattern: "^" + regexp.QuoteMeta(p.param) + "[()]" + regexp.QuoteMeta(escapeSystem(t.System)+"|")})
		default:
			these = append(these, wholeToken(p.param, t.System, t.Code, t.Fold))
		}
	}
	return []bson.D{d(p.tokens, d("$elemMatch", d("$gte", p.param+string(codeExact), "$lt", p.param+string(codeFolded+1), "$nin", these)))}, nil
}

// toOther is the condition that there is a reference to a resource of a type, or to a contained one, that is none of these.
func (p place) toOther(f search.ReferenceToOther) []bson.D {
	these := bson.A{}
	for _, id := range f.IDs {
		these = append(these, term(p.param, refersTo, targetOf(f.Type, id, "")))
	}
	own := beginsWith(p.param + string(refersTo) + f.Type + "/")
	contained := beginsWith(p.param + string(refersTo) + search.ContainedType(f.Type) + "/")
	return []bson.D{
		d(p.terms, d("$elemMatch", d("$gte", own.from, "$lt", own.to, "$nin", these))),
		termBetween(p.terms, contained.from, contained.to),
	}
}

func (p place) dates(f search.Date) []bson.D { return elements(p.path("d"), dateEntry(f)) }

func (p place) uris(f search.URI) (matches []bson.D, terms []string, err error) {
	switch f.Op {
	case search.BelowURI:
		prefix := p.param + string(uriIs) + f.Value
		if len(prefix) > maxTerm-64 {
			return nil, nil, fmt.Errorf("%w: a uri of %d bytes with :below", store.ErrTooCostly, len(f.Value))
		}
		w := beginsWith(prefix)
		return []bson.D{termBetween(p.terms, w.from, w.to)}, nil, nil
	case search.AboveURI:
		for i := range f.Value {
			terms = append(terms, term(p.param, uriIs, f.Value[:i]))
		}
	}
	terms = append(terms, term(p.param, uriIs, f.Value))
	if len(terms) > maxAbove {
		return nil, nil, fmt.Errorf("%w: a uri of %d bytes with :above", store.ErrTooCostly, len(f.Value))
	}
	return []bson.D{anyTerm(p.terms, terms)}, terms, nil
}

// maxAbove bounds the beginnings of a uri that :above looks for.
const maxAbove = 2000

// every is an And of conditions on one component, each for one of its entries.
func (p place) every(filters search.And) (matches []bson.D, terms []string, err error) {
	matches = []bson.D{{}}
	for _, f := range filters {
		m, _, err := p.match(f)
		if err != nil {
			return nil, nil, err
		}
		var both []bson.D
		for _, x := range matches {
			for _, y := range m {
				both = append(both, allOf(slices.DeleteFunc([]bson.D{x, y}, func(d bson.D) bool { return len(d) == 0 })))
			}
		}
		matches = both
	}
	return matches, nil, nil
}

// some is an Or of leaves on one component.
func (p place) some(filters search.Or) (matches []bson.D, terms []string, err error) {
	var only []string // of the leaves that are nothing but terms
	for _, f := range filters {
		m, t, err := p.match(f)
		if err != nil {
			return nil, nil, err
		}
		if t != nil {
			only = append(only, t...)
		} else {
			matches = append(matches, m...)
		}
	}
	if only != nil {
		if matches == nil {
			terms = only
		}
		matches = append(matches, anyTerm(p.terms, only))
	}
	return matches, terms, nil
}
