package resttest

import (
	"fmt"
	"strings"
)

func metaParameters(meta string) string {
	return `{"resourceType":"Parameters","parameter":[{"name":"meta","valueMeta":` + meta + `}]}`
}

// tagged are entries that create resources with a tag each.
func tagged(n int) string {
	entries := make([]string, n)
	for i := range entries {
		entries[i] = entry("POST", "Basic", fmt.Sprintf(`{"resourceType":"Basic","meta":{"tag":[{"code":"tag-%d"}]},"code":{"text":"x"}}`, i))
	}
	return strings.Join(entries, ",")
}

var metas = []scenario{
	{"of a resource", []step{
		{do: "GET Patient/1/$meta", status: 404},
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1","meta":{"source":"urn:a","profile":["http://a.example"],"tag":[{"system":"s","code":"t","display":"T"}]},"active":true}`, status: 201},
		{do: "GET Patient/1/$meta", status: 200, is: `{"resourceType":"Parameters","parameter":[{"name":"return","valueMeta":{"versionId":"1","lastUpdated":"{time}","source":"urn:a","profile":["http://a.example"],"tag":[{"system":"s","code":"t","display":"T"}]}}]}`},
		{do: "GET Patient/1/$meta?_format=xml", status: 200, headers: xmlHeader, has: []string{`<valueMeta><versionId value="1"/>`}},
		{do: "POST Patient/1/$meta", body: `{"resourceType":"Parameters"}`, status: 200},
		{do: "POST Patient/1/$meta-add", body: metaParameters(`{"versionId":"9","profile":["http://a.example","http://b.example"],"security":[{"system":"l","code":"R"},{"system":"l","code":"R"}],"tag":[{"system":"s","code":"t"},{"code":"t"}]}`), status: 200, headers: map[string]string{"ETag": `W/"2"`},
			is: `{"resourceType":"Parameters","parameter":[{"name":"return","valueMeta":{"versionId":"2","lastUpdated":"{time}","source":"urn:a","profile":["http://a.example","http://b.example"],"tag":[{"system":"s","code":"t","display":"T"},{"code":"t"}],"security":[{"system":"l","code":"R"}]}}]}`},
		{do: "GET Patient?_tag=s|t&_security=l|R&_profile=http://b.example", status: 200, has: []string{`"total":1`, `"active":true`}},
		{do: "POST Patient/1/$meta-add", body: metaParameters(`{"tag":[{"system":"s","code":"t"}]}`), status: 200, headers: map[string]string{"ETag": `W/"2"`}},
		{do: "POST Patient/1/$meta-delete", body: metaParameters(`{"profile":["http://a.example","http://c.example"],"security":[{"system":"l","code":"R"}],"tag":[{"system":"s","code":"t"}]}`), status: 200, headers: map[string]string{"ETag": `W/"3"`},
			is: `{"resourceType":"Parameters","parameter":[{"name":"return","valueMeta":{"versionId":"3","lastUpdated":"{time}","source":"urn:a","profile":["http://b.example"],"tag":[{"code":"t"}]}}]}`},
		{do: "GET Patient?_security=l|R", status: 200, has: []string{`"total":0`}},
		{do: "GET Patient/1/_history/2/$meta", status: 200, has: []string{`"versionId":"2"`, `"security"`}},
		{do: "GET Patient/1/_history", status: 200, has: []string{`"total":3`}},
	}},
	{"refusals", []step{
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1","meta":{"tag":[{"code":"t"}]}}`, status: 201},
		{do: "POST Patient/1/_history/1/$meta-add", body: metaParameters(`{"tag":[{"code":"x"}]}`), status: 422, has: []string{"versions do not change"}},
		{do: "POST Patient/1/_history/1/$meta-delete", body: metaParameters(`{"tag":[{"code":"t"}]}`), status: 422},
		{do: "POST Patient/1/$meta-add", body: `{"resourceType":"Parameters"}`, status: 400, has: []string{`"code":"required"`}},
		{do: "POST Patient/1/$meta-add", body: `{"resourceType":"Patient"}`, status: 400},
		{do: "POST Patient/1/$meta-add", body: metaParameters(`{"tags":[{"code":"x"}]}`), status: 400, has: []string{"tags"}},
		{do: "POST Patient/2/$meta-add", body: metaParameters(`{"tag":[{"code":"x"}]}`), status: 404},
		{do: "POST Patient/1/$meta-add", header: map[string]string{"If-Match": `W/"3"`}, body: metaParameters(`{"tag":[{"code":"x"}]}`), status: 412},
		{do: "GET Patient/1", status: 200, has: []string{`"meta":{"versionId":"1","lastUpdated":"{time}","tag":[{"code":"t"}]}`}},
		{do: "DELETE Patient/1", status: 204},
		{do: "GET Patient/1/$meta", status: 410},
	}},
	{"in use", []step{
		{do: "GET $meta", status: 200, is: `{"resourceType":"Parameters"}`},
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1","meta":{"source":"urn:a","profile":["http://b.example","http://a.example"],"tag":[{"system":"s","code":"t","display":"T"},{"code":"alone"}]}}`, status: 201},
		{do: "PUT Patient/2", body: `{"resourceType":"Patient","id":"2","meta":{"profile":["http://a.example"],"security":[{"system":"l","code":"R"}],"tag":[{"system":"s","code":"t","display":"T"}]}}`, status: 201},
		{do: "PUT Organization/1", body: `{"resourceType":"Organization","id":"1","meta":{"profile":["http://c.example|1"],"tag":[{"system":"o","code":"t"}]}}`, status: 201},
		{do: "PUT Organization/2", body: `{"resourceType":"Organization","id":"2"}`, status: 201},
		{do: "PUT Organization/3", body: `{"resourceType":"Organization","id":"3","meta":{"tag":[{"system":"o","code":"gone"}]}}`, status: 201},
		{do: "PUT Organization/3", body: `{"resourceType":"Organization","id":"3"}`, status: 200},
		{do: "PUT Organization/4", body: `{"resourceType":"Organization","id":"4","meta":{"tag":[{"system":"o","code":"gone"}]}}`, status: 201},
		{do: "DELETE Organization/4", status: 204},
		{do: "GET Patient/$meta", status: 200, headers: map[string]string{"ETag": ""},
			is: `{"resourceType":"Parameters","parameter":[{"name":"return","valueMeta":{"profile":["http://a.example","http://b.example"],"security":[{"system":"l","code":"R"}],"tag":[{"system":"s","code":"t","display":"T"},{"code":"alone"}]}}]}`},
		{do: "POST Organization/$meta", body: `{"resourceType":"Parameters"}`, status: 200,
			is: `{"resourceType":"Parameters","parameter":[{"name":"return","valueMeta":{"profile":["http://c.example|1"],"tag":[{"system":"o","code":"t"}]}}]}`},
		{do: "GET $meta", status: 200,
			is: `{"resourceType":"Parameters","parameter":[{"name":"return","valueMeta":{"profile":["http://a.example","http://b.example","http://c.example|1"],"security":[{"system":"l","code":"R"}],"tag":[{"system":"o","code":"t"},{"system":"s","code":"t","display":"T"},{"code":"alone"}]}}]}`},
		{do: "GET Observation/$meta", status: 200, is: `{"resourceType":"Parameters"}`},
		{do: "HEAD Patient/$meta", status: 200},
		{do: "GET Nothing/$meta", status: 404},
		{do: "POST Patient/$meta-add", body: metaParameters(`{"tag":[{"code":"x"}]}`), status: 404},
	}},
	{"in use by many", []step{
		{do: "POST ", status: 200, body: bundleOf("batch", tagged(60))},
		{do: "GET Basic/$meta", status: 200, has: []string{`{"code":"tag-0"}`, `{"code":"tag-59"}`}},
	}},
	{"in Bundles", []step{
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1","meta":{"tag":[{"code":"t"}]}}`, status: 201},
		{do: "POST ", status: 200, statuses: "200 200 200 200 200 404 404", body: bundleOf("batch", strings.Join([]string{
			request("GET", "Patient/1/$meta"), entry("POST", "Patient/1/$meta-add", metaParameters(`{"tag":[{"code":"u"}]}`)), request("POST", "Patient/1/$meta"),
			request("GET", "Patient/$meta"), request("GET", "$meta"), request("GET", "Patient/2/$meta"), entry("POST", "Patient/2/$meta-add", metaParameters(`{"tag":[{"code":"u"}]}`)),
		}, ",")), has: []string{
			`"entry":[{"resource":{"resourceType":"Parameters","parameter":[{"name":"return","valueMeta":{"versionId":"1","lastUpdated":"{time}","tag":[{"code":"t"}]}}]},"response":{"status":"200 OK"`,
			`{"resource":{"resourceType":"Parameters","parameter":[{"name":"return","valueMeta":{"versionId":"2","lastUpdated":"{time}","tag":[{"code":"t"},{"code":"u"}]}}]},"response":{"status":"200 OK","etag":"W/\"2\""`,
			`"valueMeta":{"tag":[{"code":"t"},{"code":"u"}]}`,
		}},
		// In the order of a transaction the entry that reads sees what the others wrote.
		{do: "POST ", status: 200, statuses: "200 200 200 201", body: bundleOf("transaction", strings.Join([]string{
			request("GET", "Patient/1/$meta"), entry("POST", "Patient/1/$meta-delete", metaParameters(`{"tag":[{"code":"t"}]}`)), request("GET", "Patient/$meta"),
			entry("PUT", "Patient/2", `{"resourceType":"Patient","id":"2","meta":{"tag":[{"code":"v"}]}}`),
		}, ",")), has: []string{`"valueMeta":{"versionId":"3","lastUpdated":"{time}","tag":[{"code":"u"}]}`, `"valueMeta":{"tag":[{"code":"u"},{"code":"v"}]}`}},
		{do: "POST ", status: 400, has: []string{"Bundle.entry[1]"}, body: bundleOf("transaction", entry("POST", "Patient/1/$meta-add", metaParameters(`{"tag":[{"code":"w"}]}`))+","+entry("PUT", "Patient/1", `{"resourceType":"Patient","id":"1"}`))},
		{do: "POST ", status: 422, has: []string{"versions do not change"}, body: bundleOf("transaction", entry("POST", "Patient/1/_history/1/$meta-add", metaParameters(`{"tag":[{"code":"w"}]}`)))},
		{do: "POST ", status: 400, has: []string{"Parameters"}, body: bundleOf("transaction", request("POST", "Patient/1/$meta-add"))},
		{do: "POST ", status: 400, has: []string{"POST"}, body: bundleOf("transaction", request("GET", "Patient/1/$meta-add"))},
		{do: "POST ", status: 400, has: []string{"$meta"}, body: bundleOf("transaction", request("DELETE", "Patient/1/$meta"))},
		{do: "POST ", status: 404, has: []string{"$everything", "$meta"}, body: bundleOf("transaction", request("GET", "Patient/1/$everything"))},
		{do: "POST ", status: 404, body: bundleOf("transaction", entry("POST", "Patient/$meta-add", metaParameters(`{"tag":[{"code":"w"}]}`)))},
		{do: "GET Patient/1", status: 200, headers: map[string]string{"ETag": `W/"3"`}},
	}},
	{"extensions of profiles", []step{
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1","meta":{"profile":["http://a.example","http://b.example"],"_profile":[null,{"id":"b"}]}}`, status: 201},
		{do: "POST Patient/1/$meta-add", body: metaParameters(`{"profile":["http://c.example"]}`), status: 200, has: []string{`"_profile":[null,{"id":"b"},null]`}},
		{do: "POST Patient/1/$meta-delete", body: metaParameters(`{"profile":["http://a.example"]}`), status: 200, has: []string{`"profile":["http://b.example","http://c.example"],"_profile":[{"id":"b"},null]`}},
	}},
}

var multipleDeletes = []scenario{
	{"as many as match", []step{
		{do: "POST ", status: 200, body: bundleOf("transaction", strings.Join([]string{
			entry("PUT", "Patient/1", `{"resourceType":"Patient","id":"1","gender":"male"}`), entry("PUT", "Patient/2", `{"resourceType":"Patient","id":"2","gender":"male"}`),
			entry("PUT", "Patient/3", `{"resourceType":"Patient","id":"3","gender":"female"}`), entry("PUT", "Patient/4", `{"resourceType":"Patient","id":"4","gender":"male"}`),
			entry("PUT", "Patient/5", `{"resourceType":"Patient","id":"5","gender":"male"}`), entry("PUT", "Observation/1", observation1("1")),
		}, ","))},
		{do: "DELETE Patient?gender=male", status: 412, has: []string{"more than 3", `"code":"multiple-matches"`}},
		{do: "DELETE Patient/5", status: 204},
		{do: "DELETE Patient?gender=male", status: 409, has: []string{"Observation/1"}},
		{do: "POST ", status: 400, body: bundleOf("transaction", `{"request":{"method":"DELETE","url":"Patient?gender=male"}},{"request":{"method":"DELETE","url":"Observation/1"}},`+entry("PUT", "Patient/2", `{"resourceType":"Patient","id":"2"}`))},
		{do: "GET Patient?_summary=count", status: 200, has: []string{`"total":4`}},
		{do: "POST ", status: 200, statuses: "204 204", hasNot: []string{"etag\":\"W/\\\"3"}, body: bundleOf("transaction", `{"request":{"method":"DELETE","url":"Patient?gender=male"}},{"request":{"method":"DELETE","url":"Observation/1"}}`)},
		{do: "GET Patient?_summary=count", status: 200, has: []string{`"total":1`}},
		{do: "DELETE Patient?_id=1,2,3", header: map[string]string{"Prefer": "return=OperationOutcome"}, status: 200, headers: map[string]string{"ETag": `W/"2"`}},
		{do: "DELETE Patient?gender=male", status: 204, headers: map[string]string{"ETag": ""}},
		{do: "DELETE Patient?unknown=1", status: 400},
		{do: "DELETE Patient", status: 400},
	}},
	{"says how many", []step{
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1","active":true}`, status: 201},
		{do: "PUT Patient/2", body: `{"resourceType":"Patient","id":"2","active":true}`, status: 201},
		{do: "DELETE Patient?active=true", header: map[string]string{"Prefer": "return=OperationOutcome"}, status: 200, headers: map[string]string{"ETag": ""}, has: []string{"deleted: 2 resources"}},
		{do: "GET Patient/2", status: 410, headers: map[string]string{"ETag": `W/"2"`}},
	}},
}
