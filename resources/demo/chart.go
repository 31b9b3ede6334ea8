package demo

import (
	"fmt"
	"strings"
	"time"
)

// chart is a patient's record being written.
type chart struct {
	*bundle
	*world
	p *patient
	d dice
	// count numbers the resources of a type.
	count map[string]int
	// medications are those that the patient takes now; tests the laboratory results, in order of time. Messages are about them.
	medications []prescribed
	tests       []result
}

// prescribed is a medication request that was written, result an observation.
type prescribed struct {
	drug      drug
	reference object
	by        *practitioner
}

type result struct {
	measure   *measure
	value     decimal
	at        time.Time
	reference object
}

func (w *world) chart(b *bundle, p *patient) {
	c := &chart{bundle: b, world: w, p: p, d: w.dice("chart", p.number), count: map[string]int{}}
	c.putPatient()
	if p.relative != nil {
		c.putRelative()
	}
	for _, v := range p.visits {
		c.putAppointment(v)
	}
	for _, k := range p.problems {
		c.putCondition(k)
	}
	for _, v := range p.visits {
		if v.status == "fulfilled" {
			c.putEncounter(v)
			c.measure(v)
		}
	}
	for _, k := range p.problems {
		c.prescribe(k)
	}
	c.putAllergies()
	c.putImmunizations()
	c.putCareTeam()
	c.correspond()
}

// add puts a resource at the next id of its type and is a reference to it.
func (c *chart) add(resourceType, profile string, members object) object {
	c.count[resourceType]++
	id := fmt.Sprintf("%s-%s-%d", strings.ToLower(resourceType), c.p.key(), c.count[resourceType])
	c.putAs(resourceType, id, profile, members)
	return reference(resourceType, id, "")
}

func (c *chart) putPatient() {
	p := c.p
	languages := list{object{"language", concept(p.language), "preferred", true}}
	if p.language != english && c.d.chance(60) {
		languages = append(languages, object{"language", concept(english)})
	}
	c.put("Patient", p.id(), object{
		"identifier", list{object{
			"use", "usual", "type", concept(medicalRecord), "system", recordNumber, "value", fmt.Sprintf("ASC-%06d", p.number),
			"assigner", object{"display", organizations[0].name},
		}},
		"active", true,
		"name", p.names(),
		"telecom", p.telecom(),
		"gender", p.gender(),
		"birthDate", date(p.born),
		"address", list{p.homeAddress()},
		"contact", c.emergencyContact(),
		"communication", languages,
		"generalPractitioner", list{p.gp.reference()},
		"managingOrganization", clinicReference(),
	})
}

func (c *chart) emergencyContact() list {
	r := c.p.relative
	if r == nil {
		return nil
	}
	return list{object{
		"relationship", list{concept(code{terminology + "v2-0131", "C", "Emergency Contact"}), concept(r.relationship)},
		"name", r.names()[0],
		"telecom", r.telecom(),
	}}
}

// putRelative writes the related person; one who acts for the patient is also their guardian or attorney.
func (c *chart) putRelative() {
	r := c.p.relative
	relationships := list{concept(r.relationship)}
	switch {
	case r.proxy && c.p.age(c.today) < 18:
		relationships = append(relationships, concept(guardian))
	case r.proxy:
		relationships = append(relationships, concept(attorney))
	}
	c.put("RelatedPerson", "relative-"+c.p.key(), object{
		"active", true,
		"patient", c.p.reference(),
		"relationship", relationships,
		"name", r.names(),
		"telecom", r.telecom(),
		"gender", r.gender(),
		"birthDate", date(r.born),
		"address", list{r.homeAddress()},
		"communication", list{object{"language", concept(r.language), "preferred", true}},
	})
}

func (v *visit) id(kind string, p *patient) string {
	return fmt.Sprintf("%s-%s-%d", kind, p.key(), v.number)
}

func (c *chart) putAppointment(v *visit) {
	p := c.p
	var slot, cancelled, reason object
	if !v.at.Before(c.today) {
		slot = reference("Slot", "slot-"+v.with.key()+"-"+v.at.Format("20060102-1504"), "")
	}
	answer := map[string]string{"pending": "needs-action", "cancelled": "declined"}[v.status]
	if answer == "" {
		answer = "accepted"
	}
	if v.status == "cancelled" {
		cancelled = concept(code{terminology + "appointment-cancellation-reason", "pat", "Patient"})
	}
	description := "Check-up"
	if v.problem != nil {
		reason = concept(v.problem.snomed)
		description = v.problem.snomed.display
	}
	instruction := "Please bring a list of your medicines."
	if v.shift.remote {
		instruction = "The link to the video visit is in your portal ten minutes before it begins."
	}
	c.put("Appointment", v.id("appointment", p), object{
		"status", v.status,
		"cancelationReason", cancelled,
		"serviceCategory", list{concept(v.with.specialty.category)},
		"serviceType", v.with.serviceType(v.shift),
		"specialty", list{concept(v.with.specialty.snomed)},
		"appointmentType", concept(v.kind),
		"reasonCode", listOf(reason),
		"description", description,
		"start", instant(v.at),
		"end", instant(v.end()),
		"minutesDuration", v.minutes,
		"slot", listOf(slot),
		"created", instant(v.booked),
		"patientInstruction", instruction,
		"participant", list{
			object{"actor", p.reference(), "required", "required", "status", answer},
			object{"type", list{concept(performer)}, "actor", v.with.reference(), "required", "required", "status", "accepted"},
			object{"actor", v.shift.site.reference(), "required", "required", "status", "accepted"},
		},
	})
}

// listOf is a list of the object, empty where the object is.
func listOf(o object) list {
	if len(o) == 0 {
		return nil
	}
	return list{o}
}

func (c *chart) putEncounter(v *visit) {
	class, kind := ambulatory, finding("185349003", "Encounter for check up")
	var reason, about list
	if k := v.problem; k != nil {
		kind = finding("390906007", "Follow-up encounter")
		if k.days > 0 {
			kind = finding("185345009", "Encounter for symptom")
		}
		reason = list{concept(k.snomed)}
		about = list{object{"condition", c.condition(k)}}
	}
	if v.shift.remote {
		class = virtual
	}
	c.put("Encounter", v.id("encounter", c.p), object{
		"status", "finished",
		"class", class.coding(),
		"type", list{concept(kind)},
		"serviceType", concept(v.with.specialty.service),
		"subject", c.p.reference(),
		"participant", list{object{"type", list{concept(performer)}, "period", period(v.at, v.end()), "individual", v.with.reference()}},
		"appointment", list{reference("Appointment", v.id("appointment", c.p), "")},
		"period", period(v.at, v.end()),
		"reasonCode", reason,
		"diagnosis", about,
		"location", list{object{"location", v.shift.site.reference()}},
		"serviceProvider", clinicReference(),
	})
}

func (c *chart) encounter(v *visit) object {
	if v == nil || v.status != "fulfilled" {
		return nil
	}
	return reference("Encounter", v.id("encounter", c.p), "")
}

func (c *chart) condition(k *problem) object {
	return reference("Condition", fmt.Sprintf("condition-%s-%d", c.p.key(), k.number), k.snomed.display)
}

func (c *chart) putCondition(k *problem) {
	status, category, abated, recorded := "active", problemList, "", k.onset.AddDate(0, 0, 1)
	if k.seen != nil {
		category, recorded = diagnosis, k.seen.at
		if over := k.onset.AddDate(0, 0, k.days); over.Before(c.today) {
			status, abated = "resolved", date(over)
		}
	}
	c.put("Condition", fmt.Sprintf("condition-%s-%d", c.p.key(), k.number), object{
		"clinicalStatus", object{"coding", list{object{"system", terminology + "condition-clinical", "code", status}}},
		"verificationStatus", object{"coding", list{object{"system", terminology + "condition-ver-status", "code", "confirmed"}}},
		"category", list{concept(category)},
		"code", concept(k.snomed, k.icd),
		"subject", c.p.reference(),
		"encounter", c.encounter(k.seen),
		"onsetDateTime", date(k.onset),
		"abatementDateTime", abated,
		"recordedDate", date(recorded),
		"recorder", c.p.gp.reference(),
	})
}

func (c *chart) putAllergies() {
	for range 2 {
		if !c.d.chance(22) {
			return
		}
		a := pick(c.d, allergies)
		since := c.p.born.AddDate(0, 0, c.d.between(0, max(0, int(c.today.Sub(c.p.born).Hours()/24))))
		c.add("AllergyIntolerance", "", object{
			"clinicalStatus", object{"coding", list{object{"system", terminology + "allergyintolerance-clinical", "code", "active"}}},
			"verificationStatus", object{"coding", list{object{"system", terminology + "allergyintolerance-verification", "code", "confirmed"}}},
			"type", "allergy",
			"category", list{a.category},
			"criticality", a.criticality,
			"code", concept(a.code),
			"patient", c.p.reference(),
			"recordedDate", date(since),
			"recorder", c.p.gp.reference(),
			"reaction", list{object{"manifestation", list{concept(a.reaction)}, "severity", a.severity}},
		})
	}
}

func (c *chart) putImmunizations() {
	const vaccinesKept = 3 // the latest ones
	var given []object
	shot := func(vaccine code, at time.Time) {
		given = append(given, object{
			"status", "completed",
			"vaccineCode", concept(vaccine),
			"patient", c.p.reference(),
			"occurrenceDateTime", date(at),
			"primarySource", true,
			"location", c.p.gp.sites()[0].reference(),
			"lotNumber", fmt.Sprintf("DEMO-%04d", c.d.IntN(10000)),
			"performer", list{object{"actor", c.p.gp.reference()}},
		})
	}
	for _, v := range vaccines {
		for _, months := range v.months {
			if at := c.p.born.AddDate(0, months, c.d.between(0, 20)); at.Before(c.today) {
				shot(v.code, at)
			}
		}
	}
	given = given[max(0, len(given)-vaccinesKept):]
	if at := time.Date(c.today.Year(), time.October, c.d.between(1, 28), 0, 0, 0, 0, zone); c.d.chance(55) && c.p.age(at.AddDate(-1, 0, 0)) > 0 {
		if !at.Before(c.today) {
			at = at.AddDate(-1, 0, 0)
		}
		shot(influenza, at)
	}
	for _, g := range given {
		c.add("Immunization", "", g)
	}
}

// putCareTeam names those who look after somebody with a chronic disorder.
func (c *chart) putCareTeam() {
	problems := c.p.chronicProblems()
	if len(problems) == 0 {
		return
	}
	member := func(role code, who, onBehalfOf object) object {
		return object{"role", list{concept(role)}, "member", who, "onBehalfOf", onBehalfOf}
	}
	team := list{
		object{"member", c.p.reference()},
		member(c.p.gp.specialty.nucc, c.p.gp.reference(), clinicReference()),
	}
	seen := map[*practitioner]bool{c.p.gp: true}
	for _, v := range c.p.visits {
		if !seen[v.with] {
			seen[v.with] = true
			team = append(team, member(v.with.specialty.nucc, v.with.reference(), clinicReference()))
		}
	}
	if c.p.relative != nil {
		team = append(team, member(c.p.relative.relationship, c.p.relativeReference(), nil))
	}
	var reasons, about list
	for _, k := range problems {
		reasons = append(reasons, concept(k.snomed))
		about = append(about, c.condition(k))
	}
	c.add("CareTeam", "", object{
		"status", "active",
		"category", list{concept(test("LA28865-6", "Longitudinal care-coordination focused care team"))},
		"name", "Care team of " + c.p.fullName(),
		"subject", c.p.reference(),
		"period", object{"start", date(problems[0].onset)},
		"participant", team,
		"reasonCode", reasons,
		"reasonReference", about,
		"managingOrganization", list{clinicReference()},
	})
}
