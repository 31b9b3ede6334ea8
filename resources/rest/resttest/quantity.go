package resttest

import "fmt"

// weights are observations of one weight in several units, and of others.
func weights() []step {
	put := func(id, value, unit, coding string) step {
		return step{do: "PUT Observation/" + id, status: 201, body: fmt.Sprintf(
			`{"resourceType":"Observation","id":%q,"status":"final","code":{"coding":[{"system":"http://loinc.org","code":"29463-7"}]},"valueQuantity":{"value":%s,"unit":%q%s}}`,
			id, value, unit, coding)}
	}
	ucum := func(code string) string { return `,"system":"http://unitsofmeasure.org","code":"` + code + `"` }
	return []step{
		put("mg", "1000", "mg", ucum("mg")), put("g", "1", "g", ucum("g")), put("kg", "0.001", "kg", ucum("kg")), put("two", "2", "g", ucum("g")),
		put("mL", "1", "mL", ucum("mL")), put("local", "1", "g", `,"system":"urn:x:units","code":"g"`), put("bare", "1", "g", ""),
		put("fever", "102.2", "°F", ucum("[degF]")),
	}
}

var quantitySearches = []scenario{
	{"quantities in units of one dimension", after(weights(),
		step{do: "GET Observation?value-quantity=1|http://unitsofmeasure.org|g", status: 200,
			has: []string{`"total":3`, "Observation/mg", "Observation/g", "Observation/kg"}},
		step{do: "GET Observation?value-quantity=1000000|http://unitsofmeasure.org|ug", status: 200, has: []string{`"total":3`}},
		step{do: "GET Observation?value-quantity=gt1.5|http://unitsofmeasure.org|g", status: 200, has: []string{`"total":1`, "Observation/two"}},
		step{do: "GET Observation?value-quantity=lt0.002|http://unitsofmeasure.org|kg", status: 200, has: []string{`"total":3`}},
		step{do: "GET Observation?value-quantity=39.0|http://unitsofmeasure.org|Cel", status: 200, has: []string{`"total":1`, "Observation/fever"}},
		step{do: "GET Observation?value-quantity=1", status: 200, has: []string{`"total":4`, "Observation/g", "Observation/mL", "Observation/local", "Observation/bare"}},
		step{do: "GET Observation?value-quantity=1||g", status: 200, has: []string{`"total":3`, "Observation/g", "Observation/local", "Observation/bare"}},
		step{do: "GET Observation?value-quantity=1|urn:x:units|g", status: 200, has: []string{`"total":1`, "Observation/local"}},
		step{do: "GET Observation?code-value-quantity=29463-7$1|http://unitsofmeasure.org|g", status: 200, has: []string{`"total":3`, "Observation/mg"}},
		step{do: "GET Observation?code-value-quantity=29463-7$1", status: 200, has: []string{`"total":4`}, hasNot: []string{"Observation/mg"}},
		step{do: "GET Observation?combo-code-value-quantity=29463-7$1|http://unitsofmeasure.org|g", status: 200, has: []string{`"total":3`, "Observation/mg"}},
		step{do: "GET Observation?combo-value-quantity=1|http://unitsofmeasure.org|g", status: 200, has: []string{`"total":3`, "Observation/mg"}},
	)},
}
