package resttest

import "strings"

func bundleOf(kind, entries string) string {
	return `{"resourceType":"Bundle","type":"` + kind + `","entry":[` + entries + `]}`
}

// request is an entry without resource.
func request(method, url string) string {
	return `{"request":{"method":"` + method + `","url":"` + url + `"}}`
}

var transactions = []scenario{
	{"references between entries", []step{
		{do: "POST ", status: 200, body: bundleOf("transaction",
			`{"fullUrl":"urn:uuid:0a000000-0000-4000-8000-000000000001","resource":{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"urn:uuid:0a000000-0000-4000-8000-000000000002"}],"text":"urn:uuid:0a000000-0000-4000-8000-000000000002"},"subject":{"reference":"urn:uuid:0a000000-0000-4000-8000-000000000002"},"extension":[{"url":"http://x.example","valueCanonical":"urn:uuid:0a000000-0000-4000-8000-000000000002"}],"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><a href=\"urn:uuid:0a000000-0000-4000-8000-000000000002\">p</a> <img src='urn:uuid:0a000000-0000-4000-8000-000000000002' alt=\"urn:uuid:0a000000-0000-4000-8000-000000000002\"/></div>"}},"request":{"method":"POST","url":"Observation"}},`+
				`{"fullUrl":"urn:uuid:0a000000-0000-4000-8000-000000000002","resource":{"resourceType":"Patient","id":"old"},"request":{"method":"POST","url":"Patient"}}`),
			is: `{"resourceType":"Bundle","type":"transaction-response","entry":[{"response":{"status":"201 Created","location":"Observation/new-1/_history/1","etag":"W/\"1\"","lastModified":"{time}"}},{"response":{"status":"201 Created","location":"Patient/new-2/_history/1","etag":"W/\"1\"","lastModified":"{time}"}}]}`},
		{do: "GET Observation/new-1", status: 200, has: []string{
			`"subject":{"reference":"Patient/new-2"}`, `"system":"Patient/new-2"`, `<a href=\"Patient/new-2\">`, `src='Patient/new-2'`,
			`"text":"urn:uuid:0a000000-0000-4000-8000-000000000002"`, `"valueCanonical":"urn:uuid:0a000000-0000-4000-8000-000000000002"`, `alt=\"urn:uuid:`,
		}},
		{do: "GET Observation?subject=Patient/new-2", status: 200, has: []string{`"total":1`}},
	}},
	{"references relative to a fullUrl", []step{
		{do: "POST ", status: 200, body: bundleOf("transaction",
			`{"fullUrl":"http://other.example/fhir/Patient/1","resource":{"resourceType":"Patient","id":"1"},"request":{"method":"POST","url":"Patient"}},`+
				`{"fullUrl":"http://other.example/fhir/Observation/1","resource":{"resourceType":"Observation","status":"final","code":{"text":"c"},"subject":{"reference":"Patient/1"}},"request":{"method":"PUT","url":"Observation?identifier=none"}},`+
				`{"fullUrl":"urn:uuid:0a000000-0000-4000-8000-000000000003","resource":{"resourceType":"Observation","status":"final","code":{"text":"c"},"subject":{"reference":"http://other.example/fhir/Patient/1"}},"request":{"method":"POST","url":"Observation"}}`)},
		{do: "GET Observation?subject=Patient/new-1", status: 200, has: []string{`"total":2`}},
	}},
	{"references to versions", []step{
		// Which version the client writes does not matter: it becomes the one that the transaction makes.
		{do: "POST ", status: 200, body: bundleOf("transaction",
			`{"fullUrl":"urn:uuid:0a000000-0000-4000-8000-000000000001","resource":{"resourceType":"Patient","link":[{"other":{"reference":"urn:uuid:0a000000-0000-4000-8000-000000000001/_history/9"},"type":"seealso"}]},"request":{"method":"POST","url":"Patient"}},`+
				`{"fullUrl":"urn:uuid:0a000000-0000-4000-8000-000000000002","resource":{"resourceType":"Basic","code":{"text":"c"},"subject":{"reference":"urn:uuid:0a000000-0000-4000-8000-000000000001/_history/7"},"author":{"reference":"urn:uuid:0a000000-0000-4000-8000-000000000001"},"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><a href=\"urn:uuid:0a000000-0000-4000-8000-000000000001/_history/1\">p</a></div>"}},"request":{"method":"POST","url":"Basic"}}`)},
		{do: "GET Basic/new-2", status: 200, has: []string{`"subject":{"reference":"Patient/new-1/_history/1"}`, `"author":{"reference":"Patient/new-1"}`, `<a href=\"Patient/new-1/_history/1\">`}},
		{do: "GET Patient/new-1", status: 200, has: []string{`{"reference":"Patient/new-1/_history/1"}`}},
		{do: "GET Basic?subject=Patient/new-1", status: 200, has: []string{`"total":1`}},
		{do: "DELETE Basic/new-2", status: 204},
		// Updates, of which one goes on behind a deletion; the same content again makes a version, since a reference counts on it.
		{do: "POST ", status: 200, statuses: "200 201 200 201", body: bundleOf("transaction",
			`{"fullUrl":"http://other.example/fhir/Patient/new-1","resource":{"resourceType":"Patient","id":"new-1","active":true},"request":{"method":"PUT","url":"Patient/new-1"}},`+
				`{"fullUrl":"http://other.example/fhir/Basic/new-2","resource":{"resourceType":"Basic","id":"new-2","code":{"text":"c"},"subject":{"reference":"Patient/new-1/_history/4"}},"request":{"method":"PUT","url":"Basic/new-2"}},`+
				`{"fullUrl":"http://other.example/fhir/Patient/new-3","resource":{"resourceType":"Patient","identifier":[{"value":"none"}]},"request":{"method":"POST","url":"Patient","ifNoneExist":"_id=new-1"}},`+
				`{"fullUrl":"http://other.example/fhir/Basic/9","resource":{"resourceType":"Basic","id":"9","code":{"text":"c"},"subject":{"reference":"Basic/new-2/_history/1"},"author":{"reference":"http://other.example/fhir/Patient/new-3/_history/1"}},"request":{"method":"PUT","url":"Basic/9"}}`)},
		{do: "GET Basic/new-2", status: 200, headers: map[string]string{"ETag": `W/"3"`}, has: []string{`"Patient/new-1/_history/2"`}},
		{do: "GET Basic/9", status: 200, has: []string{`"subject":{"reference":"Basic/new-2/_history/3"}`, `"author":{"reference":"Patient/new-1/_history/1"}`}},
		{do: "POST ", status: 200, body: bundleOf("transaction",
			`{"fullUrl":"urn:uuid:0a000000-0000-4000-8000-000000000001","resource":{"resourceType":"Patient","id":"new-1","active":true},"request":{"method":"PUT","url":"Patient/new-1"}},`+
				`{"resource":{"resourceType":"Basic","id":"9","code":{"text":"c"},"subject":{"reference":"urn:uuid:0a000000-0000-4000-8000-000000000001/_history/1"}},"request":{"method":"PUT","url":"Basic/9"}}`)},
		{do: "GET Basic/9", status: 200, has: []string{`"subject":{"reference":"Patient/new-1/_history/3"}`}},
		{do: "GET Patient/new-1", status: 200, headers: map[string]string{"ETag": `W/"3"`}},
		// The extension asks for the same; it is gone afterwards, and what else there is stays.
		{do: "POST ", status: 200, body: bundleOf("transaction",
			`{"fullUrl":"urn:uuid:0a000000-0000-4000-8000-000000000001","resource":{"resourceType":"Patient","id":"new-1","active":false},"request":{"method":"PUT","url":"Patient/new-1"}},`+
				`{"resource":{"resourceType":"Basic","id":"9","code":{"text":"c"},"subject":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/resolve-as-version-specific","valueBoolean":true}],"reference":"urn:uuid:0a000000-0000-4000-8000-000000000001"},`+
				`"author":{"extension":[{"url":"http://x.example","valueString":"kept"},{"url":"http://hl7.org/fhir/StructureDefinition/resolve-as-version-specific","valueBoolean":true}],"reference":"urn:uuid:0a000000-0000-4000-8000-000000000001"}},"request":{"method":"PUT","url":"Basic/9"}}`)},
		{do: "GET Basic/9", status: 200, has: []string{`"subject":{"reference":"Patient/new-1/_history/4"}`, `"author":{"extension":[{"url":"http://x.example","valueString":"kept"}],"reference":"Patient/new-1/_history/4"}`}},
		// A version of what is not in the Bundle stays as it is.
		{do: "POST ", status: 200, body: bundleOf("transaction", entry("PUT", "Basic/9", `{"resourceType":"Basic","id":"9","code":{"text":"c"},"subject":{"reference":"Patient/new-1/_history/2"}}`))},
		{do: "GET Basic/9", status: 200, has: []string{`"subject":{"reference":"Patient/new-1/_history/2"}`}},
	}},
	{"all or nothing", []step{
		{do: "PUT Patient/kept", body: `{"resourceType":"Patient","id":"kept"}`, status: 201},
		{do: "POST ", status: 412, has: []string{`"expression":["Bundle.entry[2]"]`}, body: bundleOf("transaction",
			`{"resource":{"resourceType":"Patient","gender":"male"},"request":{"method":"POST","url":"Patient"}},`+
				`{"request":{"method":"DELETE","url":"Patient/kept"}},`+
				`{"resource":{"resourceType":"Patient","id":"kept2"},"request":{"method":"PUT","url":"Patient/kept2","ifMatch":"W/\"3\""}}`)},
		{do: "GET Patient/kept", status: 200},
		{do: "GET Patient?gender=male", status: 200, has: []string{`"total":0`}},
		{do: "GET _history", status: 200, has: []string{`"total":1`}},
	}},
	{"a refusal says where", []step{
		{do: "POST ", status: 400, body: bundleOf("transaction", entry("POST", "Patient", `{"resourceType":"Patient"}`)+","+entry("POST", "Patient", `{"resourceType":"Patient","name":[{"family":1}]}`)),
			has: []string{`"expression":["Bundle.entry[1].resource.name[0].family"]`}},
		{do: "POST ", status: 400, body: bundleOf("transaction", entry("POST", "Patient", `{"resourceType":"Observation"}`)), has: []string{"Bundle.entry[0]"}},
		{do: "POST ", status: 400, body: bundleOf("transaction", entry("POST", "Patient/1", `{"resourceType":"Patient"}`)), has: []string{"Bundle.entry[0]"}},
		{do: "POST ", status: 400, body: bundleOf("transaction", entry("POST", "Patient?identifier=1", `{"resourceType":"Patient"}`)), has: []string{"ifNoneExist"}},
		{do: "POST ", status: 404, body: bundleOf("transaction", entry("POST", "Nothing", `{"resourceType":"Nothing"}`)), has: []string{"Bundle.entry[0]"}},
		{do: "POST ", status: 400, body: bundleOf("transaction", `{"resource":{"resourceType":"Patient"}}`), has: []string{"Bundle.entry[0]", "request"}},
		{do: "POST ", status: 400, body: bundleOf("transaction", `{"request":{"method":"POST","url":"Patient"}}`), has: []string{"Bundle.entry[0]", "resource"}},
		{do: "POST ", status: 400, body: bundleOf("transaction", `{"request":{"method":"DELETE","url":"Patient/1","ifMtach":"W/\"1\""}}`), has: []string{"ifMtach"}},
		{do: "POST ", status: 400, body: bundleOf("transaction", `{"request":{"method":"BREW","url":"Patient/1"}}`), has: []string{"BREW"}},
		{do: "POST ", status: 400, body: bundleOf("transaction", `{"request":{"method":"GET","url":"http://elsewhere.example/fhir/Patient/1"}}`), has: []string{"not on this server"}},
		{do: "POST ", status: 404, body: bundleOf("transaction", entry("PUT", "Patient/1", `{"resourceType":"Patient","id":"1"}`)+`,{"request":{"method":"GET","url":"Patient/2"}}`), has: []string{"Bundle.entry[1]"}},
		{do: "POST ", status: 422, body: bundleOf("transaction", entry("POST", "Observation", observation("x", "nobody", "c", "2020", 1))), has: []string{`"expression":["Bundle.entry[0].resource.subject.reference"]`, "Patient/nobody"}},
		{do: "GET _history", status: 200, has: []string{`"total":0`}},
	}},
	{"order", []step{
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1","identifier":[{"system":"s","value":"1"}]}`, status: 201},
		// In the order of the entries the search would find the old one, and the create would find it too.
		{do: "POST ", status: 200, body: bundleOf("transaction",
			`{"request":{"method":"GET","url":"Patient?identifier=s|1"}},`+
				`{"resource":{"resourceType":"Patient","id":"2"},"request":{"method":"PUT","url":"Patient/2"}},`+
				`{"resource":{"resourceType":"Patient","identifier":[{"system":"s","value":"1"}],"active":true},"request":{"method":"POST","url":"Patient","ifNoneExist":"identifier=s|1"}},`+
				`{"request":{"method":"DELETE","url":"Patient/1"}},`+
				`{"request":{"method":"HEAD","url":"Patient/2"}}`),
			has: []string{`"entry":[{"resource":{"resourceType":"Bundle","type":"searchset","total":1`, `"active":true`, `"status":"204 No Content"`, `Patient/2/_history/1`}},
		{do: "GET Patient/1", status: 410},
	}},
	{"conditional references", []step{
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1","identifier":[{"system":"s","value":"1"}]}`, status: 201},
		{do: "POST ", status: 200, body: bundleOf("transaction", entry("POST", "Observation", `{"resourceType":"Observation","status":"final","code":{"text":"c"},"subject":{"reference":"Patient?identifier=s|1"}}`))},
		{do: "GET Observation/new-1", status: 200, has: []string{`"reference":"Patient/1"`}},
		{do: "POST ", status: 412, body: bundleOf("transaction", entry("POST", "Observation", `{"resourceType":"Observation","status":"final","code":{"text":"c"},"subject":{"reference":"Patient?identifier=s|2"}}`)),
			has: []string{`"expression":["Bundle.entry[0].resource.subject.reference"]`}},
		{do: "PUT Patient/2", body: `{"resourceType":"Patient","id":"2","identifier":[{"system":"s","value":"1"}]}`, status: 201},
		{do: "POST ", status: 412, body: bundleOf("transaction", entry("POST", "Observation", `{"resourceType":"Observation","status":"final","code":{"text":"c"},"subject":{"reference":"Patient?identifier=s|1"}}`)),
			has: []string{`"code":"multiple-matches"`, `"expression":["Bundle.entry[0].resource.subject.reference"]`}},
		{do: "POST ", status: 400, body: bundleOf("transaction", entry("POST", "Observation", `{"resourceType":"Observation","status":"final","code":{"text":"c"},"subject":{"reference":"Patient?nothing=1"}}`)),
			has: []string{"nothing", "Bundle.entry[0]"}},
		{do: "POST Observation", status: 422, body: `{"resourceType":"Observation","status":"final","code":{"text":"c"},"subject":{"reference":"Patient?identifier=s|1"}}`},
		{do: "GET Observation?_summary=count", status: 200, has: []string{`"total":1`}},
	}},
	{"conditional entries", []step{
		{do: "POST ", status: 200, body: bundleOf("transaction",
			`{"fullUrl":"urn:uuid:0a000000-0000-4000-8000-000000000001","resource":{"resourceType":"Patient","identifier":[{"system":"s","value":"1"}]},"request":{"method":"POST","url":"Patient","ifNoneExist":"identifier=s|1"}},`+
				`{"fullUrl":"urn:uuid:0a000000-0000-4000-8000-000000000002","resource":{"resourceType":"Patient","identifier":[{"system":"s","value":"1"}]},"request":{"method":"POST","url":"Patient","ifNoneExist":"identifier=s|1"}},`+
				`{"resource":{"resourceType":"Observation","status":"final","code":{"text":"c"},"subject":{"reference":"urn:uuid:0a000000-0000-4000-8000-000000000002"}},"request":{"method":"POST","url":"Observation"}}`),
			has: []string{`[{"response":{"status":"201 Created","location":"Patient/new-1/_history/1"`, `{"response":{"status":"200 OK","location":"Patient/new-1/_history/1"`}},
		{do: "GET Observation?subject=Patient/new-1", status: 200, has: []string{`"total":1`}},
		{do: "POST ", status: 200, body: bundleOf("transaction",
			`{"fullUrl":"urn:uuid:0a000000-0000-4000-8000-000000000001","resource":{"resourceType":"Patient","identifier":[{"system":"s","value":"1"}],"active":true},"request":{"method":"PUT","url":"Patient?identifier=s|1"}},`+
				`{"request":{"method":"DELETE","url":"Observation?subject=Patient/new-1"}}`),
			has: []string{`[{"response":{"status":"200 OK","location":"Patient/new-1/_history/2"`, `{"response":{"status":"204 No Content"`}},
		{do: "GET Observation/new-3", status: 410},
	}},
	{"the same resource twice", []step{
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1","identifier":[{"system":"s","value":"1"}]}`, status: 201},
		{do: "POST ", status: 400, has: []string{"Bundle.entry[1]"}, body: bundleOf("transaction", entry("PUT", "Patient/1", `{"resourceType":"Patient","id":"1"}`)+","+entry("PUT", "Patient/1", `{"resourceType":"Patient","id":"1"}`))},
		{do: "POST ", status: 400, body: bundleOf("transaction", entry("PUT", "Patient/1", `{"resourceType":"Patient","id":"1"}`)+`,{"request":{"method":"DELETE","url":"Patient/1"}}`)},
		{do: "POST ", status: 400, body: bundleOf("transaction", entry("PUT", "Patient/1", `{"resourceType":"Patient","id":"1"}`)+","+entry("PUT", "Patient?identifier=s|1", `{"resourceType":"Patient"}`))},
		{do: "POST ", status: 400, has: []string{"fullUrl"}, body: bundleOf("transaction",
			`{"fullUrl":"urn:uuid:0a000000-0000-4000-8000-000000000001","resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}},{"fullUrl":"urn:uuid:0a000000-0000-4000-8000-000000000001","resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}}`)},
		{do: "GET Patient/1/_history", status: 200, has: []string{`"total":1`}},
	}},
	{"deletions", []step{
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1"}`, status: 201},
		{do: "PUT Observation/1", body: observation1("1"), status: 201},
		{do: "POST ", status: 409, body: bundleOf("transaction", `{"request":{"method":"DELETE","url":"Patient/1"}}`), has: []string{"Observation/1", "Bundle.entry[0]"}},
		{do: "POST ", status: 200, body: bundleOf("transaction", `{"request":{"method":"DELETE","url":"Patient/1"}},{"request":{"method":"DELETE","url":"Observation/1"}},{"request":{"method":"DELETE","url":"Patient/2"}}`),
			is: `{"resourceType":"Bundle","type":"transaction-response","entry":[{"response":{"status":"204 No Content","etag":"W/\"2\"","lastModified":"{time}"}},{"response":{"status":"204 No Content","etag":"W/\"2\"","lastModified":"{time}"}},{"response":{"status":"204 No Content"}}]}`},
	}},
	{"urls as clients write them", []step{
		{do: "POST /fhir/", status: 200, body: bundleOf("transaction", entry("PUT", "/Patient/1", `{"resourceType":"Patient","id":"1"}`)+","+entry("PUT", "{base}/Patient/2", `{"resourceType":"Patient","id":"2"}`)+`,{"request":{"method":"GET","url":"{base}/Patient?_id=1,2"}}`), has: []string{`"total":2`}},
		{do: "POST ", status: 200, body: bundleOf("transaction", `{"request":{"method":"GET","url":"Patient/1/_history/1"}},{"request":{"method":"GET","url":"Patient/1","ifNoneMatch":"W/\"1\""}}`), has: []string{`"status":"200 OK"`, `"status":"304 Not Modified"`}},
		{do: "POST ", status: 200, body: `{"resourceType":"Bundle","type":"transaction"}`, is: `{"resourceType":"Bundle","type":"transaction-response"}`},
		{do: "POST ", status: 200, header: map[string]string{"Prefer": "return=representation"}, body: bundleOf("transaction", entry("POST", "Patient", `{"resourceType":"Patient","active":true}`)), has: []string{`"fullUrl":"{base}/Patient/new-1","resource":{"resourceType":"Patient","id":"new-1"`}},
		{do: "POST ", status: 200, header: map[string]string{"Prefer": "return=OperationOutcome"}, body: bundleOf("transaction", entry("POST", "Patient", `{"resourceType":"Patient"}`)), has: []string{`"outcome":{"resourceType":"OperationOutcome"`}},
	}},
	{"reads of every kind", []step{
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1"}`, status: 201},
		{do: "POST ", status: 200, statuses: "201 200 200 200 200 200 404 400 404", body: bundleOf("batch",
			request("GET", "Patient/1/_history")+","+request("HEAD", "Patient/_history?_count=1")+","+request("GET", "{base}/_history?_count=0")+","+
				request("GET", "metadata")+","+request("GET", "/metadata?_elements=status")+","+
				request("GET", "Patient/2/_history")+","+request("GET", "Patient/1/_history?_since=soon")+","+request("GET", "metadata/1")),
			has: []string{`"type":"history","total":1`, `"resourceType":"CapabilityStatement"`, `"purpose":"test"`, `SUBSETTED`}},
		{do: "POST ", status: 200, statuses: "200 200 200", body: bundleOf("transaction",
			entry("PUT", "Patient/1", `{"resourceType":"Patient","id":"1","active":true}`)+","+request("GET", "metadata")+","+request("GET", "Patient/1/_history/2")),
			has: []string{`"resourceType":"CapabilityStatement"`, `"active":true`}},
		{do: "POST ", status: 400, has: []string{"history inside a transaction", `"expression":["Bundle.entry[0]"]`}, body: bundleOf("transaction", request("GET", "Patient/1/_history"))},
		{do: "POST ", status: 404, body: bundleOf("transaction", request("GET", "Patient/1/_history/3"))},
		{do: "POST ", status: 200, statuses: "400 400 400", body: bundleOf("batch", request("POST", "metadata")+","+request("PUT", "metadata")+","+request("DELETE", "_history"))},
	}},
	{"not a bundle to process", []step{
		{do: "POST ", status: 400, body: `{"resourceType":"Patient"}`, has: []string{"Patient"}},
		{do: "POST ", status: 400, body: `{"resourceType":"Bundle","type":"collection"}`, has: []string{`"expression":["Bundle.type"]`}},
		{do: "POST ", status: 400, body: `{"resourceType":"Bundle"}`},
		{do: "POST ", status: 400, body: `{"resourceType":"Bundle","type":"batch","entry":{}}`},
		{do: "POST ", status: 400, body: `{"resourceType":"Bundle","type":"batch","entires":[]}`, has: []string{"entires"}},
		{do: "POST ", status: 413, body: bundleOf("batch", repeat(`{"request":{"method":"GET","url":"Patient/1"}}`, 101)), has: []string{"101", "100"}},
	}},
}

func observation1(patient string) string {
	return `{"resourceType":"Observation","id":"1","status":"final","code":{"text":"c"},"subject":{"reference":"Patient/` + patient + `"}}`
}

func repeat(text string, n int) string { return strings.Repeat(text+",", n-1) + text }

var batches = []scenario{
	{"entries on their own", []step{
		{do: "POST ", status: 200, body: bundleOf("batch",
			entry("PUT", "Patient/1", `{"resourceType":"Patient","id":"1","active":true}`)+","+
				entry("POST", "Patient", `{"resourceType":"Patient","name":[{"family":1}]}`)+`,`+
				`{"request":{"method":"GET","url":"Patient/1"}},`+
				`{"request":{"method":"GET","url":"Patient/2"}},`+
				`{"request":{"method":"GET","url":"Patient?active=true"}},`+
				`{"request":{"method":"GET","url":"Patient/1/_history"}},`+
				`{"request":{"method":"DELETE","url":"Patient/3"}},`+
				`{"request":{"method":"GET","url":"Patient/1/Observation"}},`+
				`{"bad":1}`),
			has: []string{
				`{"resourceType":"Bundle","type":"batch-response","entry":[{"response":{"status":"201 Created","location":"Patient/1/_history/1"`,
				`{"response":{"status":"400 Bad Request","outcome":{"resourceType":"OperationOutcome"`, `"expression":["Bundle.entry[1].resource.name[0].family"]`,
				`{"fullUrl":"{base}/Patient/1","resource":{"resourceType":"Patient"`, `"status":"404 Not Found"`, `"type":"searchset","total":1`, `"type":"history","total":1`, `"status":"204 No Content"`, `"type":"searchset","total":0`,
			}},
		{do: "GET Patient/1", status: 200},
	}},
	{"refusals undo nothing else", []step{
		{do: "POST ", status: 200, body: bundleOf("batch",
			entry("PUT", "Patient/1", `{"resourceType":"Patient","id":"1"}`)+","+
				`{"resource":{"resourceType":"Patient","id":"2"},"request":{"method":"PUT","url":"Patient/2","ifMatch":"W/\"9\""}},`+
				entry("PUT", "Observation/1", observation1("1"))+","+
				entry("PUT", "Observation/2", observation("2", "2", "c", "2020", 1))+","+
				`{"request":{"method":"DELETE","url":"Patient/1"}},`+
				`{"resource":{"resourceType":"Patient","identifier":[{"system":"s","value":"1"}]},"request":{"method":"POST","url":"Patient","ifNoneExist":"identifier=s|1"}},`+
				`{"resource":{"resourceType":"Patient","identifier":[{"system":"s","value":"1"}]},"request":{"method":"POST","url":"Patient","ifNoneExist":"identifier=s|1"}},`+
				`{"request":{"method":"DELETE","url":"Observation/1"}},`+
				`{"request":{"method":"DELETE","url":"Patient/1"}}`),
			statuses: "201 412 201 422 409 201 200 204 204"},
		{do: "GET Patient/1/_history", status: 200, has: []string{`"total":2`}},
		{do: "GET Observation/1/_history", status: 200, has: []string{`"total":2`}},
		{do: "GET _history", status: 200, has: []string{`"total":5`}},
	}},
	// A condition that cannot be read is not left out.
	{"conditions that are no text", []step{
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1"}`, status: 201},
		{do: "POST ", status: 200, statuses: "400 400 400 400 400 400", body: bundleOf("batch",
			`{"resource":{"resourceType":"Patient","id":"1","gender":"male"},"request":{"method":"PUT","url":"Patient/1","ifMatch":["W/\"7\""]}},`+
				`{"resource":{"resourceType":"Patient","id":"1","gender":"male"},"request":{"method":"PUT","url":"Patient/1","ifMatch":{}}},`+
				`{"resource":{"resourceType":"Patient","id":"1","gender":"male"},"request":{"method":"PUT","url":"Patient/1","ifMatch":""}},`+
				`{"resource":{"resourceType":"Patient","id":"1","gender":"male"},"request":{"method":"PUT","url":"Patient/1","ifNoneMatch":["*"]}},`+
				`{"request":{"method":"DELETE","url":"Patient/1","ifMatch":null}},`+
				`{"fullUrl":5,"resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}}`)},
		{do: "GET _history", status: 200, has: []string{`"total":1`}},
	}},
	{"references between entries of a batch are refused", []step{
		{do: "POST ", status: 200, statuses: "201 400 422 400 400 201", body: bundleOf("batch",
			named(urn("1"), "POST", "Patient", "", `{"resourceType":"Patient"}`)+","+
				entry("POST", "Observation", observationOf(urn("1"), "c"))+","+
				entry("POST", "Observation", observationOf("Patient/none", "c"))+","+
				`{"resource":`+observationOf("Patient/new-1", "c")+`,"request":{"method":"POST","url":"Observation","ifNoneExist":"subject:Patient=`+urn("1")+`"}},`+
				`{"request":{"method":"DELETE","url":"Observation?subject=`+urn("1")+`"}},`+
				entry("POST", "Observation", observationOf(urn("9"), "c"))),
			has: []string{`"expression":["Bundle.entry[1].resource.subject.reference"]`, `"expression":["Bundle.entry[2].resource.subject.reference"]`, "only in a transaction"}},
		{do: "GET Observation?_summary=count", status: 200, has: []string{`"total":1`}},
	}},
}

var references = []scenario{
	{"a target must exist", []step{
		{do: "POST Observation", body: observation1("1"), status: 422, has: []string{`"expression":["Observation.subject.reference"]`, "Patient/1"}},
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1"}`, status: 201},
		{do: "PUT Observation/1", body: observation1("1"), status: 201},
		{do: "PUT Observation/2", body: `{"resourceType":"Observation","id":"2","status":"final","code":{"text":"c"},"subject":{"reference":"Patient/1/_history/1"},"hasMember":[{"reference":"Observation/1"},{"reference":"#in"},{"reference":"http://other.example/fhir/Observation/9"},{"reference":"urn:uuid:0a000000-0000-4000-8000-000000000001"}],"contained":[{"resourceType":"Observation","id":"in","status":"final","code":{"text":"c"}}]}`, status: 201},
		{do: "PUT Observation/3", body: `{"resourceType":"Observation","id":"3","status":"final","code":{"text":"c"},"hasMember":[{"reference":"Observation/1"},{"reference":"Observation/9"}]}`, status: 422, has: []string{`Observation.hasMember[1].reference`}},
		{do: "PUT Observation/3", body: `{"resourceType":"Observation","id":"3","status":"final","code":{"text":"c"},"subject":{"reference":"#in"},"contained":[{"resourceType":"Patient","id":"in","generalPractitioner":[{"reference":"Practitioner/9"}]}]}`, status: 422, has: []string{`Observation.contained[0].generalPractitioner[0].reference`}},
		{do: "PUT Observation/4", body: `{"resourceType":"Observation","id":"4","status":"final","code":{"text":"c"},"hasMember":[{"reference":"Observation/4"}]}`, status: 201},
		{do: "GET Observation/3", status: 404},
	}},
	{"what is referred to stays", []step{
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1"}`, status: 201},
		{do: "PUT Observation/1", body: observation1("1"), status: 201},
		{do: "DELETE Patient/1", status: 409, has: []string{`"code":"conflict"`, "Observation/1"}},
		{do: "GET Patient/1", status: 200},
		{do: "DELETE Observation/1", status: 204},
		{do: "DELETE Patient/1", status: 204},
		{do: "PUT Observation/1", body: observation1("1"), status: 422},
	}},
	{"a deletion of itself", []step{
		{do: "PUT Observation/4", body: `{"resourceType":"Observation","id":"4","status":"final","code":{"text":"c"},"hasMember":[{"reference":"Observation/4"}]}`, status: 201},
		{do: "DELETE Observation/4", status: 204},
	}},
}
