package resttest

import "strings"

// corners are what the chapter on HTTP says in passing, or leaves to HTTP.
var corners = []scenario{
	{"methods and operations", []step{
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1"}`, status: 201},
		{do: "OPTIONS Patient/1", status: 204, headers: map[string]string{"Allow": "GET, HEAD, PUT, PATCH, DELETE"}},
		{do: "PUT metadata", body: `{"resourceType":"Patient"}`, status: 405, headers: map[string]string{"Allow": "GET, HEAD"}},
		{do: "DELETE metadata", status: 405, headers: map[string]string{"Allow": "GET, HEAD"}},
		{do: "DELETE _history", status: 405, headers: map[string]string{"Allow": "GET, HEAD"}},
		{do: "GET _search", status: 405, headers: map[string]string{"Allow": "POST"}},
		{do: "GET Patient/_search", status: 405, headers: map[string]string{"Allow": "POST"}},
		{do: "PUT Patient/_history", body: `{"resourceType":"Patient","id":"_history"}`, status: 405, headers: map[string]string{"Allow": "GET, HEAD"}},
		{do: "POST Patient/1", body: `{"resourceType":"Patient"}`, status: 405, headers: map[string]string{"Allow": "GET, HEAD, PUT, PATCH, DELETE"}},
		{do: "DELETE Patient/1/_history", status: 405, headers: map[string]string{"Allow": "GET, HEAD"}},
		{do: "GET Patient/1/$meta-add", status: 405, headers: map[string]string{"Allow": "POST"}},
		{do: "PUT Patient/1/$meta", body: `{"resourceType":"Parameters"}`, status: 405, headers: map[string]string{"Allow": "GET, HEAD, POST"}},
		{do: "POST Patient/$meta-add", body: metaParameters(`{"tag":[{"code":"x"}]}`), status: 404, has: []string{"there is no operation $meta-add"}},
		{do: "GET $unknown", status: 404, has: []string{"there is no operation $unknown", `"code":"not-supported"`}},
		{do: "POST Patient/$unknown", body: `{"resourceType":"Parameters"}`, status: 404, has: []string{"there is no operation $unknown"}},
		{do: "GET Patient/1/$unknown", status: 404, has: []string{"there is no operation $unknown"}},
		{do: "GET Patient/1/_history/1/$unknown", status: 404, has: []string{"there is no operation $unknown"}},
		{do: "GET Patient/1/Observation/2/3", status: 404, has: []string{"nothing is served"}},
	}},
	{"the statement of capabilities", []step{
		{do: "GET metadata", header: map[string]string{"If-None-Match": `W/"other"`}, status: 200, headers: map[string]string{"Cache-Control": "public, no-cache"}},
		{do: "GET metadata", status: 200},
		{do: "GET metadata", header: map[string]string{"Accept-Encoding": "gzip"}, status: 200, headers: map[string]string{"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}, hasNot: []string{"purpose"}},
		{do: "GET metadata", header: map[string]string{"Accept-Encoding": "gzip;q=0"}, status: 200, headers: map[string]string{"Content-Encoding": ""}, has: []string{"purpose"}},
		{do: "GET metadata", header: map[string]string{"If-None-Match": `*`}, status: 304},
		{do: "GET metadata?_format=xml", status: 200, headers: xmlHeader, has: []string{"<CapabilityStatement "}},
		{do: "GET metadata?_elements=url", status: 200, has: []string{`"url":"{base}"`, "SUBSETTED"}, hasNot: []string{"purpose"}},
		{do: "GET metadata?_summary=true", status: 200, has: []string{"SUBSETTED"}, hasNot: []string{"purpose"}},
		{do: "GET metadata?_summary=true", status: 200, has: []string{"SUBSETTED"}, hasNot: []string{"purpose"}},
		{do: "GET metadata?_pretty=true", status: 200, has: []string{"\n  \"purpose\": \"test\""}},
		{do: "GET metadata?_summary=count", status: 400},
		{do: "GET metadata?mode=full", status: 200, has: []string{`"purpose"`}},
	}},
	{"request ids", []step{
		{do: "GET metadata", header: map[string]string{"X-Request-Id": "mine-1"}, status: 200, headers: map[string]string{"X-Request-Id": "mine-1", "X-Correlation-Id": ""}},
		{do: "GET metadata", header: map[string]string{"X-Correlation-Id": "ours-1"}, status: 200, headers: map[string]string{"X-Correlation-Id": "ours-1"}},
		{do: "GET metadata", header: map[string]string{"X-Correlation-Id": "not an id"}, status: 200, headers: map[string]string{"X-Correlation-Id": ""}},
	}},
	{"empty headers", []step{
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1"}`, status: 201},
		{do: "GET Patient/1", header: map[string]string{"Accept": ""}, status: 200},
		{do: "GET Patient/1", header: map[string]string{"Accept": " , "}, status: 200},
		{do: "GET Patient/1", header: map[string]string{"If-None-Match": ""}, status: 200},
	}},
	{"parameters of every interaction", []step{
		{do: "POST Patient?_summary=true&_elements=id", body: `{"resourceType":"Patient"}`, status: 201},
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1","active":true,"contact":[{"gender":"male"}]}`, status: 201},
		{do: "PUT Patient/1?identifier=s|1", body: `{"resourceType":"Patient","id":"1"}`, status: 400, has: []string{"Patient?criteria"}},
		{do: "DELETE Patient/1?_cascade=delete", status: 400},
		{do: "PATCH Patient/1?identifier=s|1", header: map[string]string{"Content-Type": "application/json-patch+json"}, body: `[]`, status: 400},
		{do: "PUT Patient/1?_format=json&_pretty=false", body: `{"resourceType":"Patient","id":"1","active":true,"contact":[{"gender":"male"}]}`, status: 200},
		{do: "DELETE Patient/1?_format=json", status: 204},
		{do: "GET Patient/1/_history?_summary=true", status: 200, has: []string{`"active":true`, "SUBSETTED", `"method":"DELETE"`}, hasNot: []string{"contact"}},
		{do: "GET Patient/1/_history?_elements=contact&_count=1", status: 200, has: []string{`_elements=contact&_count=1"`}},
		{do: "GET Patient/1/_history?_summary=counts", status: 400},
	}},
	{"preferences", []step{
		{do: "PUT Patient/1", header: map[string]string{"Prefer": `Return="minimal"`}, body: `{"resourceType":"Patient","id":"1"}`, status: 201, hasNot: []string{"resourceType"}},
		{do: "PUT Patient/1", header: map[string]string{"Prefer": `return = minimal`}, body: `{"resourceType":"Patient","id":"1"}`, status: 200, hasNot: []string{"resourceType"}},
		{do: "PUT Patient/1", header: map[string]string{"Prefer": `return=operationoutcome`}, body: `{"resourceType":"Patient","id":"1"}`, status: 200, has: []string{"OperationOutcome"}},
		// The first instance counts (RFC 7240, section 2).
		{do: "PUT Patient/1", header: map[string]string{"Prefer": `return=minimal, return=representation`}, body: `{"resourceType":"Patient","id":"1"}`, status: 200, hasNot: []string{"resourceType"}},
		{do: "GET Patient?nothing=1", header: map[string]string{"Prefer": "handling=strict, handling=lenient"}, status: 400},
		{do: "GET Patient?nothing=1", header: map[string]string{"Prefer": "wait=10, handling=lenient"}, status: 200},
	}},
	{"ids", []step{
		{do: "PUT Patient/..", body: `{"resourceType":"Patient","id":".."}`, status: 400, has: []string{`"expression":["Patient.id"]`}},
		{do: "PUT Patient/.", body: `{"resourceType":"Patient","id":"."}`, status: 400},
		{do: "PUT Patient?_id=x", body: `{"resourceType":"Patient","id":".."}`, status: 400},
		{do: "PUT Patient/.a.", body: `{"resourceType":"Patient","id":".a."}`, status: 201},
	}},
	{"a conditional update overwrites only what it finds", []step{
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1","active":true}`, status: 201},
		{do: "PUT Patient?identifier=none", body: `{"resourceType":"Patient","id":"1"}`, status: 409, has: []string{"Patient/1", `"code":"conflict"`}},
		{do: "POST ", status: 409, has: []string{"Bundle.entry[0]"}, body: bundleOf("transaction", entry("PUT", "Patient?identifier=none", `{"resourceType":"Patient","id":"1"}`))},
		{do: "GET Patient/1", status: 200, has: []string{`"active":true`}},
		{do: "DELETE Patient/1", status: 204},
		{do: "PUT Patient?identifier=none", body: `{"resourceType":"Patient","id":"1"}`, status: 201, headers: map[string]string{"ETag": `W/"3"`}},
	}},
	{"entries of Bundles", []step{
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1"}`, status: 201},
		{do: "POST ", status: 200, statuses: "304 200 400 400", body: bundleOf("batch",
			`{"request":{"method":"GET","url":"Patient/1","ifModifiedSince":"2100-01-01T00:00:00Z"}},{"request":{"method":"GET","url":"Patient/1","ifModifiedSince":"2010-01-01T00:00:00Z"}},`+
				`{"request":{"method":"GET","url":"Patient/1","ifModifiedSince":"Fri, 01 Jan 2100 00:00:00 GMT"}},{"request":{"method":"GET","url":""}}`),
			has: []string{"Bundle.entry[2]", "has no url"}},
	}},
	{"big answers of Bundles", []step{
		{do: "PUT Basic/1", body: `{"resourceType":"Basic","id":"1","code":{"text":"` + strings.Repeat("long ", 8000) + `"}}`, status: 201},
		{do: "POST ", status: 200, statuses: "200 200 200 413 413", body: bundleOf("batch",
			request("HEAD", "Basic/1")+","+request("GET", "Basic/1")+","+request("GET", "Basic/1")+","+request("GET", "Basic/1")+","+request("GET", "Basic/1")),
			has: []string{"ask for less at once"}},
		{do: "POST ", status: 413, has: []string{"Bundle.entry[2]"}, body: bundleOf("transaction", request("GET", "Basic/1")+","+request("GET", "Basic/1")+","+request("GET", "Basic/1"))},
		// A page may be too big by itself, and is not held until that is known.
		{do: "PUT Basic/2", body: `{"resourceType":"Basic","id":"2","code":{"text":"` + strings.Repeat("long ", 8000) + `"},"subject":{"reference":"Basic/1"}}`, status: 201},
		{do: "POST ", status: 200, statuses: "413 413 413 200 200", body: bundleOf("batch",
			request("GET", "Basic")+","+request("GET", "Basic/_history")+","+request("GET", "Basic?_id=2&_include=Basic:subject")+","+request("GET", "Basic?_summary=count")+","+request("GET", "Basic?_count=1"))},
		{do: "POST ", status: 413, has: []string{"Bundle.entry[0]", "ask for less at once"}, body: bundleOf("transaction", request("GET", "Basic"))},
		{do: "POST ", status: 413, has: []string{"Bundle.entry[0]", "ask for less at once"}, body: bundleOf("transaction", request("GET", "Basic?_id=2&_include=Basic:subject"))},
		// What is found is not repeated beyond that either.
		{do: "POST ", header: map[string]string{"Prefer": "return=representation"}, status: 200, statuses: "200 200", body: foundTwice("transaction"), has: []string{`"fullUrl":"{base}/Basic/1"`}, hasNot: []string{`"fullUrl":"{base}/Basic/2"`}},
		{do: "POST ", header: map[string]string{"Prefer": "return=representation"}, status: 200, statuses: "200 200", body: foundTwice("batch"), has: []string{`"fullUrl":"{base}/Basic/1"`}, hasNot: []string{`"fullUrl":"{base}/Basic/2"`}},
		{do: "POST ", status: 200, statuses: "200 200", body: foundTwice("batch"), has: []string{`"location":"Basic/2/_history/1"`}, hasNot: []string{`"fullUrl"`}},
	}},
	{"histories as Bundles", []step{
		{do: "PUT Patient/3", body: `{"resourceType":"Patient","id":"3"}`, status: 201},
		{do: "POST ", status: 200, statuses: "201 201 200 204 200", body: bundleOf("history",
			`{"fullUrl":"http://other.example/fhir/Basic/1","resource":{"resourceType":"Basic","id":"1","meta":{"versionId":"7"},"code":{"text":"c"},"subject":{"reference":"http://other.example/fhir/Patient/1"}},"request":{"method":"PUT","url":"Basic/1"},"response":{"status":"200","lastModified":"2020-01-01T00:00:00Z"}},`+
				`{"fullUrl":"http://other.example/fhir/Patient/1","resource":{"resourceType":"Patient","id":"1","active":true},"request":{"method":"POST","url":"Patient","ifNoneExist":"nothing=1"},"response":{"status":"201"}},`+
				`{"fullUrl":"http://other.example/fhir/Basic/1","resource":{"resourceType":"Basic","id":"1","code":{"text":"old"}},"request":{"method":"POST","url":"Basic"}},`+
				`{"fullUrl":"http://other.example/fhir/Patient/3","request":{"method":"DELETE","url":"Patient/3"}},`+
				`{"fullUrl":"http://other.example/fhir/Patient/3","resource":{"resourceType":"Patient","id":"3"},"request":{"method":"PUT","url":"Patient/3","ifMatch":"W/\"9\""}}`),
			has: []string{"Bundle.entry[0] is a newer version", `"type":"transaction-response"`}},
		{do: "GET Basic/1", status: 200, headers: map[string]string{"ETag": `W/"1"`}, has: []string{`"text":"c"`, `"reference":"Patient/1"`}},
		{do: "GET Patient/3", status: 410},
		{do: "POST ", status: 400, body: bundleOf("history", `{"resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}}`), has: []string{"Bundle.entry[0]"}},
		{do: "POST ", status: 400, body: bundleOf("history", request("GET", "Patient/1")), has: []string{"GET"}},
		{do: "POST ", status: 400, body: bundleOf("history", request("DELETE", "Patient?active=true"))},
		{do: "POST ", status: 422, body: bundleOf("history", entry("PUT", "Basic/2", `{"resourceType":"Basic","id":"2","code":{"text":"c"},"subject":{"reference":"Patient/3"}}`))},
		{do: "POST ", status: 400, body: bundleOf("collection", ""), has: []string{"history"}},
	}},
	{"histories", []step{
		{do: "GET Patient/1/_history?_since=2000", status: 404},
		{do: "GET Patient/1/_history?_at=2000", status: 404},
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1","active":true}`, status: 201},
		{do: "GET Patient/1/_history?_since=2100", status: 200, has: []string{`"total":0`}},
		{do: "GET Patient/1/_history?_since=2000&_since=2001", status: 400, has: []string{`"expression":["_since"]`}},
		{do: "GET Patient/_history?_at=2000&_at=2001", status: 400},
		{do: "GET _history?_count=1&_count=2", status: 400},
		{do: "GET Patient/1/_history?_since=2000-01-01T00:00:00+01:00", status: 200, has: []string{`"total":1`}}, // the + came as a space
		{do: "DELETE Patient/1", status: 204},
		{do: "GET Patient/1/_history?_since=2100", status: 200, has: []string{`"total":0`}},
	}},
	{"preconditions in several lines, and by time", []step{
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1"}`, status: 201},
		{do: "PUT Patient/1", header: map[string]string{"If-Match": "W/\"7\"\nW/\"8\""}, body: `{"resourceType":"Patient","id":"1","active":true}`, status: 412},
		{do: "PUT Patient/1", header: map[string]string{"If-None-Match": "W/\"7\"\nW/\"1\""}, body: `{"resourceType":"Patient","id":"1","active":true}`, status: 412},
		{do: "PUT Patient/1", header: map[string]string{"If-Match": "W/\"7\"\nW/\"1\""}, body: `{"resourceType":"Patient","id":"1","active":true}`, status: 200},
		{do: "PUT Patient/1", header: longAgo, body: `{"resourceType":"Patient","id":"1"}`, status: 412, has: []string{"If-Unmodified-Since", "http.If-Unmodified-Since"}},
		{do: "PATCH Patient/1", header: with(jsonPatch, "If-Unmodified-Since", longAgo["If-Unmodified-Since"]), body: `[{"op":"remove","path":"/active"}]`, status: 412},
		{do: "PUT Patient?_id=1", header: longAgo, body: `{"resourceType":"Patient"}`, status: 412},
		{do: "DELETE Patient/1", header: longAgo, status: 412},
		{do: "DELETE Patient?_id=1", header: longAgo, status: 412},
		{do: "PUT Patient/2", header: longAgo, body: `{"resourceType":"Patient","id":"2"}`, status: 201}, // there was nothing that could have changed
		{do: "PUT Patient/1", header: with(longAgo, "If-Match", `W/"2"`), body: `{"resourceType":"Patient","id":"1","gender":"male"}`, status: 200},
		{do: "PUT Patient/1", header: map[string]string{"If-Unmodified-Since": "yesterday"}, body: `{"resourceType":"Patient","id":"1","gender":"female"}`, status: 200},
		{do: "DELETE Patient/1", header: map[string]string{"If-Unmodified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}, status: 204},
	}},
	{"names that are reserved for others", []step{
		{do: "PUT Patient/metadata", body: `{"resourceType":"Patient","id":"metadata"}`, status: 201},
		{do: "GET Patient/metadata", status: 200},
		{do: "GET Patient/metadata/_history", status: 200, has: []string{`"total":1`}},
		{do: "GET Patient/metadata/Observation", status: 200, has: []string{`"total":0`}},
		{do: "PUT metadata", body: `{"resourceType":"Patient"}`, status: 405, headers: map[string]string{"Allow": "GET, HEAD"}},
		{do: "GET metadata/1", status: 404},
		{do: "PUT Patient/_history", body: `{"resourceType":"Patient","id":"_history"}`, status: 405},
		{do: "POST ", status: 200, statuses: "200 201 400", body: bundleOf("batch", request("GET", "Patient/metadata")+","+
			entry("PUT", "Basic/metadata", `{"resourceType":"Basic","id":"metadata","code":{"text":"c"}}`)+","+entry("POST", "Patient/_search", `{"resourceType":"Parameters"}`)), has: []string{"a search is a GET"}},
	}},
	{"a Bundle inside of a transaction", []step{
		// What its entries call each other is its own business, though an entry of the transaction is called so as well.
		{do: "POST ", status: 200, statuses: "201 201", body: bundleOf("transaction",
			named(urn("1"), "POST", "Patient", "", `{"resourceType":"Patient"}`)+","+
				named(urn("2"), "POST", "Bundle", "", innerBundle))},
		{do: "GET Bundle/new-2", status: 200, has: []string{
			`"fullUrl":"` + urn("1") + `","link":[{"relation":"self","url":"` + urn("1") + `"}]`, `"reference":"` + urn("1") + `"`,
			`"link":[{"relation":"self","url":"Patient/new-1"}]`, `"who":{"reference":"Patient/new-1"}`,
		}},
	}},
	{"bodies in encodings that are not read", []step{
		{do: "POST Patient", header: map[string]string{"Content-Encoding": "br"}, body: `{"resourceType":"Patient"}`, status: 415, headers: map[string]string{"Accept-Encoding": "gzip, zstd"}},
	}},
	{"content of Binaries by quality", []step{
		{do: "PUT Binary/1", header: map[string]string{"Content-Type": "text/plain"}, body: "content", status: 201},
		{do: "GET Binary/1", header: map[string]string{"Accept": "application/fhir+json;q=0.5, text/plain"}, status: 200, is: "content", headers: map[string]string{"Content-Type": "text/plain"}},
		{do: "GET Binary/1", header: map[string]string{"Accept": "application/fhir+json, text/plain;q=0.5"}, status: 200, has: []string{`"resourceType":"Binary"`}},
		{do: "GET Binary/1", header: map[string]string{"Accept": "application/fhir+json, text/plain"}, status: 200, has: []string{`"resourceType":"Binary"`}},
		{do: "GET Binary/1?_format=json", header: map[string]string{"Accept": "text/plain"}, status: 200, has: []string{`"resourceType":"Binary"`}},
		{do: "GET Binary/1", header: map[string]string{"Accept": "image/png"}, status: 200, is: "content", headers: map[string]string{"Content-Type": "text/plain"}},
	}},
}

var longAgo = map[string]string{"If-Unmodified-Since": "Fri, 01 Jan 2010 00:00:00 GMT"}

// innerBundle has an entry that is called as one of the transaction around it.
var innerBundle = `{"resourceType":"Bundle","type":"collection","link":[{"relation":"self","url":"` + urn("1") + `"}],"entry":[` +
	`{"fullUrl":"` + urn("1") + `","link":[{"relation":"self","url":"` + urn("1") + `"}],"resource":{"resourceType":"Patient"}},` +
	`{"resource":{"resourceType":"Observation","status":"final","code":{"text":"c"},"subject":{"reference":"` + urn("1") + `"}}}],` +
	`"signature":{"type":[{"code":"x"}],"when":"2020-01-01T00:00:00Z","who":{"reference":"` + urn("1") + `"}}}`

// foundTwice is a Bundle of two creates of what is there already.
func foundTwice(kind string) string {
	return bundleOf(kind, named(urn("1"), "POST", "Basic", ifNoneExist("_id=1"), `{"resourceType":"Basic","code":{"text":"c"}}`)+","+
		named(urn("2"), "POST", "Basic", ifNoneExist("_id=2"), `{"resourceType":"Basic","code":{"text":"c"}}`))
}
