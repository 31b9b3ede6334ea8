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
		finds("Observation?date=le0001-01-01", "Observation/first", "Observation/open", "Observation/year"),
		finds("Observation?date=eb1500", "Observation/first", "Observation/year"),
		finds("Observation?date=lt1600", "Observation/first", "Observation/year", "Observation/open", "Observation/old"),
		finds("Observation?date=sa0001&date=le1600", "Observation/old"),
	}},
	{"periods that touch a day", []step{ // search.html#prefix: the specified value and up, up to the specified value
		{do: "PUT Observation/before", body: measuredAt("before", `"effectivePeriod":{"start":"2020-01-03","end":"2020-01-05T12:00:00Z"}`), status: 201},
		{do: "PUT Observation/after", body: measuredAt("after", `"effectivePeriod":{"start":"2020-01-05T12:00:00Z","end":"2020-01-08"}`), status: 201},
		{do: "PUT Observation/over", body: measuredAt("over", `"effectivePeriod":{"start":"2020-01","end":"2020-01"}`), status: 201},
		{do: "PUT Observation/within", body: measuredAt("within", `"effectiveDateTime":"2020-01-05T10:00:00Z"`), status: 201},
		{do: "PUT Observation/early", body: measuredAt("early", `"effectivePeriod":{"end":"2020-01-04"}`), status: 201},
		{do: "PUT Observation/late", body: measuredAt("late", `"effectivePeriod":{"start":"2020-01-06"}`), status: 201},
		finds("Observation?date=ge2020-01-05", "Observation/before", "Observation/after", "Observation/over", "Observation/within", "Observation/late"),
		finds("Observation?date=le2020-01-05", "Observation/before", "Observation/after", "Observation/over", "Observation/within", "Observation/early"),
		finds("Observation?date=gt2020-01-05", "Observation/after", "Observation/over", "Observation/late"),
		finds("Observation?date=lt2020-01-05", "Observation/before", "Observation/over", "Observation/early"),
		finds("Observation?date=ge2020-01-05&date=le2020-01-05", "Observation/before", "Observation/after", "Observation/over", "Observation/within"),
		finds("Observation?date=sa2020-01-05", "Observation/late"),
		finds("Observation?date=eb2020-01-05", "Observation/early"),
		finds("Observation?date=2020-01-05", "Observation/within"),
		finds("Observation?date=ge2020-01-05&_sort=date&_count=50", "Observation/before", "Observation/after", "Observation/over", "Observation/within", "Observation/late"),
	}},
	{"instants are points", []step{ // search.html#date: of an effective width of 0
		{do: "PUT Slot/1", body: slotAt("1", "2020-01-05T11:00:00+01:00"), status: 201},
		{do: "PUT Slot/2", body: slotAt("2", "2020-01-05T10:00:00.500Z"), status: 201},
		finds("Slot?start=2020-01-05T10:00:00Z", "Slot/1", "Slot/2"),
		finds("Slot?start=2020-01-05T10:00:00.000Z", "Slot/1"),
		finds("Slot?start=2020-01-05T10:00:00.5Z", "Slot/2"),
		finds("Slot?start=gt2020-01-05T10:00:00.000Z", "Slot/2"),
		finds("Slot?start=ge2020-01-05T10:00:00.000Z", "Slot/1", "Slot/2"),
		finds("Slot?start=lt2020-01-05T10:00:00.500Z", "Slot/1"),
		finds("Slot?start=gt2020-01-05T10:00:00Z"),
		findsInOrder("Slot?_sort=-start", "Slot/2", "Slot/1"),
	}},
	{"many conditions", []step{
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1","name":[{"family":"Ab"}],"birthDate":"2000-01-01"}`, status: 201},
		many("family:contains=b"),
		many("_id=1"),
		many("gender:missing=true"),
		many("birthdate=gt1999&_sort=birthdate"),
		finds("Patient?_filter="+strings.Repeat("gender%20eq%20x%20or%20", 1100)+"active%20pr%20false", "Patient/1"),
	}},
	{"long texts", []step{
		{do: "PUT Patient/long", body: `{"resourceType":"Patient","id":"long","name":[{"family":"` + strings.Repeat("x", 2000) + `y"}]}`, status: 201},
		finds("Patient?family="+strings.Repeat("x", 2000), "Patient/long"),
		finds("Patient?family=" + strings.Repeat("x", 1999) + "y"),
		finds("Patient?family:exact="+strings.Repeat("x", 2000)+"y", "Patient/long"),
		finds("Patient?family:contains="+strings.Repeat("x", 900)+"y", "Patient/long"),
	}},
	{"elements of which nothing can be searched for", []step{
		{do: "PUT Observation/text", body: `{"resourceType":"Observation","id":"text","status":"final","code":{"text":"Mood"},"subject":{"identifier":{"value":"7"}}}`, status: 201},
		{do: "PUT Observation/display", body: `{"resourceType":"Observation","id":"display","status":"final","code":{"coding":[{"code":"x"}]},"subject":{"display":"A patient"},"effectiveTiming":{"repeat":{"frequency":1}}}`, status: 201},
		{do: "PUT Observation/contained", body: `{"resourceType":"Observation","id":"contained","contained":[{"resourceType":"Patient","id":"p"}],"status":"final","code":{"coding":[{"code":"x"}]},"subject":{"reference":"#p"}}`, status: 201},
		{do: "PUT Observation/none", body: `{"resourceType":"Observation","id":"none","status":"final","code":{"coding":[{"code":"x"}]},"subject":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"unknown"}]}}`, status: 201},
		finds("Observation?code:missing=true"),
		finds("Observation?code:missing=false", "Observation/text", "Observation/display", "Observation/contained", "Observation/none"),
		finds("Observation?subject:missing=true", "Observation/none"),
		finds("Observation?subject:missing=false", "Observation/text", "Observation/display", "Observation/contained"),
		finds("Observation?date:missing=false", "Observation/display"),
		finds("Observation?date:missing=true&_sort=date,-_id", "Observation/text", "Observation/contained", "Observation/none"),
		finds("Observation?_filter=subject%20pr%20false", "Observation/none"),
		{do: "PUT Patient/system", body: `{"resourceType":"Patient","id":"system","identifier":[{"system":"urn:a"}]}`, status: 201},
		finds("Patient?identifier=urn:a|", "Patient/system"),
		finds("Patient?identifier:missing=true"),
		{do: "PUT Observation/text", body: `{"resourceType":"Observation","id":"text","status":"final","code":{"text":"Mood"},"subject":{"reference":"Patient/system"}}`, status: 200},
		finds("Observation?subject:missing=false&code:text=mood", "Observation/text"),
		finds("Observation?patient.identifier:missing=false", "Observation/text"),
	}},
	{"names that differ in case and accents sort as one", []step{
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1","name":[{"family":"MÜLLER","given":["Zoe"]}]}`, status: 201},
		{do: "PUT Patient/2", body: `{"resourceType":"Patient","id":"2","name":[{"family":"Müller","given":["Bea"]}]}`, status: 201},
		{do: "PUT Patient/3", body: `{"resourceType":"Patient","id":"3","name":[{"family":"muller","given":["Ann"]}]}`, status: 201},
		{do: "PUT Patient/4", body: `{"resourceType":"Patient","id":"4","name":[{"family":"Muller","given":["Cid"]}]}`, status: 201},
		{do: "PUT Patient/5", body: `{"resourceType":"Patient","id":"5","gender":"male"}`, status: 201},
		findsInOrder("Patient?_sort=family,given", "Patient/3", "Patient/2", "Patient/4", "Patient/1", "Patient/5"),
		findsInOrder("Patient?_sort=-family,given", "Patient/5", "Patient/3", "Patient/2", "Patient/4", "Patient/1"),
		findsInOrder("Patient?_sort=name,-_id&family=muller", "Patient/3", "Patient/2", "Patient/4", "Patient/1"),
		findsInOrder("Patient?_sort=gender,family,-_id", "Patient/5", "Patient/4", "Patient/3", "Patient/2", "Patient/1"),
	}},
}

func measuredAt(id, when string) string {
	return `{"resourceType":"Observation","id":"` + id + `","status":"final","code":{"text":"x"},` + when + `}`
}

func slotAt(id, start string) string {
	return `{"resourceType":"Slot","id":"` + id + `","schedule":{"display":"x"},"status":"free","start":"` + start + `","end":"2020-01-05T12:00:00Z"}`
}

// many is a search by a condition that is repeated as no person would; it finds the one Patient.
func many(condition string) step {
	condition, rest, _ := strings.Cut(condition, "&")
	return step{
		do: "POST Patient/_search?" + rest, header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"},
		body: strings.Repeat(condition+"&", 1100), status: 200, has: []string{`"total":1`, `"id":"1"`},
	}
}

// finds is a search and all that it finds, as Type/id.
func finds(query string, found ...string) step {
	s := step{do: "GET " + query, status: 200, has: []string{fmt.Sprintf(`"total":%d`, len(found))}}
	for _, reference := range found {
		s.has = append(s.has, `"fullUrl":"{base}/`+reference+`"`)
	}
	return s
}

// findsInOrder is a search and all that it finds, in this order.
func findsInOrder(query string, found ...string) step {
	s := finds(query, found...)
	for _, reference := range found {
		s.entries = append(s.entries, "{base}/"+reference)
	}
	return s
}
