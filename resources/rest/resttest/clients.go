package resttest

import "strings"

// clients is what popular client libraries send.
var clients = []scenario{
	{"urls and slashes", []step{
		{do: "POST /fhir/Patient/", body: `{"resourceType":"Patient"}`, status: 201},
		{do: "GET /fhir/Patient/new-1/", status: 200},
		{do: "GET /fhir/Patient/?_id=new-1", status: 200, has: []string{`"total":1`}},
		{do: "POST /fhir/Patient/_search/", header: form, body: "_id=new-1", status: 200, has: []string{`"total":1`}},
		{do: "POST /fhir/", body: bundleOf("batch", `{"request":{"method":"GET","url":"/Patient/new-1"}},{"request":{"method":"GET","url":"{base}/Patient/new-1"}},{"request":{"method":"GET","url":"Patient/?_id=new-1"}},{"request":{"method":"GET","url":"?_type=Patient"}}`), status: 200, statuses: "200 200 200 200"},
		{do: "GET metadata?mode=full&_format=json", status: 200},
		{do: "GET Patient/new-1?_format=json&_pretty=true", status: 200},
	}},
	{"conditional headers", []step{
		{do: "POST Patient", header: map[string]string{"If-None-Exist": "?identifier=s|1"}, body: `{"resourceType":"Patient","identifier":[{"system":"s","value":"1"}]}`, status: 201},
		{do: "POST Patient", header: map[string]string{"If-None-Exist": "/Patient?identifier=s|1"}, body: `{"resourceType":"Patient"}`, status: 200},
		{do: "POST Patient", header: map[string]string{"If-None-Exist": "http://elsewhere.example/fhir/Patient?identifier=s|1"}, body: `{"resourceType":"Patient"}`, status: 200},
		{do: "POST ", status: 200, statuses: "200", body: bundleOf("transaction", `{"resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient","ifNoneExist":"{base}/Patient?identifier=s|1"}}`)},
		{do: "GET Patient/new-1", header: map[string]string{"If-None-Match": "1"}, status: 304},
		{do: "GET Patient/new-1", header: map[string]string{"If-None-Match": `"1"`}, status: 304},
		{do: "POST Patient?identifier=s|1", body: `{"resourceType":"Patient"}`, status: 400, has: []string{"If-None-Exist"}},
	}},
	{"parameters", after(clinic,
		step{do: "GET Patient?_elements=resourceType,gender&_id=a", status: 200, has: []string{`"gender"`}, hasNot: []string{"birthDate"}},
		step{do: "GET Observation?_totalMethod=none&_count=1", status: 200, hasNot: []string{`"total"`}},
		step{do: "GET Observation?_totalMethod=accurate&_count=1", status: 200, has: []string{`"total":4`}},
		step{do: "GET Observation?_count=100000", status: 200, has: []string{`_count=50"`}},
		step{do: "POST Patient/_search", header: form, body: "family=berg&_format=xml&_pretty=true", status: 200, headers: xmlHeader, has: []string{"\n  <total value=\"1\"/>"}},
		step{do: "POST Patient/_search?_format=json", header: form, body: "family=berg", status: 200, has: []string{`"total":1`}},
		step{do: "POST Patient/_search", header: with(form, "Content-Type", "application/x-www-form-urlencoded; charset=utf-8"), body: "family=berg", status: 200, has: []string{`"total":1`}},
		step{do: "GET Patient?gender=male&_format=application/fhir+xml&_count=1", status: 200, headers: xmlHeader, has: []string{`<relation value="next"/>`}},
	)},
	{"preferences", []step{
		{do: "POST Patient", header: map[string]string{"Prefer": "respond-async, return=minimal; x=y"}, body: `{"resourceType":"Patient"}`, status: 201, hasNot: []string{"resourceType"}},
		{do: "PUT Patient/1", header: map[string]string{"Prefer": "return=OperationOutcome", "Accept": "application/fhir+xml"}, body: `{"resourceType":"Patient","id":"1"}`, status: 201, headers: xmlHeader, has: []string{"<OperationOutcome"}},
		{do: "PUT Patient/1", header: map[string]string{"Prefer": "Return=Minimal"}, body: `{"resourceType":"Patient","id":"1","active":true}`, status: 200},
		{do: "DELETE Patient/1", header: map[string]string{"Content-Type": "application/fhir+json"}, status: 204},
	}},
	{"media types", []step{
		{do: "POST Patient", header: map[string]string{"Content-Type": "application/json"}, body: `{"resourceType":"Patient"}`, status: 201},
		{do: "POST Patient", header: map[string]string{"Content-Type": "application/fhir+json; charset=\"utf-8\""}, body: `{"resourceType":"Patient"}`, status: 201},
		{do: "POST Patient", header: map[string]string{"Content-Type": "Application/FHIR+JSON"}, body: `{"resourceType":"Patient"}`, status: 201},
		{do: "POST ", header: map[string]string{"Content-Type": "application/json"}, body: bundleOf("batch", ""), status: 200},
		{do: "GET Patient/new-1", header: map[string]string{"Accept": "application/fhir+json, application/json, */*"}, status: 200},
		{do: "GET Patient/new-1", header: map[string]string{"Accept": "Application/FHIR+JSON"}, status: 200},
		{do: "GET Patient/new-1", header: map[string]string{"Accept": "application/fhir+xml;q=1.0, application/fhir+json;q=1.0, application/xml+fhir;q=0.9, application/json+fhir;q=0.9"}, status: 200},
	}},
}

const narrated = `{"resourceType":"Patient","id":"1","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">%</div>"}}`

func narrative(xhtml string) string { return strings.Replace(narrated, "%", xhtml, 1) }

// hostile is input that must be refused without harm.
var hostile = []scenario{
	{"documents", []step{
		{do: "PUT Patient/1", body: "\ufeff" + `{"resourceType":"Patient","id":"1"}`, status: 400},
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1","a.b":1}`, status: 400},
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1","a\u0000b":1}`, status: 400},
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1","language":"\ud800"}`, status: 400},
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1","multipleBirthInteger":1e999999999}`, status: 400},
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":1}`, status: 400},
		{do: "PUT Patient/1", body: `{"resourceType":["Patient"],"id":"1"}`, status: 400},
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1","meta":[]}`, status: 400},
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1","meta":{"versionId":1}}`, status: 400},
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1","contained":[{"id":"x"}]}`, status: 400},
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1","contained":[{"resourceType":"Nothing"}]}`, status: 400},
		{do: "PUT Patient/1", body: `"Patient"`, status: 400},
		{do: "PUT Patient/1", body: `null`, status: 400},
		{do: "GET _history", status: 200, has: []string{`"total":0`}},
	}},
	{"ids", []step{
		{do: "PUT Patient/" + strings.Repeat("a", 65), body: `{"resourceType":"Patient","id":"` + strings.Repeat("a", 65) + `"}`, status: 400},
		{do: "PUT Patient/%2E%2E%2Fx", body: `{"resourceType":"Patient","id":"../x"}`, status: 405},
		{do: "PUT Patient/%00", body: `{"resourceType":"Patient","id":"\u0000"}`, status: 400},
		{do: "GET Patient/%00", status: 404},
		{do: "GET Patient/%E2%82%AC", status: 404},
		{do: "DELETE Patient/a_b", status: 204},
		{do: "GET Patient/1/_history/99999999999999999999", status: 404},
		{do: "GET Patient/1/_history/-1", status: 404},
	}},
	{"narratives", []step{
		{do: "PUT Patient/1", body: narrative("<script>alert(1)</script>"), status: 400, has: []string{"Patient.text.div"}},
		{do: "PUT Patient/1", body: narrative("<a onclick='x'>x</a>"), status: 400},
		{do: "PUT Patient/1", body: narrative("<a href='javascript:alert(1)'>x</a>"), status: 400},
		{do: "PUT Patient/1", body: narrative("<iframe src='http://x.example'/>"), status: 400},
		{do: "PUT Patient/1", body: narrative("<b>x"), status: 400},
		{do: "PUT Patient/1", body: narrative("&undefined;"), status: 400},
		{do: "POST ", body: bundleOf("transaction", entry("PUT", "Patient/1", narrative("<script/>"))), status: 400, has: []string{"Bundle.entry[0].resource.text.div"}},
		{do: "PUT Patient/1", body: narrative("<p style='x'>a<br/>b</p>"), status: 201},
		{do: "PATCH Patient/1", header: jsonPatch, body: `[{"op":"replace","path":"/text/div","value":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><script/></div>"}]`, status: 422},
	}},
	{"xml", []step{
		{do: "PUT Patient/1", header: inXML, body: `<Patient xmlns="http://hl7.org/fhir"><id value="1"/>` + strings.Repeat(`<extension url="x">`, 70) + strings.Repeat(`</extension>`, 70) + `</Patient>`, status: 400, headers: xmlHeader, has: []string{"64"}},
		{do: "PUT Patient/1", header: inXML, body: "<Patient xmlns=\"http://hl7.org/fhir\"><id value=\"\xff\"/></Patient>", status: 400, headers: xmlHeader},
		{do: "PUT Patient/1", header: inXML, body: `<Patient xmlns="http://hl7.org/fhir"><id value="1" value="2"/></Patient>`, status: 400, headers: xmlHeader},
		{do: "PUT Patient/1", header: inXML, body: `<Patient xmlns="http://hl7.org/fhir"><id value="2"/></Patient>`, status: 400, headers: xmlHeader},
		{do: "PUT Patient/1", header: inXML, body: `<?xml version="1.0" encoding="ISO-8859-1"?><Patient xmlns="http://hl7.org/fhir"><id value="1"/></Patient>`, status: 400, headers: xmlHeader},
		{do: "PUT Patient/1", header: inXML, body: `<Patient xmlns="http://hl7.org/fhir"><id value="1"/><active value="yes"/></Patient>`, status: 400, headers: xmlHeader, has: []string{"line 1"}},
		{do: "POST ", header: inXML, body: `<Bundle xmlns="http://hl7.org/fhir"><type value="batch"/><entry><request><method value="GET"/><url value="Patient/1"/></request></entry></Bundle>`, status: 200, headers: xmlHeader, has: []string{"404 Not Found"}},
		{do: "POST ", header: inXML, body: `<Bundle xmlns="http://hl7.org/fhir"><type value="transaction"/><entry><resource><Patient><id value="1"/><text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml"><script/></div></text></Patient></resource><request><method value="PUT"/><url value="Patient/1"/></request></entry></Bundle>`, status: 400, headers: xmlHeader},
		{do: "GET Patient/1", status: 404},
	}},
	{"headers", []step{
		{do: "GET Patient", header: map[string]string{"Accept": strings.Repeat("text/x,", 500)}, status: 406},
		{do: "GET Patient", header: map[string]string{"Accept": ";;,,q=1"}, status: 406},
		{do: "GET Patient", header: map[string]string{"Accept": "application/fhir+json;q=high"}, status: 406},
		{do: "POST Patient", header: map[string]string{"Content-Type": "application/fhir+json; charset"}, body: `{"resourceType":"Patient"}`, status: 415},
		{do: "GET Patient?_format=", status: 200},
		{do: "PUT Patient/1", header: map[string]string{"If-Match": `W/"`}, body: `{"resourceType":"Patient","id":"1"}`, status: 400},
	}},
}
