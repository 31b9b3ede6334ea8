package scope

import (
	"iter"
	"strings"
	"testing"

	"fhirside/fhir"
	"fhirside/fhir/definitions"
	"fhirside/resources/access"
	"fhirside/search"
	"fhirside/search/index"
	"fhirside/search/match"
)

// Whom a type is about is said by one element that holds one reference, so that nothing can be about two.
func TestAboutElements(t *testing.T) {
	for _, resourceType := range append([]string{"AdverseEvent"}, aboutPatient...) {
		for _, code := range aboutParams(resourceType) {
			if len(definitions.Compartment("Patient")[resourceType]) == 0 && resourceType != "Task" && resourceType != "Device" {
				t.Errorf("%s is not in the compartment", resourceType)
			}
			if search.R4().Param(resourceType, code) == nil {
				t.Errorf("%s has no parameter %s", resourceType, code)
			}
		}
		found := false
		for _, name := range []string{"subject", "patient", "beneficiary", "for", "candidate", "individual", "actor"} {
			if el := definitions.Lookup(resourceType).Element(name); el != nil {
				found = true
				if el.Max != 1 {
					t.Errorf("%s.%s repeats", resourceType, name)
				}
				break
			}
		}
		if !found && resourceType != "Appointment" {
			t.Errorf("%s: no element says whom it is about", resourceType)
		}
	}
	for _, resourceType := range shared {
		if len(definitions.Compartment("Patient")[resourceType]) > 0 && resourceType != "Schedule" {
			t.Errorf("%s is shared, and in a patient's compartment", resourceType)
		}
		if !definitions.IsResource(resourceType) {
			t.Errorf("there is no %s", resourceType)
		}
	}
}

func policyOf(t *testing.T, scopes string, who Subject) access.Policy {
	t.Helper()
	set, err := Parse(scopes)
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewCompiler(Options{
		Registry: search.R4,
		ActsFor:  func(id string) ([]string, error) { return []string{"child-of-" + id}, nil },
	}).Policy(set, who)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// noWorld has whatever is asked for: it is about alice.
type noWorld struct{ match.World }

func (noWorld) Resource(resourceType, id string) (match.Subject, bool, error) {
	if id == "bobs" { // by alice
		return subjectOf(`{"resourceType":"` + resourceType + `","id":"bobs","subject":{"reference":"Patient/bob"},"author":[{"reference":"Patient/alice"}]}`), true, nil
	}
	return subjectOf(`{"resourceType":"` + resourceType + `","id":"` + id + `","subject":{"reference":"Patient/alice"}}`), true, nil
}

func subjectOf(body string) match.Subject {
	r, err := fhir.Parse([]byte(body))
	if err != nil {
		panic(err)
	}
	values := index.New(search.R4(), "").Extract(r)
	return match.Subject{Type: r.Type(), ID: r.ID(), Values: &values}
}

// TestMay is who may do what to which resource: the letters of the interactions that are allowed.
func TestMay(t *testing.T) {
	const (
		about  = `{"resourceType":"Observation","id":"1","subject":{"reference":"Patient/alice"},"performer":[{"reference":"Patient/bob"}],"category":[{"coding":[{"system":"http://s","code":"lab"}]}]}`
		by     = `{"resourceType":"Observation","id":"1","subject":{"reference":"Patient/bob"},"performer":[{"reference":"Patient/alice"}]}`
		other  = `{"resourceType":"Observation","id":"1","subject":{"reference":"Patient/bob"}}`
		alice  = `{"resourceType":"Patient","id":"alice"}`
		bob    = `{"resourceType":"Patient","id":"bob"}`
		doctor = `{"resourceType":"Practitioner","id":"alice"}`
		task   = `{"resourceType":"Task","id":"1","for":{"reference":"Patient/alice"}}`
		asked  = `{"resourceType":"Task","id":"1","requester":{"reference":"Patient/alice"},"for":{"reference":"Patient/bob"}}`
		visit  = `{"resourceType":"Appointment","id":"1","participant":[{"actor":{"reference":"Practitioner/1"}},{"actor":{"reference":"Patient/alice"}}]}`
		family = `{"resourceType":"Appointment","id":"1","participant":[{"actor":{"reference":"Patient/alice"}},{"actor":{"reference":"Patient/bob"}}]}`
		sent   = `{"resourceType":"Communication","id":"1","sender":{"reference":"Patient/alice"},"subject":{"reference":"Patient/bob"}}`
		audit  = `{"resourceType":"AuditEvent","id":"1","agent":[{"who":{"reference":"Patient/alice"}}]}`
		group  = `{"resourceType":"Group","id":"1","member":[{"entity":{"reference":"Patient/alice"}}]}`
		file   = `{"resourceType":"Binary","id":"1","securityContext":{"reference":"DocumentReference/1"}}`
		theirs = `{"resourceType":"Binary","id":"1","securityContext":{"reference":"DocumentReference/bobs"}}`
		loose  = `{"resourceType":"Binary","id":"1"}`
		near   = `{"resourceType":"Observation","id":"1","subject":{"reference":"Patient/child-of-rp"}}`
	)
	me := Subject{Patient: "alice", FHIRUser: "Patient/alice", ClientID: "app"}
	for _, test := range []struct {
		scopes string
		who    Subject
		body   string
		may    string
	}{
		{"patient/*.cruds", me, about, "cruds"},
		{"patient/*.*", me, about, "cruds"},
		{"patient/*.read", me, about, "rs"},
		{"patient/*.write", me, about, "cud"},
		{"patient/Observation.rs", me, about, "rs"},
		{"patient/Observation.r patient/Observation.c", me, about, "cr"},
		{"patient/Condition.cruds", me, about, ""},
		{"patient/*.cruds", me, by, "rs"},
		{"patient/*.cruds", me, sent, "rs"},
		{"patient/*.cruds", me, other, ""},
		{"patient/*.cruds", me, alice, "ruds"},
		{"patient/*.cruds", me, bob, ""},
		{"patient/*.cruds", me, doctor, "rs"},
		{"patient/*.cruds", me, task, "cruds"},
		{"patient/*.cruds", me, asked, ""},
		{"patient/*.cruds", me, visit, "cruds"},
		{"patient/*.cruds", me, family, "rs"}, // it is bob's as well
		{"user/*.cruds", me, family, "rs"},
		{"user/*.cruds", Subject{FHIRUser: "Practitioner/1"}, family, "cruds"},
		{"patient/*.cruds", me, audit, "rs"},
		{"patient/*.cruds", me, group, "rs"},
		{"patient/*.cruds", me, file, "cruds"},
		{"patient/*.cruds", me, theirs, "rs"}, // what alice has written of bob is bob's, and so is its attachment
		{"patient/*.cruds", me, loose, ""},
		{"patient/*.cruds", Subject{ClientID: "app"}, about, ""},
		{"patient/Observation.rs?category=http://s|lab", me, about, "rs"},
		{"patient/Observation.rs?category=http://s|vital", me, about, ""},
		{"patient/Observation.rs?category=vital patient/Observation.r?category=lab", me, about, "r"},
		{"patient/*.rs?category=lab", me, about, "rs"},
		{"patient/*.rs?category=lab", me, alice, ""}, // a Patient has no category
		{"patient/Observation.rs?nonsense=1", me, about, ""},
		{"patient/Observation.rs?patient.name=x", me, about, ""}, // it would tell of what is not granted
		{"patient/Observation.rs?_has:Provenance:target:agent=1", me, about, ""},
		{"patient/Observation.rs?_filter=patient.name+eq+x", me, about, ""},
		{"patient/Observation.sr", me, about, ""},
		{"user/*.cruds", me, about, "cruds"},
		{"user/*.cruds", me, by, "rs"},
		{"user/*.cruds", me, other, ""},
		{"user/*.cruds", Subject{FHIRUser: "Practitioner/1"}, other, "cruds"},
		{"user/*.cruds", Subject{FHIRUser: "Practitioner/1", Patient: "alice"}, loose, "cruds"},
		{"patient/*.rs", Subject{FHIRUser: "Practitioner/1", Patient: "alice"}, other, ""},
		{"user/*.cruds", Subject{FHIRUser: "RelatedPerson/rp"}, near, "cruds"},
		{"user/*.cruds", Subject{FHIRUser: "RelatedPerson/rp"}, other, ""},
		{"user/*.cruds", Subject{}, about, ""},
		{"system/*.rs", Subject{ClientID: "svc"}, other, "rs"},
		{"openid fhirUser launch", me, about, ""},
		{"", me, about, ""},
	} {
		p, subject, got := policyOf(t, test.scopes, test.who), subjectOf(test.body), ""
		for _, l := range letters {
			ok, err := match.Matches(p.May(subject.Type, l.interaction), subject, noWorld{})
			if err != nil {
				t.Fatal(err)
			}
			if ok {
				got += string(l.letter)
			}
		}
		if got != test.may {
			t.Errorf("%q lets %+v %q, want %q of %s", test.scopes, test.who, got, test.may, test.body)
		}
	}
}

// teams is a world with one CareTeam: of alice, with practitioner 1.
type teams struct{ match.World }

func (teams) Resource(resourceType, id string) (match.Subject, bool, error) {
	return subjectOf(`{"resourceType":"` + resourceType + `","id":"` + id + `"}`), true, nil
}

func (teams) Find(_ string, f search.Filter) iter.Seq2[match.Subject, error] {
	return func(yield func(match.Subject, error) bool) {
		for _, team := range []match.Subject{
			subjectOf(`{"resourceType":"CareTeam","id":"t","status":"active","subject":{"reference":"Patient/alice"},"participant":[{"member":{"reference":"Practitioner/1"}}]}`),
			subjectOf(`{"resourceType":"CareTeam","id":"u","status":"inactive","subject":{"reference":"Patient/bob"},"participant":[{"member":{"reference":"Practitioner/1"}}]}`),
		} {
			if held, err := match.Matches(f, team, nil); (held || err != nil) && !yield(team, err) {
				return
			}
		}
	}
}

func TestCareTeamOnly(t *testing.T) {
	set, err := Parse("user/*.cruds")
	if err != nil {
		t.Fatal(err)
	}
	compiler := NewCompiler(Options{Registry: search.R4, CareTeamOnly: true, Administers: func(account string) (bool, error) { return account == "boss", nil }})
	for _, test := range []struct{ user, body, may string }{
		{"Practitioner/2 boss", `{"resourceType":"Patient","id":"alice"}`, "cruds"},
		{"Practitioner/2 boss", `{"resourceType":"Group","id":"1"}`, "cruds"},
		{"Practitioner/2 nurse", `{"resourceType":"Patient","id":"alice"}`, ""},
		{"Patient/bob boss", `{"resourceType":"Patient","id":"alice"}`, ""},
		{"Practitioner/1", `{"resourceType":"Patient","id":"alice"}`, "cruds"},
		{"Practitioner/1", `{"resourceType":"Patient","id":"bob"}`, ""}, // the team is over
		{"Practitioner/1", `{"resourceType":"Patient","id":"carol","generalPractitioner":[{"reference":"Practitioner/1"}]}`, "cruds"},
		{"Practitioner/2", `{"resourceType":"Patient","id":"alice"}`, ""},
		{"Practitioner/1", `{"resourceType":"Observation","id":"1","subject":{"reference":"Patient/alice"}}`, "cruds"},
		{"Practitioner/1", `{"resourceType":"Observation","id":"1","subject":{"reference":"Patient/bob"}}`, ""},
		{"Practitioner/1", `{"resourceType":"Observation","id":"1","subject":{"reference":"Patient/bob"},"performer":[{"reference":"Patient/alice"}]}`, "rs"},
		{"Practitioner/1", `{"resourceType":"Slot","id":"1"}`, "cruds"},
		{"Practitioner/1", `{"resourceType":"Group","id":"1"}`, ""},
		{"Patient/alice", `{"resourceType":"Patient","id":"alice"}`, "ruds"},
	} {
		user, account, _ := strings.Cut(test.user, " ")
		p, err := compiler.Policy(set, Subject{FHIRUser: user, Account: account})
		if err != nil {
			t.Fatal(err)
		}
		subject, got := subjectOf(test.body), ""
		for _, l := range letters {
			ok, err := match.Matches(p.May(subject.Type, l.interaction), subject, teams{})
			if err != nil {
				t.Fatal(err)
			}
			if ok {
				got += string(l.letter)
			}
		}
		if got != test.may {
			t.Errorf("%s may %q, want %q: %s", test.user, got, test.may, test.body)
		}
	}
}
