package index_test

import (
	"slices"
	"testing"

	"fhirside/fhir"
	"fhirside/search"
	"fhirside/search/index"
	"fhirside/search/match"
)

const inpatient = `{"resourceType":"Encounter","status":"finished","class":{"code":"IMP"},"contained":[
	{"resourceType":"Patient","id":"p","gender":"male","birthDate":"1970-01-02","name":[{"family":"van der Berg"}],"managingOrganization":{"reference":"Organization/1"},"identifier":[{"system":"urn:i","value":"7"}],"generalPractitioner":[{"reference":"#d"}]},
	{"resourceType":"Practitioner","id":"d","gender":"female","name":[{"family":"Doe"}]},
	{"resourceType":"Practitioner","id":"e","name":[{"family":"Eve"}]},
	{"resourceType":"Practitioner","id":"unused","name":[{"family":"Nobody"}]}
	],"subject":{"reference":"#p"},"participant":[{"individual":{"reference":"#d"}},{"individual":{"reference":"#e"}},{"individual":{"reference":"#d"}},{"individual":{"reference":"#gone"}}]}`

// TestChainsIntoContained: what a resource contains is found by chains, as far as a reference parameter leads to it.
func TestChainsIntoContained(t *testing.T) {
	r, err := fhir.Parse([]byte(inpatient))
	if err != nil {
		t.Fatal(err)
	}
	values := index.New(search.R4(), "").Extract(r)
	checkOrder(t, "an encounter", values)
	for _, c := range []struct {
		name, value string
		want        bool
	}{
		{"subject:Patient.gender", "male", true},
		{"subject:Patient.gender", "female", false},
		{"subject.gender", "male", true},
		{"patient.gender", "male", true},
		{"patient.gender:not", "male", false},
		{"patient.gender:not", "female", true},
		{"patient.family", "berg", true},
		{"patient.family:exact", "van der Berg", true},
		{"patient.birthdate", "le1970", true},
		{"patient.birthdate", "gt1970", false},
		{"patient.birthdate:missing", "false", true},
		{"patient.death-date:missing", "true", true},
		{"patient.identifier", "urn:i|7", true},
		{"patient.organization", "Organization/1", true},
		{"patient.organization", "Organization/2", false},
		{"patient._id", "p", false},
		{"patient._lastUpdated", "gt1900", false},
		{"practitioner.family", "doe", true},
		{"practitioner.family", "eve", true},
		{"practitioner.family", "nobody", false},
		{"participant:Practitioner.gender", "female", true},
		{"participant:PractitionerRole.active", "true", false},
		{"patient.general-practitioner:Practitioner.family", "doe", false}, // from one contained resource to another
	} {
		q, err := search.Parse(search.R4(), "Encounter", []search.Parameter{{Name: c.name, Value: c.value}}, search.Options{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := match.Matches(q.Filter, match.Subject{Type: "Encounter", ID: "1", Values: &values}, nowhere{})
		if err != nil || got != c.want {
			t.Errorf("%s=%s: %v, want %v (%v)", c.name, c.value, got, c.want, err)
		}
	}
	for _, e := range values.Strings {
		if e.Text == "Nobody" || slices.Contains([]string{"name", "family"}, e.Param) {
			t.Errorf("an entry too many: %+v", e)
		}
	}
}

// nowhere is a world without other resources.
type nowhere struct{ match.World }

func (nowhere) Resource(string, string) (match.Subject, bool, error) {
	return match.Subject{}, false, nil
}
