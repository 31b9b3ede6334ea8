package sqlite

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/klauspost/compress/s2"
	"pgregory.net/rapid"

	"fhirside/fhir"
	"fhirside/resources/store"
	"fhirside/search"
	"fhirside/search/index"
)

// texts are such as occur, and such as could be taken for something else.
var texts = rapid.OneOf(
	rapid.SampledFrom([]string{"", "code", "code:text", "Patient", "Patient/1", "a/b/c", "http://loinc.org", "van der Berg", "\x00\n\xff", "É"}),
	rapid.String(),
)

var numbers = rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{0, 1.5, -3, 1e300, math.Inf(1), math.Inf(-1)}))

var times = rapid.OneOf(
	rapid.Int64(),
	rapid.SampledFrom([]int64{fhir.BeginningOfTime, fhir.EndOfTime, 0, 1}),
	rapid.Custom(func(t *rapid.T) int64 { return rapid.Int64Range(-9e12, 9e12).Draw(t, "seconds") * second }),
)

// values draws index values, with tuples so deep.
func values(depth int) *rapid.Generator[index.Values] {
	return rapid.Custom(func(t *rapid.T) index.Values {
		text := func() string { return texts.Draw(t, "text") }
		number := func() index.Number {
			n := index.Number{Param: text(), Lo: numbers.Draw(t, "lo")}
			n.Hi = rapid.SampledFrom([]float64{n.Lo, numbers.Draw(t, "hi")}).Draw(t, "which")
			return n
		}
		var v index.Values
		for range rapid.IntRange(0, 3).Draw(t, "entries") {
			v.Tokens = append(v.Tokens, index.Token{Param: text(), System: text(), Code: text(), Fold: rapid.Bool().Draw(t, "fold")})
			s := index.String{Param: text(), Text: text(), Folded: text(), Part: rapid.Bool().Draw(t, "part")}
			if rapid.Bool().Draw(t, "usual") {
				s.Folded, s.Part = search.Fold(s.Text), false
			}
			v.Strings = append(v.Strings, s)
			v.References = append(v.References, index.Reference{Param: text(), Type: text(), ID: text()}, index.Reference{Param: text(), URL: text(), Version: text()})
			v.Dates = append(v.Dates, index.Date{Param: text(), Lo: times.Draw(t, "lo"), Hi: times.Draw(t, "hi")})
			v.Numbers = append(v.Numbers, number())
			v.Quantities = append(v.Quantities, index.Quantity{Number: number(), System: text(), Code: text(), Unit: text()})
			v.URIs = append(v.URIs, index.URI{Param: text(), Value: text()})
			if depth > 0 {
				tuple := index.Composite{Param: text()}
				for range rapid.IntRange(0, 3).Draw(t, "components") {
					tuple.Components = append(tuple.Components, values(depth-1).Draw(t, "component"))
				}
				v.Composites = append(v.Composites, tuple)
			}
		}
		return v
	})
}

// TestValuesComeBack: what is stored of index values is all of them.
func TestValuesComeBack(t *testing.T) {
	c, err := newCodec(vocabulary)
	if err != nil {
		t.Fatal(err)
	}
	p := packer{codec: c}
	rapid.Check(t, func(t *rapid.T) {
		v := values(2).Draw(t, "values")
		body := rapid.SliceOf(rapid.Byte()).Draw(t, "body")
		record := p.pack(v, body)
		encoded, gotBody, err := c.unpack(record)
		if err != nil || !slices.Equal(gotBody, body) {
			t.Fatalf("the body came back as %q (%v)", gotBody, err)
		}
		got, err := decodeValues(encoded)
		if err != nil || !reflect.DeepEqual(got, v) {
			t.Fatalf("%+v came back as %+v (%v)", v, got, err)
		}
	})
}

// FuzzRecord: no damage to a record ends in more than an error.
func FuzzRecord(f *testing.F) {
	c, err := newCodec(vocabulary)
	if err != nil {
		f.Fatal(err)
	}
	p := packer{codec: c}
	f.Add(p.pack(index.Values{}, []byte("{}")))
	f.Add(p.pack(values(2).Example(1), []byte(`{"resourceType":"Patient"}`)))
	f.Fuzz(func(t *testing.T, record []byte) {
		if n, err := s2.DecodedLen(record); err == nil && n > 1<<20 {
			t.Skip() // only takes memory
		}
		if encoded, _, err := c.unpack(record); err == nil {
			if v, err := decodeValues(encoded); err == nil {
				indexer{layout: DefaultLayout()}.rows("Observation", 1, v)
			}
		}
		if v, held := c.whole(store.Version{Key: store.Key{Type: "Patient", ID: "1"}}, record, nil); (v.Damage == nil) != (v.Body != nil && held != nil) {
			t.Errorf("%+v and %+v", v, held)
		}
		decodeValues(record)
	})
}

// FuzzPosition: what a client hands back as a position may be anything.
func FuzzPosition(f *testing.F) {
	h := hasher{1, 2}
	for _, place := range [][]byte{nil, place("Patient", 5), ranked{candidate: candidate{key: 7}, Subject: subjectOf(values(1).Example(2))}.place()} {
		f.Add(place, h.writePosition(place, "asked"))
	}
	f.Fuzz(func(t *testing.T, place []byte, position string) {
		readRanked(place)
		got, err := h.readPosition(position, "asked")
		if err == nil && h.writePosition(got, "asked") != position {
			t.Errorf("%q is read as %q, whose position is %q", position, got, h.writePosition(got, "asked"))
		}
		if back, err := h.readPosition(h.writePosition(slices.Clone(place), "asked"), "asked"); err != nil || !slices.Equal(back, place) {
			t.Errorf("%q comes back as %q (%v)", place, back, err)
		}
		if _, err := h.readPosition(h.writePosition(slices.Clone(place), "asked"), "asked otherwise"); err == nil {
			t.Errorf("a position of another search is accepted")
		}
	})
}
