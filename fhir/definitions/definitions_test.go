package definitions

import (
	"slices"
	"strings"
	"testing"
)

func TestCountsOfTheSpecification(t *testing.T) {
	count := map[Class]int{}
	abstract := []string{}
	for name, typ := range r4().types {
		count[typ.Class]++
		if typ.Abstract {
			abstract = append(abstract, name)
		}
	}
	slices.Sort(abstract)
	for class, want := range map[Class]int{Primitive: 20, Complex: 41, Resource: 148, Backbone: 473} {
		if count[class] != want {
			t.Errorf("class %d: %d types, want %d", class, count[class], want)
		}
	}
	if want := []string{"BackboneElement", "DomainResource", "Element", "Resource"}; !slices.Equal(abstract, want) {
		t.Errorf("abstract types %v, want %v", abstract, want)
	}
	if n := len(ResourceTypes()); n != 146 || !slices.IsSorted(ResourceTypes()) {
		t.Errorf("%d concrete resource types, want 146 in order", n)
	}
	if n := len(SearchParameters()); n != 1375 {
		t.Errorf("%d search parameters, want 1375", n)
	}
	if want := []string{"Device", "Encounter", "Patient", "Practitioner", "RelatedPerson"}; !slices.Equal(Compartments(), want) {
		t.Errorf("compartments %v, want %v", Compartments(), want)
	}
}

// Every name that a definition mentions is known.
func TestNamesResolve(t *testing.T) {
	for name, typ := range r4().types {
		if typ.Base != "" && Lookup(typ.Base) == nil {
			t.Errorf("%s: base %s is unknown", name, typ.Base)
		}
		for _, e := range typ.Elements {
			if len(e.Types) == 0 || len(e.Types) > 1 && !e.Choice {
				t.Errorf("%s.%s: types %v", name, e.Name, e.Types)
			}
			for _, x := range e.Types {
				if Lookup(x) == nil {
					t.Errorf("%s.%s: type %s is unknown", name, e.Name, x)
				}
			}
			for _, x := range e.TargetTypes {
				if !IsResource(x) {
					t.Errorf("%s.%s: target %s is no resource type", name, e.Name, x)
				}
			}
		}
	}
	urls := map[string]bool{}
	for _, p := range SearchParameters() {
		urls[p.URL] = true
	}
	for _, p := range SearchParameters() {
		for _, b := range p.Base {
			if typ := Lookup(b); typ == nil || typ.Class != Resource {
				t.Errorf("%s: base %s is no resource type", p.URL, b)
			}
		}
		if (p.Type == "composite") != (len(p.Components) > 0) {
			t.Errorf("%s: type %s with %d components", p.URL, p.Type, len(p.Components))
		}
		for _, c := range p.Components {
			if !urls[c.Definition] {
				t.Errorf("%s: component %s is not in the registry", p.URL, c.Definition)
			}
		}
	}
	for _, c := range Compartments() {
		for typ, codes := range Compartment(c) {
			if !IsResource(typ) || len(codes) == 0 {
				t.Errorf("compartment %s: %s %v", c, typ, codes)
			}
		}
	}
}

func TestChild(t *testing.T) {
	for _, c := range []struct{ parent, name, element, typeName string }{
		{"Patient", "id", "id", "id"},
		{"Patient", "birthDate", "birthDate", "date"},
		{"Patient", "contact", "contact", "Patient.contact"},
		{"Patient", "contained", "contained", "Resource"},
		{"Patient", "deceasedBoolean", "deceased", "boolean"},
		{"Patient", "deceasedDateTime", "deceased", "dateTime"},
		{"Patient", "deceased", "", ""},
		{"Patient", "deceasedString", "", ""},
		{"Patient", "deceaseddateTime", "", ""},
		{"Patient", "nope", "", ""},
		{"Patient", "", "", ""},
		{"Patient.contact", "modifierExtension", "modifierExtension", "Extension"},
		{"Patient.contact", "name", "name", "HumanName"},
		{"Observation", "valueQuantity", "value", "Quantity"},
		{"Observation", "subject", "subject", "Reference"},
		{"Observation.component", "referenceRange", "referenceRange", "Observation.referenceRange"},
		{"Extension", "url", "url", "uri"},
		{"Extension", "valueBase64Binary", "value", "base64Binary"},
		{"Extension", "id", "id", "string"},
		{"Narrative", "div", "div", "xhtml"},
		{"Bundle.entry", "resource", "resource", "Resource"},
		{"Bundle.entry", "link", "link", "Bundle.link"},
		{"Parameters.parameter", "part", "part", "Parameters.parameter"},
		{"Timing", "repeat", "repeat", "Timing.repeat"},
		{"Age", "comparator", "comparator", "code"},
		{"string", "extension", "extension", "Extension"},
		{"string", "value", "", ""},
	} {
		el, typeName := Lookup(c.parent).Child(c.name)
		got := ""
		if el != nil {
			got = el.Name
		}
		if got != c.element || typeName != c.typeName {
			t.Errorf("%s %s: (%q, %q), want (%q, %q)", c.parent, c.name, got, typeName, c.element, c.typeName)
		}
	}
}

func TestElements(t *testing.T) {
	names := func(typ string) string {
		var out []string
		for _, e := range Lookup(typ).Elements {
			out = append(out, e.Name)
		}
		return strings.Join(out, " ")
	}
	if got, want := names("Schedule"), "id meta implicitRules language text contained extension modifierExtension identifier active serviceCategory serviceType specialty actor planningHorizon comment"; got != want {
		t.Errorf("Schedule has %s", got)
	}
	if got, want := names("Bundle.link"), "id extension modifierExtension relation url"; got != want {
		t.Errorf("Bundle.link has %s", got)
	}
	subject := Lookup("Observation").Element("subject")
	if got := strings.Join(subject.TargetTypes, " "); got != "Patient Group Device Location" || subject.Min != 0 || subject.Max != 1 || !subject.Summary {
		t.Errorf("Observation.subject: %+v", subject)
	}
	if e := Lookup("Task").Element("focus"); e.TargetTypes != nil {
		t.Errorf("Task.focus may point to anything, not %v", e.TargetTypes)
	}
	if e := Lookup("Observation").Element("status"); e.Min != 1 || e.Max != 1 || !e.Modifier {
		t.Errorf("Observation.status: %+v", e)
	}
	if e := Lookup("Patient").Element("name"); e.Max != Many {
		t.Errorf("Patient.name: %+v", e)
	}
	if e := Lookup("Timing.repeat").Element("bounds"); !e.Choice || strings.Join(e.Types, " ") != "Duration Range Period" {
		t.Errorf("Timing.repeat.bounds: %+v", e)
	}
}

func TestBindings(t *testing.T) {
	binding := func(typ, name string) *Binding { return Lookup(typ).Element(name).Binding }
	gender := binding("Patient", "gender")
	if gender.ValueSet != "http://hl7.org/fhir/ValueSet/administrative-gender" || gender.System != "http://hl7.org/fhir/administrative-gender" ||
		len(gender.Codes) != 4 || gender.Codes["other"] != gender.System {
		t.Errorf("Patient.gender: %+v", gender)
	}
	if gender != binding("Person", "gender") {
		t.Error("a binding is shared by the elements that have it")
	}
	if b := binding("Timing.repeat", "when"); b.System != "" || b.Codes["MORN"] != "http://hl7.org/fhir/event-timing" || b.Codes["HS"] != "http://terminology.hl7.org/CodeSystem/v3-TimingEvent" {
		t.Errorf("Timing.repeat.when: %+v", b)
	}
	if b := binding("Condition", "clinicalStatus"); b.Codes["recurrence"] == "" {
		t.Errorf("a code below another one is missing: %+v", b)
	}
	if b := binding("Money", "currency"); b.Codes["EUR"] != "urn:iso:std:iso:4217" {
		t.Errorf("Money.currency: %+v", b)
	}
	for _, x := range []*Binding{binding("Attachment", "contentType"), binding("MolecularSequence.structureVariant", "variantType")} {
		if x == nil || x.ValueSet == "" || x.Codes != nil {
			t.Errorf("%+v cannot be listed", x)
		}
	}
	if b := binding("Patient", "maritalStatus"); b != nil {
		t.Errorf("Patient.maritalStatus has an extensible binding, not %+v", b)
	}
}

func TestCompartment(t *testing.T) {
	patient := Compartment("Patient")
	if got := strings.Join(patient["Observation"], " "); got != "subject performer" {
		t.Errorf("Observation is in a Patient's compartment by %q", got)
	}
	if _, ok := patient["Medication"]; ok {
		t.Error("Medication is in no Patient's compartment")
	}
	if got := strings.Join(Compartment("Practitioner")["Practitioner"], " "); got != "{def}" {
		t.Errorf("a Practitioner is in its compartment by %q", got)
	}
	if Compartment("Group") != nil {
		t.Error("Group has no compartment")
	}
}

func TestIs(t *testing.T) {
	for _, c := range []struct {
		name, base string
		want       bool
	}{
		{"Patient", "Patient", true}, {"Patient", "DomainResource", true}, {"Patient", "Resource", true}, {"Patient", "Element", false},
		{"Bundle", "DomainResource", false}, {"id", "string", true}, {"positiveInt", "integer", true}, {"uuid", "uri", true},
		{"Age", "Quantity", true}, {"Patient.contact", "BackboneElement", true}, {"Timing.repeat", "BackboneElement", false}, {"Timing.repeat", "Element", true},
	} {
		if got := Lookup(c.name).Is(c.base); got != c.want {
			t.Errorf("%s is %s: %v", c.name, c.base, got)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		load()
	}
}
