package resttest

import "strings"

const (
	xmlHead    = `<?xml version="1.0" encoding="UTF-8"?>`
	xmlPatient = `<Patient xmlns="http://hl7.org/fhir"><id value="1"/><name><family value="Noé"/></name><active value="true"/></Patient>`
	xmlOne     = `<Patient xmlns="http://hl7.org/fhir"><id value="1"/><meta><versionId value="1"/><lastUpdated value="{time}"/></meta><active value="true"/><name><family value="Noé"/></name></Patient>`
	xmlSent    = `<Patient xmlns="http://hl7.org/fhir"><id value="1"/><active value="true"/><name><family value="Noé"/></name></Patient>`
)

var (
	inXML      = map[string]string{"Content-Type": "application/fhir+xml"}
	acceptsXML = map[string]string{"Accept": "application/fhir+xml"}
	xmlHeader  = map[string]string{"Content-Type": "application/fhir+xml;charset=utf-8"}
)

func xmlAs(contentType string) map[string]string {
	return map[string]string{"Content-Type": contentType + ";charset=utf-8"}
}

var xmlFormats = []scenario{
	{"written and read", []step{
		{do: "PUT Patient/1", header: inXML, body: xmlSent, status: 201, headers: xmlHeader, is: xmlHead + xmlOne},
		{do: "GET Patient/1", status: 200, is: `{"resourceType":"Patient","id":"1","meta":{"versionId":"1","lastUpdated":"{time}"},"active":true,"name":[{"family":"Noé"}]}`},
		{do: "GET Patient/1", header: acceptsXML, status: 200, headers: map[string]string{"Content-Type": "application/fhir+xml;charset=utf-8", "ETag": `W/"1"`}, is: xmlHead + xmlOne},
		{do: "HEAD Patient/1", header: acceptsXML, status: 200, headers: xmlHeader},
		{do: "GET Patient/1/_history/1", header: acceptsXML, status: 200, headers: xmlHeader, is: xmlHead + xmlOne},
		{do: "GET Patient/1?_elements=active", header: acceptsXML, status: 200, headers: xmlHeader, has: []string{`<active value="true"/>`, "SUBSETTED"}, hasNot: []string{"<name>"}},
		{do: "PUT Patient/1", header: inXML, body: xmlSent, status: 200, headers: map[string]string{"Content-Type": "application/fhir+xml;charset=utf-8", "ETag": `W/"1"`}},
		{do: "PUT Patient/1", header: map[string]string{"Content-Type": "application/fhir+xml", "Accept": "application/fhir+json"}, body: strings.Replace(xmlSent, "true", "false", 1), status: 200, has: []string{`"active":false`}},
		{do: "PUT Patient/1", header: acceptsXML, body: `{"resourceType":"Patient","id":"1","active":true}`, status: 200, headers: xmlHeader, has: []string{`<active value="true"/>`}},
	}},
	{"names of the format", []step{
		{do: "PUT Patient/1", header: map[string]string{"Content-Type": "text/xml; charset=UTF-8"}, body: xmlSent, status: 201, headers: xmlHeader},
		{do: "POST Patient", header: map[string]string{"Content-Type": "application/xml"}, body: xmlSent, status: 201, headers: xmlHeader},
		{do: "POST Patient", header: map[string]string{"Content-Type": "application/fhir+xml; fhirVersion=4.0"}, body: xmlSent, status: 201, headers: xmlHeader},
		{do: "POST Patient", header: map[string]string{"Content-Type": "application/fhir+xml; fhirVersion=5.0"}, body: xmlSent, status: 415, headers: xmlHeader},
		{do: "GET Patient/1", header: map[string]string{"Accept": "application/xml"}, status: 200, headers: xmlAs("application/xml")},
		{do: "GET Patient/1", header: map[string]string{"Accept": "text/xml"}, status: 200, headers: xmlAs("text/xml")},
		{do: "GET Patient/1", header: map[string]string{"Accept": "application/fhir+json;q=0.8, application/fhir+xml;q=0.9"}, status: 200, headers: xmlHeader},
		{do: "GET Patient/1", header: map[string]string{"Accept": "application/fhir+json;q=0.5, */*"}, status: 200, headers: xmlHeader},
		{do: "GET Patient/1", header: map[string]string{"Accept": "application/fhir+json;fhirVersion=3.0, application/fhir+xml;fhirVersion=4.0;q=0.1"}, status: 200, headers: xmlHeader},
		{do: "GET Patient/1?_format=xml", status: 200, headers: xmlHeader},
		{do: "GET Patient/1?_format=xml", header: map[string]string{"Accept": "application/fhir+json"}, status: 200, headers: xmlHeader},
		{do: "GET Patient/1?_format=text/xml", status: 200, headers: xmlAs("text/xml")},
		{do: "GET Patient/1?_format=application/xml", status: 200, headers: xmlAs("application/xml")},
		{do: "GET Patient/1?_format=application/fhir+xml", status: 200, headers: xmlHeader},
		{do: "GET Patient/1?_format=application/fhir%2Bxml", status: 200, headers: xmlHeader},
		{do: "GET Patient/1?_format=application/fhir%2Bxml;fhirVersion%3D5.0", status: 406},
	}},
	{"answers that the server composes", []step{
		{do: "PUT Patient/1", header: inXML, body: xmlSent, status: 201, headers: xmlHeader},
		{do: "GET Patient?active=true", header: acceptsXML, status: 200, headers: xmlHeader, has: []string{`<Bundle xmlns="http://hl7.org/fhir"><type value="searchset"/><total value="1"/><link>`, `<entry><fullUrl value="{base}/Patient/1"/><resource><Patient>`, `<search><mode value="match"/></search>`}},
		{do: "GET Patient/1/_history?_format=xml", status: 200, headers: xmlHeader, has: []string{`<type value="history"/>`, `<method value="PUT"/>`}},
		{do: "GET metadata?_format=xml", status: 200, headers: xmlHeader, has: []string{`<CapabilityStatement xmlns="http://hl7.org/fhir">`}},
		{do: "GET Patient/2", header: acceptsXML, status: 404, headers: xmlHeader, has: []string{`<code value="not-found"/>`}},
		{do: "GET Patient?famly=x", header: acceptsXML, status: 400, headers: xmlHeader, has: []string{`<expression value="famly"/>`}},
		{do: "GET nowhere/1/2/3/4?_format=xml", status: 404, headers: xmlHeader},
		{do: "GET Patient?_id=%01", header: acceptsXML, status: 200, headers: xmlHeader},
		{do: "GET Patient/2?_format=xml&_pretty=true", status: 404, headers: xmlHeader, has: []string{"there is no Patient/2"}},
		{do: "PUT Patient/2", header: map[string]string{"Content-Type": "application/fhir+xml", "Prefer": "return=OperationOutcome"}, body: strings.Replace(xmlSent, `"1"`, `"2"`, 1), status: 201, headers: xmlHeader, has: []string{"<OperationOutcome"}},
		{do: "PUT Patient/3", header: map[string]string{"Content-Type": "application/fhir+xml", "Prefer": "return=minimal"}, body: strings.Replace(xmlSent, `"1"`, `"3"`, 1), status: 201, hasNot: []string{"Patient "}},
		{do: "GET Patient/1?_format=xml&_pretty=true", status: 200, headers: xmlHeader, has: []string{"\n  <id value=\"1\"/>\n"}},
	}},
	{"bundles", []step{
		{do: "POST ", header: inXML, status: 200, headers: xmlHeader, body: `<Bundle xmlns="http://hl7.org/fhir"><type value="transaction"/>` +
			`<entry><fullUrl value="urn:uuid:0a000000-0000-4000-8000-000000000001"/><resource><Patient><gender value="male"/></Patient></resource><request><method value="POST"/><url value="Patient"/></request></entry>` +
			`<entry><resource><Observation><text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml"><a href="urn:uuid:0a000000-0000-4000-8000-000000000001">p</a></div></text><status value="final"/><code><text value="c"/></code><subject><reference value="urn:uuid:0a000000-0000-4000-8000-000000000001"/></subject></Observation></resource><request><method value="POST"/><url value="Observation"/></request></entry></Bundle>`,
			has: []string{`<type value="transaction-response"/>`, `<status value="201 Created"/><location value="Patient/new-1/_history/1"/>`}},
		{do: "GET Observation/new-2", status: 200, has: []string{`"reference":"Patient/new-1"`, `<a href=\"Patient/new-1\">`}},
	}},
	{"what is refused", []step{
		{do: "PUT Patient/1", header: inXML, body: "<Patient xmlns=\"http://hl7.org/fhir\">\n<id value=1/></Patient>", status: 400, headers: xmlHeader, has: []string{"line 2"}},
		{do: "PUT Patient/1", header: inXML, body: xmlPatient, status: 400, headers: xmlHeader, has: []string{"active"}},
		{do: "PUT Patient/1", header: inXML, body: `<Patient><id value="1"/></Patient>`, status: 400, headers: xmlHeader, has: []string{"namespace"}},
		{do: "PUT Patient/1", header: inXML, body: `<Patient xmlns="http://hl7.org/fhir"><id value="1"/><nmae/></Patient>`, status: 400, headers: xmlHeader, has: []string{"nmae"}},
		{do: "PUT Patient/1", header: inXML, body: `<Patient xmlns="http://hl7.org/fhir"><id value="1"/><gender value="robot"/></Patient>`, status: 400, headers: xmlHeader, has: []string{`<expression value="Patient.gender"/>`}},
		{do: "PUT Patient/1", header: inXML, body: `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><Patient xmlns="http://hl7.org/fhir"><id value="1"/><language value="&e;"/></Patient>`, status: 400, headers: xmlHeader, hasNot: []string{"root:"}},
		{do: "PUT Patient/1", header: inXML, body: `<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><Patient xmlns="http://hl7.org/fhir"><id value="1"/><language value="&b;"/></Patient>`, status: 400, headers: xmlHeader},
		{do: "PUT Patient/1", header: inXML, body: xmlSent + "<x/>", status: 400, headers: xmlHeader},
		{do: "PUT Patient/1", header: inXML, body: `{"resourceType":"Patient","id":"1"}`, status: 400, headers: xmlHeader},
		{do: "PUT Patient/1", header: inXML, status: 400, headers: xmlHeader, has: []string{"body"}},
		{do: "PUT Patient/1", body: xmlSent, status: 400},
		{do: "PUT Patient/1", header: inXML, body: `<Patient xmlns="http://hl7.org/fhir"><id value="1"/><text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml"><script>x</script></div></text></Patient>`, status: 400, headers: xmlHeader},
		{do: "GET _history", status: 200, has: []string{`"total":0`}},
	}},
}

var wantsXML = map[string]string{"Accept": "application/fhir+xml"}

// unchecked are resources that XML has no place for. What is stored is not refused afterwards.
var unchecked = []scenario{
	{"answers to writes", []step{
		{do: "PUT Patient/1", header: wantsXML, body: `{"resourceType":"Patient","id":"1","unknown":1}`, status: 201, headers: map[string]string{"ETag": `W/"1"`, "Content-Type": ""}},
		{do: "GET Patient/1", header: wantsXML, status: 406, headers: xmlHeader, has: []string{"unknown"}},
		{do: "POST ", header: with(wantsXML, "Prefer", "return=representation"), body: bundleOf("transaction", entry("PUT", "Patient/1", `{"resourceType":"Patient","id":"1","unknown":2}`)), status: 200, statuses: "200"},
		{do: "GET Patient", header: wantsXML, status: 406, headers: xmlHeader, has: []string{"unknown"}},
	}},
}
