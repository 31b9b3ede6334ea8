package fhirpath

import (
	"regexp"
	"strings"

	"github.com/cockroachdb/apd/v3"
)

// conversionFunctions are those of FHIRPath's chapter "Conversion".
var conversionFunctions = conversions(map[string]func(v any) any{
	"Boolean": toBoolean, "Integer": toIntegerValue, "Decimal": toDecimal, "Quantity": toQuantity, "String": toStringValue,
	"Date": toDate, "DateTime": toDateTime, "Time": toTime,
})

// conversions makes toX() and convertsToX() of each conversion; nil is a value that it does not apply to.
func conversions(types map[string]func(v any) any) map[string]function {
	functions := map[string]function{}
	for name, convert := range types {
		functions["to"+name] = onValue(convert)
		functions["convertsTo"+name] = onValue(func(v any) any { return convert(v) != nil })
	}
	// A quantity may be asked for in a unit.
	functions["toQuantity"] = function{0, 1, inUnit(func(q any) any { return q })}
	functions["convertsToQuantity"] = function{0, 1, inUnit(func(q any) any { return q != nil })}
	return functions
}

// inUnit compiles a conversion to a quantity with an optional unit, which must be the quantity's own: there is no conversion
// between units.
func inUnit(result func(q any) any) func(k *compiler, n *node) (program, error) {
	return func(k *compiler, n *node) (program, error) {
		args, err := k.compileAll(n.args)
		return func(c *evaluation, focus, dst []Item) ([]Item, error) {
			v, err := k.value(c, n, focus)
			if err != nil || v == nil {
				return dst, err
			}
			q := toQuantity(v)
			if len(args) > 0 {
				unit, ok, err := k.text(c, n, args[0])
				if err != nil {
					return dst, err
				}
				if have, _ := q.(*quantity); !ok || have == nil || have.unit != unit && have.unit != calendarUnits[unit] {
					q = nil
				}
			}
			return c.emit(dst, result(q))
		}, err
	}
}

func toBoolean(v any) any {
	switch v := v.(type) {
	case bool:
		return v
	case string:
		switch strings.ToLower(v) {
		case "true", "t", "yes", "y", "1", "1.0":
			return true
		case "false", "f", "no", "n", "0", "0.0":
			return false
		}
	case int64, *apd.Decimal:
		d := decimalOf(v)
		if d.IsZero() {
			return false
		}
		if d.Cmp(apd.New(1, 0)) == 0 {
			return true
		}
	}
	return nil
}

var (
	integerText  = regexp.MustCompile(`^[+-]?\d{1,18}$`)
	decimalText  = regexp.MustCompile(`^[+-]?\d{1,200}(\.\d{1,200})?$`)
	quantityText = regexp.MustCompile(`^([+-]?\d{1,200}(?:\.\d{1,200})?)\s*(?:'([^']*)'|([a-zA-Z]+))?$`)
)

func toIntegerValue(v any) any {
	switch v := v.(type) {
	case int64:
		return v
	case bool:
		if v {
			return int64(1)
		}
		return int64(0)
	case string:
		if integerText.MatchString(v) {
			if n, ok := parseNumber(strings.TrimPrefix(v, "+")); ok {
				return n
			}
		}
	}
	return nil
}

func toDecimal(v any) any {
	switch v := v.(type) {
	case int64, *apd.Decimal:
		return decimalOf(v)
	case bool:
		return decimalOf(toIntegerValue(v))
	case string:
		if decimalText.MatchString(v) {
			if n, ok := parseNumber(strings.TrimPrefix(v, "+")); ok {
				return decimalOf(n)
			}
		}
	}
	return nil
}

func toQuantity(v any) any {
	switch v := v.(type) {
	case *quantity:
		return v
	case int64, *apd.Decimal, bool:
		return &quantity{value: toDecimal(v).(*apd.Decimal), unit: "1"}
	case string:
		m := quantityText.FindStringSubmatch(v)
		if m == nil {
			return nil
		}
		number, ok := toDecimal(m[1]).(*apd.Decimal)
		if !ok {
			return nil
		}
		q := &quantity{value: number, unit: "1"}
		switch {
		case m[2] != "":
			q.unit = m[2]
		case m[3] != "":
			if q.unit, q.calendar = calendarUnits[m[3]], true; q.unit == "" {
				return nil
			}
		}
		return q
	}
	return nil
}

func toStringValue(v any) any {
	if s, ok := toText(v); ok {
		return s
	}
	return nil
}

func toDate(v any) any {
	switch v := v.(type) {
	case *temporal:
		if v.kind != kindTime {
			return v.as(kindDate)
		}
	case string:
		if t, ok := parseFHIRTemporal(v, "dateTime"); ok && t.kind == kindDateTime {
			return t.as(kindDate)
		}
	}
	return nil
}

func toDateTime(v any) any {
	switch v := v.(type) {
	case *temporal:
		if v.kind != kindTime {
			return v.as(kindDateTime)
		}
	case string:
		if t, ok := parseFHIRTemporal(v, "dateTime"); ok && t.kind == kindDateTime {
			return t
		}
	}
	return nil
}

func toTime(v any) any {
	switch v := v.(type) {
	case *temporal:
		if v.kind == kindTime {
			return v
		}
	case string:
		if t, ok := parseFHIRTemporal(strings.TrimPrefix(v, "T"), "time"); ok {
			return t
		}
	}
	return nil
}
