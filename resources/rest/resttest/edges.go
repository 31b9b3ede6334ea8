package resttest

import (
	"fmt"
	"strings"
)

// edges are searches for values at the edge of what their types hold.
var edges = []scenario{
	{"years before keys begin", []step{
		{do: "PUT Observation/first", body: measuredAt("first", `"effectiveDateTime":"0001-01-01"`), status: 201},
		{do: "PUT Observation/year", body: measuredAt("year", `"effectiveDateTime":"0001"`), status: 201},
		{do: "PUT Observation/open", body: measuredAt("open", `"effectivePeriod":{"end":"2013"}`), status: 201},
		{do: "PUT Observation/old", body: measuredAt("old", `"effectiveDateTime":"1543-05-24T10:00:00Z"`), status: 201},
		finds("Observation?date=0001", "Observation/first", "Observation/year"),
		finds("Observation?date=0001-01-01", "Observation/first"),
		finds("Observation?date=lt0001", "Observation/open"),
		finds("Observation?date=le0001-01-01", "Observation/first", "Observation/open"),
		finds("Observation?date=eb1500", "Observation/first", "Observation/year"),
		finds("Observation?date=lt1600", "Observation/first", "Observation/year", "Observation/open", "Observation/old"),
		finds("Observation?date=sa0001&date=le1600", "Observation/old"),
	}},
	{"long texts", []step{
		{do: "PUT Patient/long", body: `{"resourceType":"Patient","id":"long","name":[{"family":"` + strings.Repeat("x", 2000) + `y"}]}`, status: 201},
		finds("Patient?family="+strings.Repeat("x", 2000), "Patient/long"),
		finds("Patient?family="+strings.Repeat("x", 1999)+"y"),
		finds("Patient?family:exact="+strings.Repeat("x", 2000)+"y", "Patient/long"),
		finds("Patient?family:contains="+strings.Repeat("x", 900)+"y", "Patient/long"),
	}},
}

func measuredAt(id, when string) string {
	return `{"resourceType":"Observation","id":"` + id + `","status":"final","code":{"text":"x"},` + when + `}`
}

// finds is a search and all that it finds, as Type/id.
func finds(query string, found ...string) step {
	s := step{do: "GET " + query, status: 200, has: []string{fmt.Sprintf(`"total":%d`, len(found))}}
	for _, reference := range found {
		s.has = append(s.has, `"fullUrl":"{base}/`+reference+`"`)
	}
	return s
}
