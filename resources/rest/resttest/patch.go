package resttest

import "encoding/base64"

var (
	jsonPatch = map[string]string{"Content-Type": "application/json-patch+json"}
	xmlPatch  = map[string]string{"Content-Type": "application/xml-patch+xml"}
)

// with adds a header to others.
func with(headers map[string]string, name, value string) map[string]string {
	all := map[string]string{name: value}
	for n, v := range headers {
		all[n] = v
	}
	return all
}

const (
	noe = `{"resourceType":"Patient","id":"1","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">Noe</div>"},"active":true,"name":[{"family":"Noe"}],"birthDate":"2000-01-02"}`
	// deactivate sets active to false by a FHIRPath Patch.
	deactivate = `{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"type","valueCode":"replace"},{"name":"path","valueString":"Patient.active"},{"name":"value","valueBoolean":false}]}]}`
)

func binaryPatch(contentType, text string) string {
	return `{"resourceType":"Binary","contentType":"` + contentType + `","data":"` + base64.StdEncoding.EncodeToString([]byte(text)) + `"}`
}

var patches = []scenario{
	{"json patch", []step{
		{do: "PUT Patient/1", body: noe, status: 201},
		{do: "PATCH Patient/1", header: jsonPatch, body: `[{"op":"test","path":"/active","value":true},{"op":"replace","path":"/name/0/family","value":"Nyman"}]`, status: 200,
			headers: map[string]string{"ETag": `W/"2"`, "Location": "{base}/Patient/1/_history/2"},
			is:      `{"resourceType":"Patient","id":"1","meta":{"versionId":"2","lastUpdated":"{time}"},"active":true,"name":[{"family":"Nyman"}],"birthDate":"2000-01-02"}`},
		{do: "GET Patient?family=nyman", status: 200, has: []string{`"total":1`}},
		{do: "GET Patient?family=noe", status: 200, has: []string{`"total":0`}},
		{do: "PATCH Patient/1", header: jsonPatch, body: `[{"op":"test","path":"/active","value":false},{"op":"remove","path":"/name"}]`, status: 422, has: []string{`"severity":"error"`}},
		{do: "PATCH Patient/1", header: jsonPatch, body: `[{"op":"replace","path":"/id","value":"2"}]`, status: 422, has: []string{`"expression":["Patient.id"]`}},
		{do: "PATCH Patient/1", header: jsonPatch, body: `[{"op":"replace","path":"/resourceType","value":"Person"}]`, status: 422},
		{do: "PATCH Patient/1", header: jsonPatch, body: `[{"op":"replace","path":"/meta/versionId","value":"9"}]`, status: 422},
		{do: "PATCH Patient/1", header: jsonPatch, body: `[{"op":"add","path":"/gender","value":"robot"}]`, status: 422, has: []string{`"expression":["Patient.gender"]`}},
		{do: "PATCH Patient/1", header: jsonPatch, body: `[{"op":"remove","path":"/gender"}]`, status: 422},
		{do: "PATCH Patient/1", header: jsonPatch, body: `[{"op":"brew","path":"/gender"}]`, status: 400},
		{do: "PATCH Patient/1", header: jsonPatch, body: `[{"op":`, status: 400, has: []string{"line 1"}},
		{do: "PATCH Patient/1", header: jsonPatch, status: 400},
		{do: "GET Patient/1", status: 200, has: []string{`"versionId":"2"`}},
		{do: "GET Patient/1/_history", status: 200, has: []string{`"total":2`, `"method":"PUT","url":"Patient/1"`}},
	}},
	{"a patch that changes nothing", []step{
		{do: "PUT Patient/1", body: noe, status: 201},
		{do: "PATCH Patient/1", header: jsonPatch, body: `[{"op":"replace","path":"/active","value":true}]`, status: 200, headers: map[string]string{"ETag": `W/"1"`}},
		{do: "PATCH Patient/1", header: jsonPatch, body: `[]`, status: 200, headers: map[string]string{"ETag": `W/"1"`}},
		{do: "GET Patient/1/_history", status: 200, has: []string{`"total":1`}},
	}},
	{"fhirpath patch", []step{
		{do: "PUT Patient/1", body: noe, status: 201},
		{do: "PATCH Patient/1", body: deactivate, status: 200, has: []string{`"active":false`, `"versionId":"2"`}, hasNot: []string{"div"}},
		{do: "PATCH Patient/1", header: inXML, body: `<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="operation"/><part><name value="type"/><valueCode value="delete"/></part><part><name value="path"/><valueString value="Patient.birthDate"/></part></parameter></Parameters>`,
			status: 200, headers: xmlHeader, has: []string{`<versionId value="3"/>`}, hasNot: []string{"birthDate"}},
		{do: "PATCH Patient/1", body: `{"resourceType":"Patient","id":"1"}`, status: 400, has: []string{"Parameters"}},
	}},
	{"xml patch", []step{
		{do: "PUT Patient/1", body: noe, status: 201},
		{do: "PATCH Patient/1", header: xmlPatch, body: `<diff xmlns:f="http://hl7.org/fhir"><replace sel="f:Patient/f:active/@value">false</replace></diff>`, status: 200, has: []string{`"active":false`}},
		{do: "PATCH Patient/1", header: xmlPatch, body: `<diff><replace sel="f:Patient/f:nothing/@value">x</replace></diff>`, status: 422},
		{do: "PATCH Patient/1", header: xmlPatch, body: `<diff>`, status: 400},
	}},
	{"what is patched", []step{
		{do: "PATCH Patient/1", header: jsonPatch, body: `[]`, status: 404},
		{do: "PATCH Patient/a_b", header: jsonPatch, body: `[]`, status: 404},
		{do: "PATCH Nothing/1", header: jsonPatch, body: `[]`, status: 404},
		{do: "PUT Patient/1", body: noe, status: 201},
		{do: "PATCH Patient/1", header: with(jsonPatch, "If-Match", `W/"2"`), body: `[]`, status: 412},
		{do: "PATCH Patient/1", header: with(jsonPatch, "If-Match", `2`), body: `[]`, status: 400},
		{do: "PATCH Patient/1", header: with(jsonPatch, "If-Match", `W/"1"`), body: `[{"op":"remove","path":"/birthDate"}]`, status: 200},
		{do: "DELETE Patient/1", status: 204},
		{do: "PATCH Patient/1", header: jsonPatch, body: `[]`, status: 410},
		{do: "PATCH Patient/1", header: map[string]string{"Content-Type": "text/plain"}, body: `[]`, status: 415, headers: map[string]string{"Accept-Patch": "application/json-patch+json, application/xml-patch+xml, application/fhir+json, application/fhir+xml"}},
	}},
	{"narrative", []step{
		{do: "PUT Patient/1", body: noe, status: 201},
		{do: "PATCH Patient/1", header: with(jsonPatch, "Prefer", "return=OperationOutcome"), body: `[{"op":"remove","path":"/name"}]`, status: 200, has: []string{"Patient/1/_history/2", "narrative", `"expression":["Patient.text"]`}},
		{do: "PUT Patient/2", body: `{"resourceType":"Patient","id":"2","text":{"status":"additional","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">more</div>"},"active":true}`, status: 201},
		{do: "PATCH Patient/2", header: jsonPatch, body: `[{"op":"remove","path":"/active"}]`, status: 422, has: []string{`"expression":["Patient.text"]`}},
		{do: "PATCH Patient/2", header: jsonPatch, body: `[{"op":"remove","path":"/active"},{"op":"replace","path":"/text/div","value":"<div xmlns=\"http://www.w3.org/1999/xhtml\">new</div>"}]`, status: 200, has: []string{"new"}},
	}},
	{"references", []step{
		{do: "PUT Patient/1", body: noe, status: 201},
		{do: "PUT Observation/1", body: observation1("1"), status: 201},
		{do: "PATCH Observation/1", header: jsonPatch, body: `[{"op":"replace","path":"/subject/reference","value":"Patient/none"}]`, status: 422, has: []string{"Patient/none", `"expression":["Observation.subject.reference"]`}},
		{do: "PATCH Observation/1", header: jsonPatch, body: `[{"op":"remove","path":"/subject"}]`, status: 200},
		{do: "DELETE Patient/1", status: 204},
	}},
	{"by criteria", []step{
		{do: "PUT Patient/1", body: noe, status: 201},
		{do: "PUT Patient/2", body: `{"resourceType":"Patient","id":"2","name":[{"family":"Nash"}]}`, status: 201},
		{do: "PATCH Patient?family=noe", header: jsonPatch, body: `[{"op":"remove","path":"/birthDate"}]`, status: 200, headers: map[string]string{"Location": "{base}/Patient/1/_history/2"}},
		{do: "PATCH Patient?family=noe&_format=xml", header: with(jsonPatch, "If-Match", `W/"1"`), body: `[]`, status: 412, headers: xmlHeader},
		{do: "PATCH Patient?family=nobody", header: jsonPatch, body: `[]`, status: 404, has: []string{"nobody"}},
		{do: "PATCH Patient?family=n", header: jsonPatch, body: `[]`, status: 412, has: []string{`"code":"multiple-matches"`}},
		{do: "PATCH Patient?unknown=n", header: with(jsonPatch, "Prefer", "handling=lenient"), body: `[]`, status: 400},
		{do: "PATCH Patient", header: jsonPatch, body: `[]`, status: 400},
	}},
	{"in a transaction", []step{
		{do: "PUT Patient/1", body: noe, status: 201},
		{do: "PUT Observation/1", body: observation1("1"), status: 201},
		{do: "POST ", status: 200, statuses: "200 200 201 200", body: bundleOf("transaction",
			entry("PATCH", "Patient/1", binaryPatch("application/json-patch+json", `[{"op":"add","path":"/gender","value":"male"}]`))+","+
				entry("PATCH", "Observation?subject=Patient/1", binaryPatch("application/json-patch+json", `[{"op":"replace","path":"/subject/reference","value":"urn:uuid:0a000000-0000-4000-8000-000000000001"}]`))+","+
				`{"fullUrl":"urn:uuid:0a000000-0000-4000-8000-000000000001","resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}},`+
				`{"request":{"method":"GET","url":"Patient?gender=male"}}`),
			has: []string{`"location":"Patient/1/_history/2"`, `"total":1`, "narrative"}},
		{do: "GET Observation?subject=Patient/new-1", status: 200, has: []string{`"total":1`}},
		{do: "POST ", status: 200, statuses: "200", body: bundleOf("transaction", entry("PATCH", "Patient/1", deactivate))},
		{do: "POST ", status: 200, statuses: "200", body: bundleOf("transaction", entry("PATCH", "Patient/1", binaryPatch("application/xml-patch+xml", `<diff><remove sel="f:Patient/f:gender"/></diff>`))), has: []string{"Patient/1/_history/4"}},
		{do: "POST ", status: 422, body: bundleOf("transaction", entry("POST", "Basic", `{"resourceType":"Basic","code":{"text":"x"}}`)+","+entry("PATCH", "Patient/1", binaryPatch("application/json-patch+json", `[{"op":"add","path":"/gender","value":"robot"}]`))), has: []string{"Bundle.entry[1]"}},
		{do: "POST ", status: 412, body: bundleOf("transaction", `{"resource":`+deactivate+`,"request":{"method":"PATCH","url":"Patient/1","ifMatch":"W/\"1\""}}`), has: []string{"Bundle.entry[0]"}},
		{do: "POST ", status: 404, body: bundleOf("transaction", entry("PATCH", "Patient/2", deactivate)), has: []string{"Bundle.entry[0]"}},
		{do: "POST ", status: 404, body: bundleOf("transaction", entry("PATCH", "Patient?family=nobody", deactivate)), has: []string{"Bundle.entry[0]"}},
		{do: "POST ", status: 400, body: bundleOf("transaction", entry("PATCH", "Patient/1", deactivate)+","+entry("PUT", "Patient/1", noe)), has: []string{"Bundle.entry[0]"}},
		{do: "POST ", status: 400, body: bundleOf("transaction", entry("PATCH", "Patient/1", `{"resourceType":"Patient"}`)), has: []string{"Bundle.entry[0]", "Binary"}},
		{do: "POST ", status: 400, body: bundleOf("transaction", entry("PATCH", "Patient/1", binaryPatch("text/plain", `[]`))), has: []string{"text/plain"}},
		{do: "GET Basic?_summary=count", status: 200, has: []string{`"total":0`}},
		{do: "POST ", status: 200, statuses: "422 200 404", body: bundleOf("batch",
			entry("PATCH", "Patient/1", binaryPatch("application/json-patch+json", `[{"op":"test","path":"/active","value":true}]`))+","+
				entry("PATCH", "Patient/1", binaryPatch("application/json-patch+json", `[{"op":"test","path":"/active","value":false},{"op":"replace","path":"/active","value":true}]`))+","+
				entry("PATCH", "Patient/2", deactivate))},
	}},
}
