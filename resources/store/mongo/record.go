package mongo

import (
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"fhirside/resources/store"
	"fhirside/resources/store/mongo/document"
)

// A resource's document in the collection of its type:
//
//	{_id: "123", version: 2, updated: 1700000000000000, method: 2, resource: {…}, numbers: [{path, text}], index: {…}, contained: […]}
//
// and that of a version in the history, which a deletion has without resource:
//
//	{_id: "Patient/123/0000000002", type: "Patient", id: "123", version: 2, commit: 1700000000000003, n: 0, updated: …, method: 2, resource: {…}, numbers: […]}
//
// updated is in microseconds since 1970; numbers is there only where a number's text is kept (see package document),
// contained where the resource contains others (see contained.go); commit and n are the commit's number and the version's place in it.

// content is a version's resource as BSON, ready to be put into documents.
type content struct {
	resource []byte
	numbers  []document.Number
}

func encode(body []byte) (content, error) {
	resource, numbers, err := document.Encode(make([]byte, 0, len(body)+len(body)/4+64), body)
	if err != nil {
		return content{}, err
	}
	if len(resource) > maxDocument {
		return content{}, tooLarge(fmt.Errorf("%d bytes of BSON", len(resource)))
	}
	return content{resource, numbers}, nil
}

func (c content) append(doc []byte) []byte {
	if c.resource == nil {
		return doc
	}
	doc = bsoncore.AppendDocumentElement(doc, "resource", c.resource)
	if len(c.numbers) == 0 {
		return doc
	}
	at, doc := bsoncore.AppendArrayElementStart(doc, "numbers")
	for i, n := range c.numbers {
		doc = bsoncore.BuildDocumentElement(doc, arrayKey(i),
			bsoncore.AppendStringElement(nil, "path", n.Path), bsoncore.AppendStringElement(nil, "text", n.Text))
	}
	return endDocument(doc, at)
}

// endDocument closes a document or an array; it cannot fail below 2 GiB.
func endDocument(doc []byte, at int32) []byte {
	doc, _ = bsoncore.AppendDocumentEnd(doc, at)
	return doc
}

// document is that of a current version.
func (v *version) document() bson.Raw {
	at, doc := bsoncore.AppendDocumentStart(make([]byte, 0, len(v.content.resource)+len(v.index)+128))
	doc = bsoncore.AppendStringElement(doc, "_id", v.ID)
	doc = bsoncore.AppendInt64Element(doc, "version", v.Version.Version)
	doc = bsoncore.AppendInt64Element(doc, "updated", v.Updated.UnixMicro())
	doc = bsoncore.AppendInt32Element(doc, "method", int32(v.Method))
	doc = v.content.append(doc)
	doc = bsoncore.AppendDocumentElement(doc, "index", v.index)
	if len(v.inside) > 0 {
		doc = appendTexts(doc, insideName, insideTexts(v.inside))
	}
	return endDocument(doc, at)
}

// historyDocument is the document of a version.
func historyDocument(v store.Version, c content, commit int64, n int) bson.Raw {
	at, doc := bsoncore.AppendDocumentStart(make([]byte, 0, len(c.resource)+256))
	doc = bsoncore.AppendStringElement(doc, "_id", versionID(v.Key, v.Version))
	doc = bsoncore.AppendStringElement(doc, "type", v.Type)
	doc = bsoncore.AppendStringElement(doc, "id", v.ID)
	doc = bsoncore.AppendInt64Element(doc, "version", v.Version)
	doc = bsoncore.AppendInt64Element(doc, "commit", commit)
	doc = bsoncore.AppendInt32Element(doc, "n", int32(n))
	doc = bsoncore.AppendInt64Element(doc, "updated", v.Updated.UnixMicro())
	doc = bsoncore.AppendInt32Element(doc, "method", int32(v.Method))
	doc = c.append(doc)
	return endDocument(doc, at)
}

// decodeCurrent reads a document of a type's collection. It copies what it keeps.
func decodeCurrent(resourceType string, doc bson.Raw) store.Version {
	v := decodeKeys(resourceType, doc)
	if v.Body == nil && v.Damage == nil {
		v.Damage = errNoResource
	}
	return v.Checked()
}

// decodeKeys is decodeCurrent for a document that was read without its resource.
func decodeKeys(resourceType string, doc bson.Raw) store.Version {
	v := store.Version{Key: store.Key{Type: resourceType}}
	v.ID, _ = doc.Lookup("_id").StringValueOK()
	if decodeVersion(&v, doc); v.Version < 1 && v.Damage == nil {
		v.Body, v.Damage = nil, errors.New("it has no version")
	}
	return v
}

func decodeHistory(doc bson.Raw) store.Version {
	v, _, _ := decodeStamped(doc)
	return v
}

// decodeStamped reads a document of the history with the version's place in the order of commits, if it tells one.
func decodeStamped(doc bson.Raw) (v store.Version, at stamp, placed bool) {
	v.Type, _ = doc.Lookup("type").StringValueOK()
	v.ID, _ = doc.Lookup("id").StringValueOK()
	earlier, number, isEarlier := earlierID(doc)
	if isEarlier {
		v.Key = earlier
	}
	decodeVersion(&v, doc)
	if isEarlier {
		v.Version = number
	} else if key, number, ok := parseVersionID(doc); ok && (v.Key != key || v.Version != number) {
		v.Key, v.Version, v.Body, v.Damage = key, number, nil, errors.New("its _id names another version than its fields")
	}
	if v.Body == nil && v.Damage == nil && !v.Deleted() {
		v.Damage = errNoResource
	}
	commit, noCommit := whole(doc.Lookup("commit"))
	n, noPlace := whole(doc.Lookup("n"))
	return v.Checked(), stamp{commit, n}, noCommit == nil && noPlace == nil
}

var errNoResource = errors.New("it has no resource")

// decodeVersion reads what both kinds of documents have; one without a resource has no body. What cannot be read is the version's
// Damage: somebody has changed the document in the database.
func decodeVersion(v *store.Version, doc bson.Raw) {
	var resource bson.Raw
	var numbers []document.Number
	var updated, method int64
	elements, err := doc.Elements()
	v.Damage = err
	for _, e := range elements {
		var err error
		value := e.Value()
		switch e.Key() {
		case "version":
			v.Version, err = whole(value)
		case "updated":
			updated, err = whole(value)
		case "method":
			method, err = whole(value)
		case "resource":
			var ok bool
			if resource, ok = value.DocumentOK(); !ok {
				err = fmt.Errorf("its resource is a BSON %v", value.Type)
			}
		case "numbers":
			numbers = decodeNumbers(value)
		}
		if err != nil {
			v.Damage = err
		}
	}
	v.Updated, v.Method = time.UnixMicro(updated).UTC(), store.Method(method)
	if resource == nil || v.Damage != nil {
		return
	}
	if v.Body, v.Damage = document.Decode(make([]byte, 0, len(resource)), resource, numbers); v.Damage != nil {
		v.Body = nil
	}
}

// decodeNumbers reads the texts that are kept beside numbers; what is no such text is left out, as if it stood for another value.
func decodeNumbers(list bson.RawValue) (numbers []document.Number) {
	array, _ := list.ArrayOK()
	values, _ := array.Values()
	for _, v := range values {
		entry, _ := v.DocumentOK()
		path, _ := entry.Lookup("path").StringValueOK()
		text, _ := entry.Lookup("text").StringValueOK()
		numbers = append(numbers, document.Number{Path: path, Text: text})
	}
	return numbers
}
