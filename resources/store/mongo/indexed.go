package mongo

import (
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"fhirside/search/index"
)

// A document's index values:
//
//	index: {
//	  rules: "2",                              by which they were computed, see Options.Rules
//	  shape: 0, key: 1700000000000000,         what orders it, see order
//	  t: ["", "code)8480-6"]                   its terms
//	  k: ["code)http://loinc.org|8480-6"]      its tokens with their systems
//	  p: [BinData(…)]                          pairs of an owner and a code, see pair
//	  apart: ["subject"]                       twins with entries of their own, see twins.go
//	  d: {date: [{lo, hi}]}                    the entries that conditions compare, by parameter: dates,
//	  n: {…: [{lo, hi}]}                       numbers,
//	  q: {"value-quantity": [{lo, hi, s, c, u}]} quantities with system, code and printed unit,
//	  s: {family: [{f, x}]}                    texts, folded and as they are, and long words in them (without x),
//	  c: {"code-value-quantity": [{"0": {t: […]}, "1": {q: […]}}]} and the components of tuples
//	}

// indexDocument is the index values of a resource as BSON.
func indexDocument(resourceType string, v index.Values, rules string) []byte {
	o := orders[resourceType]
	shape, key := o.key(v)
	v, apart := withoutTwins(resourceType, v)
	at, doc := bsoncore.AppendDocumentStart(make([]byte, 0, 1024))
	if rules != "" {
		doc = bsoncore.AppendStringElement(doc, "rules", rules)
	}
	doc = bsoncore.AppendInt32Element(doc, "shape", shape)
	switch key := key.(type) {
	case int64:
		doc = bsoncore.AppendInt64Element(doc, "key", key)
	case string:
		doc = bsoncore.AppendStringElement(doc, "key", key)
	}
	doc = appendTexts(doc, "t", termsOf(v, o))
	if len(v.Tokens) > 0 {
		doc = appendTexts(doc, "k", wholeTokens(v.Tokens))
	}
	doc = appendPairs(doc, pairsOf(v))
	if len(apart) > 0 {
		doc = appendTexts(doc, "apart", apart)
	}
	doc = appendByParam(doc, "d", v.Dates, func(e index.Date) string { return e.Param }, appendDate)
	doc = appendByParam(doc, "n", v.Numbers, func(e index.Number) string { return e.Param }, appendNumber)
	doc = appendByParam(doc, "q", v.Quantities, func(e index.Quantity) string { return e.Param }, appendQuantity)
	doc = appendByParam(doc, "s", comparedTexts(v.Strings), func(e index.String) string { return e.Param }, appendText)
	doc = appendByParam(doc, "c", v.Composites, func(e index.Composite) string { return e.Param }, appendTuple)
	return endDocument(doc, at)
}

func appendTexts(doc []byte, name string, texts []string) []byte {
	at, doc := bsoncore.AppendArrayElementStart(doc, name)
	for i, text := range texts {
		doc = bsoncore.AppendStringElement(doc, arrayKey(i), text)
	}
	return endDocument(doc, at)
}

func appendPairs(doc []byte, pairs []pair) []byte {
	if len(pairs) == 0 {
		return doc
	}
	at, doc := bsoncore.AppendArrayElementStart(doc, "p")
	for i, p := range pairs {
		doc = bsoncore.AppendBinaryElement(doc, arrayKey(i), bson.TypeBinaryGeneric, p[:])
	}
	return endDocument(doc, at)
}

// appendByParam writes entries as an array per parameter; nothing where there are none.
func appendByParam[E any](doc []byte, name string, entries []E, param func(E) string, write func([]byte, E) []byte) []byte {
	if len(entries) == 0 {
		return doc
	}
	var params []string
	for _, e := range entries {
		if p := param(e); !slices.Contains(params, p) {
			params = append(params, p)
		}
	}
	all, doc := bsoncore.AppendDocumentElementStart(doc, name)
	for _, p := range params {
		var one int32
		one, doc = bsoncore.AppendArrayElementStart(doc, field(p))
		n := 0
		for _, e := range entries {
			if param(e) == p {
				doc = appendEntry(doc, n, e, write)
				n++
			}
		}
		doc = endDocument(doc, one)
	}
	return endDocument(doc, all)
}

// appendEntries writes the entries of a tuple's component, which have no parameter.
func appendEntries[E any](doc []byte, name string, entries []E, write func([]byte, E) []byte) []byte {
	if len(entries) == 0 {
		return doc
	}
	at, doc := bsoncore.AppendArrayElementStart(doc, name)
	for i, e := range entries {
		doc = appendEntry(doc, i, e, write)
	}
	return endDocument(doc, at)
}

func appendEntry[E any](doc []byte, i int, e E, write func([]byte, E) []byte) []byte {
	at, doc := bsoncore.AppendDocumentElementStart(doc, arrayKey(i))
	return endDocument(write(doc, e), at)
}

// field is a parameter's code as the name of a member. Codes hold none of these characters; a custom parameter's might.
func field(param string) string {
	if !strings.ContainsAny(param, ".$%\x00") {
		return param
	}
	return strings.NewReplacer("%", "%25", ".", "%2E", "$", "%24", "\x00", "%00").Replace(param)
}

func appendDate(doc []byte, e index.Date) []byte {
	return bsoncore.AppendInt64Element(bsoncore.AppendInt64Element(doc, "lo", e.Lo), "hi", e.Hi)
}

func appendNumber(doc []byte, e index.Number) []byte {
	return bsoncore.AppendDoubleElement(bsoncore.AppendDoubleElement(doc, "lo", e.Lo), "hi", e.Hi)
}

func appendQuantity(doc []byte, e index.Quantity) []byte {
	doc = appendNumber(doc, e.Number)
	doc = bsoncore.AppendStringElement(doc, "s", e.System)
	doc = bsoncore.AppendStringElement(doc, "c", e.Code)
	return bsoncore.AppendStringElement(doc, "u", e.Unit)
}

// comparedTexts leaves out words that their terms say all about.
func comparedTexts(list []index.String) []index.String {
	return slices.DeleteFunc(slices.Clone(list), func(e index.String) bool {
		_, all := letters(e.Folded, wordLetters)
		return e.Part && all
	})
}

// appendText writes a text without the text as it is where nothing asks for that: for a word, and for the texts that a modifier
// reads (code:text).
func appendText(doc []byte, e index.String) []byte {
	doc = bsoncore.AppendStringElement(doc, "f", e.Folded)
	if e.Part || isModifiers(e.Param) {
		return doc
	}
	return bsoncore.AppendStringElement(doc, "x", e.Text)
}

// isModifiers says whether a parameter holds what a modifier of another one reads: "code:text".
func isModifiers(param string) bool { return strings.Contains(param, ":") }

func appendTuple(doc []byte, e index.Composite) []byte {
	for i, v := range e.Components {
		at, inner := bsoncore.AppendDocumentElementStart(doc, arrayKey(i))
		var t terms
		t.entries(v, "")
		inner = appendTexts(inner, "t", t)
		inner = appendTexts(inner, "k", wholeTokens(v.Tokens))
		inner = appendEntries(inner, "d", v.Dates, appendDate)
		inner = appendEntries(inner, "n", v.Numbers, appendNumber)
		inner = appendEntries(inner, "q", v.Quantities, appendQuantity)
		inner = appendEntries(inner, "s", comparedTexts(v.Strings), appendText)
		doc = endDocument(inner, at)
	}
	return doc
}
