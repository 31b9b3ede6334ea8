package mongo

import (
	"fmt"
	"regexp"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"

	"fhirside/resources/store"
	"fhirside/search"
)

func (c compiler) text(f search.String) (condition, error) {
	matches, err := root(f.Param).texts(f)
	if err != nil {
		return condition{}, err
	}
	made := condition{filter: f, match: matches[0]}
	n := utf8.RuneCountInString(f.Text)
	words := beginsWith(f.Param + string(textWord) + f.Text)
	switch {
	case f.Op != search.Prefix && f.Op != search.Contains && isModifiers(f.Param):
		return made, fmt.Errorf("the texts of %s are kept for their beginnings only", f.Param)
	case f.Op > search.Suffix:
		made.ways, err = c.comparedTexts(f)
		return made, err
	case f.Op == search.Exact:
		made.ways = []way{termWay(wordTerm(f.Param, search.Fold(f.Text)))}
	case f.Op == search.Equal:
		made.ways = []way{termWay(wordTerm(f.Param, f.Text))}
	case f.Op == search.Contains || f.Op == search.Suffix:
		made.ways = []way{beginsWith(f.Param + string(textWord))}
	case n > wordLetters:
		made.ways = []way{termWay(wordTerm(f.Param, f.Text))}
	case n == wordLetters:
		made.ways, made.exact = []way{termWay(wordTerm(f.Param, f.Text))}, true
	case n > 0 && isName[f.Param]:
		longest := nameBegins[0]
		for _, length := range nameBegins {
			if length <= n {
				longest = length
			}
		}
		begin, _ := letters(f.Text, longest)
		made.ways, made.exact = []way{termWay(term(f.Param, textBegins, begin))}, longest == n
		made.match = words.document()
	default:
		made.ways, made.exact = []way{words}, true
	}
	if made.exact {
		made.match = made.ways[0].document()
	}
	return made, nil
}

// comparedTexts are the ways to texts that compare with one as a whole: by their first letters.
func (c compiler) comparedTexts(f search.String) ([]way, error) {
	all := beginsWith(f.Param + string(textWord))
	first, _ := letters(f.Text, wordLetters)
	switch f.Op {
	case search.Begins:
		f.Op = search.Prefix
		word, err := c.text(f)
		return word.ways, err
	case search.Greater, search.GreaterOrEqual:
		return []way{rangeWay(all.from+first, all.to)}, nil
	case search.Less, search.LessOrEqual:
		return []way{rangeWay(all.from, successor(all.from+first))}, nil
	case search.Unequal:
		return []way{all}, nil
	}
	return nil, fmt.Errorf("no rule to compare texts by %d", f.Op)
}

// maxPattern bounds the text within a regular expression, in bytes: databases refuse long ones.
const maxPattern = 1000

// texts is the condition on folded texts, or on texts as they are.
func (p place) texts(f search.String) ([]bson.D, error) {
	if (f.Op == search.Contains || f.Op == search.Suffix) && len(f.Text) > maxPattern {
		return nil, fmt.Errorf("%w: a text of %d bytes anywhere but at the beginning of others", store.ErrTooCostly, len(f.Text))
	}
	entry := d("f", d("$gte", f.Text, "$lt", successor(f.Text)))
	switch f.Op {
	case search.Prefix:
		if utf8.RuneCountInString(f.Text) <= wordLetters { // short words within a text are terms alone: see comparedTexts
			w := beginsWith(p.param + string(textWord) + f.Text)
			return []bson.D{termBetween(p.terms, w.from, w.to)}, nil
		}
	case search.Exact:
		entry = d("x", f.Text)
	case search.Equal: // words within a text have no x
		entry = d("f", f.Text, "x", d("$exists", true))
	case search.Contains:
		entry = d("f", d("$regex", regexp.QuoteMeta(f.Text)))
	case search.Suffix:
		entry = d("f", d("$regex", regexp.QuoteMeta(f.Text)+"$"), "x", d("$exists", true))
	case search.Begins:
		entry = append(entry, bson.E{Key: "x", Value: d("$exists", true)})
	case search.Unequal:
		entry = d("f", d("$ne", f.Text), "x", d("$exists", true))
	case search.Greater:
		entry = d("f", gte(successor(f.Text)), "x", d("$exists", true))
	case search.Less:
		entry = d("f", lt(f.Text), "x", d("$exists", true))
	case search.GreaterOrEqual:
		entry = d("f", gte(f.Text), "x", d("$exists", true))
	case search.LessOrEqual:
		entry = d("f", lt(successor(f.Text)), "x", d("$exists", true))
	}
	return elements(p.path("s"), []bson.D{entry}), nil
}
