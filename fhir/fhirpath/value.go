package fhirpath

import (
	"strconv"
	"strings"

	"github.com/cockroachdb/apd/v3"
)

// quantity is a number with a unit: of UCUM ('mg'), of the calendar (4 days), or of another code system.
type quantity struct {
	value    *apd.Decimal
	unit     string
	calendar bool   // the unit is a word, singular: year … millisecond
	system   string // of a unit that is not UCUM's
}

// typeInfo is what type() gives.
type typeInfo struct{ namespace, name string }

// calendarUnits are the words for durations, by their singular.
var calendarUnits = map[string]string{
	"year": "year", "years": "year", "month": "month", "months": "month", "week": "week", "weeks": "week",
	"day": "day", "days": "day", "hour": "hour", "hours": "hour", "minute": "minute", "minutes": "minute",
	"second": "second", "seconds": "second", "millisecond": "millisecond", "milliseconds": "millisecond",
}

// ucumDurations are UCUM's codes for the calendar's words. A UCUM year or month is a number of days, a calendar's is not: those
// two are equal only in FHIR elements.
var ucumDurations = map[string]string{
	"a": "year", "mo": "month", "wk": "week", "d": "day", "h": "hour", "min": "minute", "s": "second", "ms": "millisecond",
}

// fromFHIR reads a FHIR Quantity's unit of time as the calendar's (fhirpath.html).
func (q *quantity) fromFHIR() {
	if word := ucumDurations[q.unit]; word != "" {
		q.unit, q.calendar = word, true
	}
}

// systemType is the name of a computed value's type.
func systemType(v any) string {
	switch v := v.(type) {
	case bool:
		return "Boolean"
	case string:
		return "String"
	case int64:
		return "Integer"
	case *apd.Decimal:
		return "Decimal"
	case *temporal:
		return v.kind.String()
	case *quantity:
		return "Quantity"
	}
	return "TypeInfo"
}

// maxDigits bounds numbers as fhir.Decimal does.
const maxDigits = 400

// decimals is the arithmetic of decimals: FHIRPath asks for 28 digits.
var decimals = apd.Context{Precision: 40, MaxExponent: 1000, MinExponent: -1000, Rounding: apd.RoundHalfUp, Traps: apd.DefaultTraps}

// parseNumber is the text of an integer or decimal as int64 or *apd.Decimal.
func parseNumber(text string) (any, bool) {
	if !strings.ContainsAny(text, ".eE") {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n, true
		}
	}
	if len(text) > maxDigits {
		return nil, false
	}
	d, _, err := apd.NewFromString(text)
	if err != nil || d.Form != apd.Finite || d.Exponent > maxDigits || d.Exponent < -maxDigits {
		return nil, false
	}
	return d, true
}

// decimalOf is a number as a decimal; nil for what is no number.
func decimalOf(v any) *apd.Decimal {
	switch v := v.(type) {
	case int64:
		return apd.New(v, 0)
	case *apd.Decimal:
		return v
	}
	return nil
}

// toText is a value as toString() writes it.
func toText(v any) (string, bool) {
	switch v := v.(type) {
	case bool:
		return strconv.FormatBool(v), true
	case string:
		return v, true
	case int64:
		return strconv.FormatInt(v, 10), true
	case *apd.Decimal:
		return v.Text('f'), true
	case *temporal:
		return v.String(), true
	case *quantity:
		return v.String(), true
	}
	return "", false
}

// String is the quantity as a literal: 4 days, 10 'mg'.
func (q *quantity) String() string {
	if !q.calendar {
		return q.value.Text('f') + " '" + q.unit + "'"
	}
	unit := q.unit
	if q.value.Cmp(apd.New(1, 0)) != 0 {
		unit += "s"
	}
	return q.value.Text('f') + " " + unit
}
