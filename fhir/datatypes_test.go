package fhir_test

import (
	"testing"
	"time"

	"fhirside/fhir"
)

func TestMoments(t *testing.T) {
	for _, c := range []struct {
		text, lo, hi string
		zone         bool
	}{
		{"2015", "2015-01-01T00:00:00Z", "2016-01-01T00:00:00Z", false},
		{"2015-02", "2015-02-01T00:00:00Z", "2015-03-01T00:00:00Z", false},
		{"2016-02-29", "2016-02-29T00:00:00Z", "2016-03-01T00:00:00Z", false},
		{"2015-02-07T13:28", "2015-02-07T13:28:00Z", "2015-02-07T13:29:00Z", false},
		{"2015-02-07T13:28:17", "2015-02-07T13:28:17Z", "2015-02-07T13:28:18Z", false},
		{"2015-02-07T13:28:17-05:00", "2015-02-07T18:28:17Z", "2015-02-07T18:28:18Z", true},
		{"2015-02-07T01:28:17+14:00", "2015-02-06T11:28:17Z", "2015-02-06T11:28:18Z", true},
		{"2015-02-07T13:28:17.2Z", "2015-02-07T13:28:17.2Z", "2015-02-07T13:28:17.3Z", true},
		{"2015-02-07T13:28:17.123456789Z", "2015-02-07T13:28:17.123456Z", "2015-02-07T13:28:17.123457Z", true},
		{"2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z", "2017-01-01T00:00:01Z", true},
		{"0001", "0001-01-01T00:00:00Z", "0002-01-01T00:00:00Z", false},
		{"9999-12-31", "9999-12-31T00:00:00Z", "+10000", false},
	} {
		m, err := fhir.ParseMoment(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if lo := micro(t, c.lo); m.Lo != lo {
			t.Errorf("%s: lo %d, want %d", c.text, m.Lo, lo)
		}
		if hi := micro(t, c.hi); m.Hi != hi {
			t.Errorf("%s: hi %d, want %d", c.text, m.Hi, hi)
		}
		if m.HasZone != c.zone {
			t.Errorf("%s: zone %v", c.text, m.HasZone)
		}
	}
	for _, bad := range []string{"", "15", "2015-2", "2015-13", "2015-00", "2015-02-30", "2015-02-29", "0000", "2015-02-07T", "2015-02-07T24:00:00Z",
		"2015-02-07T13", "2015-02-07T13:60", "2015-02-07T13:28:61", "2015-02-07T13:28:17.", "2015-02-07T13:28:17z", "2015-02-07T13:28:17+14:01",
		"2015-02-07T13:28:17+5:00", "2015-02-07 13:28:17", "2015T10:00:00", "2015-02-07T13:28:17.5x", "+2015", "2015-02-0７", "-015"} {
		if m, err := fhir.ParseMoment(bad); err == nil {
			t.Errorf("%q was read as %+v", bad, m)
		}
	}
}

func micro(t *testing.T, text string) int64 {
	if text == "+10000" {
		return time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	}
	x, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return x.UnixMicro()
}

func TestDecimals(t *testing.T) {
	for _, c := range []struct {
		text          string
		value, lo, hi float64
	}{
		{"100", 100, 99.5, 100.5},
		{"100.00", 100, 99.995, 100.005},
		{"5.4", 5.4, 5.35, 5.45},
		{"1e2", 100, 95, 105},
		{"1.0e2", 100, 95, 105},
		{"5.40e-3", 0.0054, 0.005395, 0.005405},
		{"0", 0, -0.5, 0.5},
		{"-3.5", -3.5, -3.55, -3.45},
		{"007", 7, 6.5, 7.5},
	} {
		d, err := fhir.ParseDecimal(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if lo, hi := d.Range(); d.Float() != c.value || lo != c.lo || hi != c.hi {
			t.Errorf("%s: %v [%v, %v), want %v [%v, %v)", c.text, d.Float(), lo, hi, c.value, c.lo, c.hi)
		}
	}
	for _, bad := range []string{"", "-", "+5", ".5", "5.", "1e", "1e2.5", "0x1", "1_000", "NaN", "Inf", "1e999999999", "1e-401", " 1", "1,5", "--1"} {
		if _, err := fhir.ParseDecimal(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestReferences(t *testing.T) {
	for _, c := range []struct {
		text string
		want fhir.Reference
	}{
		{"Patient/1", fhir.Reference{Type: "Patient", ID: "1"}},
		{"Patient/1/_history/3", fhir.Reference{Type: "Patient", ID: "1", Version: "3"}},
		{"http://x.example/fhir/Patient/a-b.c", fhir.Reference{Base: "http://x.example/fhir", Type: "Patient", ID: "a-b.c"}},
		{"https://x.example/Patient/1/_history/2", fhir.Reference{Base: "https://x.example", Type: "Patient", ID: "1", Version: "2"}},
		{"#p1", fhir.Reference{Fragment: "p1"}},
		{"urn:uuid:9d4e2a4e-6a46-4d5b-9f2e-0a8b5d1f0a11", fhir.Reference{URL: "urn:uuid:9d4e2a4e-6a46-4d5b-9f2e-0a8b5d1f0a11"}},
		{"http://hl7.org/fhir/ValueSet/x|4.0.1", fhir.Reference{URL: "http://hl7.org/fhir/ValueSet/x", Version: "4.0.1"}},
		{"http://x.example/vs|1#f", fhir.Reference{URL: "http://x.example/vs", Version: "1", Fragment: "f"}},
		{"Patient?identifier=1", fhir.Reference{URL: "Patient?identifier=1"}},
		{"/Patient/1", fhir.Reference{URL: "/Patient/1"}},
		{"patient/1", fhir.Reference{URL: "patient/1"}},
		{"Patient/", fhir.Reference{URL: "Patient/"}},
		{"Patient/a b", fhir.Reference{URL: "Patient/a b"}},
		{"", fhir.Reference{}},
	} {
		if got := fhir.ParseReference(c.text); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.text, got, c.want)
		}
	}
}

func TestOutcome(t *testing.T) {
	e := fhir.Errorf(fhir.Invalid, fhir.CodeValue, "a < b & %q", "c").At("Patient.name[0]")
	want := `{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"value","diagnostics":"a < b & \"c\"","expression":["Patient.name[0]"]}]}`
	if got := string(fhir.Outcome(e.Issues...).Bytes()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
