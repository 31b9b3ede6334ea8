package scope

import (
	"strings"

	"fhirside/resources/access"
)

// Describe says for people what a scope lets an app do: "See your laboratory results", as far as that goes without knowing the
// codes of a condition.
func Describe(s Scope) string {
	read := s.Permissions.Allow(access.Read) || s.Permissions.Allow(access.Search)
	var verbs []string
	if read {
		verbs = append(verbs, "see")
	}
	if s.Permissions.Allow(access.Create) {
		verbs = append(verbs, "add")
	}
	if s.Permissions.Allow(access.Update) {
		verbs = append(verbs, "change")
	}
	if s.Permissions.Allow(access.Delete) {
		verbs = append(verbs, "delete")
	}
	text := list(verbs) + " " + whose[s.Level] + kind(s.Type)
	for i, p := range s.Query {
		_, code, found := strings.Cut(p.Value, "|")
		if !found {
			code = p.Value
		}
		name, _, _ := strings.Cut(p.Name, ":")
		text += []string{", only with ", " and "}[min(i, 1)] + strings.ReplaceAll(name, "-", " ") + " " + strings.ReplaceAll(code, ",", " or ")
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

var whose = map[Level]string{Patient: "the patient's ", User: "the ", System: "everybody's "}

// kind names the resources of a type.
func kind(resourceType string) string {
	if name, ok := kinds[resourceType]; ok {
		return name
	}
	// "MedicationAdministration" as "medication administration records"
	var b strings.Builder
	for i, r := range resourceType {
		if r >= 'A' && r <= 'Z' {
			if i > 0 {
				b.WriteByte(' ')
			}
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String() + " records"
}

// kinds are names that people use where they differ from the type's.
var kinds = map[string]string{
	"*":                  "whole record",
	"AllergyIntolerance": "allergies",
	"Appointment":        "appointments",
	"CarePlan":           "care plans",
	"CareTeam":           "care team",
	"Communication":      "messages",
	"Condition":          "health problems",
	"Coverage":           "insurance",
	"Device":             "devices and implants",
	"DiagnosticReport":   "test reports",
	"DocumentReference":  "documents",
	"Encounter":          "visits",
	"Goal":               "goals",
	"Immunization":       "vaccinations",
	"Location":           "locations",
	"Medication":         "medicines",
	"MedicationRequest":  "prescriptions",
	"Observation":        "measurements and results",
	"Organization":       "organizations",
	"Patient":            "personal details",
	"Practitioner":       "practitioners",
	"PractitionerRole":   "practitioners' roles",
	"Procedure":          "procedures",
	"RelatedPerson":      "relatives and carers",
	"Schedule":           "schedules",
	"ServiceRequest":     "orders",
	"Slot":               "free times",
	"Specimen":           "specimens",
	"Task":               "tasks",
}

func list(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}
