package resttest

// containedSearches: chains lead into contained resources as well (search.html#contained).
var containedSearches = []scenario{
	{"chains", []step{
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1","name":[{"family":"Berg"}]}`, status: 201},
		{do: "PUT Medication/1", body: `{"resourceType":"Medication","id":"1","code":{"coding":[{"system":"urn:m","code":"aspirin"}]}}`, status: 201},
		{do: "PUT Organization/1", body: `{"resourceType":"Organization","id":"1","name":"Maker"}`, status: 201},
		{do: "PUT MedicationRequest/out", body: `{"resourceType":"MedicationRequest","id":"out","status":"active","intent":"order","medicationReference":{"reference":"Medication/1"},"subject":{"reference":"Patient/1"}}`, status: 201},
		{do: "GET MedicationRequest?medication.code=aspirin", status: 200, has: []string{`"total":1`, "MedicationRequest/out"}},
		{do: "PUT MedicationRequest/in", body: `{"resourceType":"MedicationRequest","id":"in","contained":[{"resourceType":"Medication","id":"m","code":{"coding":[{"system":"urn:m","code":"aspirin"}]},"manufacturer":{"reference":"Organization/1"},"status":"active"}],"status":"active","intent":"order","medicationReference":{"reference":"#m"},"subject":{"reference":"Patient/1"}}`, status: 201},
		{do: "PUT MedicationRequest/other", body: `{"resourceType":"MedicationRequest","id":"other","contained":[{"resourceType":"Medication","id":"m","code":{"coding":[{"system":"urn:m","code":"heparin"}]}}],"status":"active","intent":"order","medicationReference":{"reference":"#m"},"subject":{"reference":"Patient/1"}}`, status: 201},
		{do: "GET MedicationRequest?medication.code=aspirin", status: 200, has: []string{`"total":2`, "MedicationRequest/out", "MedicationRequest/in"}},
		{do: "GET MedicationRequest?medication:Medication.code=urn:m|heparin&patient=1", status: 200, has: []string{`"total":1`, "MedicationRequest/other"}},
		{do: "GET MedicationRequest?medication.code:not=aspirin", status: 200, has: []string{`"total":1`, "MedicationRequest/other"}},
		{do: "GET MedicationRequest?medication.status:missing=true&_sort=_id", status: 200, has: []string{`"total":2`, "MedicationRequest/out", "MedicationRequest/other"}},
		{do: "GET MedicationRequest?medication.manufacturer.name=maker", status: 200, has: []string{`"total":1`, "MedicationRequest/in"}},
		{do: "GET MedicationRequest?medication.manufacturer=Organization/1", status: 200, has: []string{`"total":1`, "MedicationRequest/in"}},
		{do: "GET Patient?_has:MedicationRequest:patient:medication.code=heparin", status: 200, has: []string{`"total":1`}},
		{do: "GET Medication?code=heparin", status: 200, has: []string{`"total":0`}},
		{do: "GET MedicationRequest?code=heparin", status: 200, has: []string{`"total":0`}},
		{do: "PUT MedicationRequest/in", body: `{"resourceType":"MedicationRequest","id":"in","status":"active","intent":"order","medicationReference":{"display":"?"},"subject":{"reference":"Patient/1"}}`, status: 200},
		{do: "GET MedicationRequest?medication.code=aspirin", status: 200, has: []string{`"total":1`, "MedicationRequest/out"}},
	}},
	{"results", []step{
		{do: "GET Medication?_contained=false", status: 200},
		{do: "GET Medication?_contained=true", status: 400, has: []string{`"expression":["_contained"]`, "chain"}},
		{do: "GET Medication?_contained=both", status: 400, has: []string{`"expression":["_contained"]`}},
		{do: "GET Medication?_containedType=container", status: 400, has: []string{`"expression":["_containedType"]`}},
	}},
}
