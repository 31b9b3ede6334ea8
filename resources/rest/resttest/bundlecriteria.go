package resttest

import "encoding/base64"

// urn is the fullUrl of a Bundle's entry.
func urn(digit string) string { return "urn:uuid:0a000000-0000-4000-8000-00000000000" + digit }

// named is an entry with a fullUrl; more are members of its request: `,"ifNoneExist":"…"`.
func named(fullURL, method, url, more, resource string) string {
	return `{"fullUrl":"` + fullURL + `","resource":` + resource + `,"request":{"method":"` + method + `","url":"` + url + `"` + more + `}}`
}

func ifNoneExist(criteria string) string { return `,"ifNoneExist":"` + criteria + `"` }

func patientS(value string) string {
	return `{"resourceType":"Patient","identifier":[{"system":"s","value":"` + value + `"}]}`
}

func observationOf(reference, code string) string {
	return `{"resourceType":"Observation","status":"final","code":{"coding":[{"code":"` + code + `"}]},"subject":{"reference":"` + reference + `"}}`
}

const patchedPatient = `{"resourceType":"Patient","id":"1","identifier":[{"system":"s","value":"1"}]}`

// patchOf is an entry that makes the subject another one.
func patchOf(url, subject string) string {
	patch := base64.StdEncoding.EncodeToString([]byte(`[{"op":"replace","path":"/subject","value":` + subject + `}]`))
	return `{"resource":{"resourceType":"Binary","contentType":"application/json-patch+json","data":"` + patch + `"},"request":{"method":"PATCH","url":"` + url + `"}}`
}

// bundleCriteria are the criteria of a transaction's entries that name other entries of it, and conditional references (http.html#trules).
var bundleCriteria = []scenario{
	{"a bundle sent again makes no duplicates", []step{
		{do: "POST ", status: 200, statuses: "201 201 201 201", body: sentAgain},
		{do: "POST ", status: 200, statuses: "200 200 200 200", body: sentAgain},
		{do: "GET Observation?subject=Patient/new-3&_summary=count", status: 200, has: []string{`"total":3`}},
		{do: "GET _history", status: 200, has: []string{`"total":4`}},
		// One is gone: it alone is created again.
		{do: "DELETE Observation/new-1", status: 204},
		{do: "POST ", status: 200, statuses: "201 200 200 200", body: sentAgain},
	}},
	{"criteria name an update, an id or a url", []step{
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1"}`, status: 201},
		{do: "PUT Observation/1", body: observation1("1"), status: 201},
		{do: "POST ", status: 200, statuses: "200 200 200 200", body: bundleOf("transaction",
			named(urn("1"), "PUT", "Patient/1", "", `{"resourceType":"Patient","id":"1","active":true}`)+","+
				named(urn("2"), "POST", "Observation", ifNoneExist("subject="+urn("1")), observationOf(urn("1"), "c"))+","+
				named(urn("3"), "POST", "Observation", ifNoneExist("subject:Patient="+urn("1")+",Patient/none"), observationOf(urn("1"), "c"))+","+
				named(urn("4"), "POST", "Observation", ifNoneExist("Observation?patient="+urn("1")), observationOf(urn("1"), "c")))},
		{do: "GET Observation?_summary=count", status: 200, has: []string{`"total":1`}},
		// What is a token is no name of an entry.
		{do: "POST ", status: 200, statuses: "201 201", body: bundleOf("transaction",
			named(urn("1"), "POST", "Patient", ifNoneExist("identifier="+urn("1")), `{"resourceType":"Patient","identifier":[{"value":"`+urn("1")+`"}]}`)+","+
				named("http://other.example/fhir/Observation/7", "POST", "Observation", ifNoneExist("subject="+urn("1")), observationOf(urn("1"), "c")))},
		{do: "POST ", status: 200, statuses: "200 200", body: bundleOf("transaction",
			named(urn("1"), "POST", "Patient", ifNoneExist("identifier="+urn("1")), `{"resourceType":"Patient","identifier":[{"value":"`+urn("1")+`"}]}`)+","+
				named("http://other.example/fhir/Observation/7", "POST", "Observation", ifNoneExist("subject="+urn("1")), observationOf(urn("1"), "c")))},
		{do: "POST ", status: 200, statuses: "200 201 200", body: bundleOf("transaction",
			named("http://other.example/fhir/Patient/9", "POST", "Patient", ifNoneExist("_id=1"), `{"resourceType":"Patient"}`)+","+
				named(urn("5"), "POST", "Observation", ifNoneExist("subject=http://other.example/fhir/Patient/9&code=new"), observationOf("http://other.example/fhir/Patient/9", "new"))+","+
				named(urn("6"), "POST", "Observation", ifNoneExist("subject=Patient/1&code=new"), observationOf("Patient/1", "new")))},
	}},
	{"what canonicals name is not renamed", []step{
		{do: "POST ", status: 200, statuses: "201 201 201", body: artifacts},
		{do: "POST ", status: 200, statuses: "200 200 200", body: artifacts},
		{do: "GET ValueSet/new-1", status: 200, has: []string{`"url":"http://x.example/fhir/ValueSet/v"`, `"versionId":"1"`}},
		{do: "GET StructureDefinition/d", status: 200, has: []string{`"url":"http://x.example/fhir/StructureDefinition/d"`, `"valueSet":"http://x.example/fhir/ValueSet/v"`}},
		{do: "GET Basic?subject=ValueSet/new-1", status: 200, has: []string{`"total":1`, `"url":"http://x.example/fhir/StructureDefinition/d"`, `"system":"http://x.example/fhir/ValueSet/v"`, `"subject":{"reference":"ValueSet/new-1"}`}},
	}},
	{"in urls, chains and searches", []step{
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1","identifier":[{"system":"s","value":"1"}]}`, status: 201},
		{do: "PUT Observation/1", body: observation1("1"), status: 201},
		{do: "POST ", status: 200, statuses: "200 200 200 200", body: bundleOf("transaction",
			named(urn("1"), "POST", "Patient", ifNoneExist("identifier=s|1"), patientS("1"))+","+
				named(urn("2"), "PUT", "Observation?subject="+urn("1"), "", `{"resourceType":"Observation","status":"amended","code":{"text":"c"},"subject":{"reference":"`+urn("1")+`"}}`)+","+
				`{"request":{"method":"GET","url":"Observation?subject=`+urn("1")+`"}},`+
				`{"request":{"method":"GET","url":"Patient?_has:Observation:subject:subject=`+urn("1")+`"}}`),
			has: []string{`"location":"Observation/1/_history/2"`, `"total":1,"link":[{"relation":"self","url":"{base}/Observation?subject=Patient/1&`, `Patient?_has:Observation:subject:subject=Patient/1`}},
		{do: "POST ", status: 200, statuses: "200 200", body: bundleOf("transaction",
			named(urn("1"), "POST", "Patient", ifNoneExist("identifier=s|1"), patientS("1"))+","+
				`{"resource":{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"type","valueCode":"replace"},{"name":"path","valueString":"Observation.status"},{"name":"value","valueCode":"final"}]}]},"request":{"method":"PATCH","url":"Observation?subject=`+urn("1")+`"}}`)},
		{do: "GET Observation/1", status: 200, has: []string{`"status":"final"`}},
		// A search for what the transaction creates.
		{do: "POST ", status: 200, statuses: "201 201 200", body: bundleOf("transaction",
			named(urn("1"), "POST", "Patient", ifNoneExist("identifier=s|2"), patientS("2"))+","+
				named(urn("2"), "POST", "Observation", "", observationOf(urn("1"), "c"))+","+
				`{"request":{"method":"GET","url":"Observation?subject=`+urn("1")+`"}}`),
			has: []string{`"type":"searchset","total":1`}},
		{do: "POST ", status: 400, has: []string{"Bundle.entry[1]", "deletion"}, body: bundleOf("transaction",
			named(urn("1"), "POST", "Patient", ifNoneExist("identifier=s|1"), patientS("1"))+`,{"request":{"method":"DELETE","url":"Observation?subject=`+urn("1")+`"}}`)},
		{do: "POST ", status: 200, statuses: "200 204", body: bundleOf("transaction",
			named(urn("1"), "PUT", "Patient/1", "", `{"resourceType":"Patient","id":"1"}`)+`,{"request":{"method":"DELETE","url":"Observation?subject=`+urn("1")+`"}}`)},
		{do: "GET Observation/1", status: 410},
	}},
	{"criteria that wait for each other", []step{
		{do: "POST ", status: 400, has: []string{`"expression":["Bundle.entry[0]"]`, "wait for each other"}, body: bundleOf("transaction",
			named(urn("1"), "POST", "Encounter", ifNoneExist("part-of="+urn("2")), `{"resourceType":"Encounter","status":"finished","class":{"code":"AMB"}}`)+","+
				named(urn("2"), "POST", "Encounter", ifNoneExist("part-of="+urn("1")), `{"resourceType":"Encounter","status":"finished","class":{"code":"AMB"}}`))},
		{do: "POST ", status: 400, has: []string{`"expression":["Bundle.entry[0]"]`}, body: bundleOf("transaction",
			named(urn("1"), "POST", "Encounter", ifNoneExist("part-of="+urn("1")), `{"resourceType":"Encounter","status":"finished","class":{"code":"AMB"}}`))},
	}},
	{"equal criteria mean one resource", []step{
		// The same patient by two names: the two observations are one.
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1","identifier":[{"system":"s","value":"1"}]}`, status: 201},
		{do: "POST ", status: 200, statuses: "200 200 201 200", body: bundleOf("transaction",
			named(urn("1"), "POST", "Patient", ifNoneExist("identifier=s|1"), patientS("1"))+","+
				named(urn("2"), "POST", "Patient", ifNoneExist("_id=1"), patientS("1"))+","+
				named(urn("3"), "POST", "Observation", ifNoneExist("code=c&subject="+urn("1")), observationOf(urn("1"), "c"))+","+
				named(urn("4"), "POST", "Observation", ifNoneExist("code=c&subject="+urn("2")), observationOf(urn("2"), "c")))},
		{do: "POST ", status: 400, has: []string{"Bundle.entry[2] creates"}, body: bundleOf("transaction",
			named(urn("1"), "POST", "Patient", ifNoneExist("identifier=s|1"), patientS("1"))+","+
				named(urn("2"), "PUT", "Observation?code=d&subject=Patient/1", "", observationOf("Patient/1", "d"))+","+
				named(urn("3"), "POST", "Observation", ifNoneExist("code=d&subject="+urn("1")), observationOf(urn("1"), "d")))},
		{do: "GET Observation?_summary=count", status: 200, has: []string{`"total":1`}},
	}},
	{"conditional references to what the transaction writes", []step{
		{do: "POST ", status: 200, statuses: "201 201 201", body: bundleOf("transaction",
			entry("POST", "Observation", observationOf("Patient?identifier=s|1", "c"))+","+
				named(urn("1"), "POST", "Patient", ifNoneExist("identifier=s|1"), patientS("1"))+","+
				entry("POST", "Observation", observationOf("Patient?identifier=s|1", "d")))},
		{do: "GET Observation?subject=Patient/new-2&_summary=count", status: 200, has: []string{`"total":2`}},
		// An update gives it the identifier, and takes it from it.
		{do: "POST ", status: 200, body: bundleOf("transaction",
			entry("PUT", "Patient/u", `{"resourceType":"Patient","id":"u","identifier":[{"system":"s","value":"u"}]}`)+","+entry("POST", "Observation", observationOf("Patient?identifier=s|u", "u")))},
		{do: "GET Observation?subject=Patient/u&_summary=count", status: 200, has: []string{`"total":1`}},
		{do: "POST ", status: 412, has: []string{`"expression":["Bundle.entry[1].resource.subject.reference"]`}, body: bundleOf("transaction",
			entry("PUT", "Patient/u", `{"resourceType":"Patient","id":"u"}`)+","+entry("POST", "Observation", observationOf("Patient?identifier=s|u", "u")))},
		// There is one already, and the transaction makes another.
		{do: "POST ", status: 412, has: []string{`"code":"multiple-matches"`}, body: bundleOf("transaction",
			entry("POST", "Patient", patientS("u"))+","+entry("POST", "Observation", observationOf("Patient?identifier=s|u", "u")))},
		{do: "POST ", status: 412, has: []string{`"code":"multiple-matches"`}, body: bundleOf("transaction",
			entry("POST", "Patient", patientS("v"))+","+entry("POST", "Patient", patientS("v"))+","+entry("POST", "Observation", observationOf("Patient?identifier=s|v", "v")))},
		// What a reference asks for may be known by a name in the Bundle, and the resource may refer to itself.
		{do: "POST ", status: 200, body: bundleOf("transaction",
			named(urn("1"), "POST", "Organization", "", `{"resourceType":"Organization","name":"o"}`)+","+
				entry("POST", "Location", `{"resourceType":"Location","name":"l","managingOrganization":{"reference":"`+urn("1")+`"}}`)+","+
				entry("POST", "Encounter", `{"resourceType":"Encounter","status":"finished","class":{"code":"AMB"},"location":[{"location":{"reference":"Location?organization=`+urn("1")+`"}}],"partOf":{"reference":"Encounter?status=finished"}}`))},
		{do: "GET Encounter?_include=Encounter:location", status: 200, has: []string{`"name":"l"`, `"partOf":{"reference":"Encounter/`}},
	}},
	{"conditional references that patches make", []step{
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1","identifier":[{"system":"s","value":"1"}]}`, status: 201},
		{do: "PUT Observation/1", body: observation1("1"), status: 201},
		{do: "POST ", status: 200, statuses: "201 200", body: bundleOf("transaction",
			entry("POST", "Patient", patientS("2"))+","+patchOf("Observation/1", `{"reference":"Patient?identifier=s|2"}`))},
		{do: "GET Observation/1", status: 200, has: []string{`"subject":{"reference":"Patient/new-1"}`}},
		{do: "POST ", status: 412, has: []string{`"expression":["Bundle.entry[0].resource.subject.reference"]`, "nothing matches"}, body: bundleOf("transaction", patchOf("Observation/1", `{"reference":"Patient?identifier=s|3"}`))},
		{do: "POST ", status: 400, has: []string{urn("9")}, body: bundleOf("transaction", patchOf("Observation/1", `{"reference":"`+urn("9")+`"}`))},
		{do: "POST ", status: 200, statuses: "200 200", body: bundleOf("transaction",
			named(urn("1"), "PUT", "Patient/1", "", patchedPatient)+","+patchOf("Observation/1", `{"reference":"`+urn("1")+`"}`))},
		{do: "GET Observation/1", status: 200, has: []string{`"subject":{"reference":"Patient/1"}`}},
	}},
	{"references to entries that are not there", []step{
		{do: "POST ", status: 400, has: []string{`"expression":["Bundle.entry[0].resource.subject.reference"]`, urn("9"), "fullUrl"},
			body: bundleOf("transaction", named(urn("1"), "POST", "Observation", "", observationOf(urn("9"), "c")))},
		{do: "POST ", status: 400, has: []string{"urn:oid:1.2.3"}, body: bundleOf("transaction", entry("PUT", "Observation/1", `{"resourceType":"Observation","id":"1","status":"final","code":{"text":"c"},"hasMember":[{"reference":"urn:oid:1.2.3"}]}`))},
		// Alone, it is a reference to something outside; and what was there may stay.
		{do: "PUT Observation/1", status: 201, body: `{"resourceType":"Observation","id":"1","status":"final","code":{"text":"c"},"subject":{"reference":"` + urn("9") + `"}}`},
		{do: "POST ", status: 200, body: bundleOf("transaction", entry("PUT", "Observation/1", `{"resourceType":"Observation","id":"1","status":"amended","code":{"text":"c"},"subject":{"reference":"`+urn("9")+`"}}`))},
		{do: "POST ", status: 200, body: bundleOf("history", entry("PUT", "Observation/2", `{"resourceType":"Observation","id":"2","status":"final","code":{"text":"c"},"subject":{"reference":"`+urn("9")+`"}}`))},
		// Other URNs and identifiers are none of the Bundle's business.
		{do: "POST ", status: 200, body: bundleOf("transaction", entry("PUT", "Observation/3", `{"resourceType":"Observation","id":"3","status":"final","code":{"text":"c"},"identifier":[{"system":"urn:oid:1.2.3","value":"`+urn("9")+`"}],"subject":{"reference":"urn:isbn:1"}}`))},
	}},
	{"overlapping identities", []step{
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1","identifier":[{"system":"s","value":"1"}]}`, status: 201},
		{do: "PUT Patient/2", body: `{"resourceType":"Patient","id":"2","identifier":[{"system":"s","value":"2"}]}`, status: 201},
		{do: "POST ", status: 400, has: []string{"Bundle.entry[0]", "what Bundle.entry[1] deletes"}, body: bundleOf("transaction", entry("PUT", "Patient?identifier=s|1", patientS("1"))+`,{"request":{"method":"DELETE","url":"Patient/1"}}`)},
		{do: "POST ", status: 400, has: []string{"what Bundle.entry[1] deletes"}, body: bundleOf("transaction", entry("PUT", "Patient?identifier=s|1", patientS("1"))+`,{"request":{"method":"DELETE","url":"Patient?identifier=s|1"}}`)},
		{do: "POST ", status: 400, has: []string{"Bundle.entry[0]", "Bundle.entry[1]"}, body: bundleOf("transaction", entry("POST", "Patient", patientS("3"))+","+entry("PUT", "Patient?identifier=s|3", patientS("3")))},
		{do: "GET _history", status: 200, has: []string{`"total":2`}},
		// Of two that match, one is deleted and the other updated.
		{do: "PUT Patient/2", body: `{"resourceType":"Patient","id":"2","identifier":[{"system":"s","value":"1"}]}`, status: 200},
		{do: "POST ", status: 200, statuses: "200 204", body: bundleOf("transaction", entry("PUT", "Patient?identifier=s|1", `{"resourceType":"Patient","active":true,"identifier":[{"system":"s","value":"1"}]}`)+`,{"request":{"method":"DELETE","url":"Patient/2"}}`)},
		{do: "GET Patient/1", status: 200, has: []string{`"active":true`}},
	}},
}

// artifacts are resources whose fullUrl is the url by which canonicals name them.
var artifacts = bundleOf("transaction",
	named("http://x.example/fhir/ValueSet/v", "PUT", "ValueSet?url=http://x.example/fhir/ValueSet/v", "", `{"resourceType":"ValueSet","url":"http://x.example/fhir/ValueSet/v","status":"active"}`)+","+
		named("http://x.example/fhir/StructureDefinition/d", "PUT", "StructureDefinition/d", "", `{"resourceType":"StructureDefinition","id":"d","url":"http://x.example/fhir/StructureDefinition/d","name":"D","status":"active","kind":"complex-type","abstract":false,"type":"Extension","differential":{"element":[{"id":"Extension","path":"Extension","binding":{"strength":"required","valueSet":"http://x.example/fhir/ValueSet/v"}}]}}`)+","+
		named("http://x.example/fhir/Basic/b", "PUT", "Basic?subject=http://x.example/fhir/ValueSet/v", "", `{"resourceType":"Basic","extension":[{"url":"http://x.example/fhir/StructureDefinition/d","valueBoolean":true}],"code":{"coding":[{"system":"http://x.example/fhir/ValueSet/v","code":"c"}]},"subject":{"reference":"http://x.example/fhir/ValueSet/v"}}`))

// sentAgain has its entries in an order that is not that of their dependencies.
var sentAgain = bundleOf("transaction",
	named(urn("3"), "POST", "Observation", ifNoneExist("code=c&has-member="+urn("2")),
		`{"resourceType":"Observation","status":"final","code":{"coding":[{"code":"c"}]},"subject":{"reference":"`+urn("1")+`"},"hasMember":[{"reference":"`+urn("2")+`"}]}`)+","+
		named(urn("2"), "POST", "Observation", ifNoneExist("subject="+urn("1")+"&code=b"), observationOf(urn("1"), "b"))+","+
		named(urn("1"), "POST", "Patient", ifNoneExist("identifier=s|1"), patientS("1"))+","+
		named(urn("4"), "POST", "Observation", ifNoneExist("subject="+urn("1")+"&code=d"), observationOf(urn("1"), "d")))
