package xml

import (
	"bytes"
	"testing"

	"fhirside/fhir"
	"fhirside/fhir/validation"
)

// What is decoded can be written, and read again as the same.
func FuzzDecode(f *testing.F) {
	for _, c := range pairs {
		f.Add([]byte(patientTag + c.xml + "</Patient>"))
	}
	f.Add([]byte(`<f:Patient xmlns:f="http://hl7.org/fhir" xmlns:h="http://www.w3.org/1999/xhtml"><f:text><f:status value="generated"/><h:div h:x="">a</h:div></f:text></f:Patient>`))
	f.Add([]byte(`<Bundle xmlns="http://hl7.org/fhir"><entry><resource><Basic><id value="x"/></Basic></resource></entry></Bundle>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Decode(data)
		if err != nil {
			return
		}
		text, err := Encode(r, len(data)%2 == 0)
		if err != nil {
			t.Fatalf("%s: %v", r.Bytes(), err)
		}
		back, err := Decode(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if !bytes.Equal(r.Bytes(), back.Bytes()) {
			t.Fatalf("%s\nbecame %s", r.Bytes(), back.Bytes())
		}
	})
}

// What is right by R4 can be written, and comes back with nothing lost.
func FuzzEncode(f *testing.F) {
	for _, c := range pairs {
		f.Add([]byte(`{"resourceType":"Patient"` + c.json + `}`))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := fhir.Parse(data)
		if err != nil {
			return
		}
		text, err := Encode(r, len(data)%2 == 0)
		if len(validation.Structure(r)) > 0 {
			if err == nil {
				_, _ = Decode(text)
			}
			return
		}
		if err != nil {
			t.Fatalf("%s: %v", r.Bytes(), err)
		}
		back, err := Decode(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if len(validation.Structure(back)) > 0 {
			t.Fatalf("%s is no longer right as %s", r.Bytes(), back.Bytes())
		}
		// Arrays of nothing but null, white space around the narrative and a narrative without namespace are the exceptions.
		if !bytes.Contains(data, []byte("null")) && !r.Get("text").Exists() && !same(r.Root(), back.Root()) {
			t.Fatalf("%s became %s", r.Bytes(), back.Bytes())
		}
	})
}
