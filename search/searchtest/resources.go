package searchtest

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"fhirside/fhir"
)

// Types are the resource types that are made, sorted.
var Types = slices.Sorted(maps.Keys(members))

// members are the elements of each resource type, besides id and meta: those that search parameters read, and what R4 demands.
var members = map[string][]member{
	"Practitioner": {
		maybe("identifier", identifiers),
		maybe("active", boolean),
		maybe("name", list(2, humanName)),
		maybe("telecom", list(2, contactPoint)),
		maybe("address", list(2, address)),
		maybe("gender", str("male", "female", "other")),
		maybe("communication", concepts),
	},
	"PractitionerRole": {
		maybe("identifier", identifiers),
		maybe("active", boolean),
		maybe("period", period),
		maybe("practitioner", reference("Practitioner")),
		maybe("organization", reference("Organization")),
		maybe("code", concepts),
		maybe("specialty", concepts),
		maybe("location", list(2, reference("Location"))),
		maybe("telecom", list(2, contactPoint)),
	},
	"Location": {
		maybe("identifier", identifiers),
		maybe("name", word),
		maybe("address", address),
		maybe("position", object(always("latitude", raw(latitudes...)), always("longitude", raw(longitudes...)))),
		maybe("managingOrganization", reference("Organization")),
	},
	"Schedule": {
		maybe("identifier", identifiers),
		maybe("active", boolean),
		maybe("serviceCategory", concepts),
		maybe("serviceType", concepts),
		maybe("specialty", concepts),
		always("actor", list(2, reference("Practitioner", "PractitionerRole", "Location"))),
		maybe("planningHorizon", period),
	},
	"Slot": {
		maybe("identifier", identifiers),
		maybe("serviceCategory", concepts),
		maybe("specialty", concepts),
		maybe("appointmentType", concept),
		always("schedule", reference("Schedule")),
		always("status", str("free", "busy")),
		always("start", instant),
		always("end", instant),
	},
	"Appointment": {
		maybe("identifier", identifiers),
		always("status", str("booked", "cancelled", "proposed")),
		maybe("serviceType", concepts),
		maybe("specialty", concepts),
		maybe("appointmentType", concept),
		maybe("reasonCode", concepts),
		maybe("reasonReference", list(2, reference("Observation"))),
		maybe("supportingInformation", list(2, reference("Observation", "RiskAssessment", "Patient"))),
		maybe("start", instant),
		maybe("slot", list(2, reference("Slot"))),
		maybe("basedOn", list(1, reference("ServiceRequest"))),
		always("participant", list(2, object(
			always("actor", reference("Patient", "Practitioner", "PractitionerRole", "Location")),
			always("status", str("accepted", "declined")),
		))),
	},
	"Patient": {
		maybe("identifier", identifiers),
		maybe("active", boolean),
		maybe("name", list(2, humanName)),
		maybe("telecom", list(2, contactPoint)),
		maybe("gender", str("male", "female", "other")),
		maybe("birthDate", date),
		either(maybe("deceasedBoolean", boolean), maybe("deceasedDateTime", dateTime)),
		maybe("address", list(2, address)),
		maybe("communication", list(2, object(always("language", concept)))),
		maybe("generalPractitioner", list(2, reference("Practitioner", "PractitionerRole", "Organization"))),
		maybe("managingOrganization", reference("Organization")),
		maybe("link", list(1, object(always("other", reference("Patient")), always("type", str("seealso", "refer"))))),
	},
	"Observation": {
		maybe("identifier", identifiers),
		maybe("basedOn", list(1, reference("MedicationRequest"))),
		always("status", str("final", "amended", "preliminary")),
		maybe("category", concepts),
		always("code", concept),
		maybe("subject", reference("Patient", "Location")),
		maybe("focus", list(2, reference("Observation", "Slot", "Organization"))),
		either(maybe("effectiveDateTime", dateTime), maybe("effectivePeriod", period), maybe("effectiveInstant", instant), maybe("effectiveTiming", timing)),
		maybe("performer", list(2, reference("Practitioner", "PractitionerRole", "Organization", "Patient"))),
		either(
			maybe("valueQuantity", quantity), maybe("valueCodeableConcept", concept), maybe("valueString", word),
			maybe("valueDateTime", dateTime), maybe("valuePeriod", period),
		),
		maybe("dataAbsentReason", concept),
		maybe("method", concept),
		maybe("hasMember", list(2, reference("Observation"))),
		maybe("component", list(3, object(
			always("code", concept),
			either(maybe("valueQuantity", quantity), maybe("valueCodeableConcept", concept)),
		))),
	},
	"MedicationRequest": {
		maybe("identifier", identifiers),
		always("status", str("active", "stopped", "draft")),
		always("intent", str("order", "plan")),
		maybe("category", concepts),
		maybe("priority", str("routine", "urgent")),
		either(always("medicationCodeableConcept", concept), always("medicationReference", reference("Medication"))),
		always("subject", reference("Patient", "Group")),
		maybe("authoredOn", dateTime),
		maybe("requester", reference("Practitioner", "PractitionerRole", "Organization", "Patient")),
		maybe("performer", reference("Practitioner", "Organization", "Patient")),
		maybe("performerType", concept),
		maybe("dosageInstruction", list(2, object(always("timing", object(always("event", list(2, dateTime))))))),
		maybe("dispenseRequest", object(always("performer", reference("Organization")))),
	},
	"Communication": {
		maybe("identifier", identifiers),
		maybe("instantiatesCanonical", list(2, str(canonicals...))),
		maybe("instantiatesUri", list(2, str(uris...))),
		maybe("basedOn", list(2, reference("Appointment", "MedicationRequest", "Communication"))),
		maybe("partOf", list(2, reference("Communication", "Patient"))),
		always("status", str("completed", "in-progress")),
		maybe("category", concepts),
		maybe("medium", concepts),
		maybe("subject", reference("Patient", "Group")),
		maybe("sent", dateTime),
		maybe("received", dateTime),
		maybe("recipient", list(2, reference("Patient", "Practitioner", "PractitionerRole", "Organization"))),
		maybe("sender", reference("Patient", "Practitioner", "PractitionerRole")),
	},
	"PlanDefinition": {
		maybe("url", str(canonicalURLs...)),
		maybe("identifier", identifiers),
		maybe("version", str("1", "2", "rc")),
		maybe("title", word),
		always("status", str("active", "draft")),
		maybe("date", dateTime),
		maybe("effectivePeriod", period),
		maybe("relatedArtifact", list(2, object(
			always("type", str("composed-of", "depends-on")),
			always("resource", str(canonicals...)),
		))),
	},
	"RiskAssessment": {
		maybe("identifier", identifiers),
		always("status", str("final", "amended")),
		maybe("method", concept),
		always("subject", reference("Patient", "Group")),
		either(maybe("occurrenceDateTime", dateTime), maybe("occurrencePeriod", period)),
		maybe("performer", reference("Practitioner", "PractitionerRole")),
		maybe("prediction", list(2, object(
			either(always("probabilityDecimal", decimal), always("probabilityRange", numberRange)),
			maybe("qualitativeRisk", concept),
		))),
	},
	"Organization": {
		maybe("identifier", identifiers),
		maybe("active", boolean),
		maybe("type", concepts),
		always("name", word),
		maybe("alias", list(2, word)),
		maybe("address", list(2, address)),
		maybe("partOf", reference("Organization")),
	},
}

var (
	timing      = object(either(always("event", list(2, dateTime)), always("repeat", object(always("boundsPeriod", period)))))
	numberRange = oneOf(
		object(always("low", object(always("value", raw("0", "5"))))),
		object(always("high", object(always("value", raw("5.4", "100"))))),
		object(always("low", object(always("value", raw("0", "5")))), always("high", object(always("value", raw("5.4", "100"))))),
	)
)

// Resource draws a resource of one of Types with that id.
func Resource(resourceType, id string) *rapid.Generator[*fhir.Resource] {
	return rapid.Custom(func(t *rapid.T) *fhir.Resource {
		text := `{"resourceType":` + quote(resourceType) + `,"id":` + quote(id)
		if rest := join(t, append([]member{maybe("meta", meta)}, members[resourceType]...)); rest != "" {
			text += "," + rest
		}
		if inside := containedIn(t, text); len(inside) > 0 {
			text += `,"contained":[` + strings.Join(inside, ",") + "]"
		}
		r, err := fhir.Parse([]byte(text + "}"))
		if err != nil {
			panic(fmt.Sprintf("searchtest: %s: %v", text, err))
		}
		return r
	})
}

var containedReference = regexp.MustCompile(`"#([12]-([A-Za-z]+))"`)

// containedIn draws the contained resources that a text refers to, "#1-Patient" and so on, and those that these refer to.
func containedIn(t *rapid.T, text string) (all []string) {
	var ids []string
	for texts := []string{text}; len(texts) > 0; texts = texts[1:] {
		for _, found := range containedReference.FindAllStringSubmatch(texts[0], -1) {
			id, resourceType := found[1], found[2]
			if slices.Contains(ids, id) {
				continue
			}
			inner := `{"resourceType":` + quote(resourceType) + `,"id":` + quote(id) + "," + join(t, append([]member{always("language", str("en"))}, members[resourceType]...)) + "}"
			ids, all, texts = append(ids, id), append(all, inner), append(texts, inner)
		}
	}
	return all
}

// Population draws resources of all types, with ids out of IDs.
func Population() *rapid.Generator[[]*fhir.Resource] {
	return rapid.Custom(func(t *rapid.T) []*fhir.Resource {
		var all []*fhir.Resource
		for _, resourceType := range Types {
			for _, id := range IDs {
				if below(t, 4, "has "+resourceType+"/"+id) > 0 {
					all = append(all, Resource(resourceType, id).Draw(t, resourceType+"/"+id))
				}
			}
		}
		return all
	})
}
