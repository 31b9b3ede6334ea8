package load

import (
	"regexp"
	"slices"
)

// order are the resource types by what they usually refer to: those of a row refer to rows above. R4's types refer to each
// other in circles, so this is no more than a good guess that saves trying again. Types that are in no row belong to the row of
// Observation.
var order = [][]string{
	{"CodeSystem", "ValueSet", "StructureDefinition", "SearchParameter", "Questionnaire", "Organization", "Substance", "Medication"},
	{"Location", "Practitioner", "Endpoint"},
	{"HealthcareService", "PractitionerRole", "OrganizationAffiliation", "InsurancePlan", "Patient"},
	{"RelatedPerson", "Device", "Schedule", "Group", "Person", "Coverage", "Account"},
	{"Slot", "EpisodeOfCare"},
	{"Appointment"},
	{"Encounter"},
	{"Condition", "CareTeam", "Procedure", "Claim", "ServiceRequest", "Specimen"},
	{"Observation"},
	{"DiagnosticReport", "CarePlan", "ImagingStudy", "ExplanationOfBenefit", "Composition", "List", "Bundle"},
	{"Provenance", "AuditEvent"},
}

var (
	ranks       = map[string]int{}
	rankOfOther int
)

func init() {
	for i, row := range order {
		for _, t := range row {
			ranks[t] = i
		}
		if slices.Contains(row, "Observation") {
			rankOfOther = i
		}
	}
}

func rankOfType(resourceType string) int {
	if i, ok := ranks[resourceType]; ok {
		return i
	}
	return rankOfOther
}

var typeNames = regexp.MustCompile(`"resourceType"\s*:\s*"([A-Za-z]+)"`)

// rankOf is the highest rank of the types at the beginning of a file; a Bundle's is that of what it holds.
func rankOf(head []byte) int {
	highest, first := 0, true
	for _, m := range typeNames.FindAllSubmatch(head, -1) {
		name := string(m[1])
		if first && name == "Bundle" {
			first = false
			continue
		}
		first = false
		highest = max(highest, rankOfType(name))
	}
	return highest
}
