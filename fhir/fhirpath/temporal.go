package fhirpath

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// temporalKind tells the three kinds of temporal values apart.
type temporalKind uint8

const (
	kindDate temporalKind = iota
	kindDateTime
	kindTime
)

func (k temporalKind) String() string { return [...]string{"Date", "DateTime", "Time"}[k] }

// The places of a temporal value in fields; its precision is the last one it has. A fraction belongs to the seconds.
const (
	year = iota
	month
	day
	hour
	minute
	second
)

// temporal is a date, dateTime or time as it was written.
type temporal struct {
	kind      temporalKind
	precision int
	fields    [6]int // month and day from 1; what is less precise than precision counts, the rest is 0
	nano      int
	digits    int // of the fraction
	hasZone   bool
	zone      int // minutes east of UTC
}

// first is the place a value of this kind begins with.
func (k temporalKind) first() int {
	if k == kindTime {
		return hour
	}
	return year
}

// parseTemporal reads a literal without its @.
func parseTemporal(text string) (*temporal, bool) {
	date, clock, isTime := strings.Cut(text, "T")
	t := &temporal{}
	switch {
	case !isTime:
		t.kind = kindDate
	case date == "":
		t.kind = kindTime
	default:
		t.kind = kindDateTime
	}
	if date != "" && !t.readDate(date) {
		return nil, false
	}
	if t.kind == kindTime && clock == "" || clock != "" && t.kind == kindDateTime && t.precision != day {
		return nil, false
	}
	return t, clock == "" || t.readClock(clock)
}

// parseFHIRTemporal reads the value of an element of type date, dateTime, instant or time.
func parseFHIRTemporal(text, typeName string) (*temporal, bool) {
	switch typeName {
	case "time":
		text = "T" + text
	case "dateTime", "instant":
		if !strings.Contains(text, "T") {
			text += "T"
		}
	}
	return parseTemporal(text)
}

func (t *temporal) readDate(s string) bool {
	parts := strings.Split(s, "-")
	if len(parts) > 3 || len(parts[0]) != 4 {
		return false
	}
	for i, part := range parts {
		n, ok := number(part)
		if !ok || i > 0 && len(part) != 2 {
			return false
		}
		t.fields[i] = n
	}
	t.precision = len(parts) - 1
	return t.fields[year] > 0 &&
		(t.precision < month || t.fields[month] >= 1 && t.fields[month] <= 12) &&
		(t.precision < day || t.fields[day] >= 1 && t.fields[day] <= daysIn(t.fields[year], t.fields[month]))
}

func daysIn(y, m int) int { return time.Date(y, time.Month(m)+1, 0, 0, 0, 0, 0, time.UTC).Day() }

func (t *temporal) readClock(s string) bool {
	s, ok := t.readZone(s)
	if !ok || t.hasZone && t.kind == kindTime {
		return false
	}
	s, fraction, hasFraction := strings.Cut(s, ".")
	parts := strings.Split(s, ":")
	if len(parts) > 3 || hasFraction && len(parts) < 3 {
		return false
	}
	limits := [...]int{23, 59, 60}
	for i, part := range parts {
		n, ok := number(part)
		if !ok || len(part) != 2 || n > limits[i] {
			return false
		}
		t.fields[hour+i] = n
	}
	t.precision = hour + len(parts) - 1
	if !hasFraction {
		return true
	}
	if _, ok := number(fraction[:min(len(fraction), 9)]); !ok || strings.Trim(fraction, "0123456789") != "" {
		return false
	}
	t.digits = min(len(fraction), 9)
	t.nano, _ = number((fraction + "000000000")[:9])
	return true
}

// readZone takes the zone off a time of day.
func (t *temporal) readZone(s string) (string, bool) {
	if rest, ok := strings.CutSuffix(s, "Z"); ok {
		t.hasZone = true
		return rest, true
	}
	i := strings.LastIndexAny(s, "+-")
	if i < 0 {
		return s, true
	}
	zone := s[i+1:]
	if len(zone) != 5 || zone[2] != ':' {
		return "", false
	}
	h, ok1 := number(zone[:2])
	m, ok2 := number(zone[3:])
	if !ok1 || !ok2 || h > 14 || m > 59 {
		return "", false
	}
	t.hasZone, t.zone = true, h*60+m
	if s[i] == '-' {
		t.zone = -t.zone
	}
	return s[:i], true
}

func number(s string) (int, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil
}

// fromTime is a moment of a clock as a dateTime with milliseconds.
func fromTime(now time.Time) *temporal {
	_, offset := now.Zone()
	return &temporal{
		kind: kindDateTime, precision: second, digits: 3, hasZone: true, zone: offset / 60,
		fields: [6]int{now.Year(), int(now.Month()), now.Day(), now.Hour(), now.Minute(), now.Second()},
		nano:   now.Nanosecond() / 1e6 * 1e6,
	}
}

// as is the value as another kind: a date's part of a dateTime, or a date as a dateTime.
func (t *temporal) as(kind temporalKind) *temporal {
	out := *t
	out.kind = kind
	switch {
	case kind == kindDate && t.kind == kindDateTime:
		out.precision = min(out.precision, day)
		out.hasZone, out.zone, out.nano, out.digits = false, 0, 0, 0
		clear(out.fields[hour:])
	case kind == kindTime:
		out.hasZone, out.zone = false, 0
		clear(out.fields[:hour])
	}
	return &out
}

// instant is the beginning of what the value stands for, as a time in its own zone.
func (t *temporal) instant() time.Time {
	f := t.fields
	return time.Date(max(f[year], 1), time.Month(max(f[month], 1)), max(f[day], 1), f[hour], f[minute]-t.zone, f[second], t.nano, time.UTC)
}

// at is the value moved to another time, of the same precision, zone and kind.
func (t *temporal) at(moment time.Time) *temporal {
	out := *t
	m := moment.Add(time.Duration(t.zone) * time.Minute)
	all := [6]int{m.Year(), int(m.Month()), m.Day(), m.Hour(), m.Minute(), m.Second()}
	clear(out.fields[:])
	copy(out.fields[t.kind.first():t.precision+1], all[t.kind.first():t.precision+1])
	out.nano = m.Nanosecond()
	return &out
}

// compare orders two values by the places that both have (FHIRPath, "Date/Time Comparison"); known is false where they differ
// in precision before they differ in value, or where only one of them has a zone.
func (t *temporal) compare(u *temporal) (order int, known bool) {
	if t.hasZone && u.hasZone && t.zone != u.zone {
		t, u = t.inUTC(), u.inUTC()
	}
	last := min(t.precision, u.precision)
	for i := t.kind.first(); i <= last; i++ {
		a, b := t.fields[i]*1e9, u.fields[i]*1e9
		if i == second {
			a, b = a+t.nano, b+u.nano
		}
		if a != b {
			return sign(a - b), t.hasZone == u.hasZone || t.dayDecides(u)
		}
	}
	return 0, t.precision == u.precision && (t.hasZone == u.hasZone || last <= day)
}

// dayDecides says whether two values are so far apart that no zone could turn their order around.
func (t *temporal) dayDecides(u *temporal) bool {
	return t.instant().Sub(u.instant()).Abs() > 26*time.Hour
}

func (t *temporal) inUTC() *temporal {
	if t.zone == 0 || t.precision < hour {
		return t
	}
	moment := t.instant()
	out := *t
	out.zone = 0
	return out.at(moment)
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}

// String is the value as FHIR and toString() write it.
func (t *temporal) String() string {
	var b strings.Builder
	f := t.fields
	if t.kind != kindTime {
		fmt.Fprintf(&b, "%04d", f[year])
		for i := month; i <= min(t.precision, day); i++ {
			fmt.Fprintf(&b, "-%02d", f[i])
		}
		if t.precision < hour {
			return b.String()
		}
		b.WriteByte('T')
	}
	fmt.Fprintf(&b, "%02d", f[hour])
	for i := minute; i <= t.precision; i++ {
		fmt.Fprintf(&b, ":%02d", f[i])
	}
	if t.digits > 0 && t.precision == second {
		b.WriteByte('.')
		b.WriteString(fmt.Sprintf("%09d", t.nano)[:t.digits])
	}
	switch {
	case t.hasZone && t.zone == 0:
		b.WriteByte('Z')
	case t.hasZone:
		s, z := '+', t.zone
		if z < 0 {
			s, z = '-', -z
		}
		fmt.Fprintf(&b, "%c%02d:%02d", s, z/60, z%60)
	}
	return b.String()
}
