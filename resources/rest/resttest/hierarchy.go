package resttest

// hierarchies: references to places and organizations also find what is below or above these (search.html#recursive).
var hierarchies = []scenario{
	{"places", []step{
		{do: "PUT Location/house", body: `{"resourceType":"Location","id":"house","name":"House"}`, status: 201},
		{do: "PUT Location/floor", body: `{"resourceType":"Location","id":"floor","partOf":{"reference":"Location/house"}}`, status: 201},
		{do: "PUT Location/room", body: `{"resourceType":"Location","id":"room","partOf":{"reference":"Location/floor"}}`, status: 201},
		{do: "PUT Location/garden", body: `{"resourceType":"Location","id":"garden"}`, status: 201},
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1"}`, status: 201},
		{do: "PUT Procedure/house", body: procedureAt("house"), status: 201},
		{do: "PUT Procedure/room", body: procedureAt("room"), status: 201},
		{do: "PUT Procedure/garden", body: procedureAt("garden"), status: 201},
		{do: "GET Procedure?location=house", status: 200, has: []string{`"total":1`}},
		{do: "GET Procedure?location:below=house", status: 200, has: []string{`"total":2`, "Procedure/house", "Procedure/room", "Procedure?location:below=house"}},
		{do: "GET Procedure?location:below=Location/floor", status: 200, has: []string{`"total":1`, "Procedure/room"}},
		{do: "GET Procedure?location:above=room", status: 200, has: []string{`"total":2`}, hasNot: []string{"Procedure/garden"}},
		{do: "GET Procedure?location:above=garden,house", status: 200, has: []string{`"total":2`}, hasNot: []string{"Procedure/room"}},
		{do: "GET Procedure?location:below=nowhere", status: 200, has: []string{`"total":0`}},
		{do: "GET Location?partof:below=house", status: 200, has: []string{`"total":2`, "Location/floor", "Location/room"}},
		{do: "GET Procedure?location.partof:below=house", status: 200, has: []string{`"total":1`, "Procedure/room"}},
		{do: "PUT Location/house", body: `{"resourceType":"Location","id":"house","partOf":{"reference":"Location/room"}}`, status: 200},
		{do: "GET Procedure?location:below=house", status: 200, has: []string{`"total":2`}},
		{do: "GET Procedure?location:above=house", status: 200, has: []string{`"total":2`}},
		{do: "GET Procedure?subject:below=Patient/1", status: 400, has: []string{`"expression":["subject:below"]`}},
		{do: "GET Observation?subject:below=Patient/1", status: 400, has: []string{"CarePlan, Encounter, Location, Organization"}},
		{do: "PUT Encounter/stay", body: encounter("stay", ""), status: 201},
		{do: "PUT Encounter/visit", body: encounter("visit", `,"partOf":{"reference":"Encounter/stay"}`), status: 201},
		{do: "PUT Observation/1", body: `{"resourceType":"Observation","id":"1","status":"final","code":{"text":"x"},"encounter":{"reference":"Encounter/stay"}}`, status: 201},
		{do: "GET Observation?encounter:above=visit", status: 200, has: []string{`"total":1`}},
		{do: "GET Observation?encounter:below=visit", status: 200, has: []string{`"total":0`}},
		{do: "GET Procedure?location:below=Location/house/_history/1", status: 400},
		{do: "GET Procedure?location:below=http://x.example/fhir/Location/1", status: 400},
		{do: "DELETE Procedure?location:below=house", status: 400, has: []string{"location:below"}},
	}},
}

func encounter(id, rest string) string {
	return `{"resourceType":"Encounter","id":"` + id + `","status":"finished","class":{"code":"IMP"}` + rest + `}`
}

func procedureAt(location string) string {
	return `{"resourceType":"Procedure","id":"` + location + `","status":"completed","subject":{"reference":"Patient/1"},"location":{"reference":"Location/` + location + `"}}`
}
