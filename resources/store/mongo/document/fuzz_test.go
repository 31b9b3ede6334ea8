package document_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"pgregory.net/rapid"

	"fhirside/fhir"
	"fhirside/resources/store/mongo/document"
)

// FuzzRoundTrip: whatever fhir.Parse accepts comes back byte for byte.
func FuzzRoundTrip(f *testing.F) {
	for _, seed := range []string{
		`{"resourceType":"X"}`,
		`{"resourceType":"X","a":[1,-0,1e2,1E+5,0.0001,1.00,12345678901234567890123456789012345678],"b":{"ü":"\u0000\n\"\\"}}`,
		`{"a":[[[[{"b":null}]]]],"resourceType":"X","_x":[null,true]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := fhir.Parse(data)
		if err != nil {
			if encoded, _, err := document.Encode(nil, data); err == nil && len(encoded) < 5 {
				t.Errorf("%q became %x", data, encoded)
			}
			return
		}
		if back, _, _ := roundTrip(t, r.Bytes()); !bytes.Equal(back, r.Bytes()) {
			t.Errorf("%s\ncame back as\n%s", r.Bytes(), back)
		}
	})
}

// FuzzDecode: no BSON makes Decode panic, and what it gives back is a resource, save for members that occur twice.
func FuzzDecode(f *testing.F) {
	encoded, _, _ := document.Encode(nil, []byte(`{"resourceType":"X","a":[1,1.5,true,null,"x",{"b":[]}]}`))
	f.Add(encoded)
	mixed, _ := bson.Marshal(bson.D{{Key: "resourceType", Value: "X"}, {Key: "d", Value: 1.5}, {Key: "l", Value: int64(1) << 40}, {Key: "t", Value: bson.DateTime(1)}})
	f.Add(mixed)
	f.Fuzz(func(t *testing.T, data []byte) {
		text, err := document.Decode(nil, data, []document.Number{{Path: "d", Text: "1e2"}})
		if err != nil {
			return
		}
		if _, err := fhir.Parse(text); err != nil && !strings.Contains(err.Error(), "occurs twice") && !strings.Contains(err.Error(), "no resourceType") {
			t.Errorf("%x became %s: %v", data, text, err)
		}
	})
}

func numberText() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringMatching(`-?(0|[1-9][0-9]{0,40})`),
		rapid.StringMatching(`-?(0|[1-9][0-9]{0,20})\.[0-9]{1,40}`),
		rapid.StringMatching(`-?(0|[1-9][0-9]{0,3})(\.[0-9]{1,5})?[eE][+-]?[0-9]{1,5}`),
	)
}

// value is the text of a JSON value of at most that many levels.
func value(depth int) *rapid.Generator[string] {
	quoted := rapid.Map(rapid.String(), func(s string) string { return string(fhir.Quote(s)) })
	scalars := []*rapid.Generator[string]{rapid.SampledFrom([]string{"true", "false", "null"}), numberText(), quoted}
	if depth == 0 {
		return rapid.OneOf(scalars...)
	}
	array := rapid.Custom(func(t *rapid.T) string {
		return "[" + strings.Join(rapid.SliceOfN(value(depth-1), 0, 12).Draw(t, "items"), ",") + "]"
	})
	object := rapid.Custom(func(t *rapid.T) string {
		names := rapid.SliceOfNDistinct(rapid.StringMatching(`[^.$\x00]+`), 0, 8, rapid.ID[string]).Draw(t, "names")
		members := make([]string, len(names))
		for i, name := range names {
			members[i] = string(fhir.Quote(name)) + ":" + value(depth-1).Draw(t, "value")
		}
		return "{" + strings.Join(members, ",") + "}"
	})
	return rapid.OneOf(append(scalars, array, object)...)
}

func TestRoundTripOfAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := fmt.Sprintf(`{"resourceType":"X","v":%s}`, value(4).Draw(t, "value"))
		r, err := fhir.Parse([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		encoded, numbers, err := document.Encode(nil, r.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		back, err := document.Decode(nil, encoded, numbers)
		if err != nil || !bytes.Equal(back, r.Bytes()) {
			t.Fatalf("%s\ncame back as\n%s (%v)", r.Bytes(), back, err)
		}
	})
}

// The driver, which is written by others, reads the same number from a Decimal128 as from the text.
func TestDecimalAsTheDriverReadsIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := numberText().Draw(t, "number")
		want, err := bson.ParseDecimal128(text)
		if err != nil {
			t.Skip("the driver does not round") // more than 34 digits, or out of range
		}
		encoded, _, err := document.Encode(nil, []byte(`{"v":`+text+`}`))
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := bson.Raw(encoded).Lookup("v").Decimal128OK(); ok && got != want {
			t.Fatalf("%s is %s, want %s", text, got, want)
		}
	})
}
