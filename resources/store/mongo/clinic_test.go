package mongo

import (
	"fmt"

	"fhirside/fhir"
	"fhirside/resources/store"
	"fhirside/search"
	"fhirside/search/index"
)

// clinic is a population in which every search of the explain test finds something, and in which most resources do not match.
func clinic() (records []store.Record) {
	extractor := index.New(search.R4().WithWords(), "http://localhost/fhir")
	add := func(format string, args ...any) {
		r, err := fhir.Parse(fmt.Appendf(nil, format, args...))
		if err != nil {
			panic(err)
		}
		version := store.Version{Key: store.Key{Type: r.Type(), ID: r.ID()}, Version: 1, Method: store.Created, Body: r.Bytes()}
		records = append(records, store.Record{Version: version, Values: extractor.Extract(r)})
	}
	families := []string{"Smith", "Smythe", "Schmidt", "Jones", "Johansson", "Müller", "Garcia", "Nguyen", "Novak", "Rossi"}
	for i := range 60 {
		add(`{"resourceType":"Patient","id":"p%d","active":true,"identifier":[{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"MR"}]},"system":"urn:mrn","value":"MRN%04d"},{"system":"urn:ssn","value":"%09d"}],
			"name":[{"family":"%s%d","given":["G%c%d"]}],"gender":"%s","birthDate":"%d-03-%02d","generalPractitioner":[{"reference":"Practitioner/d%d"}]}`,
			i, i, i*7919, families[i%10], i/10, 'a'+i%26, i, []string{"male", "female"}[i%2], 1950+i, 1+i%28, i%5)
	}
	for i := range 5 {
		add(`{"resourceType":"Practitioner","id":"d%d","name":[{"family":"Doctor%c"}]}`, i, 'A'+i)
		add(`{"resourceType":"Schedule","id":"s%d","actor":[{"reference":"Practitioner/d%d"}]}`, i, i)
	}
	categories := []string{"vital-signs", "laboratory", "survey"}
	for i := range 1200 {
		add(`{"resourceType":"Observation","id":"o%d","status":"final","subject":{"reference":"Patient/p%d"},"effectiveDateTime":"20%02d-%02d-%02dT%02d:00:00Z",
			"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"%s"}]}],
			"code":{"coding":[{"system":"http://loinc.org","code":"c%d"}],"text":"Test number %d"},"valueQuantity":{"value":%d.%d,"unit":"u%d","system":"http://unitsofmeasure.org","code":"u%d"}}`,
			i, i%60, 10+i%14, 1+i%12, 1+i%28, i%24, categories[i%3], i%40, i%40, i%200, i%10, i%4, i%4)
	}
	for i := range 300 {
		add(`{"resourceType":"Slot","id":"l%d","schedule":{"reference":"Schedule/s%d"},"status":"%s","start":"2024-%02d-%02dT%02d:00:00Z","end":"2024-%02d-%02dT%02d:30:00Z"}`,
			i, i%5, []string{"free", "busy"}[i%2], 1+i/28, 1+i%28, 8+i%9, 1+i/28, 1+i%28, 8+i%9)
		add(`{"resourceType":"Appointment","id":"a%d","status":"%s","start":"2024-%02d-%02dT%02d:00:00Z","end":"2024-%02d-%02dT%02d:30:00Z","participant":[{"actor":{"reference":"Patient/p%d"},"status":"accepted"},{"actor":{"reference":"Practitioner/d%d"},"status":"accepted"}]}`,
			i, []string{"booked", "fulfilled", "cancelled"}[i%3], 1+i/28, 1+i%28, 8+i%9, 1+i/28, 1+i%28, 8+i%9, i%60, i%5)
		add(`{"resourceType":"Encounter","id":"e%d","status":"finished","class":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"AMB"},"subject":{"reference":"Patient/p%d"},"period":{"start":"20%02d-01-%02d","end":"20%02d-0%d-%02d"}}`,
			i, i%60, 10+i%14, 1+i%28, 10+i%14, 1+i%3, 1+i%28)
		add(`{"resourceType":"RiskAssessment","id":"r%d","status":"final","subject":{"reference":"Patient/p%d"},"prediction":[{"probabilityDecimal":0.%03d}]}`, i, i%60, i)
		add(`{"resourceType":"QuestionnaireResponse","id":"q%d","status":"completed","questionnaire":"http://example.org/q/%d%s","subject":{"reference":"Patient/p%d"},"authored":"20%02d-01-01"}`,
			i, i%20, []string{"", "|1", "|2"}[i%3], i%60, 10+i%14)
		add(`{"resourceType":"Questionnaire","id":"u%d","status":"active","url":"http://example.org/q/%d","version":"%d","title":"Intake %d"}`, i, i/3, 1+i%3, i)
		add(`{"resourceType":"ValueSet","id":"v%d","status":"active","url":"http://example.org/%d/vs/%d","name":"Set%d","date":"20%02d-01-01"}`, i, i%20, i, i, 10+i%14)
	}
	for i := range 300 {
		add(`{"resourceType":"MedicationRequest","id":"m%d","status":"active","subject":{"reference":"Patient/p%d"},"authoredOn":"20%02d-01-01","medicationReference":{"reference":"#m"},
			"contained":[{"resourceType":"Medication","id":"m","code":{"coding":[{"code":"k%d"}]},"manufacturer":{"reference":"#o"}},{"resourceType":"Organization","id":"o","name":"Maker%c"}]}`,
			i, i%60, 10+i%14, i%40, 'a'+i%26)
	}
	for i := range 40 {
		part := ""
		if i >= 4 {
			part = fmt.Sprintf(`,"partOf":{"reference":"Organization/g%d"}`, i/4-1)
		}
		add(`{"resourceType":"Organization","id":"g%d","name":"Clinic %d"%s,"meta":{"tag":[{"system":"urn:tag","code":"t%d"}],"profile":["http://example.org/p/%d"],"security":[{"system":"urn:sec","code":"s%d"}],"source":"http://example.org/src/%d"}}`,
			i, i, part, i%8, i%8, i%8, i%8)
		add(`{"resourceType":"Location","id":"w%d","name":"Ward %d","managingOrganization":{"reference":"Organization/g%d"},"position":{"latitude":%d.5,"longitude":%d.25}}`, i, i, i, 40+i%10, 5+i)
		add(`{"resourceType":"PractitionerRole","id":"r%d","practitioner":{"reference":"Practitioner/d%d"},"organization":{"reference":"Organization/g%d"}}`, i, i%5, i)
		add(`{"resourceType":"DiagnosticReport","id":"x%d","status":"final","code":{"text":"Report"},"subject":{"reference":"Patient/p%d"},"performer":[{"identifier":{"system":"urn:npi","value":"%d"}}],"result":[{"reference":"Observation/o%d"}],
			"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">word%d of report</div>"}}`, i, i, i%8, i, i%8)
		add(`{"resourceType":"List","id":"b%d","status":"current","mode":"working","entry":[{"item":{"reference":"Patient/p%d"}},{"item":{"reference":"Patient/p%d"}}]}`, i, i, i+1)
	}
	return records
}
