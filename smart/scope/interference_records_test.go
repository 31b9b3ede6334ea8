package scope_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// Random records of a few people, with few different values, so that much matches and much refers to each other.

var people = []string{"alice", "bob", "carol"}

// kinds are the types of records, and how many of each there are.
var kinds = []struct {
	name string
	n    int
}{
	{"Practitioner", 2}, {"Organization", 3}, {"Location", 3}, {"Medication", 2}, {"ValueSet", 2}, {"Patient", 3}, {"RelatedPerson", 3}, {"CareTeam", 3},
	{"Encounter", 4}, {"Observation", 14}, {"Condition", 4}, {"DiagnosticReport", 3}, {"MedicationRequest", 4}, {"DocumentReference", 3}, {"Binary", 5},
	{"List", 4}, {"Group", 2}, {"Appointment", 4}, {"Task", 3}, {"Device", 2}, {"Communication", 3}, {"Provenance", 3}, {"AuditEvent", 2}, {"Account", 2}, {"Person", 2},
}

// contexts are the types that stand for a Binary. None is deleted beforehand: whoever creates what a Binary names gets to see it.
var contexts = []string{"Observation", "DocumentReference", "Encounter"}

func idsOf(kind string) []string {
	switch kind {
	case "Patient":
		return people
	case "RelatedPerson":
		return []string{"mother", "rp2", "rp3"}
	case "Practitioner":
		return []string{"p1", "p2"}
	}
	for _, k := range kinds {
		if k.name == kind {
			ids := make([]string, k.n)
			for i := range ids {
				ids[i] = fmt.Sprintf("%c%c%d", kind[0]|0x20, kind[len(kind)-1], i)
			}
			return ids
		}
	}
	return nil
}

// object is JSON.
type object = map[string]any

// maker makes random content.
type maker struct{ *rand.Rand }

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

func (m maker) one(n int) bool { return m.IntN(n) == 0 }

func (m maker) ref(kinds ...string) object {
	kind := pick(m.Rand, kinds...)
	text := kind + "/" + pick(m.Rand, idsOf(kind)...)
	switch m.IntN(12) {
	case 0:
		text = "http://clinic.example/fhir/" + text
	case 1:
		text += fmt.Sprintf("/_history/%d", 1+m.IntN(2))
	case 2:
		return object{"identifier": object{"system": "http://id", "value": pick(m.Rand, "1", "2", "3")}}
	}
	return object{"reference": text}
}

func (m maker) person(owner string) object { return object{"reference": "Patient/" + owner} }

func (m maker) coding(system string, codes ...string) object {
	return object{"coding": []any{object{"system": system, "code": pick(m.Rand, codes...), "display": pick(m.Rand, "One", "Two")}}}
}

func (m maker) code() object { return m.coding("http://code", "a", "b", "c") }

func (m maker) date() string {
	return fmt.Sprintf("20%02d-0%d-1%d", 20+m.IntN(4), 1+m.IntN(3), m.IntN(2))
}

func (m maker) name() []any {
	return []any{object{"family": pick(m.Rand, "Adams", "Baker", "Clark"), "given": []any{pick(m.Rand, "Ann", "Bea", "Cleo")}}}
}

// record is a random resource about somebody.
func (m maker) record(kind, id, owner string) string {
	o := object{"resourceType": kind, "id": id, "implicitRules": fmt.Sprintf("http://rules/%d", m.Uint64())} // no version is like another
	if m.one(3) {
		o["meta"] = object{
			"tag":      []any{object{"system": "http://tag", "code": pick(m.Rand, "shown", "other", owner)}},
			"security": []any{object{"system": "http://security", "code": pick(m.Rand, "N", "R")}},
		}
	}
	if kind != "Binary" && m.one(2) {
		o["identifier"] = []any{object{"system": "http://id", "value": pick(m.Rand, "1", "2", "3")}}
	}
	m.fill(o, kind, owner)
	text, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func (m maker) fill(o object, kind, owner string) {
	other := pick(m.Rand, people...)
	switch kind {
	case "Practitioner":
		o["name"], o["gender"] = m.name(), pick(m.Rand, "male", "female")
	case "Organization", "Location":
		o["name"] = pick(m.Rand, "North", "South")
		if kind == "Organization" {
			o["active"] = m.one(2)
		} else {
			o["status"] = "active"
		}
		if m.one(2) {
			o["partOf"] = m.ref(kind)
		}
	case "Medication":
		o["code"] = m.code()
	case "ValueSet":
		delete(o, "identifier")
		o["url"], o["status"] = "http://vs/"+pick(m.Rand, "1", "2"), pick(m.Rand, "active", "draft")
		o["compose"] = object{"include": []any{object{"system": "http://code", "concept": []any{object{"code": pick(m.Rand, "a", "b", "c")}}}}}
	case "Patient":
		o["name"], o["gender"], o["birthDate"] = m.name(), pick(m.Rand, "male", "female"), pick(m.Rand, "1960-01-01", "1980-02-02")
		if m.one(2) {
			o["generalPractitioner"] = []any{m.ref("Practitioner")}
		}
		if m.one(2) {
			o["managingOrganization"] = m.ref("Organization")
		}
		if m.one(6) {
			o["link"] = []any{object{"type": "seealso", "other": m.ref("Patient")}}
		}
	case "RelatedPerson":
		o["patient"], o["name"], o["active"] = m.person(owner), m.name(), !m.one(4)
	case "CareTeam":
		o["status"], o["subject"] = pick(m.Rand, "active", "inactive"), m.person(owner)
		o["participant"] = []any{object{"member": m.ref("Practitioner", "Patient", "RelatedPerson")}}
	case "Encounter":
		o["status"], o["class"], o["subject"] = pick(m.Rand, "planned", "finished"), object{"system": "http://c", "code": "AMB"}, m.person(owner)
		o["location"] = []any{object{"location": m.ref("Location")}}
		o["period"] = object{"start": m.date()}
	case "Observation":
		m.observation(o, owner)
	case "Condition":
		o["subject"], o["code"] = m.person(owner), m.code()
		o["encounter"], o["asserter"], o["recordedDate"] = m.ref("Encounter"), m.ref("Patient", "Practitioner", "RelatedPerson"), m.date()
	case "DiagnosticReport":
		o["status"], o["code"], o["subject"] = "final", m.code(), m.person(owner)
		o["result"], o["effectiveDateTime"] = []any{m.ref("Observation"), m.ref("Observation")}, m.date()
	case "MedicationRequest":
		o["status"], o["intent"], o["subject"] = "active", "order", m.person(owner)
		if m.one(2) {
			o["contained"] = []any{object{"resourceType": "Medication", "id": "m", "code": m.code()}}
			o["medicationReference"] = object{"reference": "#m"}
		} else {
			o["medicationReference"] = m.ref("Medication")
		}
		o["requester"], o["authoredOn"] = m.ref("Practitioner", "Patient"), m.date()
	case "DocumentReference":
		o["status"], o["subject"] = "current", m.person(owner)
		o["author"] = []any{m.ref("Practitioner", "Patient")}
		o["content"] = []any{object{"attachment": object{"url": "Binary/" + pick(m.Rand, idsOf("Binary")...)}}}
		o["context"] = object{"related": []any{m.ref("Observation", "Patient")}}
	case "Binary":
		o["contentType"], o["data"] = "text/plain", pick(m.Rand, "YQ==", "Yg==", "Yw==")
		switch m.IntN(4) {
		case 0:
			o["securityContext"] = m.person(owner)
		case 1, 2:
			o["securityContext"] = m.ref(contexts...)
		}
	case "List":
		o["status"], o["mode"], o["subject"] = "current", "working", m.person(owner)
		o["entry"] = []any{object{"item": m.ref("Observation", "Condition", "Patient")}, object{"item": m.ref("Observation", "Encounter")}}
	case "Group":
		o["type"], o["actual"] = "person", true
		o["member"] = []any{object{"entity": m.person(owner)}, object{"entity": m.ref("Patient", "Practitioner")}}
	case "Appointment":
		o["status"], o["start"], o["end"] = "booked", "2026-04-01T10:00:00Z", "2026-04-01T10:15:00Z"
		list := []any{object{"actor": m.person(owner), "status": "accepted"}, object{"actor": m.ref("Practitioner", "Location"), "status": "accepted"}}
		if m.one(3) {
			list = append(list, object{"actor": m.person(other), "status": "accepted"})
		}
		o["participant"] = list
	case "Task":
		o["status"], o["intent"], o["for"] = pick(m.Rand, "requested", "completed"), "order", m.person(owner)
		o["focus"], o["owner"] = m.ref("Observation", "MedicationRequest"), m.ref("Practitioner", "Patient")
	case "Device":
		o["patient"], o["type"] = m.person(owner), m.code()
	case "Communication":
		o["status"], o["subject"], o["sender"], o["sent"] = "completed", m.person(owner), m.ref("Patient", "Practitioner", "RelatedPerson"), m.date()
		o["recipient"] = []any{m.ref("Patient", "Practitioner")}
	case "Provenance":
		delete(o, "identifier")
		o["target"], o["recorded"] = []any{m.ref("Observation", "Patient"), m.ref("Encounter", "Condition")}, "2026-01-01T00:00:00Z"
		o["agent"] = []any{object{"who": m.ref("Practitioner", "Patient")}}
	case "AuditEvent":
		delete(o, "identifier")
		o["type"], o["recorded"] = object{"system": "http://t", "code": "rest"}, "2026-01-01T00:00:00Z"
		o["agent"], o["source"] = []any{object{"who": m.ref("Practitioner", "Patient"), "requestor": true}}, object{"observer": m.ref("Organization")}
		o["entity"] = []any{object{"what": m.ref("Patient", "Observation")}}
	case "Account":
		o["status"], o["subject"] = "active", []any{m.person(owner), m.ref("Patient", "Practitioner")}
	case "Person":
		o["name"], o["link"] = m.name(), []any{object{"target": m.person(owner)}, object{"target": m.ref("Patient", "Practitioner")}}
	}
}

func (m maker) observation(o object, owner string) {
	o["status"], o["code"], o["subject"] = pick(m.Rand, "final", "amended"), m.code(), m.person(owner)
	if !m.one(4) {
		o["category"] = []any{m.coding("http://category", "laboratory", "vital-signs")}
	}
	if !m.one(3) {
		o["effectiveDateTime"] = m.date()
	}
	if m.one(2) {
		o["performer"] = []any{m.ref("Patient", "Practitioner", "RelatedPerson", "Organization")}
	}
	if m.one(3) {
		o["encounter"] = m.ref("Encounter")
	}
	if m.one(3) {
		o["hasMember"] = []any{m.ref("Observation")}
	}
	if m.one(5) {
		o["contained"] = []any{object{"resourceType": "Practitioner", "id": "c", "name": m.name()}}
		o["performer"] = []any{object{"reference": "#c"}}
	}
	switch m.IntN(3) {
	case 0:
		o["valueQuantity"] = object{"value": m.IntN(3), "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"}
	case 1:
		o["valueString"] = pick(m.Rand, "high", "low")
	}
}

// step is a write on the way to the records: a PUT of the body, or what the constants say.
type step struct {
	round     int
	key, body string
}

const rounds = 3

const (
	deletion = ""
	absent   = "-" // it is left out
)

// newScript makes random records with their histories; whom they are about may change, and some are deleted, for a while or for good.
func newScript(r *rand.Rand) (script []step) {
	m, there := maker{r}, map[string]bool{}
	for round := range rounds {
		for _, k := range kinds {
			for i, id := range idsOf(k.name) {
				key, owner := k.name+"/"+id, people[(i+round*r.IntN(2))%len(people)]
				switch {
				case round > 0 && r.IntN(3) > 0:
				case round == 0 || k.name == "Patient" || r.IntN(4) > 0:
					script, there[key] = append(script, step{round, key, m.record(k.name, id, owner)}), true
				case there[key] && !slices.Contains(contexts, k.name):
					script, there[key] = append(script, step{round, key, deletion}), false
				}
			}
		}
	}
	return script
}

// batchOf is the Bundle with the steps of a round.
func batchOf(script []step, round int) string {
	entries := []any{}
	for _, s := range script {
		switch {
		case s.round != round || s.body == absent:
		case s.body == deletion:
			entries = append(entries, object{"request": object{"method": "DELETE", "url": s.key}})
		default:
			entries = append(entries, object{"resource": json.RawMessage(s.body), "request": object{"method": "PUT", "url": s.key}})
		}
	}
	return bundleOf("batch", entries)
}

func bundleOf(kind string, entries []any) string {
	text, err := json.Marshal(object{"resourceType": "Bundle", "type": kind, "entry": entries})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// numbered are the versions that the steps of a script make, "" where a step is left out.
func numbered(script []step) []string {
	versions, made := map[string]int{}, make([]string, len(script))
	for i, s := range script {
		if s.body != absent {
			versions[s.key]++
			made[i] = fmt.Sprintf("%s/_history/%d", s.key, versions[s.key])
		}
	}
	return made
}

// altered is the script with other content in what is not shown; records of which nothing is shown may be left out.
func altered(r *rand.Rand, script []step, shown map[string]bool) []step {
	m, other, made := maker{r}, slices.Clone(script), numbered(script)
	some, out := map[string]bool{}, map[string]bool{}
	for i, s := range script {
		some[s.key] = some[s.key] || shown[made[i]]
	}
	for i, s := range script {
		if _, drawn := out[s.key]; !drawn {
			out[s.key] = !some[s.key] && r.IntN(3) == 0
		}
		kind, id, _ := strings.Cut(s.key, "/")
		switch {
		case shown[made[i]]:
		case out[s.key]:
			other[i].body = absent
		case s.body != deletion: // one stays, so that the numbers agree
			other[i].body = m.record(kind, id, pick(r, people...))
		}
	}
	return other
}

// restore puts records back that the caller sees in one house only, or, where they are the same in both, one of those that make the
// difference; false where nothing is left to put back.
func restore(script, other []step, a, b map[string]bool) bool {
	back := func(key string) (any bool) {
		for i, s := range script {
			if (key == "" || s.key == key) && other[i].body != s.body {
				key, other[i].body, any = s.key, s.body, true
			}
		}
		return any
	}
	any := false
	for _, shown := range []map[string]bool{a, b} {
		for at := range shown {
			if key, _, _ := strings.Cut(at, "/_history/"); !a[at] || !b[at] {
				any = back(key) || any
			}
		}
	}
	return any || back("")
}

func differing(script, other []step) (n int) {
	for i := range script {
		if script[i] != other[i] {
			n++
		}
	}
	return n
}

// missing are the records that a script has and the other does not.
func missing(script, other []step) map[string]bool {
	left := map[string]bool{}
	for i, s := range script {
		if other[i].body == absent {
			left[s.key] = true
		}
	}
	return left
}
