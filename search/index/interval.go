package index

import (
	"math"
	"strconv"

	"fhirside/fhir"
	"fhirside/fhir/fhirpath"
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
	case "date", "dateTime", "instant":
		lo, hi, ok = moment(e)
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
		n.Lo, n.Hi, ok = spread(e.Get("low"), e.Get("high"))
	} else {
		n.Lo, ok = value(e)
		n.Hi = n.Lo
	}
	if ok {
		v.Numbers = append(v.Numbers, n)
	}
}

// value is a JSON number's exact value.
func value(e fhir.Element) (float64, bool) {
	if e.Kind() != fhir.Number {
		return 0, false
	}
	f, err := strconv.ParseFloat(e.Text(), 64) // the nearest double, as fhir.Decimal's Float is
	return f, err == nil
}

// quantity appends a quantity, an amount of money or a Range of quantities (search.html#quantity).
func (rd *reader) quantity(it *fhirpath.Item, v *Values) {
	q := Quantity{Number: Number{Param: rd.name}}
	e, ok := it.Element(), false
	switch it.Type() {
	case "Range":
		low, high := e.Get("low"), e.Get("high")
		if q.Lo, q.Hi, ok = spread(low, high); !low.Get("value").Exists() {
			low = high
		}
		q.unit(low)
	case "Money":
		q.Lo, ok = value(e.Get("value"))
		q.Hi = q.Lo
		if q.Code = e.Get("currency").Text(); q.Code != "" {
			q.System = currencies
		}
	case "SampledData": // a series of numbers is no quantity
	default:
		q.Lo, q.Hi, ok = spread(e, e)
		q.unit(e)
	}
	if ok {
		v.Quantities = append(v.Quantities, q)
	}
}

// currencies is the code system of Money.currency (datatypes.html#Money).
const currencies = "urn:iso:std:iso:4217"

func (q *Quantity) unit(e fhir.Element) {
	q.System, q.Code, q.Unit = e.Get("system").Text(), e.Get("code").Text(), e.Get("unit").Text()
}

// spread is the interval between two quantities, which may be one and the same. A comparator opens it: "<5" is everything below
// 5. An end that is missing is open, but not both.
func spread(low, high fhir.Element) (lo, hi float64, ok bool) {
	lo, hi = math.Inf(-1), math.Inf(1)
	if n, known := value(low.Get("value")); known {
		lo, ok = n, true
		if low.Get("comparator").Is(">") {
			lo = math.Nextafter(n, math.Inf(1))
		}
	}
	if n, known := value(high.Get("value")); known {
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
