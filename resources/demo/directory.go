package demo

import (
	"fmt"
	"slices"
	"time"
)

const (
	// everyday is how many practitioners work for up to everydayPatients patients; bigger clinics have more, with the same mix.
	everyday         = 25
	everydayPatients = 2500
)

// practitioner is one of the staff.
type practitioner struct {
	person
	number    int // from 1
	specialty *specialty
	degreeIn  int     // year of the degree
	shifts    []shift // at most one each weekday
	accepts   []organization
}

func (p *practitioner) key() string { return fmt.Sprintf("%02d", p.number) }

func (p *practitioner) id() string { return "practitioner-" + p.key() }

func (p *practitioner) displayName() string {
	return fmt.Sprintf("%s, %s", p.fullName(), p.specialty.degree.code)
}

func (p *practitioner) reference() object { return reference("Practitioner", p.id(), p.displayName()) }

// role and schedule at a site.
func (p *practitioner) role(s *site) string { return "role-" + p.key() + siteKey(s) }

func (p *practitioner) schedule(s *site) string { return "schedule-" + p.key() + siteKey(s) }

func siteKey(s *site) string { return s.id[len("location"):] }

func (s *site) reference() object { return reference("Location", s.id, s.name) }

func (s *specialty) serviceID() string { return "service-" + s.id }

func clinicReference() object { return reference("Organization", clinicID, organizations[0].name) }

// hire fills the posts of the specialties, again and again for a bigger clinic.
func (w *world) hire() {
	need := max(everyday, w.size*everyday/everydayPatients)
	for len(w.staff) < need {
		for i := range specialties {
			for j := range specialties[i].staff {
				if len(w.staff) < need {
					w.staff = append(w.staff, w.newPractitioner(len(w.staff)+1, &specialties[i], j))
				}
			}
		}
	}
}

func (w *world) newPractitioner(number int, s *specialty, post int) *practitioner {
	d := w.dice("practitioner", number)
	age := d.between(31, 64)
	p := &practitioner{person: w.newPerson(d, age, pick(d, cultures)), number: number, specialty: s}
	p.degreeIn = p.born.Year() + d.between(26, 29)
	p.email = email(p.person, number)
	days := d.Perm(5)[:d.between(2, 3)]
	if s.primary {
		days = d.Perm(5)[:d.between(3, 4)]
	}
	home := s.sites[post%len(s.sites)]
	for i, day := range days {
		at := home
		if i == 0 && len(s.sites) > 1 && d.chance(50) {
			at = s.sites[(post+1)%len(s.sites)] // a day at another site
		}
		p.shifts = append(p.shifts, shift{time.Weekday(day + 1), &sites[at], i == 1 && d.chance(60)})
	}
	slices.SortFunc(p.shifts, func(a, b shift) int { return int(a.day - b.day) })
	p.accepts = slices.Clone(networks)
	if d.chance(60) {
		i := d.IntN(len(networks))
		p.accepts = slices.Delete(p.accepts, i, i+1)
	}
	return p
}

// sites that the practitioner works at, the first one of the week first.
func (p *practitioner) sites() []*site {
	var out []*site
	for _, s := range p.shifts {
		if !slices.Contains(out, s.site) {
			out = append(out, s.site)
		}
	}
	return out
}

// directory is the Bundle of everything that patients and appointments refer to.
func (w *world) directory() Bundle {
	b := newBundle("1-directory-%d", 1)
	for _, o := range organizations {
		putOrganization(b, o)
	}
	for i := range sites {
		putLocation(b, &sites[i])
	}
	for i := range specialties {
		putService(b, &specialties[i])
	}
	for _, p := range w.staff {
		putPractitioner(b, p)
		for _, s := range p.sites() {
			putRole(b, p, s)
			w.putSchedule(b, p, s)
		}
	}
	return b.done()
}

func workPhone(number string) list {
	if number == "" {
		return nil
	}
	return list{object{"system", "phone", "value", number, "use", "work"}}
}

func putOrganization(b *bundle, o organization) {
	var partOf object
	if o.partOf != "" {
		partOf = reference("Organization", o.partOf, "")
	}
	b.put("Organization", o.id, object{
		"active", true,
		"type", list{concept(o.kind)},
		"name", o.name,
		"telecom", workPhone(o.phone),
		"partOf", partOf,
	})
}

func putLocation(b *bundle, s *site) {
	b.put("Location", s.id, object{
		"status", "active",
		"name", s.name,
		"description", s.about,
		"mode", "instance",
		"type", list{concept(s.kind)},
		"telecom", workPhone(s.phone),
		"address", address("work", s.line, s.quarter),
		"physicalType", concept(code{terminology + "location-physical-type", "bu", "Building"}),
		"position", object{"longitude", decimal{s.longitude, 4}, "latitude", decimal{s.latitude, 4}},
		"managingOrganization", clinicReference(),
		"hoursOfOperation", list{object{
			"daysOfWeek", list{"mon", "tue", "wed", "thu", "fri"},
			"openingTime", clockTime(8 * time.Hour),
			"closingTime", clockTime(17 * time.Hour),
		}},
	})
}

func putService(b *bundle, s *specialty) {
	var at list
	for _, i := range s.sites {
		at = append(at, sites[i].reference())
	}
	var referral list
	if !s.primary {
		referral = list{concept(code{terminology + "service-referral-method", "elec", "Secure Messaging"})}
	}
	b.put("HealthcareService", s.serviceID(), object{
		"active", true,
		"providedBy", clinicReference(),
		"category", list{concept(s.category)},
		"type", list{concept(s.service)},
		"specialty", list{concept(s.snomed, s.nucc)},
		"location", at,
		"name", s.name,
		"telecom", workPhone(sites[s.sites[0]].phone),
		"referralMethod", referral,
		"appointmentRequired", true,
	})
}

func putPractitioner(b *bundle, p *practitioner) {
	licence := fmt.Sprintf("AZ-DEMO-%05d", 10000+p.number)
	degree := time.Date(p.degreeIn, 6, 1, 0, 0, 0, 0, zone)
	languages := list{concept(p.language)}
	if p.language != english {
		languages = append(languages, concept(english))
	}
	name := object{
		"use", "official", "text", p.displayName(), "family", p.family, "given", givenNames(p.given),
		"suffix", list{p.specialty.degree.code},
	}
	b.put("Practitioner", p.id(), object{
		"identifier", list{
			// No real National Provider Identifier begins with 9.
			object{"use", "official", "type", concept(code{terminology + "v2-0203", "NPI", "National provider identifier"}), "system", npi, "value", fmt.Sprintf("9%09d", 555000000+p.number)},
			object{"type", concept(code{terminology + "v2-0203", "LN", "License number"}), "system", licenceNumber, "value", licence},
		},
		"active", true,
		"name", list{name},
		"telecom", list{object{"system", "phone", "value", p.phone, "use", "work"}, object{"system", "email", "value", p.email, "use", "work"}},
		"gender", p.gender(),
		"qualification", list{
			object{
				"code", concept(p.specialty.degree),
				"period", object{"start", date(degree)},
				"issuer", object{"display", "University of the Demonstration Southwest"},
			},
			object{
				"identifier", list{object{"system", licenceNumber, "value", licence}},
				"code", object{"text", "Licensed to practice in " + p.specialty.name},
				"period", object{"start", date(degree.AddDate(1, 3, 0)), "end", date(degree.AddDate(1, 3, 0).AddDate(60, 0, 0))},
				"issuer", object{"display", "Arizona Demonstration Licensing Board"},
			},
		},
		"communication", languages,
	})
}

func putRole(b *bundle, p *practitioner, s *site) {
	var accepts list
	for _, n := range p.accepts {
		accepts = append(accepts, object{
			"url", planNet + "StructureDefinition/network-reference", "valueReference", reference("Organization", n.id, n.name),
		})
	}
	var remote string
	var days list
	for _, sh := range p.shifts {
		if sh.site != s {
			continue
		}
		days = append(days, weekday(sh.day))
		if sh.remote {
			remote = "Visits by video on " + sh.day.String() + "s"
		}
	}
	b.put("PractitionerRole", p.role(s), object{
		"extension", accepts,
		"active", true,
		"practitioner", p.reference(),
		"organization", clinicReference(),
		"code", list{concept(p.specialty.role)},
		"specialty", list{concept(p.specialty.snomed, p.specialty.nucc)},
		"location", list{s.reference()},
		"healthcareService", list{reference("HealthcareService", p.specialty.serviceID(), p.specialty.name)},
		"telecom", workPhone(s.phone),
		"availableTime", list{
			object{"daysOfWeek", days, "availableStartTime", clockTime(morning), "availableEndTime", clockTime(lunch)},
			object{"daysOfWeek", days, "availableStartTime", clockTime(afternoon), "availableEndTime", clockTime(evening)},
		},
		"availabilityExceptions", remote,
	})
}

func weekday(d time.Weekday) string {
	return [...]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}[d]
}

func (w *world) putSchedule(b *bundle, p *practitioner, s *site) {
	b.put("Schedule", p.schedule(s), object{
		"active", true,
		"serviceCategory", list{concept(p.specialty.category)},
		"serviceType", list{concept(p.specialty.service)},
		"specialty", list{concept(p.specialty.snomed)},
		"actor", list{
			p.reference(),
			reference("PractitionerRole", p.role(s), p.specialty.title),
			s.reference(),
			reference("HealthcareService", p.specialty.serviceID(), p.specialty.name),
		},
		"planningHorizon", period(w.today, w.today.AddDate(0, 0, slotDays)),
		"comment", fmt.Sprintf("%s at %s", p.specialty.title, s.name),
	})
}
