package index

import (
	"math"
	"strconv"

	"fhirside/fhir"
	"fhirside/fhir/fhirpath"
	"fhirside/fhir/ucum"
	"fhirside/search"
)

// date appends the time that a date parameter reads of an element (search.html#date).
func (rd *reader) date(it *fhirpath.Item, v *Values) {
	var lo, hi int64
	var ok bool
	switch e := it.Element(); it.Type() {
	case "Period":
		lo, hi, ok = period(e)
	case "Timing":
		lo, hi, ok = timing(e)
	case "date", "dateTime":
		lo, hi, ok = moment(e)
	case "instant": // a point in time, of no width that could be told (search.html#date)
		lo, _, ok = moment(e)
		hi = lo + 1
	}
	if ok && lo < hi {
		v.Dates = append(v.Dates, Date{rd.name, lo, hi})
	}
}

func moment(e fhir.Element) (lo, hi int64, ok bool) {
	if e.Kind() != fhir.String {
		return 0, 0, false
	}
	m, err := fhir.ParseMoment(e.Text())
	return m.Lo, m.Hi, err == nil
}

// period is a Period with open ends where it does not say them. One with an end that cannot be read is not indexed.
func period(e fhir.Element) (lo, hi int64, ok bool) {
	start, end := e.Get("start"), e.Get("end")
	if !start.Exists() && !end.Exists() {
		return 0, 0, false
	}
	lo, hi, ok = fhir.BeginningOfTime, fhir.EndOfTime, true
	if start.Exists() {
		lo, _, ok = moment(start)
	}
	if end.Exists() && ok {
		_, hi, ok = moment(end)
	}
	return lo, hi, ok
}

// timing is the time from the first to the last event of a Timing, or the bounds of its repetitions.
func timing(e fhir.Element) (lo, hi int64, ok bool) {
	lo, hi = math.MaxInt64, math.MinInt64
	add := func(l, h int64, known bool) {
		if known {
			lo, hi, ok = min(lo, l), max(hi, h), true
		}
	}
	for event := range e.Get("event").Each() {
		add(moment(event))
	}
	add(period(e.Get("repeat").Get("boundsPeriod")))
	return lo, hi, ok
}

// number appends a number or a Range of them (search.html#number).
func (rd *reader) number(it *fhirpath.Item, v *Values) {
	n := Number{Param: rd.name}
	var ok bool
	if e := it.Element(); it.Type() == "Range" {
		n.Lo, n.Hi, ok = spread(e.Get("low"), e.Get("high"), value)
	} else {
		n.Lo, ok = value(e)
		n.Hi = n.Lo
	}
	if ok {
		v.Numbers = append(v.Numbers, n)
	}
}

// valueReader reads a JSON number; false if it is none.
type valueReader func(fhir.Element) (float64, bool)

// value is a JSON number's exact value.
func value(e fhir.Element) (float64, bool) {
	if e.Kind() != fhir.Number {
		return 0, false
	}
	f, err := strconv.ParseFloat(e.Text(), 64) // the nearest double, as fhir.Decimal's Float is
	return f, err == nil
}

// position appends a Location.position, if it is one on the globe.
func (rd *reader) position(it *fhirpath.Item, v *Values) {
	latitude, north := value(it.Element().Get("latitude"))
	longitude, east := value(it.Element().Get("longitude"))
	if north && east && math.Abs(latitude) <= 90 && math.Abs(longitude) <= 180 {
		v.Numbers = append(v.Numbers,
			Number{rd.name + search.LatitudeEntries, latitude, latitude},
			Number{rd.name + search.LongitudeEntries, longitude, longitude})
	}
}

// quantity appends a quantity, an amount of money or a Range of quantities (search.html#quantity). One in a UCUM unit that is
// not its dimension's canonical one is followed by its conversion, under a name of its own.
func (rd *reader) quantity(it *fhirpath.Item, v *Values) {
	q, low, high := Quantity{Number: Number{Param: rd.name}}, it.Element(), it.Element()
	switch it.Type() {
	case "Range":
		low, high = low.Get("low"), high.Get("high")
		if q.unit(low); !low.Get("value").Exists() {
			q.unit(high)
		}
	case "Money":
		if q.Code = low.Get("currency").Text(); q.Code != "" {
			q.System = currencies
		}
	case "SampledData": // a series of numbers is no quantity
		return
	default:
		q.unit(low)
	}
	own, ok := q.spread(low, high, value)
	if !ok {
		return
	}
	canonical, converted := q.canonical(low, high)
	switch {
	case rd.inCanonicalUnits && converted:
		v.Quantities = append(v.Quantities, canonical)
	case rd.name != "" && converted:
		canonical.Param = rd.converted
		v.Quantities = append(v.Quantities, own, canonical)
	default:
		v.Quantities = append(v.Quantities, own)
	}
}

// canonical is the quantity in the canonical unit of its dimension; false if it is that already, or has none.
func (q Quantity) canonical(low, high fhir.Element) (Quantity, bool) {
	if q.System != ucum.System {
		return q, false
	}
	unit, err := ucum.Parse(q.Code)
	if err != nil || unit.IsCanonical() {
		return q, false
	}
	q.Code, q.Unit = unit.Canonical(), ""
	return q.spread(low, high, func(e fhir.Element) (float64, bool) {
		if e.Kind() != fhir.Number {
			return 0, false
		}
		return unit.Convert(e.Text())
	})
}

// spread is the quantity with its interval.
func (q Quantity) spread(low, high fhir.Element, value valueReader) (Quantity, bool) {
	var ok bool
	q.Lo, q.Hi, ok = spread(low, high, value)
	return q, ok
}

// currencies is the code system of Money.currency (datatypes.html#Money).
const currencies = "urn:iso:std:iso:4217"

func (q *Quantity) unit(e fhir.Element) {
	q.System, q.Code, q.Unit = e.Get("system").Text(), e.Get("code").Text(), e.Get("unit").Text()
}

// spread is the interval between two quantities, which may be one and the same. A comparator opens it: "<5" is everything below
// 5. An end that is missing is open, but not both.
func spread(low, high fhir.Element, value valueReader) (lo, hi float64, ok bool) {
	lo, hi = math.Inf(-1), math.Inf(1)
	n, known := value(low.Get("value"))
	if known {
		lo, ok = n, true
		if low.Get("comparator").Is(">") {
			lo = math.Nextafter(n, math.Inf(1))
		}
	}
	if high != low {
		n, known = value(high.Get("value"))
	}
	if known {
		hi, ok = n, true
		if high.Get("comparator").Is("<") {
			hi = math.Nextafter(n, math.Inf(-1))
		}
	}
	if c := low.Get("comparator"); c.Is("<") || c.Is("<=") {
		lo = math.Inf(-1)
	}
	if c := high.Get("comparator"); c.Is(">") || c.Is(">=") {
		hi = math.Inf(1)
	}
	return lo, hi, ok && lo <= hi
}
