package resttest

import (
	"fmt"
	"strings"
)

// clinic is a small population: three patients, of whom a and b have observations.
var clinic = []step{{do: "POST ", status: 200, body: `{"resourceType":"Bundle","type":"transaction","entry":[` + strings.Join([]string{
	entry("PUT", "Organization/o", `{"resourceType":"Organization","id":"o","name":"Clinic"}`),
	entry("PUT", "Practitioner/d", `{"resourceType":"Practitioner","id":"d","name":[{"family":"Doe"}]}`),
	entry("PUT", "Patient/a", `{"resourceType":"Patient","id":"a","name":[{"family":"Ångström","given":["Åsa"]}],"gender":"female","birthDate":"1970-01-01","managingOrganization":{"reference":"Organization/o"},"generalPractitioner":[{"reference":"Practitioner/d"}]}`),
	entry("PUT", "Patient/b", `{"resourceType":"Patient","id":"b","name":[{"family":"Berg"}],"gender":"male","birthDate":"1980-01-01","managingOrganization":{"reference":"Organization/o"}}`),
	entry("PUT", "Patient/c", `{"resourceType":"Patient","id":"c","name":[{"family":"Cole"}],"gender":"male"}`),
	entry("PUT", "Observation/1", observation("1", "a", "8480-6", "2020-01-01", 120)),
	entry("PUT", "Observation/2", observation("2", "a", "8480-6", "2020-01-03", 130)),
	entry("PUT", "Observation/3", observation("3", "a", "8462-4", "2020-01-02", 80)),
	entry("PUT", "Observation/4", observation("4", "b", "8480-6", "2020-01-02", 140)),
}, ",") + `]}`}}

func entry(method, url, resource string) string {
	return `{"resource":` + resource + `,"request":{"method":"` + method + `","url":"` + url + `"}}`
}

func observation(id, patient, code, date string, value int) string {
	return fmt.Sprintf(`{"resourceType":"Observation","id":"%s","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"%s"}]},"subject":{"reference":"Patient/%s"},"performer":[{"reference":"Practitioner/d"}],"effectiveDateTime":"%s","valueQuantity":{"value":%d,"unit":"mmHg"}}`, id, code, patient, date, value)
}

func after(population []step, steps ...step) []step {
	return append(append([]step(nil), population...), steps...)
}

var searches = []scenario{
	{"searchset", after(clinic,
		step{do: "GET Patient?family=angstrom", status: 200,
			is: `{"resourceType":"Bundle","type":"searchset","total":1,"link":[{"relation":"self","url":"{base}/Patient?family=angstrom&_count=10"},{"relation":"first","url":"{base}/Patient?family=angstrom&_count=10"}],"entry":[{"fullUrl":"{base}/Patient/a","resource":{"resourceType":"Patient","id":"a","meta":{"versionId":"1","lastUpdated":"{time}"},"name":[{"family":"Ångström","given":["Åsa"]}],"gender":"female","birthDate":"1970-01-01","managingOrganization":{"reference":"Organization/o"},"generalPractitioner":[{"reference":"Practitioner/d"}]},"search":{"mode":"match"}}]}`},
		step{do: "GET Patient?family=nobody", status: 200,
			is: `{"resourceType":"Bundle","type":"searchset","total":0,"link":[{"relation":"self","url":"{base}/Patient?family=nobody&_count=10"},{"relation":"first","url":"{base}/Patient?family=nobody&_count=10"}]}`},
		step{do: "GET Patient?gender=male&family=", status: 200, has: []string{`"total":2`, `"url":"{base}/Patient?gender=male&_count=10"`}},
		step{do: "GET Observation?patient=a&code=http://loinc.org|8480-6&_sort=-date", status: 200, has: []string{`"total":2`}, hasNot: []string{"Observation/3", "Observation/4"}},
		step{do: "GET Observation?subject=Patient/a", status: 200, has: []string{`"total":3`}},
		step{do: "GET Observation?value-quantity=gt125", status: 200, has: []string{`"total":2`, "Observation/2", "Observation/4"}},
		step{do: "GET Observation?patient.family=berg", status: 200, has: []string{`"total":1`, "Observation/4"}},
		step{do: "GET Patient?_has:Observation:patient:code=8462-4", status: 200, has: []string{`"total":1`, "Patient/a"}},
		step{do: "GET Patient?_id=a,c,zzz", status: 200, has: []string{`"total":2`}},
	)},
	{"search by post", after(clinic,
		step{do: "POST Patient/_search?gender=male", body: "family=berg", header: form, status: 200, has: []string{`"total":1`, "Patient/b", "{base}/Patient?gender=male&family=berg&_count=10"}},
		step{do: "POST Patient/_search", body: "name=%C3%85sa", header: form, status: 200, has: []string{`"total":1`, "Patient/a"}},
		step{do: "POST Patient/_search", status: 200, has: []string{`"total":3`}},
		step{do: "POST Patient/_search", body: `{"family":"berg"}`, status: 415},
		step{do: "POST _search", body: "_type=Patient&gender=male", header: form, status: 200, has: []string{`"total":2`}},
	)},
	{"counts", after(clinic,
		step{do: "GET Patient?_summary=count", status: 200,
			is: `{"resourceType":"Bundle","type":"searchset","total":3,"link":[{"relation":"self","url":"{base}/Patient?_summary=count"}]}`},
		step{do: "GET Patient?_count=0", status: 200, has: []string{`"total":3`}, hasNot: []string{`"entry"`}},
		step{do: "GET Observation?_count=1", status: 200, has: []string{`"total":4`, `"relation":"next"`}},
		step{do: "GET Observation?_count=1&_total=none", status: 200, has: []string{`"relation":"next"`}, hasNot: []string{`"total"`}},
		step{do: "GET Observation?_count=9999", status: 200, has: []string{`_count=50"`}},
		step{do: "GET Observation?_count=x", status: 400, has: []string{`"expression":["_count"]`}},
	)},
	{"includes", after(clinic,
		step{do: "GET Observation?code=8480-6&_include=Observation:patient", status: 200, has: []string{`"total":3`, `Patient/a","resource":{"resourceType":"Patient"`, `"mode":"include"`, "Patient/b"}, hasNot: []string{"Patient/c", "Practitioner/d\",\"resource"}},
		step{do: "GET Patient?_id=a&_revinclude=Observation:patient", status: 200, has: []string{`"total":1`, "Observation/1", "Observation/2", "Observation/3"}, hasNot: []string{"Observation/4"}},
		step{do: "GET Observation?_id=4&_include=Observation:patient&_include:iterate=Patient:organization", status: 200, has: []string{`"total":1`, "fullUrl\":\"{base}/Patient/b", "fullUrl\":\"{base}/Organization/o"}},
		step{do: "GET Observation?_id=4&_include=*", status: 200, has: []string{"fullUrl\":\"{base}/Patient/b", "fullUrl\":\"{base}/Practitioner/d"}, hasNot: []string{"fullUrl\":\"{base}/Organization/o"}},
		step{do: "GET Observation?_id=4&_include=Observation:nothing", status: 400},
	)},
	{"parts of what is found", after(clinic,
		step{do: "GET Patient?_id=a&_elements=gender", status: 200, has: []string{`"gender":"female"`, "SUBSETTED"}, hasNot: []string{"birthDate"}},
		step{do: "GET Observation?_id=1&_elements=effectiveDateTime", status: 200, has: []string{"2020-01-01"}, hasNot: []string{"valueQuantity"}},
		step{do: "GET Observation?_id=1&_elements=valueQuantity,birthdate", status: 400, has: []string{`"expression":["_elements"]`, "birthdate"}},
		step{do: "GET Observation?_id=1&_elements=code&_include=Observation:patient", status: 200, has: []string{`"code"`, `"birthDate":"1970-01-01"`, "Åsa"}, hasNot: []string{"valueQuantity"}},
		step{do: "GET Observation?_id=1&_elements=birthDate&_include=Observation:patient", status: 400, has: []string{"birthDate"}},
		step{do: "GET Patient?_id=a&_summary=text&_revinclude=Observation:patient", status: 400, has: []string{`"expression":["_summary"]`}},
		step{do: "GET Patient?_query=mine", status: 400, has: []string{"no named query"}},
		step{do: "GET Patient?_id=a&_summary=text", status: 200, has: []string{"SUBSETTED"}, hasNot: []string{"birthDate", "gender"}},
	)},
	{"refusals", after(clinic,
		step{do: "GET Patient?famly=berg", status: 400, has: []string{`"code":"not-supported"`, `"expression":["famly"]`, "family"}, hasNot: []string{"Berg\""}},
		step{do: "GET Patient?famly=berg&gender=male", header: map[string]string{"Prefer": "handling=lenient"}, status: 200, has: []string{`"total":2`, `"mode":"outcome"`, "famly", `"url":"{base}/Patient?gender=male&_count=10"`}},
		step{do: "GET Patient?birthdate=tomorrow", status: 400, has: []string{`"expression":["birthdate"]`}},
		step{do: "GET Patient?birthdate=tomorrow", header: map[string]string{"Prefer": "handling=lenient"}, status: 400},
		step{do: "GET Patient?family:above=x", status: 400},
		step{do: "GET Patient?family=%zz", status: 400},
		step{do: "GET Nothing?x=1", status: 404},
		step{do: "GET Patient?_cursor=abc", status: 400, has: []string{`"expression":["_cursor"]`}},
	)},
	{"whole system", after(clinic,
		step{do: "GET ?_type=Patient,Practitioner", status: 200, has: []string{`"total":4`, "{base}/?_type=Patient,Practitioner&_count=10"}},
		step{do: "GET ?_type=Nothing", status: 400},
		step{do: "GET ?_id=a", status: 200, has: []string{`"total":1`}},
	)},
	{"compartments", after(clinic,
		step{do: "GET Patient/a/Observation?code=8480-6", status: 200, has: []string{`"total":2`, "{base}/Patient/a/Observation?code=8480-6&_count=10"}},
		step{do: "GET Patient/a/*", status: 200, has: []string{`"total":4`}, hasNot: []string{"Observation/4"}},
		step{do: "GET Patient/a/Organization", status: 200, has: []string{`"total":0`}},
		step{do: "GET Organization/a/Patient", status: 404},
		step{do: "GET Patient/a/Nothing", status: 404},
	)},
}

var form = map[string]string{"Content-Type": "application/x-www-form-urlencoded"}

var histories = []scenario{
	{"of a resource", []step{
		{do: "GET Patient/1/_history", status: 404},
		{do: "POST Patient", body: `{"resourceType":"Patient"}`, status: 201},
		{do: "PUT Patient/new-1", body: `{"resourceType":"Patient","id":"new-1","active":true}`, status: 200},
		{do: "DELETE Patient/new-1", status: 204},
		{do: "GET Patient/new-1/_history", status: 200,
			is: `{"resourceType":"Bundle","type":"history","total":3,"link":[{"relation":"self","url":"{base}/Patient/new-1/_history?_count=10"},{"relation":"first","url":"{base}/Patient/new-1/_history?_count=10"}],"entry":[` +
				`{"fullUrl":"{base}/Patient/new-1","request":{"method":"DELETE","url":"Patient/new-1"},"response":{"status":"204 No Content","etag":"W/\"3\"","lastModified":"{time}"}},` +
				`{"fullUrl":"{base}/Patient/new-1","resource":{"resourceType":"Patient","id":"new-1","meta":{"versionId":"2","lastUpdated":"{time}"},"active":true},"request":{"method":"PUT","url":"Patient/new-1"},"response":{"status":"200 OK","etag":"W/\"2\"","lastModified":"{time}"}},` +
				`{"fullUrl":"{base}/Patient/new-1","resource":{"resourceType":"Patient","id":"new-1","meta":{"versionId":"1","lastUpdated":"{time}"}},"request":{"method":"POST","url":"Patient"},"response":{"status":"201 Created","etag":"W/\"1\"","lastModified":"{time}"}}]}`},
		{do: "GET Patient/new-1/_history?_count=2", status: 200, has: []string{`"relation":"next"`, `W/\"3\"`, `W/\"2\"`}, hasNot: []string{`W/\"1\"`, `"total"`}},
		{do: "GET Patient/new-1/_history?_since=2100-01-01T00:00:00Z", status: 200, has: []string{`"total":0`}},
		{do: "GET Patient/new-1/_history?_since=2010", status: 200, has: []string{`"total":3`}},
		{do: "GET Patient/new-1/_history?_at=2010-05", status: 200, has: []string{`"total":0`}},
		{do: "GET Patient/new-1/_history?_since=soon", status: 400, has: []string{`"expression":["_since"]`}},
		{do: "GET Patient/new-1/_history?_since=", status: 200, has: []string{`"total":3`}},
		{do: "GET Patient/new-1/_history?_since=2020-13-01", status: 400, has: []string{`"expression":["_since"]`, "2020-13-01"}},
		{do: "GET Patient/new-1/_history?_at=ge2020", status: 400, has: []string{`"expression":["_at"]`}},
		{do: "GET Patient/new-1/_history?_sort=_lastUpdated", status: 400, has: []string{`"expression":["_sort"]`, "newest first"}},
		{do: "GET Patient/new-1/_history?_count=0", status: 200, is: `{"resourceType":"Bundle","type":"history","total":3,"link":[{"relation":"self","url":"{base}/Patient/new-1/_history?_count=0"}]}`},
		{do: "GET Patient/_history?_summary=count&_since=2100", status: 200, is: `{"resourceType":"Bundle","type":"history","total":0,"link":[{"relation":"self","url":"{base}/Patient/_history?_since=2100&_count=0"}]}`},
		{do: "GET _history?_count=0", status: 200, has: []string{`"total":`}, hasNot: []string{`"entry"`}},
		{do: "GET Patient/nobody/_history?_count=0", status: 404},
		{do: "GET Patient/new-1/_history?_count=-1", status: 400, has: []string{`"expression":["_count"]`}},
		{do: "GET Patient/new-1/_history?_count=many", status: 400, has: []string{`"expression":["_count"]`, "many"}},
		{do: "GET Patient/new-1/_history?name=x", status: 400, has: []string{"name"}},
	}},
	{"of a list", []step{
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1"}`, status: 201},
		{do: "PUT Patient/2", body: `{"resourceType":"Patient","id":"2"}`, status: 201},
		{do: "PUT Basic/1", body: `{"resourceType":"Basic","id":"1","code":{"text":"x"}}`, status: 201},
		{do: "PUT Basic/1", body: `{"resourceType":"Basic","id":"1","code":{"text":"y"}}`, status: 200},
		{do: "PUT List/l", body: `{"resourceType":"List","id":"l","status":"current","mode":"working","entry":[{"item":{"reference":"Patient/1"}},{"item":{"reference":"Basic/1/_history/1"}},{"item":{"display":"x"}}]}`, status: 201},
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1","active":true}`, status: 200},
		{do: "GET _history?_list=l", status: 200, statuses: "200 201 201", has: []string{`"total":3`, `"text":"x"`, "_history?_list=l&_count=10"}, hasNot: []string{"Patient/2", `"text":"y"`}},
		{do: "GET _history?_list=List/l&_count=2", status: 200, statuses: "200 201", has: []string{`"relation":"next"`}},
		{do: "GET Basic/_history?_list=l", status: 200, statuses: "201"},
		{do: "GET Patient/_history?_list=l&_since=2100", status: 200, has: []string{`"total":0`}},
		{do: "GET Patient/_history?_list=none", status: 404, has: []string{`"expression":["_list"]`}},
		{do: "GET Patient/1/_history?_list=l", status: 400, has: []string{`"expression":["_list"]`}},
		{do: "GET Patient/_history?_list=$current-allergies", status: 404},
	}},
	{"of a type and of all", []step{
		{do: "GET Patient/_history", status: 200, has: []string{`"total":0`}},
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1"}`, status: 201},
		{do: "PUT Basic/1", body: `{"resourceType":"Basic","id":"1","code":{"text":"x"}}`, status: 201},
		{do: "GET Patient/_history", status: 200, has: []string{`"total":1`, `"status":"201 Created"`}, hasNot: []string{"Basic"}},
		{do: "GET _history", status: 200, has: []string{`"total":2`, "Basic/1", "Patient/1"}},
		{do: "GET Nothing/_history", status: 404},
	}},
}
