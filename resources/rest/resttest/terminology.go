package resttest

// shelf is a code system, value sets that select from it, and observations with its codes.
var shelf = []step{
	{do: "PUT CodeSystem/animals", status: 201, body: `{"resourceType":"CodeSystem","id":"animals","url":"urn:x:animals","status":"active","content":"complete","caseSensitive":true,"concept":[{"code":"animal","concept":[{"code":"mammal","concept":[{"code":"dog"},{"code":"bat"}]}]},{"code":"rock"}]}`},
	{do: "PUT ValueSet/mammals", status: 201, body: `{"resourceType":"ValueSet","id":"mammals","url":"http://x.example/ValueSet/mammals","version":"1","status":"active","compose":{"include":[{"system":"urn:x:animals","filter":[{"property":"concept","op":"is-a","value":"mammal"}]}]}}`},
	{do: "PUT ValueSet/circle", status: 201, body: `{"resourceType":"ValueSet","id":"circle","url":"http://x.example/ValueSet/circle","status":"active","compose":{"include":[{"valueSet":["http://x.example/ValueSet/circle"]}]}}`},
	{do: "PUT Observation/dog", status: 201, body: coded("dog", "urn:x:animals", "dog", "final")},
	{do: "PUT Observation/mammal", status: 201, body: coded("mammal", "urn:x:animals", "mammal", "amended")},
	{do: "PUT Observation/rock", status: 201, body: coded("rock", "urn:x:animals", "rock", "final")},
	{do: "PUT Observation/other", status: 201, body: coded("other", "urn:x:other", "dog", "final")},
}

func coded(id, system, code, status string) string {
	return `{"resourceType":"Observation","id":"` + id + `","status":"` + status + `","code":{"coding":[{"system":"` + system + `","code":"` + code + `"}]}}`
}

var terminologySearches = []scenario{
	{"mime types", []step{
		{do: "PUT DocumentReference/plain", body: document("plain", "text/xml"), status: 201},
		{do: "PUT DocumentReference/utf8", body: document("utf8", "text/xml; charset=UTF-8"), status: 201},
		{do: "PUT DocumentReference/other", body: document("other", "text/xml-external-parsed-entity"), status: 201},
		{do: "GET DocumentReference?contenttype=text/xml", status: 200, has: []string{`"total":1`, "DocumentReference/plain"}},
		{do: "GET DocumentReference?contenttype:below=text/xml", status: 200, has: []string{`"total":2`, "DocumentReference/plain", "DocumentReference/utf8"}},
		{do: "GET DocumentReference?contenttype:above=text/xml;%20charset=UTF-8", status: 200, has: []string{`"total":2`, "DocumentReference/plain", "DocumentReference/utf8"}},
		{do: "GET DocumentReference?contenttype:below=xml", status: 400, has: []string{"text/xml"}},
	}},
	{"value sets and hierarchies", after(shelf,
		step{do: "GET Observation?code:in=http://x.example/ValueSet/mammals", status: 200, has: []string{`"total":2`, "Observation/dog", "Observation/mammal"}},
		step{do: "GET Observation?code:in=http://x.example/ValueSet/mammals|1", status: 200, has: []string{`"total":2`}},
		step{do: "GET Observation?code:in=ValueSet/mammals", status: 200, has: []string{`"total":2`}},
		step{do: "GET Observation?code:not-in=ValueSet/mammals", status: 200, has: []string{`"total":2`, "Observation/rock", "Observation/other"}},
		step{do: "GET Observation?status:in=http://hl7.org/fhir/ValueSet/observation-status", status: 200, has: []string{`"total":4`}},
		step{do: "GET Observation?code:below=urn:x:animals|mammal", status: 200, has: []string{`"total":2`, "Observation/dog", "Observation/mammal"}},
		step{do: "GET Observation?code:below=urn:x:animals|animal", status: 200, has: []string{`"total":2`}, hasNot: []string{"Observation/rock"}},
		step{do: "GET Observation?code:above=urn:x:animals|bat", status: 200, has: []string{`"total":1`, "Observation/mammal"}},
		step{do: "PUT CodeSystem/animals", status: 200, body: `{"resourceType":"CodeSystem","id":"animals","url":"urn:x:animals","status":"active","content":"complete","caseSensitive":true,"concept":[{"code":"animal","concept":[{"code":"mammal","concept":[{"code":"bat"}]},{"code":"rock"}]}]}`},
		step{do: "GET Observation?code:below=urn:x:animals|animal", status: 200, has: []string{`"total":2`, "Observation/mammal", "Observation/rock"}},
		step{do: "PUT CodeSystem/more", status: 201, body: `{"resourceType":"CodeSystem","id":"more","url":"urn:x:animals","status":"active","content":"supplement","supplements":"urn:x:animals"}`},
		step{do: "GET Observation?code:below=urn:x:animals|animal", status: 200, has: []string{`"total":2`}},
		step{do: "GET Observation?code:in=http://x.example/ValueSet/mammals|2", status: 400, has: []string{"not-found", "http://x.example/ValueSet/mammals|2", "code:in"}},
		step{do: "GET Observation?code:in=ValueSet/nowhere", status: 400, has: []string{"not-found", "ValueSet/nowhere"}},
		step{do: "GET Observation?code:in=http://x.example/ValueSet/circle", status: 400, has: []string{"not-supported", "includes itself"}},
		step{do: "GET Observation?code:below=urn:x:other|dog", status: 400, has: []string{"not-found", "urn:x:other"}},
		step{do: "DELETE ValueSet/mammals", status: 204},
		step{do: "GET Observation?code:in=http://x.example/ValueSet/mammals", status: 400, has: []string{"not-found"}},
	)},
}

func document(id, contentType string) string {
	return `{"resourceType":"DocumentReference","id":"` + id + `","status":"current","content":[{"attachment":{"contentType":"` + contentType + `"}}]}`
}
