package index_test

import (
	"slices"
	"testing"
	"time"

	"fhirside/fhir"
	"fhirside/search"
	"fhirside/search/index"
	"fhirside/search/match"
	"fhirside/search/searchtest"
)

const inpatient = `{"resourceType":"Encounter","id":"1","status":"finished","class":{"code":"IMP"},"contained":[
	{"resourceType":"Patient","id":"p","gender":"male","birthDate":"1970-01-02","name":[{"family":"van der Berg"}],"managingOrganization":{"reference":"Organization/1"},"identifier":[{"system":"urn:i","value":"7"}],"generalPractitioner":[{"reference":"#d"}],"link":[{"other":{"reference":"#p"}}]},
	{"resourceType":"Practitioner","id":"d","gender":"female","name":[{"family":"Doe"}]},
	{"resourceType":"Practitioner","id":"e","name":[{"family":"Eve"}]},
	{"resourceType":"Practitioner","id":"unused","name":[{"family":"Nobody"}]},
	{"resourceType":"Practitioner","id":"d","name":[{"family":"Second"}]},
	{"resourceType":"Provenance","id":"v","target":[{"reference":"#"}],"agent":[{"who":{"reference":"#e"}}]}
	],"subject":{"reference":"#p"},"participant":[{"individual":{"reference":"#d"}},{"individual":{"reference":"#e"}},{"individual":{"reference":"#d"}},{"individual":{"reference":"#gone"}}]}`

// TestChainsIntoContained: what a resource contains is found by chains, as far as a reference parameter leads to it.
func TestChainsIntoContained(t *testing.T) {
	r, err := fhir.Parse([]byte(inpatient))
	if err != nil {
		t.Fatal(err)
	}
	world := searchtest.NewWorld()
	world.Put(r, time.UnixMilli(1e12))
	subject, _, err := world.Resource("Encounter", "1")
	if err != nil {
		t.Fatal(err)
	}
	checkOrder(t, "an encounter", *subject.Values)
	for _, c := range subject.Values.Contained {
		checkOrder(t, c.ID, c.Values)
	}
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
		{"patient._lastUpdated", "gt1900", true}, // that of the encounter
		{"patient._lastUpdated", "gt2002", false},
		{"patient:missing", "false", true},
		{"practitioner.family", "doe", true},
		{"practitioner.family", "eve", true},
		{"practitioner.family", "nobody", false},
		{"practitioner.family", "second", false}, // the id is the first one's
		{"participant:Practitioner.gender", "female", true},
		{"participant:Practitioner.gender:not", "female", true}, // Eve's is not known
		{"participant:PractitionerRole.active", "true", false},
		{"patient.general-practitioner:Practitioner.family", "doe", true}, // from one contained resource to another
		{"patient.general-practitioner:Practitioner.family", "eve", false},
		{"patient.link:Patient.general-practitioner:Practitioner.family", "doe", true},
		{"patient._has:Encounter:subject:status", "finished", true},
		{"patient._has:Encounter:subject:status", "planned", false},
		{"_has:Provenance:target:agent:Practitioner.family", "eve", false}, // what it contains does not refer to it from elsewhere
	} {
		q, err := search.Parse(search.R4(), "Encounter", []search.Parameter{{Name: c.name, Value: c.value}}, search.Options{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := match.Matches(q.Filter, subject, world)
		if err != nil || got != c.want {
			t.Errorf("%s=%s: %v, want %v (%v)", c.name, c.value, got, c.want, err)
		}
	}
	for _, e := range subject.Values.Strings {
		t.Errorf("an entry too many: %+v", e)
	}
}

// TestContainedValues: what is contained has the values that it would have by itself, and is tied to what is around it.
func TestContainedValues(t *testing.T) {
	r, err := fhir.Parse([]byte(inpatient))
	if err != nil {
		t.Fatal(err)
	}
	values := index.New(search.R4(), "").Extract(r).At("Encounter", "1")
	var ids []string
	for _, c := range values.Contained {
		ids = append(ids, c.Type+" "+c.ID)
		alone, err := fhir.Parse(c.Body)
		if err != nil || alone.ID() == "" {
			t.Fatalf("%s: %v", c.Body, err)
		}
		byItself := index.New(search.R4(), "").Extract(alone)
		for _, e := range byItself.Strings {
			if !slices.Contains(c.Values.Strings, e) {
				t.Errorf("%s has no %+v", c.ID, e)
			}
		}
		for _, want := range []index.Token{{Param: "_id", Code: alone.ID()}, {Param: "_container", Code: "Encounter"}} {
			if !slices.Contains(c.Values.Tokens, want) {
				t.Errorf("%s has no %+v", c.ID, want)
			}
		}
		if !slices.Contains(c.Values.References, index.Reference{Param: "_container", Type: "Encounter", ID: "1"}) {
			t.Errorf("%s does not refer to what is around it", c.ID)
		}
	}
	want := []string{"Patient Encounter/1#p", "Practitioner Encounter/1#d", "Practitioner Encounter/1#e", "Practitioner Encounter/1#unused", "Provenance Encounter/1#v"}
	if !slices.Equal(ids, want) {
		t.Errorf("contained: %q", ids)
	}
	if !slices.Contains(values.References, index.Reference{Param: "subject", Type: "contained.Patient", ID: "Encounter/1#p"}) {
		t.Errorf("references: %+v", values.References)
	}
	provenance := values.Contained[4].Values.References
	for _, want := range []index.Reference{{Param: "target", Type: "Encounter", ID: "1"}, {Param: "agent", Type: "contained.Practitioner", ID: "Encounter/1#e"}} {
		if !slices.Contains(provenance, want) {
			t.Errorf("%+v has no %+v", provenance, want)
		}
	}
}
