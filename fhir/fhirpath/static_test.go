package fhirpath

import (
	"fmt"
	"strings"
	"testing"
)

func TestFor(t *testing.T) {
	r := parsed(t, patient)
	x, err := Compile("Patient.name.given | Practitioner.name | (Person.name as HumanName) | Resource.id | birthDate")
	if err != nil {
		t.Fatal(err)
	}
	items, err := x.For("Patient").Evaluate(r)
	if got := describe(items); err != nil || got != "[string Peter, string James, string Jim, id p1, date 1974-12-25]" {
		t.Errorf("%s, %v", got, err)
	}
	only, err := Compile("Practitioner.name | Person.name")
	if err != nil {
		t.Fatal(err)
	}
	if only.For("Patient") != nil {
		t.Error("there is nothing for a Patient in it")
	}
	if only.For("Person") == only || only.For("Person") == nil {
		t.Error("one part is for a Person")
	}
}

// TestForKeepsEqual: what FHIRPath takes for equal can be different to a search.
func TestForKeepsEqual(t *testing.T) {
	r := parsed(t, `{"resourceType":"Observation","valueQuantity":{"value":5,"unit":"mg"},
		"component":[{"valueQuantity":{"value":5,"system":"http://unitsofmeasure.org","code":"mg"}}]}`)
	x, err := Compile("Observation.value | Observation.component.value | Patient.name")
	if err != nil {
		t.Fatal(err)
	}
	for n, x := range map[int]*Expression{1: x, 2: x.For("Observation")} {
		if items, err := x.Evaluate(r); err != nil || len(items) != n {
			t.Errorf("%s, %v, not %d items", describe(items), err, n)
		}
	}
}

func TestYields(t *testing.T) {
	for _, test := range []struct{ expression, focus, want string }{
		{"Patient.name", "Patient", "HumanName"},
		{"Patient.name.given", "Patient", "string"},
		{"Resource.meta.tag", "Patient", "Coding"},
		{"Observation.value", "Observation", "Quantity CodeableConcept string boolean integer Range Ratio SampledData time dateTime Period"},
		{"(Observation.value as Quantity)", "Observation", "Quantity"},
		{"Observation.component.value.ofType(Period)", "Observation", "Period"},
		{"Observation | Observation.component", "Observation", "Observation Observation.component"},
		{"Patient.deceased.exists() and Patient.deceased != false", "Patient", "boolean"},
		{"Patient.telecom.where(system='email')", "Patient", "ContactPoint"},
		{"Patient.link.other.where(resolve() is Patient)", "Patient", "Reference→Patient"},
		{"Patient.generalPractitioner", "Patient", "Reference→Organization,Practitioner,PractitionerRole"},
		{"Patient.extension('x').value.as(code)", "Patient", "code"},
		{"Bundle.entry[0].resource", "Bundle", "Resource"},
		{"name.select(given | family)", "Patient", "string"},
		{"%resource.active", "Patient", "boolean"},
		{"resolve()", "Patient", ""},
	} {
		x, err := Compile(test.expression)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, y := range x.Yields(test.focus) {
			targets := y.Targets
			if targets == nil && y.Element != nil && y.Type == "Reference" {
				targets = y.Element.TargetTypes
			}
			text := y.Type
			if targets != nil {
				text += "→" + strings.Join(targets, ",")
			}
			got = append(got, text)
		}
		// Two elements of one type are two yields.
		if s := strings.Join(got, " "); s != test.want && fmt.Sprint(s) != test.want+" "+test.want {
			t.Errorf("%s yields %s, want %s", test.expression, s, test.want)
		}
	}
}

func TestYieldsOnElement(t *testing.T) {
	x, err := Compile("value.as(Quantity) | %resource.subject")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, y := range x.Yields("Observation", "Observation.component", "Observation") {
		got = append(got, y.Type)
	}
	if s := strings.Join(got, " "); s != "Quantity Quantity Reference" {
		t.Errorf("it yields %s", s)
	}
}
