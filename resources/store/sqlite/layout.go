package sqlite

import (
	"encoding/json"
	"maps"

	"fhirside/search"
)

// Layout says which search parameters shape the tables. It is part of the file: opening a file with another layout rewrites the
// index tables first.
type Layout struct {
	// SortDates names, for resource types that are read by date, the date parameter that orders them. Sorting by it and ranges of
	// it cost no more than the rows they return.
	SortDates map[string]string
	// Patient is the reference parameter whose rows carry a signature of the resource's tokens: a patient's resources of one type
	// are few enough to walk and too many to fetch.
	Patient string
	// Twins are, by resource type, parameters (keys) that in most resources have the same entries as another one (values). Their
	// rows are written only for the resources where they differ.
	Twins map[string]map[string]string
}

// DefaultLayout is for R4.
func DefaultLayout() Layout {
	twins := map[string]map[string]string{}
	for _, typ := range subjects {
		twins[typ] = map[string]string{"subject": "patient"}
	}
	maps.Copy(twins["Observation"], observationTwins)
	return Layout{SortDates: maps.Clone(sortDates), Patient: "patient", Twins: twins}
}

// sortDates: `date` where a type has it, else the date that its users sort by.
var sortDates = map[string]string{
	"AllergyIntolerance":       "date",
	"Appointment":              "date",
	"AuditEvent":               "date",
	"CarePlan":                 "date",
	"CareTeam":                 "date",
	"ChargeItem":               "occurrence",
	"Claim":                    "created",
	"ClaimResponse":            "created",
	"ClinicalImpression":       "date",
	"Communication":            "sent",
	"CommunicationRequest":     "authored",
	"Composition":              "date",
	"Condition":                "onset-date",
	"Consent":                  "date",
	"DetectedIssue":            "identified",
	"DeviceRequest":            "authored-on",
	"DiagnosticReport":         "date",
	"DocumentManifest":         "created",
	"DocumentReference":        "date",
	"Encounter":                "date",
	"EpisodeOfCare":            "date",
	"ExplanationOfBenefit":     "created",
	"FamilyMemberHistory":      "date",
	"Flag":                     "date",
	"Goal":                     "start-date",
	"ImagingStudy":             "started",
	"Immunization":             "date",
	"Invoice":                  "date",
	"List":                     "date",
	"MeasureReport":            "date",
	"Media":                    "created",
	"MedicationAdministration": "effective-time",
	"MedicationDispense":       "whenhandedover",
	"MedicationRequest":        "authoredon",
	"MedicationStatement":      "effective",
	"NutritionOrder":           "datetime",
	"Observation":              "date",
	"Procedure":                "date",
	"Provenance":               "recorded",
	"QuestionnaireResponse":    "authored",
	"RequestGroup":             "authored",
	"RiskAssessment":           "date",
	"Schedule":                 "date",
	"ServiceRequest":           "authored",
	"Slot":                     "start",
	"Specimen":                 "collected",
	"SupplyRequest":            "date",
	"Task":                     "authored-on",
	"VisionPrescription":       "datewritten",
}

// subjects are the types whose subject is mostly a patient.
var subjects = []string{
	"Account", "Basic", "CarePlan", "CareTeam", "ChargeItem", "ClinicalImpression", "Communication", "CommunicationRequest",
	"Composition", "Condition", "Contract", "DeviceRequest", "DeviceUseStatement", "DiagnosticReport", "DocumentManifest",
	"DocumentReference", "Encounter", "EnrollmentRequest", "Flag", "Goal", "GuidanceResponse", "ImagingStudy", "Invoice", "List",
	"MeasureReport", "Media", "MedicationAdministration", "MedicationDispense", "MedicationRequest", "MedicationStatement",
	"Observation", "Procedure", "QuestionnaireResponse", "RequestGroup", "RiskAssessment", "ServiceRequest", "Specimen", "Task",
}

// observationTwins: most observations have no components.
var observationTwins = map[string]string{
	"combo-code":                "code",
	"combo-data-absent-reason":  "data-absent-reason",
	"combo-value-concept":       "value-concept",
	"combo-value-quantity":      "value-quantity",
	"combo-code-value-concept":  "code-value-concept",
	"combo-code-value-quantity": "code-value-quantity",

	"combo-value-quantity" + search.CanonicalEntries:      "value-quantity" + search.CanonicalEntries,
	"combo-code-value-quantity" + search.CanonicalEntries: "code-value-quantity" + search.CanonicalEntries,
}

// fingerprint is the layout as it is kept in the file. The number is that of the rules in rows.go: it goes up when they change.
func (l Layout) fingerprint() string {
	const rules = 2
	text, err := json.Marshal(struct { // maps are written in the order of their keys
		Rules  int
		Layout Layout
	}{rules, l})
	if err != nil {
		panic("sqlite: " + err.Error()) // it holds nothing but strings
	}
	return string(text)
}
