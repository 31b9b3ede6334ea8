package mongo

import (
	"strings"

	"fhirside/search"
	"fhirside/search/index"
)

// order is how a type's resources are ordered when a search asks for nothing else, and what a sort can ask for at no cost: the
// index entries of one parameter are each document's index.key, which ends the indexes "terms" and "pairs".
type order struct {
	param      string // "": by id
	kind       search.ParamType
	descending bool
}

func latest(param string) order   { return order{param, search.TypeDate, true} }
func earliest(param string) order { return order{param, search.TypeDate, false} }
func byName(param string) order   { return order{param, search.TypeString, false} }

// orders: newest first by the date that a type's users go by, what is to come in the order in which it comes, and what has a name
// by name.
var orders = map[string]order{
	"AllergyIntolerance":       latest("date"),
	"Appointment":              earliest("date"),
	"AuditEvent":               latest("date"),
	"CarePlan":                 latest("date"),
	"CareTeam":                 latest("date"),
	"ChargeItem":               latest("occurrence"),
	"Claim":                    latest("created"),
	"ClaimResponse":            latest("created"),
	"ClinicalImpression":       latest("date"),
	"Communication":            latest("sent"),
	"CommunicationRequest":     latest("authored"),
	"Composition":              latest("date"),
	"Condition":                latest("onset-date"),
	"Consent":                  latest("date"),
	"DetectedIssue":            latest("identified"),
	"DeviceRequest":            latest("authored-on"),
	"DiagnosticReport":         latest("date"),
	"DocumentManifest":         latest("created"),
	"DocumentReference":        latest("date"),
	"Encounter":                latest("date"),
	"EpisodeOfCare":            latest("date"),
	"ExplanationOfBenefit":     latest("created"),
	"FamilyMemberHistory":      latest("date"),
	"Flag":                     latest("date"),
	"Goal":                     latest("start-date"),
	"HealthcareService":        byName("name"),
	"ImagingStudy":             latest("started"),
	"Immunization":             latest("date"),
	"Invoice":                  latest("date"),
	"List":                     latest("date"),
	"Location":                 byName("name"),
	"MeasureReport":            latest("date"),
	"Media":                    latest("created"),
	"MedicationAdministration": latest("effective-time"),
	"MedicationDispense":       latest("whenhandedover"),
	"MedicationRequest":        latest("authoredon"),
	"MedicationStatement":      latest("effective"),
	"NutritionOrder":           latest("datetime"),
	"Observation":              latest("date"),
	"Organization":             byName("name"),
	"Patient":                  byName("family"),
	"Person":                   byName("name"),
	"Practitioner":             byName("family"),
	"Procedure":                latest("date"),
	"Provenance":               latest("recorded"),
	"QuestionnaireResponse":    latest("authored"),
	"RelatedPerson":            byName("name"),
	"RequestGroup":             latest("authored"),
	"RiskAssessment":           latest("date"),
	"Schedule":                 earliest("date"),
	"ServiceRequest":           latest("authored"),
	"Slot":                     earliest("start"),
	"Specimen":                 latest("collected"),
	"SupplyRequest":            latest("date"),
	"Task":                     latest("authored-on"),
	"VisionPrescription":       latest("datewritten"),
}

// owners are the reference parameters whose targets are paired with tokens: whoever searches a patient's, a practitioner's or a
// schedule's resources also says which.
var owners = map[string]bool{"patient": true, "subject": true, "actor": true, "schedule": true}

// isPaired says whether a token parameter is paired with the owners: identifiers and tags are found on their own.
func isPaired(param string) bool { return param != "identifier" && !strings.HasPrefix(param, "_") }

// isBroad says whether a parameter has few different values, each of them in many resources.
var isBroad = map[string]bool{
	"active": true, "appointment-status": true, "category": true, "class": true, "clinical-status": true, "deceased": true, "gender": true,
	"intent": true, "language": true, "participant-type": true, "priority": true, "status": true, "use": true, "verification-status": true,
	"_profile": true, "_security": true, "_source": true,
}

// isShared says whether resources of a type are referred to by many others.
var isShared = map[string]bool{
	"Device": true, "HealthcareService": true, "Location": true, "Medication": true, "Organization": true, "Practitioner": true, "PractitionerRole": true,
}

// Shapes of a resource's key. They stand before the key in the indexes, so that ranges and orders are those of one shape, and of
// all where MongoDB merges them.
const (
	narrowShape  int32 = iota // there is one value; a date is at most a day wide, so that its beginning bounds its end
	wideShape                 // there is one date that is wider, or none
	severalShape              // there are several; the key is that which the type's own order goes by
)

// shapes are those that a type's keys have.
func (o order) shapes() []int32 {
	switch o.kind {
	case search.TypeDate:
		return []int32{narrowShape, wideShape, severalShape}
	case search.TypeString:
		return []int32{narrowShape, severalShape}
	}
	return []int32{narrowShape}
}

// key is what orders a resource: the beginning of a date, as a sort asks, or a name.
func (o order) key(v index.Values) (shape int32, key any) {
	switch o.kind {
	case search.TypeDate:
		return o.dateKey(v.Dates)
	case search.TypeString:
		return o.nameKey(v.Strings)
	}
	return narrowShape, int64(0)
}

const (
	// missingDate comes behind every date.
	missingDate = int64(1<<63 - 1)
	missingName = "\U0010ffff"
	day         = int64(24 * 60 * 60 * 1e6)
)

// dateKey is the beginning of the interval, of several the last where the order descends and the first where it ascends.
func (o order) dateKey(dates []index.Date) (shape int32, key int64) {
	n, key := 0, missingDate
	shape = wideShape
	for _, e := range dates {
		if e.Param != o.param {
			continue
		}
		if n == 0 || o.descending && e.Lo > key || !o.descending && e.Lo < key {
			key = e.Lo
		}
		if n++; isNarrow(e) {
			shape = narrowShape
		}
	}
	if n > 1 {
		shape = severalShape
	}
	return shape, key
}

// isNarrow says whether an interval is at most a day wide; one with an open end never is.
func isNarrow(e index.Date) bool { return e.Hi > e.Lo && uint64(e.Hi)-uint64(e.Lo) <= uint64(day) }

// nameKey is the least name, folded as a sort compares it.
func (o order) nameKey(names []index.String) (shape int32, key string) {
	n, key := 0, missingName
	for _, e := range names {
		if e.Param != o.param || e.Part {
			continue
		}
		if n == 0 || e.Folded < key {
			key = e.Folded
		}
		n++
	}
	if n > 1 {
		return severalShape, key
	}
	return narrowShape, key
}
