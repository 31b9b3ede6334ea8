package demo

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"time"
)

// patient is somebody with what is known and planned of them. The chart is written from it.
type patient struct {
	person
	number   int // from 1
	gp       *practitioner
	relative *relative
	problems []*problem
	visits   []*visit // in order of time
}

// relative is a related person: a child's parent, or a son or daughter who acts for an old patient.
type relative struct {
	person
	relationship code
	proxy        bool // acts for the patient in the portal
}

// problem is a disorder that the patient has or had.
type problem struct {
	*disorder
	number int // from 1
	onset  time.Time
	// seen is the visit it was the reason of; nil for a chronic one.
	seen *visit
}

// visit is an appointment, past or coming, and the encounter where it took place.
type visit struct {
	number  int // from 1, in order of time
	at      time.Time
	minutes int
	with    *practitioner
	shift   shift
	booked  time.Time // when the appointment was made
	status  string    // of the appointment
	kind    code      // appointment type
	// problem it is about; nil for a check-up.
	problem *problem
}

const historyYears = 4

func (p *patient) key() string { return fmt.Sprintf("%04d", p.number) }

func (p *patient) id() string { return "patient-" + p.key() }

var patientID = regexp.MustCompile(`^patient-[0-9]{4,}$`)

// IsPatient says whether an id is of a kind that patients of a demo clinic have.
func IsPatient(id string) bool { return patientID.MatchString(id) }

func (p *patient) reference() object { return reference("Patient", p.id(), p.fullName()) }

func (p *patient) relativeReference() object {
	return reference("RelatedPerson", "relative-"+p.key(), p.relative.fullName())
}

func (v *visit) end() time.Time { return v.at.Add(time.Duration(v.minutes) * time.Minute) }

// admitPatients draws all patients and books their appointments, in order, so that nobody's depend on those who come later.
func (w *world) admitPatients() []*patient {
	patients := make([]*patient, w.size)
	for i := range patients {
		p := w.newPatient(i + 1)
		w.planVisits(p)
		patients[i] = p
	}
	return patients
}

// ages of a town, in shares of ten.
var ages = []span{{0, 5}, {6, 17}, {18, 29}, {30, 39}, {40, 49}, {50, 59}, {60, 69}, {60, 74}, {70, 82}, {75, 93}}

func (w *world) newPatient(number int) *patient {
	d := w.dice("patient", number)
	band := pick(d, ages)
	c := pick(d, cultures)
	p := &patient{person: w.newPerson(d, d.between(band.low, band.high), c), number: number}
	age := p.age(w.today)
	p.gp = pick(d, w.gps(age < 16))
	switch {
	case age < 18:
		p.relative = w.newRelative(d, p, age+d.between(22, 38), c, true)
	case age >= 70 && d.chance(50):
		p.relative = w.newRelative(d, p, age-d.between(24, 34), c, d.chance(60))
	}
	for i := range chronic {
		if k := &chronic[i]; age >= k.from && age <= k.to && d.chance(k.percent) {
			days := d.between(200, min(9, age-k.from+1)*365)
			p.problems = append(p.problems, &problem{disorder: k, onset: w.today.AddDate(0, 0, -days)})
		}
	}
	return p
}

func (w *world) newRelative(d dice, p *patient, age int, c culture, proxy bool) *relative {
	r := &relative{person: w.newPerson(d, age, c), proxy: proxy}
	for r.given == p.given {
		r.person = w.newPerson(d, age, c)
	}
	r.family, r.address, r.quarter, r.native = p.family, p.address, p.quarter, nil
	r.email = email(r.person, d.between(10, 99))
	r.relationship = father
	switch older := age > p.age(w.today); {
	case older && r.female:
		r.relationship = mother
	case !older && r.female:
		r.relationship = daughter
	case !older:
		r.relationship = son
	}
	return r
}

// gps are those who can be somebody's general practitioner.
func (w *world) gps(child bool) []*practitioner {
	return slices.DeleteFunc(slices.Clone(w.staff), func(p *practitioner) bool {
		return !p.specialty.primary || p.specialty.children != child
	})
}

// planVisits makes past and coming appointments.
func (w *world) planVisits(p *patient) {
	d := w.dice("visits", p.number)
	history := min(historyYears*365, int(w.today.Sub(p.born).Hours()/24)-1)
	past := func(daysAgo int, problem *problem, kind code) {
		status := "fulfilled"
		switch {
		case d.chance(5):
			status = "noshow"
		case d.chance(6):
			status = "cancelled"
		}
		w.visit(d, p, w.today.AddDate(0, 0, -daysAgo), w.today, status, problem, kind)
	}
	for year := 0; year < historyYears; year++ {
		if days := year*365 + d.between(20, 345); days < history && d.chance(70) {
			past(days, nil, checkup)
		}
	}
	for _, k := range p.problems {
		for range d.between(1, 2) {
			past(d.between(10, min(history, int(w.today.Sub(k.onset).Hours()/24))), k, followUp)
		}
	}
	for range d.between(0, 2) {
		if daysAgo := d.between(5, historyYears*365); daysAgo < history-5 {
			w.fallIll(d, p, daysAgo, past)
		}
	}
	for range d.between(0, 2) {
		w.planComing(d, p)
	}
	slices.SortStableFunc(p.visits, func(a, b *visit) int { return a.at.Compare(b.at) })
	for i, v := range p.visits {
		v.number = i + 1
	}
	slices.SortStableFunc(p.problems, func(a, b *problem) int { return a.onset.Compare(b.onset) })
	for i, k := range p.problems {
		k.number = i + 1
	}
}

// fallIll gives the patient an acute disorder, if it is one of their age, a day or three before they are seen.
func (w *world) fallIll(d dice, p *patient, daysAgo int, past func(int, *problem, code)) {
	age := p.age(w.today.AddDate(0, 0, -daysAgo))
	if k := &acute[d.IntN(len(acute))]; age >= k.from && age <= k.to {
		past(daysAgo, &problem{disorder: k, onset: w.today.AddDate(0, 0, -daysAgo-d.between(1, 3))}, routine)
	}
}

func (w *world) planComing(d dice, p *patient) {
	var k *problem
	kind := checkup
	if long := p.chronicProblems(); len(long) > 0 && d.chance(70) {
		k, kind = pick(d, long), followUp
	}
	status := pick(d, []string{"booked", "booked", "booked", "booked", "booked", "pending", "cancelled"})
	w.visit(d, p, w.today.AddDate(0, 0, d.between(0, slotDays-8)), w.today.AddDate(0, 0, slotDays), status, k, kind)
}

func (p *patient) chronicProblems() []*problem {
	return slices.DeleteFunc(slices.Clone(p.problems), func(k *problem) bool { return k.days > 0 })
}

// slotStatus that an appointment of this status leaves its slot in; "" is free.
var slotStatus = map[string]string{"booked": "busy", "pending": "busy-tentative", "fulfilled": "busy", "noshow": "busy"}

// visit books an appointment on or soon after the day; where nothing is free, there is none.
func (w *world) visit(d dice, p *patient, day, before time.Time, status string, k *problem, kind code) {
	with := p.gp
	if k != nil && k.specialty != "" && d.chance(45) {
		with = pick(d, w.specialists(k.specialty))
	}
	o, found := w.book(d, with, day, before, cmp.Or(slotStatus[status], "free"))
	if !found {
		return
	}
	v := &visit{at: o.at, minutes: with.specialty.minutes, with: with, shift: o.shift, status: status, kind: kind, problem: k}
	v.booked = o.at.AddDate(0, 0, -d.between(2, 40))
	if !v.booked.Before(w.today) {
		v.booked = w.today.Add(-time.Duration(d.between(60, 9000)) * time.Minute)
	}
	if k != nil && k.days > 0 {
		if status != "fulfilled" { // nobody saw it
			v.problem = nil
		} else {
			k.seen = v
			p.problems = append(p.problems, k)
		}
	}
	p.visits = append(p.visits, v)
}

func (w *world) specialists(id string) []*practitioner {
	return slices.DeleteFunc(slices.Clone(w.staff), func(p *practitioner) bool { return p.specialty.id != id })
}
