package scope

import (
	"maps"
	"slices"

	"fhirside/fhir/definitions"
	"fhirside/resources/access"
	"fhirside/search"
)

// reach is whose resources of a type an interaction may be about.
type reach func(resourceType string, i access.Interaction) search.Filter

// everyone is for system/ scopes, and for practitioners: the whole clinic.
func everyone(string, access.Interaction) search.Filter { return search.All{} }

// ofPatients reaches what there is about these patients.
func ofPatients(ids ...string) reach {
	return ofThese(patients{
		self: search.ID(ids), known: true,
		referred: func(param string) (some search.Or) {
			for _, id := range ids {
				some = append(some, search.Reference{Param: param, Type: "Patient", ID: id})
			}
			return some
		},
		others: otherPatients(ids),
	})
}

// ofCareTeam reaches what there is about the patients that a practitioner cares for: by an active CareTeam that they take part in,
// or as the patient's general practitioner.
func ofCareTeam(registry *search.Registry, base, practitioner string) (reach, error) {
	team, err := condition(registry, base, "CareTeam", []search.Parameter{
		{Name: "participant", Value: "Practitioner/" + practitioner}, {Name: "status", Value: "active"},
	})
	if err != nil {
		return nil, err
	}
	cared := search.Or{
		search.Reference{Param: "general-practitioner", Type: "Practitioner", ID: practitioner},
		search.Has{Type: "CareTeam", Param: "patient", Filter: team},
	}
	of := ofThese(patients{
		self: cared,
		referred: func(param string) search.Or {
			return search.Or{search.Chain{Param: param, Type: "Patient", Filter: cared}}
		},
	})
	return func(resourceType string, i access.Interaction) search.Filter {
		if slices.Contains(shared, resourceType) {
			return search.All{} // practitioners keep the directory and the schedules
		}
		return of(resourceType, i)
	}, nil
}

// patients are some, as filters tell them.
type patients struct {
	self     search.Filter                // on a Patient: that it is one of them
	known    bool                         // by id, so that none of them can be created
	referred func(param string) search.Or // on what refers to a patient by that parameter: to one of them
	others   search.Filter                // on an Appointment: that somebody else takes part as a patient; nil where that does not matter
}

// ofThese reaches what there is about patients. To read it is enough to be in their compartment, or of a kind that all share; to
// write, it must be about one of them: R4's compartment is too wide for that, since it holds what a patient has performed or sent
// as well.
func ofThese(p patients) reach {
	var of reach
	of = func(resourceType string, i access.Interaction) search.Filter {
		reading := i == access.Read || i == access.Search
		switch {
		case reading && slices.Contains(shared, resourceType):
			return search.All{}
		case resourceType == "Binary":
			return standsFor(of, i)
		}
		params := aboutParams(resourceType)
		if reading {
			params = compartmentParams(resourceType, params)
		}
		var some search.Or
		if resourceType == "Patient" && !(p.known && i == access.Create) {
			some = append(some, p.self)
		}
		for _, param := range params {
			some = append(some, p.referred(param)...)
		}
		if resourceType == "Appointment" && !reading && p.others != nil {
			return search.AllOf(search.AnyOf(some...), search.Not{Filter: p.others})
		}
		return search.AnyOf(some...)
	}
	return of
}

// otherPatients holds for an Appointment in which somebody else takes part as a patient: it is theirs as well. It does not ask whether
// they are there, which would tell.
func otherPatients(ids []string) search.Filter {
	return search.ReferenceToOther{Param: "patient", Type: "Patient", IDs: ids}
}

// standsFor is for Binary, which says nothing itself: the resource that its securityContext names stands for it.
func standsFor(of reach, i access.Interaction) search.Filter {
	if i != access.Read && i != access.Search {
		i = access.Update // what it belongs to must be about the patient; that it is in their compartment is not enough either
	}
	var some search.Or
	for _, t := range slices.Sorted(maps.Keys(definitions.Compartment("Patient"))) {
		if f := of(t, i); !is[search.None](f) && !is[search.All](f) {
			some = append(some, search.Chain{Param: search.SecurityContext, Type: t, Filter: f})
		}
	}
	return search.AnyOf(some...)
}

// shared are the kinds that hold nothing about a patient: whoever may read them reads all of them.
var shared = []string{
	"Endpoint", "HealthcareService", "InsurancePlan", "Location", "Medication", "MedicationKnowledge", "Organization",
	"OrganizationAffiliation", "Practitioner", "PractitionerRole", "Questionnaire", "Schedule", "Slot", "Substance",
	// terminology
	"CodeSystem", "ConceptMap", "NamingSystem", "TerminologyCapabilities", "ValueSet",
	// definitions
	"ActivityDefinition", "CapabilityStatement", "ChargeItemDefinition", "CompartmentDefinition", "DeviceDefinition",
	"EventDefinition", "GraphDefinition", "ImplementationGuide", "Library", "Measure", "MessageDefinition", "ObservationDefinition",
	"OperationDefinition", "PlanDefinition", "SearchParameter", "SpecimenDefinition", "StructureDefinition", "StructureMap",
}

// compartmentParams are those by which a type is in the compartment of Patient (CompartmentDefinition), and those of what it is
// about, which say the same in fewer words: a search by one of them is known to stay inside.
func compartmentParams(resourceType string, about []string) []string {
	params := slices.DeleteFunc(slices.Clone(definitions.Compartment("Patient")[resourceType]), func(p string) bool { return p == "{def}" })
	for _, p := range about {
		if !slices.Contains(params, p) {
			params = append(params, p)
		}
	}
	return params
}

// aboutParams are the parameters by which a type says whom it is about: one reference, so that it can be about nobody else as
// well, except for the participants of an Appointment (see otherPatients). Types that have none cannot be written with patient/ scopes: they are about
// nobody (Organization), about all that they list (Group, Person, Account), or evidence of what others did (AuditEvent,
// Provenance).
func aboutParams(resourceType string) []string {
	switch {
	case resourceType == "AdverseEvent":
		return []string{"subject"}
	case slices.Contains(aboutPatient, resourceType):
		return []string{"patient"}
	}
	return nil
}

// aboutPatient are the types that say it by the parameter "patient": subject, patient, beneficiary, for or candidate. They are those
// of the compartment, and Task and Device, which R4 has left out of it.
var aboutPatient = []string{
	"AllergyIntolerance", "Appointment", "AppointmentResponse", "Basic", "BodyStructure", "CarePlan", "CareTeam", "ChargeItem",
	"Claim", "ClaimResponse", "ClinicalImpression", "Communication", "CommunicationRequest", "Composition", "Condition",
	"Consent", "Coverage", "CoverageEligibilityRequest", "CoverageEligibilityResponse", "DetectedIssue", "Device",
	"DeviceRequest", "DeviceUseStatement", "DiagnosticReport", "DocumentManifest", "DocumentReference", "Encounter",
	"EnrollmentRequest", "EpisodeOfCare", "ExplanationOfBenefit", "FamilyMemberHistory", "Flag", "Goal", "ImagingStudy",
	"Immunization", "ImmunizationEvaluation", "ImmunizationRecommendation", "Invoice", "List", "MeasureReport", "Media",
	"MedicationAdministration", "MedicationDispense", "MedicationRequest", "MedicationStatement", "MolecularSequence",
	"NutritionOrder", "Observation", "Procedure", "QuestionnaireResponse", "RelatedPerson", "RequestGroup", "ResearchSubject",
	"RiskAssessment", "ServiceRequest", "Specimen", "SupplyDelivery", "Task", "VisionPrescription",
}
