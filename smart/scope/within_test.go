package scope

import (
	"testing"

	"fhirside/resources/access"
	"fhirside/search"
	"fhirside/search/match"
)

// TestWithinContained: of a contained resource the scopes ask what it is, and not whom it is about, but only where they reach its type
// at all.
func TestWithinContained(t *testing.T) {
	const (
		lab   = `{"resourceType":"Observation","id":"1","category":[{"coding":[{"system":"http://s","code":"lab"}]}]}`
		other = `{"resourceType":"Observation","id":"1","subject":{"reference":"Patient/bob"}}`
		bob   = `{"resourceType":"Patient","id":"bob"}`
		group = `{"resourceType":"EnrollmentRequest","id":"1"}`
		drug  = `{"resourceType":"Medication","id":"1"}`
	)
	me := Subject{Patient: "alice", FHIRUser: "Patient/alice"}
	for _, test := range []struct {
		scopes string
		who    Subject
		body   string
		may    bool
	}{
		{"patient/Observation.rs", me, lab, true},
		{"patient/Observation.rs", me, other, true},
		{"patient/*.rs", me, bob, true},
		{"patient/*.rs", me, drug, true},
		{"patient/Observation.r", me, lab, false},
		{"patient/DiagnosticReport.rs", me, lab, false},
		{"patient/Observation.rs?category=http://s|lab", me, lab, true},
		{"patient/Observation.rs?category=http://s|lab", me, other, false},
		{"patient/Observation.rs?category=http://s|lab user/Observation.rs", me, other, true},
		{"patient/Observation.rs user/Observation.rs?category=http://s|lab", Subject{FHIRUser: "Practitioner/1"}, other, false},
		{"patient/Observation.rs", Subject{FHIRUser: "Practitioner/1"}, lab, false}, // no patient
		{"system/Observation.rs?category=http://s|lab", Subject{ClientID: "app"}, lab, true},
		{"patient/*.rs", me, group, true},
		{"patient/*.rs", me, `{"resourceType":"EvidenceVariable","id":"1"}`, false}, // nothing of the type is about a patient
	} {
		subject := subjectOf(test.body)
		p := policyOf(t, test.scopes, test.who).(access.Inner)
		held, err := match.Matches(p.Within(subject.Type, access.Search), subject, nil)
		if err != nil || held != test.may {
			t.Errorf("%s: %s: %v, %v", test.scopes, test.body, held, err)
		}
		if may := policyOf(t, test.scopes, test.who).May(subject.Type, access.Search); is[search.None](may) && held {
			t.Errorf("%s: %s is granted within, and nothing of its type elsewhere", test.scopes, subject.Type)
		}
	}
}
