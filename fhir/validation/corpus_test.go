package validation

import (
	"compress/bzip2"
	"io"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fhirside/fhir"
	"fhirside/fhir/fhirtest"
)

const root = "../.." // of the repository

// wrongExamples are the files of the official package that break R4's own rules: expressions without positions, and codes.
var wrongExamples = []struct {
	why    string
	issues []string
	files  []string
}{
	{"a DeviceMetric's parent is a Device", []string{"DeviceMetric.parent.reference value"}, []string{"DeviceMetric-example.json"}},
	{"a Procedure is no reason here", []string{"DeviceUseStatement.reasonReference.reference value"}, []string{"DeviceUseStatement-example.json"}},
	{"dispensers are Organizations", []string{"MedicationRequest.dispenseRequest.performer.reference value"}, []string{"MedicationRequest-medrx0301.json"}},
	{"an Encounter performs nothing", []string{"Observation.performer.reference value"}, []string{"Observation-clinical-gender.json"}},
	{"narratives of white space", []string{"ActivityDefinition.text.div invariant"}, []string{
		"ActivityDefinition-blood-tubes-supply.json", "ActivityDefinition-heart-valve-replacement.json",
	}},
	{"narratives of white space", []string{"EventDefinition.text.div invariant"}, []string{"EventDefinition-example.json"}},
	{"narratives of white space", []string{"Questionnaire.text.div invariant"}, []string{"Questionnaire-zika-virus-exposure-assessment.json"}},
	{"two of its #ids are nowhere in contained", []string{
		"PlanDefinition.action.action.action.action.definition invariant", "PlanDefinition.contained.item.answerValueSet invariant",
	}, []string{"PlanDefinition-example-cardiology-os.json"}},
	{"its items of type display have no linkId", []string{
		"Questionnaire.item.item.item.item.linkId required", "Questionnaire.item.item.item.linkId required", "Questionnaire.item.item.linkId required",
	}, []string{"Questionnaire-qs1.json"}},
	{"R4's extensions on search parameters were generated without a base", []string{"SearchParameter.base required"}, []string{
		"SearchParameter-codesystem-extensions-CodeSystem-author.json", "SearchParameter-codesystem-extensions-CodeSystem-effective.json",
		"SearchParameter-codesystem-extensions-CodeSystem-end.json", "SearchParameter-codesystem-extensions-CodeSystem-keyword.json",
		"SearchParameter-codesystem-extensions-CodeSystem-workflow.json", "SearchParameter-valueset-extensions-ValueSet-author.json",
		"SearchParameter-valueset-extensions-ValueSet-effective.json", "SearchParameter-valueset-extensions-ValueSet-end.json",
		"SearchParameter-valueset-extensions-ValueSet-keyword.json", "SearchParameter-valueset-extensions-ValueSet-workflow.json",
	}},
	{"an id of 67 characters", []string{"SearchParameter.id value"}, []string{
		"SearchParameter-questionnaireresponse-extensions-QuestionnaireResponse-item-subject.json",
	}},
	{"no name, no status, and a reference to the id of 67 characters", []string{
		"ImplementationGuide.manifest.resource.reference.reference value", "ImplementationGuide.name required", "ImplementationGuide.status required",
	}, []string{"ImplementationGuide-fhir.json", "ig-r4.json"}},
}

var position = regexp.MustCompile(`\[\d+\]`)

func TestOfficialExamples(t *testing.T) {
	wrong := map[string][]string{}
	for _, w := range wrongExamples {
		for _, file := range w.files {
			wrong[file] = w.issues
		}
	}
	checked := 0
	for name, data := range officialFiles(t) {
		r, err := fhir.Parse(data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		checked++
		got := map[string]string{}
		for _, issue := range Structure(r) {
			got[position.ReplaceAllString(issue.Expression[0], "")+" "+issue.Code.Code()] = issue.Diagnostics
		}
		if want := wrong[name]; !slices.Equal(slices.Sorted(maps.Keys(got)), want) {
			t.Errorf("%s:\n got  %v\n want %v", name, got, want)
		}
		delete(wrong, name)
	}
	for name := range wrong {
		t.Errorf("%s is not in the package", name)
	}
	if checked < 5000 {
		t.Errorf("only %d files were checked", checked)
	}
}

// officialFiles are the resources of the official package by file name, but for the Bundles that only repeat them.
func officialFiles(t testing.TB) iter.Seq2[string, []byte] {
	const repeated = 4 << 20
	return func(yield func(string, []byte) bool) {
		for name, data := range fhirtest.Files(t) {
			if name != "package.json" && len(data) <= repeated && !yield(name, data) {
				return
			}
		}
	}
}

// The records of synthetic patients are right, every one.
func TestSynthea(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(root, "../shared/data/synthea/*.json.bz2"))
	if len(files) == 0 {
		t.Skip("the Synthea set is not here")
	}
	slices.SortFunc(files, func(a, b string) int { return int(size(t, a) - size(t, b)) })
	for i, file := range files[:len(files)/2] {
		if i%6 != 0 && filepath.Base(file)[0] != '0' {
			continue
		}
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(bzip2.NewReader(f))
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		r, err := fhir.Parse(data)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, issue := range Structure(r) {
			t.Errorf("%s: %s %s", file, issue.Expression[0], issue.Diagnostics)
		}
	}
}

func size(t *testing.T, file string) int64 {
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// What the structure check finds in the JSON cases of the community's validator tests; most others need profiles, terminology or
// the other resources of a Bundle.
var validatorCases = map[string][]string{
	"ai4.json":                            {"Patient.birthDate value"},
	"ai7.json":                            {"StructureDefinition.abstract required", "StructureDefinition.name required", "StructureDefinition.status required"},
	"ai8.json":                            {"StructureDefinition.abstract required", "StructureDefinition.name required", "StructureDefinition.status required"},
	"attachment-with-invalid-binary.json": {"Media.content.data value"},
	"bundle-sig-2.json":                   {"Bundle.meta structure"},
	"contained-resource.json":             {"Condition.contained[0].id value"},
	"empty-array.json":                    {"DocumentReference.category[0].coding structure"},
	"parameters-attachment.json":          {"Parameters.parameter[0].value.data value"},
	"pat-security-bad-xhtml.json":         {"Patient.text.div invariant"},
	"patient-id-bad-1.json":               {"Patient.id value"},
	"patient-id-bad-2.json":               {"Patient.id value"},
	"resource-invalid-id-1.json":          {"Location.id value"},
	"versioned-extension.json":            {"Patient.extension[2].url required"},
}

func TestValidatorCases(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(root, "../shared/data/fhir-test-cases/validator/*.json"))
	if len(files) == 0 {
		t.Skip("the FHIR test cases are not here")
	}
	for _, file := range files {
		name := filepath.Base(file)
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		r, err := fhir.Parse(data)
		if err != nil {
			if name != "expected.json" && !strings.HasPrefix(name, "bad-json-") && !strings.HasPrefix(name, "json-com") {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		got := map[string]bool{}
		for _, issue := range Structure(r) {
			got[issue.Expression[0]+" "+issue.Code.Code()] = true
		}
		if list := slices.Sorted(maps.Keys(got)); !slices.Equal(list, validatorCases[name]) {
			t.Errorf("%s: %q, want %q", name, list, validatorCases[name])
		}
	}
}
