package demo

// Code systems.
const (
	snomed   = "http://snomed.info/sct"
	loinc    = "http://loinc.org"
	rxnorm   = "http://www.nlm.nih.gov/research/umls/rxnorm"
	icd10    = "http://hl7.org/fhir/sid/icd-10-cm"
	cvx      = "http://hl7.org/fhir/sid/cvx"
	ucum     = "http://unitsofmeasure.org"
	nucc     = "http://nucc.org/provider-taxonomy"
	language = "urn:ietf:bcp:47"

	terminology = "http://terminology.hl7.org/CodeSystem/"
	hl7         = "http://hl7.org/fhir/StructureDefinition/"
	planNet     = "http://hl7.org/fhir/us/davinci-pdex-plan-net/"
)

// Identifier systems.
const (
	npi           = "http://hl7.org/fhir/sid/us-npi"
	recordNumber  = "https://clinic.example/record-number"
	licenceNumber = "https://board.example/licence"
)

type code struct{ system, code, display string }

func (c code) coding() object {
	return object{"system", c.system, "code", c.code, "display", c.display}
}

// concept is a CodeableConcept; its text is the display of the first code.
func concept(codes ...code) object {
	codings := make(list, len(codes))
	for i, c := range codes {
		codings[i] = c.coding()
	}
	return object{"coding", codings, "text", codes[0].display}
}

var (
	htest = code{terminology + "v3-ActReason", "HTEST", "test health data"}

	english       = code{language, "en", "English"}
	problemList   = code{terminology + "condition-category", "problem-list-item", "Problem List Item"}
	diagnosis     = code{terminology + "condition-category", "encounter-diagnosis", "Encounter Diagnosis"}
	vitalSigns    = code{terminology + "observation-category", "vital-signs", "Vital Signs"}
	laboratory    = code{terminology + "observation-category", "laboratory", "Laboratory"}
	ambulatory    = code{terminology + "v3-ActCode", "AMB", "ambulatory"}
	virtual       = code{terminology + "v3-ActCode", "VR", "virtual"}
	telemedicine  = code{snomed, "448337001", "Telemedicine consultation with patient"}
	performer     = code{terminology + "v3-ParticipationType", "PPRF", "primary performer"}
	community     = code{terminology + "medicationrequest-category", "community", "Community"}
	written       = code{terminology + "v3-ParticipationMode", "WRITTEN", "written"}
	medicalRecord = code{terminology + "v2-0203", "MR", "Medical record number"}

	mother   = code{terminology + "v3-RoleCode", "MTH", "mother"}
	father   = code{terminology + "v3-RoleCode", "FTH", "father"}
	daughter = code{terminology + "v3-RoleCode", "DAUC", "daughter"}
	son      = code{terminology + "v3-RoleCode", "SONC", "son"}
	guardian = code{terminology + "v3-RoleCode", "GUARD", "guardian"}
	attorney = code{terminology + "v3-RoleCode", "DPOWATT", "durable power of attorney"}
)
