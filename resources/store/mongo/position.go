package mongo

import (
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"fhirside/resources/store"
	"fhirside/search"
)

// position is where a search goes on: behind the document of that id, whose sort fields have these values.
type position struct {
	resourceType string
	values       []bson.RawValue
	id           string
	inclusive    bool // a document of this very place comes behind it: it is of another type
}

// sealed is a position as a text, with the fingerprint of the search that it belongs to.
type sealed struct {
	Search int64           `bson:"s"`
	Type   string          `bson:"t"`
	Values []bson.RawValue `bson:"v,omitempty"`
	ID     string          `bson:"i"`
}

// seal writes what bson.Marshal does, without reflection: a page of a search seals every match.
func (p position) seal(fingerprint int64) string {
	at, doc := bsoncore.AppendDocumentStart(make([]byte, 0, 128))
	doc = bsoncore.AppendInt64Element(doc, "s", fingerprint)
	doc = bsoncore.AppendStringElement(doc, "t", p.resourceType)
	if len(p.values) > 0 {
		list, values := bsoncore.AppendArrayElementStart(doc, "v")
		for i, value := range p.values {
			values = bsoncore.AppendValueElement(values, arrayKey(i), bsoncore.Value{Type: bsoncore.Type(value.Type), Data: value.Value})
		}
		doc = endDocument(values, list)
	}
	doc = bsoncore.AppendStringElement(doc, "i", p.id)
	return base64.RawURLEncoding.EncodeToString(endDocument(doc, at))
}

// openPosition takes a position's text apart; nil for "".
func openPosition(text string, fingerprint int64) (*position, error) {
	if text == "" {
		return nil, nil
	}
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, store.ErrCursor
	}
	var p sealed
	if err := bson.Unmarshal(data, &p); err != nil || p.Search != fingerprint {
		return nil, store.ErrCursor
	}
	return &position{resourceType: p.Type, values: p.Values, id: p.ID}, nil
}

// fingerprint tells searches apart.
func fingerprint(types []string, f search.Filter, keys []search.SortKey) int64 {
	return sum(fmt.Sprintf("%q %s %v", types, canonical(f), keys))
}

func sum(text string) int64 {
	h := fnv.New64a()
	h.Write([]byte(text))
	return int64(h.Sum64())
}

// canonical writes a filter as a text; the order of the parts of And and Or does not count.
func canonical(f search.Filter) string {
	parts := func(list []search.Filter) string {
		texts := make([]string, len(list))
		for i, part := range list {
			texts[i] = canonical(part)
		}
		slices.Sort(texts)
		return "(" + strings.Join(texts, " ") + ")"
	}
	switch f := f.(type) {
	case nil:
		return canonical(search.All{})
	case search.And:
		return "And" + parts(f)
	case search.Or:
		return "Or" + parts(f)
	case search.Not:
		return "Not(" + canonical(f.Filter) + ")"
	case search.Chain:
		return fmt.Sprintf("Chain(%q %q %s)", f.Param, f.Type, canonical(f.Filter))
	case search.Has:
		return fmt.Sprintf("Has(%q %q %s)", f.Param, f.Type, canonical(f.Filter))
	case search.Composite:
		texts := make([]string, len(f.Parts))
		for i, part := range f.Parts {
			texts[i] = canonical(part)
		}
		return fmt.Sprintf("Composite(%q %s)", f.Param, strings.Join(texts, " "))
	}
	return fmt.Sprintf("%#v", f)
}
