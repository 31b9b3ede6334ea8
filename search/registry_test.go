package search

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"fhirside/fhir"
	"fhirside/fhir/definitions"
)

func TestR4RegistryIsComplete(t *testing.T) {
	parameters := definitions.SearchParameters()
	with, silent := 0, []string{}
	for _, sp := range parameters {
		if sp.Expression != "" {
			with++
		}
		for _, base := range sp.Base {
			for _, name := range definitions.ResourceTypes() {
				if !definitions.Lookup(name).Is(base) {
					continue
				}
				p := R4().Param(name, sp.Code)
				if p == nil || p.URL != sp.URL {
					t.Errorf("%s has no parameter %s of %s", name, sp.Code, sp.URL)
					continue
				}
				if (p.Expression == nil) != (sp.Expression == "") {
					t.Errorf("%s.%s: nothing of the expression is for this type", name, sp.Code)
				}
				if p.Expression != nil && len(p.ElementTypes) == 0 {
					silent = append(silent, name+"."+sp.Code)
				}
				if len(p.Components) != len(sp.Components) {
					t.Errorf("%s.%s has %d components of %d", name, sp.Code, len(p.Components), len(sp.Components))
				}
				for _, c := range p.Components {
					if len(c.ElementTypes) == 0 {
						silent = append(silent, name+"."+sp.Code+"$"+c.Code)
					}
				}
			}
		}
	}
	if len(parameters) != 1375 || with != 1372 {
		t.Errorf("%d parameters, %d with an expression; R4 has 1375 and 1372", len(parameters), with)
	}
	if len(silent) > 0 {
		t.Errorf("by the definitions these find nothing: %v", silent)
	}
}

func TestParam(t *testing.T) {
	for _, test := range []struct {
		resourceType, code      string
		typ                     ParamType
		types, targets, systems string
	}{
		{"Patient", "name", TypeString, "HumanName", "", ""},
		{"Patient", "_id", TypeToken, "id", "", ""},
		{"Patient", "_tag", TypeToken, "Coding", "", ""},
		{"Patient", "_profile", TypeURI, "canonical", "", ""},
		{"Patient", "gender", TypeToken, "code", "", "http://hl7.org/fhir/administrative-gender"},
		{"Patient", "deceased", TypeToken, "boolean", "", ""},
		{"Patient", "general-practitioner", TypeReference, "Reference", "Organization Practitioner PractitionerRole", ""},
		{"Observation", "patient", TypeReference, "Reference", "Patient", ""},
		{"Observation", "subject", TypeReference, "Reference", "Device Group Location Patient", ""},
		{"Observation", "date", TypeDate, "Period Timing dateTime instant", "", ""},
		{"Observation", "value-quantity", TypeQuantity, "Quantity SampledData", "", ""},
		{"Task", "intent", TypeToken, "code", "", "http://hl7.org/fhir/request-intent http://hl7.org/fhir/task-intent"},
		{"CapabilityStatement", "format", TypeToken, "code", "", "urn:ietf:bcp:13"},
		{"QuestionnaireResponse", "questionnaire", TypeReference, "canonical", "Questionnaire", ""},
		{"Bundle", "composition", TypeReference, "Resource", "Composition", ""},
	} {
		p := R4().Param(test.resourceType, test.code)
		if p == nil {
			t.Errorf("%s has no %s", test.resourceType, test.code)
			continue
		}
		types, targets, systems := strings.Join(p.ElementTypes, " "), strings.Join(p.Targets, " "), strings.Join(p.ImpliedSystems, " ")
		if p.Type != test.typ || types != test.types || targets != test.targets || systems != test.systems {
			t.Errorf("%s.%s is a %s on %s, to %q, in %q", test.resourceType, test.code, p.Type, types, targets, systems)
		}
	}
	if R4().Param("Patient", "code") != nil || R4().Param("Nothing", "_id") != nil {
		t.Error("there are parameters that do not exist")
	}
}

func TestComponents(t *testing.T) {
	var got []string
	for _, c := range R4().Param("DocumentReference", "relationship").Components {
		got = append(got, c.Code+" "+c.Type.String()+" "+strings.Join(c.ElementTypes, ","))
	}
	if want := []string{"relatesto reference Reference", "relation token code"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestParamsAreSorted(t *testing.T) {
	params := R4().Params("Observation")
	if len(params) < 40 || !slices.IsSortedFunc(params, func(a, b *Param) int { return strings.Compare(a.Code, b.Code) }) {
		t.Errorf("%d parameters, not in order", len(params))
	}
	if R4().Params("Nothing") != nil {
		t.Error("an unknown type has parameters")
	}
}

func TestRegistryRefuses(t *testing.T) {
	for _, test := range []struct {
		sp   definitions.SearchParameter
		want string
	}{
		{definitions.SearchParameter{Base: []string{"Nothing"}, Type: "token"}, `the base "Nothing" is no resource type`},
		{definitions.SearchParameter{Base: []string{"HumanName"}, Type: "token"}, `the base "HumanName" is no resource type`},
		{definitions.SearchParameter{Base: []string{"Patient"}, Type: "word"}, `there is no search parameter type "word"`},
		{definitions.SearchParameter{Base: []string{"Patient"}, Type: "token", Expression: "Patient.("}, "the expression cannot be compiled: FHIRPath, line 1, column 9"},
		{definitions.SearchParameter{Base: []string{"Patient"}, Type: "composite", Expression: "Patient", Components: []definitions.Component{{Definition: "urn:x", Expression: "name"}}}, "the component urn:x is not known"},
	} {
		test.sp.Code, test.sp.URL = "mine", "http://x.org/mine"
		_, err := NewRegistry([]definitions.SearchParameter{test.sp})
		if e := (*fhir.Error)(nil); !errors.As(err, &e) || !strings.Contains(e.Error(), test.want) || !strings.Contains(e.Error(), "mine") {
			t.Errorf("%v, want %s", err, test.want)
		}
	}
}

func BenchmarkNewRegistry(b *testing.B) {
	parameters := definitions.SearchParameters()
	for b.Loop() {
		if _, err := NewRegistry(parameters); err != nil {
			b.Fatal(err)
		}
	}
}
