package mongo

import (
	"encoding/base64"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"pgregory.net/rapid"
)

// A position is what its document says, as the driver writes it, and is opened by the search that it belongs to only.
func TestPositionSeal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := position{resourceType: "Patient", id: rapid.String().Draw(t, "id")}
		for _, text := range rapid.SliceOfN(rapid.String(), 0, 70).Draw(t, "values") {
			kind, data, err := bson.MarshalValue(text)
			if err != nil {
				t.Skip(err)
			}
			p.values = append(p.values, bson.RawValue{Type: kind, Value: data})
		}
		search := rapid.Int64().Draw(t, "search")
		text := p.seal(search)
		document, err := bson.Marshal(sealed{search, p.resourceType, p.values, p.id})
		if err != nil {
			t.Fatal(err)
		}
		if written := base64.RawURLEncoding.EncodeToString(document); text != written {
			t.Fatalf("%s, not %s", text, written)
		}
		opened, err := openPosition(text, search)
		if err != nil || opened.id != p.id || len(opened.values) != len(p.values) {
			t.Fatal(opened, err)
		}
		if _, err := openPosition(text, search+1); err == nil {
			t.Fatal("another search opens it")
		}
	})
}
