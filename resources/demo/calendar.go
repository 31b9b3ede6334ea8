package demo

import (
	"fmt"
	"slices"
	"time"
)

// zone is the clinic's time. Arizona has no summer time, so one offset serves the whole year.
var zone = time.FixedZone("MST", -7*60*60)

const slotDays = 6 * 7

// Surgery hours: two sessions with lunch between them.
const (
	morning   = 8*time.Hour + 30*time.Minute
	lunch     = 12 * time.Hour
	afternoon = 13 * time.Hour
	evening   = 16*time.Hour + 30*time.Minute
)

func date(t time.Time) string { return t.Format(time.DateOnly) }

// instant is also a dateTime.
func instant(t time.Time) string { return t.Format(time.RFC3339) }

func clockTime(d time.Duration) string { return time.Time{}.Add(d).Format(time.TimeOnly) }

func period(start, end time.Time) object { return object{"start", instant(start), "end", instant(end)} }

// shift is a day of the week that a practitioner works at a site.
type shift struct {
	day  time.Weekday
	site *site
	// remote: seen by video.
	remote bool
}

// opening is a time at which somebody can be seen.
type opening struct {
	at    time.Time
	shift shift
	// blocked: kept free for procedures and paperwork.
	blocked bool
}

// openings of a day, in order.
func (w *world) openings(p *practitioner, day time.Time) []opening {
	i := slices.IndexFunc(p.shifts, func(s shift) bool { return s.day == day.Weekday() })
	if i < 0 {
		return nil
	}
	length := time.Duration(p.specialty.minutes) * time.Minute
	blocked := w.dice("blocked", p.number, day.Year(), day.YearDay()).chance(12) // an afternoon now and then
	var out []opening
	for t := morning; t+length <= evening; t += length {
		if t < afternoon && t+length > lunch {
			t = afternoon - length
			continue
		}
		out = append(out, opening{day.Add(t), p.shifts[i], blocked && t >= afternoon})
	}
	return out
}

// diary holds who is seen when, so that nobody is booked twice.
type diary map[appointmentTime]string

type appointmentTime struct {
	practitioner int
	at           int64 // Unix seconds
}

// book takes a free opening on the day or one of the next three weeks, and before the given time. The status is that of the
// slot.
func (w *world) book(d dice, p *practitioner, day, before time.Time, status string) (opening, bool) {
	for range 21 {
		free := slices.DeleteFunc(w.openings(p, day), func(o opening) bool {
			return o.blocked || !o.at.Before(before) || w.diary[appointmentTime{p.number, o.at.Unix()}] != ""
		})
		if len(free) > 0 {
			o := pick(d, free)
			w.diary[appointmentTime{p.number, o.at.Unix()}] = status
			return o, true
		}
		day = day.AddDate(0, 0, 1)
	}
	return opening{}, false
}

// agenda is the practitioner's next six weeks: a slot for each opening, and one for lunch. A slot's id holds its time, so that
// the clinic of a later day goes on where this one ends.
func (w *world) agenda(p *practitioner) Bundle {
	b := newBundle("2-slots-%05d", p.number)
	for i := range slotDays {
		day := w.today.AddDate(0, 0, i)
		openings := w.openings(p, day)
		if len(openings) == 0 {
			continue
		}
		schedule := p.schedule(openings[0].shift.site)
		slot := func(start time.Time, length time.Duration, status string, members ...any) {
			id := fmt.Sprintf("slot-%s-%s", p.key(), start.Format("20060102-1504"))
			b.put("Slot", id, append(object{
				"schedule", reference("Schedule", schedule, ""),
				"status", status,
				"start", instant(start),
				"end", instant(start.Add(length)),
			}, members...))
		}
		slot(day.Add(lunch), afternoon-lunch, "busy-unavailable", "comment", "Lunch")
		for _, o := range openings {
			status, comment := w.diary[appointmentTime{p.number, o.at.Unix()}], ""
			switch {
			case o.blocked:
				status, comment = "busy-unavailable", "Procedures"
			case status == "":
				status = "free"
			}
			slot(o.at, time.Duration(p.specialty.minutes)*time.Minute, status,
				"serviceCategory", list{concept(p.specialty.category)},
				"serviceType", p.serviceType(o.shift),
				"specialty", list{concept(p.specialty.snomed)},
				"appointmentType", concept(p.appointmentType(o)),
				"comment", comment)
		}
	}
	return b.done()
}

// appointmentType that an opening is meant for: primary care sees check-ups first thing after lunch.
func (p *practitioner) appointmentType(o opening) code {
	switch {
	case p.specialty.primary && o.at.Hour() == 13:
		return checkup
	case p.specialty.primary:
		return routine
	}
	return followUp
}

// serviceType of what is done on a shift; visits by video have a second one.
func (p *practitioner) serviceType(s shift) list {
	types := list{concept(p.specialty.service)}
	if s.remote {
		types = append(types, concept(telemedicine))
	}
	return types
}

var (
	checkup  = code{terminology + "v2-0276", "CHECKUP", "A routine check-up, such as an annual physical"}
	routine  = code{terminology + "v2-0276", "ROUTINE", "Routine appointment"}
	followUp = code{terminology + "v2-0276", "FOLLOWUP", "A follow up visit from a previous appointment"}
)
