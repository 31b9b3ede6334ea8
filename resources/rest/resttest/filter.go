package resttest

var filterSearches = []scenario{
	{"lists", after(clinic,
		step{do: "PUT List/l", status: 201, body: `{"resourceType":"List","id":"l","status":"current","mode":"working","entry":[{"item":{"reference":"Patient/a"}},{"item":{"reference":"Observation/4"}}]}`},
		step{do: "GET Patient?_list=l", status: 200, has: []string{`"total":1`, "Patient/a"}},
		step{do: "GET Observation?_list=l", status: 200, has: []string{`"total":1`, "Observation/4"}},
		step{do: "GET Patient?_list=l&gender=male", status: 200, has: []string{`"total":0`}},
		step{do: "GET Patient?_list=nowhere", status: 200, has: []string{`"total":0`}},
		step{do: "GET Patient?_list=$current-allergies", status: 400, has: []string{"not-supported", "$current-allergies", "_list"}},
	)},
	{"filters", after(clinic,
		step{do: `GET Patient?_filter=name%20co%20%22berg%22`, status: 200, has: []string{`"total":1`, "Patient/b"}},
		step{do: `GET Patient?_filter=given+eq+%22%C3%85SA%22+and+birthdate+ge+1970`, status: 200, has: []string{`"total":1`, "Patient/a"}},
		step{do: `GET Patient?_filter=family+eq+ber`, status: 200, has: []string{`"total":0`}},
		step{do: `GET Patient?_filter=gender+eq+male+and+not+(birthdate+pr+true)`, status: 200, has: []string{`"total":1`, "Patient/c"}},
		step{do: `GET Patient?_filter=family+sw+co+or+gender+eq+female&_sort=family`, status: 200, has: []string{`"total":2`, "Patient/a", "Patient/c"}},
		step{do: `GET Observation?_filter=subject:Patient.family+eq+berg`, status: 200, has: []string{`"total":1`, "Observation/4"}},
		step{do: `GET Observation?_filter=value-quantity+gt+125+and+patient+re+Patient/a`, status: 200, has: []string{`"total":1`, "Observation/2"}},
		step{do: `GET Patient?_filter=shoe-size+eq+46`, status: 400, has: []string{"not-supported", "shoe-size", "_filter"}},
		step{do: `GET Patient?_filter=shoe-size+eq+46`, status: 400, header: map[string]string{"Prefer": "handling=lenient"}, has: []string{"shoe-size"}},
		step{do: `GET Patient?_filter=family+eq`, status: 400, has: []string{"a value is expected"}},
	)},
}
