package document_test

import (
	"bytes"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"fhirside/fhir"
	"fhirside/resources/store/mongo/document"
)

// roundTrip is the text that comes back, after a check that the document is valid BSON.
func roundTrip(t testing.TB, text []byte) (back []byte, raw bson.Raw, numbers []document.Number) {
	t.Helper()
	encoded, numbers, err := document.Encode(nil, text)
	if err != nil {
		t.Fatalf("Encode(%s): %v", clip(text), err)
	}
	raw = bson.Raw(encoded)
	if err := raw.Validate(); err != nil {
		t.Fatalf("Encode(%s) is not valid BSON: %v", clip(text), err)
	}
	back, err = document.Decode(nil, encoded, numbers)
	if err != nil {
		t.Fatalf("Decode(Encode(%s)): %v", clip(text), err)
	}
	return back, raw, numbers
}

func clip(text []byte) []byte { return text[:min(len(text), 300)] }

func TestNumbers(t *testing.T) {
	tests := []struct {
		text string
		kind bson.Type
		kept bool // the text is kept beside the document
	}{
		{"0", bson.TypeInt32, false},
		{"-1", bson.TypeInt32, false},
		{"2147483647", bson.TypeInt32, false},
		{"-2147483648", bson.TypeInt32, false},
		{"2147483648", bson.TypeInt64, false},
		{"9223372036854775807", bson.TypeInt64, false},
		{"-9223372036854775808", bson.TypeInt64, false},
		{"9223372036854775808", bson.TypeDecimal128, false},
		{"-0", bson.TypeDecimal128, false},
		{"1.00", bson.TypeDecimal128, false},
		{"0.0", bson.TypeDecimal128, false},
		{"-0.00", bson.TypeDecimal128, false},
		{"120.5000", bson.TypeDecimal128, false},
		{"0.000000000000000000001", bson.TypeDecimal128, false},
		{"1234567890123456789012345678901234", bson.TypeDecimal128, false},
		{"12345678901234567890123456789012.34", bson.TypeDecimal128, false},
		{"0.1234567890123456789012345678901234", bson.TypeDecimal128, false},
		{"9999999999999999999999999999999999", bson.TypeDecimal128, false},
		{"10000000000000000000", bson.TypeDecimal128, false},
		{"100000000000000000000000000000.0001", bson.TypeDecimal128, false},
		{"99999999999999999999999999999999995", bson.TypeDecimal128, true},
		{"1.23456789012345678901234567890123456", bson.TypeDecimal128, true},
		{"1E+5", bson.TypeDecimal128, false},
		{"1.5E+5", bson.TypeDecimal128, false},
		{"-1.50E+5", bson.TypeDecimal128, false},
		{"15E+5", bson.TypeDecimal128, true},
		{"1e2", bson.TypeDecimal128, true},
		{"1E2", bson.TypeDecimal128, true},
		{"1e+2", bson.TypeDecimal128, true},
		{"1E-7", bson.TypeDecimal128, true},
		{"1.0E0", bson.TypeDecimal128, true},
		{"0e0", bson.TypeDecimal128, true},
		{"0E+5", bson.TypeDecimal128, false},
		{"1e6144", bson.TypeDecimal128, true},
		{"1E+6144", bson.TypeDecimal128, true}, // a Decimal128 pads it with zeros
		{"1E+6111", bson.TypeDecimal128, false},
		{"1e400000000", bson.TypeDecimal128, true},
		{"-1e99999999999999999999", bson.TypeDecimal128, true},
		{"1e-99999999999999999999", bson.TypeDecimal128, true},
		{"123e-6178", bson.TypeDecimal128, true},
		{"0." + strings.Repeat("0", 6175) + "1", bson.TypeDecimal128, false},
		{"0." + strings.Repeat("0", 6176) + "1", bson.TypeDecimal128, true},
		{"1" + strings.Repeat("0", 33), bson.TypeDecimal128, false},
		{"1" + strings.Repeat("0", 34), bson.TypeDecimal128, true},
	}
	for _, test := range tests {
		t.Run(test.text[:min(len(test.text), 40)], func(t *testing.T) {
			text := `{"resourceType":"X","a":[{"v":` + test.text + `}]}`
			back, raw, numbers := roundTrip(t, []byte(text))
			if string(back) != text {
				t.Errorf("came back as %s", clip(back))
			}
			if kind := raw.Lookup("a", "0", "v").Type; kind != test.kind {
				t.Errorf("is a BSON %v, want %v", kind, test.kind)
			}
			if kept := len(numbers) == 1 && numbers[0] == (document.Number{Path: "a.0.v", Text: test.text}); kept != test.kept {
				t.Errorf("kept beside: %v, want %v", numbers, test.kept)
			}
		})
	}
}

// The document holds the number's value, as the driver reads it.
func TestNumericValue(t *testing.T) {
	for text, want := range map[string]string{
		"1.00": "1.00", "1e2": "1E+2", "1E-7": "1E-7", "-0": "-0", "0.0000001": "1E-7", "15E+5": "1.5E+6",
		"1.23456789012345678901234567890123456": "1.234567890123456789012345678901235",
		"1.2345678901234567890123456789012345":  "1.234567890123456789012345678901234", // half to even
		"99999999999999999999999999999999995":   "1.000000000000000000000000000000000E+35",
		"1e9999":                                "Infinity", "-1e9999": "-Infinity", "1e-9999": "0E-6176",
		"9999999999999999999999999999999999": "9999999999999999999999999999999999",
	} {
		_, raw, _ := roundTrip(t, []byte(`{"resourceType":"X","v":`+text+`}`))
		if got := raw.Lookup("v").Decimal128().String(); got != want {
			t.Errorf("%s is stored as %s, want %s", text, got, want)
		}
	}
}

func TestMembersKeepOrderAndEscapes(t *testing.T) {
	for _, text := range []string{
		`{"resourceType":"X"}`,
		`{"z":{},"resourceType":"X","a":[],"_a":[null,{"id":"1"}],"b":[[],[[]]],"t":true,"f":false,"n":null}`,
		`{"resourceType":"X","text":"\"\\\n\t\r\b\f\u0000\u001f/<>&","ü\"\\\n":"ü€😀` + "\u2028\u007f" + `"}`,
		`{"resourceType":"X","a":["` + strings.Repeat("x", 7) + `\n","` + strings.Repeat("y", 8) + `\"","` + strings.Repeat("ü", 20) + `"]}`,
		`{"resourceType":"X","a":[` + strings.Repeat("1,", 1200) + `2]}`,
		`{"resourceType":"X","d":` + strings.Repeat(`{"d":[`, 31) + `1.0` + strings.Repeat(`]}`, 31) + `}`,
		`{"resourceType":"X","d":` + strings.Repeat("[", 63) + `1e2` + strings.Repeat("]", 63) + `}`,
	} {
		r, err := fhir.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if back, _, _ := roundTrip(t, r.Bytes()); !bytes.Equal(back, r.Bytes()) {
			t.Errorf("%s\ncame back as\n%s", clip(r.Bytes()), clip(back))
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	for _, text := range []string{
		``, ` `, `{`, `}`, `[]`, `"a"`, `1`, `{"a"}`, `{"a":}`, `{"a":1`, `{"a":1,}`, `{,}`, `{"a":1}x`, `{"a": 1}`, `{ "a":1}`,
		`{"a":01}`, `{"a":-}`, `{"a":1.}`, `{"a":.5}`, `{"a":1e}`, `{"a":+1}`, `{"a":1e+}`, `{"a":--1}`, `{"a":tru}`, `{"a":nul}`,
		`{"a":"}`, `{"a":"\`, `{"a":"\"}`, `{"a":"\x"}`, "{\"a\":\"\n\"}", `{"a":[1,]}`, `{"a":[,1]}`, `{"a":[1`, `{"":1}`, `{"a\u0000b":1}`,
		`{"a":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`,
	} {
		if document, _, err := document.Encode(nil, []byte(text)); err == nil {
			t.Errorf("Encode(%s) gives %x and no error", text, document)
		}
	}
}

// What somebody has made of a document in the database.
func TestEditedByHand(t *testing.T) {
	now := bson.DateTime(0)
	deep := bson.D{}
	for range 70 {
		deep = bson.D{{Key: "d", Value: deep}}
	}
	decimal := func(s string) bson.Decimal128 {
		d, err := bson.ParseDecimal128(s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	x := bson.E{Key: "resourceType", Value: "X"}
	tests := []struct {
		name string
		doc  bson.D
		want string // or part of the error
		fail bool
	}{
		{"a double", bson.D{x, {Key: "v", Value: 5.5}}, `{"resourceType":"X","v":5.5}`, false},
		{"a whole double", bson.D{x, {Key: "v", Value: 5.0}}, `{"resourceType":"X","v":5}`, false},
		{"a tiny double", bson.D{x, {Key: "v", Value: 5e-10}}, `{"resourceType":"X","v":5e-10}`, false},
		{"a date", bson.D{x, {Key: "a", Value: bson.A{bson.D{{Key: "v", Value: now}}}}}, "at a.0.v: a resource holds no BSON values of type 0x09", true},
		{"an ObjectID", bson.D{{Key: "_id", Value: bson.NewObjectID()}, x}, "type 0x07", true},
		{"infinity", bson.D{x, {Key: "v", Value: decimal("Infinity")}}, "at v: a number is infinite", true},
		{"no number", bson.D{x, {Key: "v", Value: decimal("NaN")}}, "at v: a number is infinite", true},
		{"a dot in a name", bson.D{x, {Key: "a.b", Value: 1}}, "member name", true},
		{"a dollar in a name", bson.D{x, {Key: "$a", Value: 1}}, "member name", true},
		{"an empty name", bson.D{x, {Key: "", Value: 1}}, "member name", true},
		{"no UTF-8", bson.D{x, {Key: "v", Value: "a\xff"}}, "at v: a text is not UTF-8", true},
		{"no UTF-8 among escapes", bson.D{x, {Key: "v", Value: "\"\xff"}}, "at v: a text is not UTF-8", true},
		{"no resourceType", bson.D{{Key: "id", Value: "1"}}, "no resourceType", true},
		{"an odd resourceType", bson.D{{Key: "resourceType", Value: 1}}, "resourceType is not a string", true},
		{"too deep", bson.D{x, {Key: "d", Value: deep}}, "64 levels", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			raw, err := bson.Marshal(test.doc)
			if err != nil {
				t.Fatal(err)
			}
			text, err := document.Decode(nil, raw, nil)
			switch {
			case test.fail && err == nil:
				t.Errorf("became %s", text)
			case test.fail && !strings.Contains(err.Error(), test.want):
				t.Errorf("error is %q, want %q", err, test.want)
			case !test.fail && (err != nil || string(text) != test.want):
				t.Errorf("became %s, %v", text, err)
			}
		})
	}
}

// A text that was kept beside a number is forgotten when the number changes, moves or goes.
func TestKeptTextOfChangedNumber(t *testing.T) {
	_, numbers, err := document.Encode(nil, []byte(`{"resourceType":"X","v":1e2,"w":1e3}`))
	if err != nil {
		t.Fatal(err)
	}
	changed, _, err := document.Encode(nil, []byte(`{"resourceType":"X","w":1e3,"v":7.50,"u":100}`))
	if err != nil {
		t.Fatal(err)
	}
	text, err := document.Decode(nil, changed, numbers)
	if want := `{"resourceType":"X","w":1e3,"v":7.50,"u":100}`; err != nil || string(text) != want {
		t.Errorf("became %s, %v; want %s", text, err, want)
	}
}

func TestAppends(t *testing.T) {
	text := []byte(`{"resourceType":"X","v":1e2}`)
	encoded, numbers, err := document.Encode([]byte("before"), text)
	if err != nil || !bytes.HasPrefix(encoded, []byte("before")) {
		t.Fatalf("%q, %v", encoded, err)
	}
	back, err := document.Decode([]byte("before"), encoded[6:], numbers)
	if err != nil || string(back) != "before"+string(text) {
		t.Errorf("%q, %v", back, err)
	}
}
