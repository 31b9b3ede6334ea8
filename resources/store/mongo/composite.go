package mongo

import (
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"

	"fhirside/resources/store"
	"fhirside/search"
)

// maxAlternatives bounds what becomes of parts with alternatives when they are combined.
const maxAlternatives = 1000

// composite asks that one and the same tuple satisfies all parts.
func (c compiler) composite(f search.Composite) (condition, error) {
	alternatives := []bson.D{{}}
	for i, part := range f.Parts {
		matches, _, err := component(i).match(part)
		if err != nil {
			return condition{}, err
		}
		if alternatives = product(alternatives, matches); len(alternatives) > maxAlternatives {
			return condition{}, fmt.Errorf("%w: a composite search with so many alternatives", store.ErrTooCostly)
		}
	}
	if len(alternatives) == 0 {
		return condition{never: true}, nil
	}
	for i := range alternatives {
		alternatives[i] = ofTuple(alternatives[i])
	}
	match := anyOf(elements("index.c."+field(f.Param), alternatives))
	return condition{filter: f, match: match, ways: tupleWays(f)}, nil
}

// ofTuple is the condition on a tuple with one $and, and not that alone: an $elemMatch that begins with an operator can be taken for a
// condition on values.
func ofTuple(conditions bson.D) bson.D {
	var own bson.D
	var all []bson.D
	for _, e := range conditions {
		if e.Key == "$and" {
			all = append(all, e.Value.([]bson.D)...)
		} else {
			own = append(own, e)
		}
	}
	switch {
	case all == nil:
		return conditions
	case own == nil:
		own = d(arrayKey(0), d("$exists", true))
	}
	return append(own, bson.E{Key: "$and", Value: all})
}

// tupleWays are ranges of tuple terms: see terms.tuple.
func tupleWays(f search.Composite) []way {
	any := []way{beginsWith(f.Param + string(tuple))}
	for i, part := range f.Parts {
		tokens, ok := codes(part)
		if !ok {
			continue
		}
		if tokens == nil {
			return any // a system alone
		}
		var rest search.Filter
		if i+1 < len(f.Parts) {
			rest = f.Parts[i+1]
		}
		var ways []way
		for _, token := range tokens {
			ways = append(ways, tupleWay(tupleBegin(f.Param, i, token), rest)...)
		}
		return merged(ways)
	}
	return any
}

// codes are the terms of a part that consists of tokens; ok is false where it does not, nil where one of them has no code.
func codes(part search.Filter) (terms []string, ok bool) {
	leaves, isOr := part.(search.Or)
	if !isOr {
		leaves = search.Or{part}
	}
	for _, leaf := range leaves {
		token, isToken := leaf.(search.Token)
		if !isToken {
			return nil, false
		}
		if token.AnyCode {
			return nil, true
		}
		terms = append(terms, codeTerm("", token.Code, token.Fold))
	}
	return terms, len(terms) > 0
}

// tupleWay are the ways to tuples that begin with this, by what the component behind the token must be.
func tupleWay(begin string, rest search.Filter) []way {
	ends := func(from, to string, ok bool) []way {
		if !ok {
			return []way{beginsWith(begin)}
		}
		return []way{rangeWay(begin+tuplePoint+from, begin+tuplePoint+to), termWay(begin + tupleOther)}
	}
	switch rest := rest.(type) {
	case search.Number:
		i, ok := points(rest)
		from, to := i.texts()
		return ends(from, to, ok && !i.isEmpty())
	case search.Quantity:
		i, ok := points(rest.Number)
		from, to := i.texts()
		return ends(from, to, ok && !i.isEmpty())
	case search.Date:
		b, ok := beginnings(rest)
		return ends(ordered(b.lo), ordered(b.hi)+behindNumber, ok && !b.isEmpty())
	case search.Token, search.Or:
		if tokens, ok := codes(rest); ok && tokens != nil {
			terms := make([]string, 0, len(tokens)+1)
			for _, token := range tokens {
				terms = append(terms, begin+tupleToken+token)
			}
			return []way{termWay(terms...)}
		}
	}
	return []way{beginsWith(begin)}
}
