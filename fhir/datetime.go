package fhir

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Precision of a partial date or time.
type Precision uint8

const (
	Year Precision = iota + 1
	Month
	Day
	Minute // in search values only; dateTime elements have seconds
	Second
	Fraction
)

// Moment is a date, dateTime or instant with the precision it was written in: the interval [Lo, Hi) in microseconds since
// 1970-01-01T00:00:00Z (datatypes.html#dateTime).
type Moment struct {
	Lo, Hi    int64
	Precision Precision
	HasZone   bool // a time zone was given; without one UTC is meant
}

// The ends of a Period that does not say them.
const (
	BeginningOfTime int64 = math.MinInt64
	EndOfTime       int64 = math.MaxInt64
)

// ParseMoment reads YYYY, YYYY-MM, YYYY-MM-DD, or a day with THH:MM[:SS[.fff…]] and an optional zone (Z or ±HH:MM). What has no
// zone is read as UTC: a server has one clock, its clients have many.
func ParseMoment(text string) (Moment, error) {
	m, ok := parseMoment(text)
	if !ok {
		return Moment{}, Errorf(Invalid, CodeValue, "%q is not a date: write YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with Z or a zone such as +01:00", clip(text))
	}
	return m, nil
}

func parseMoment(text string) (m Moment, ok bool) {
	day, clock, hasClock := strings.Cut(text, "T")
	year, month, date, precision, ok := parseDay(day)
	if !ok || hasClock && precision != Day {
		return m, false
	}
	if !hasClock {
		lo := time.Date(year, time.Month(month), date, 0, 0, 0, 0, time.UTC)
		hi := lo.AddDate(0, 0, 1)
		switch precision {
		case Year:
			hi = lo.AddDate(1, 0, 0)
		case Month:
			hi = lo.AddDate(0, 1, 0)
		}
		return Moment{lo.UnixMicro(), hi.UnixMicro(), precision, false}, true
	}
	clock, offset, hasZone, ok := cutZone(clock)
	if !ok {
		return m, false
	}
	hour, minute, second, micro, width, precision, ok := parseClock(clock)
	if !ok {
		return m, false
	}
	lo := time.Date(year, time.Month(month), date, hour, minute-offset, second, micro*1000, time.UTC).UnixMicro()
	return Moment{lo, lo + width, precision, hasZone}, true
}

func parseDay(s string) (year, month, day int, p Precision, ok bool) {
	month, day = 1, 1
	switch len(s) {
	case 4:
		p = Year
	case 7:
		p = Month
	case 10:
		p = Day
	default:
		return
	}
	if year, ok = digits(s[:4]); !ok || year == 0 {
		return 0, 0, 0, 0, false
	}
	if p >= Month {
		if month, ok = digits(s[5:7]); !ok || s[4] != '-' || month < 1 || month > 12 {
			return 0, 0, 0, 0, false
		}
	}
	if p == Day {
		if day, ok = digits(s[8:]); !ok || s[7] != '-' || day < 1 || day > daysIn(year, month) {
			return 0, 0, 0, 0, false
		}
	}
	return year, month, day, p, true
}

func daysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// cutZone takes the zone off a time of day; offset is in minutes east.
func cutZone(s string) (clock string, offset int, has, ok bool) {
	if c, found := strings.CutSuffix(s, "Z"); found {
		return c, 0, true, true
	}
	i := strings.LastIndexAny(s, "+-")
	if i < 0 {
		return s, 0, false, true
	}
	zone := s[i+1:]
	if len(zone) != 5 || zone[2] != ':' {
		return "", 0, false, false
	}
	h, ok1 := digits(zone[:2])
	m, ok2 := digits(zone[3:])
	if !ok1 || !ok2 || h > 14 || m > 59 || h == 14 && m > 0 {
		return "", 0, false, false
	}
	offset = h*60 + m
	if s[i] == '-' {
		offset = -offset
	}
	return s[:i], offset, true, true
}

// parseClock reads hh:mm, hh:mm:ss or hh:mm:ss.f…; width is the length of the interval in microseconds.
func parseClock(s string) (hour, minute, second, micro int, width int64, p Precision, ok bool) {
	if len(s) < 5 || s[2] != ':' {
		return
	}
	hour, ok1 := digits(s[:2])
	minute, ok2 := digits(s[3:5])
	if !ok1 || !ok2 || hour > 23 || minute > 59 {
		return
	}
	p, width = Minute, 60e6
	if len(s) > 5 {
		var ok3 bool
		if len(s) < 8 || s[5] != ':' {
			return
		}
		if second, ok3 = digits(s[6:8]); !ok3 || second > 60 { // 60: a leap second
			return
		}
		p, width = Second, 1e6
	}
	if len(s) > 8 {
		f := s[9:]
		if s[8] != '.' || !allDigits(f) {
			return
		}
		p, width = Fraction, 1
		for i := 0; i < 6; i++ {
			micro *= 10
			if i < len(f) {
				micro += int(f[i] - '0')
			} else {
				width *= 10
			}
		}
	}
	return hour, minute, second, micro, width, p, true
}

func digits(s string) (int, bool) {
	if !allDigits(s) {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil
}

// FormatInstant writes a FHIR instant in UTC with milliseconds, the precision of meta.lastUpdated.
func FormatInstant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
