package mongo

import (
	"fmt"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// d is a document of names and values in turn.
func d(pairs ...any) bson.D {
	doc := make(bson.D, 0, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		doc = append(doc, bson.E{Key: pairs[i].(string), Value: pairs[i+1]})
	}
	return doc
}

// documents that are all to hold.
func allOf(parts []bson.D) bson.D {
	switch len(parts) {
	case 0:
		return bson.D{}
	case 1:
		return parts[0]
	}
	return d("$and", parts)
}

// anyOf of which one is to hold; there is at least one.
func anyOf(parts []bson.D) bson.D {
	if len(parts) == 1 {
		return parts[0]
	}
	return d("$or", parts)
}

// whole is an integer of a document, however mongosh or Compass may have typed it.
func whole(v bson.RawValue) (int64, error) {
	if n, ok := v.AsInt64OK(); ok {
		return n, nil
	}
	return 0, fmt.Errorf("a number was expected, not a BSON %v", v.Type)
}

// keys are the names of the first items of an array.
var keys = func() (list [64]string) {
	for i := range list {
		list[i] = strconv.Itoa(i)
	}
	return list
}()

// arrayKey is the name of an array's item in BSON.
func arrayKey(i int) string {
	if i < len(keys) {
		return keys[i]
	}
	return strconv.Itoa(i)
}
