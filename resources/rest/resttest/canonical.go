package resttest

// canonicalSearches: a canonical is found with its version and without, which stands for any (references.html#canonical).
var canonicalSearches = []scenario{
	{"profiles", []step{
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1","meta":{"profile":["http://x.example/p|1.2"]}}`, status: 201},
		{do: "PUT Patient/2", body: `{"resourceType":"Patient","id":"2","meta":{"profile":["http://x.example/p"]}}`, status: 201},
		{do: "PUT Patient/3", body: `{"resourceType":"Patient","id":"3","meta":{"profile":["http://x.example/p2|1.2"]}}`, status: 201},
		{do: "GET Patient?_profile=http://x.example/p", status: 200, has: []string{`"total":2`, "Patient/1", "Patient/2"}},
		{do: "GET Patient?_profile=http://x.example/p|1.2", status: 200, has: []string{`"total":1`, "Patient/1"}},
		{do: "GET Patient?_profile=http://x.example/p|1", status: 200, has: []string{`"total":0`}},
		{do: "GET Patient?_profile:below=http://x.example/p|1", status: 200, has: []string{`"total":1`, "Patient/1"}},
		{do: "GET Patient?_profile:below=http://x.example/", status: 200, has: []string{`"total":3`}},
		{do: "GET Patient?_profile:missing=true", status: 200, has: []string{`"total":0`}},
		{do: "GET Patient?_profile=http://x.example/p,http://x.example/p2&_sort=-_profile", status: 200, has: []string{`"total":3`}},
	}},
	{"references", []step{
		{do: "PUT QuestionnaireResponse/1", body: `{"resourceType":"QuestionnaireResponse","id":"1","status":"completed","questionnaire":"http://x.example/q|2"}`, status: 201},
		{do: "PUT QuestionnaireResponse/2", body: `{"resourceType":"QuestionnaireResponse","id":"2","status":"completed","questionnaire":"http://x.example/q"}`, status: 201},
		{do: "GET QuestionnaireResponse?questionnaire=http://x.example/q", status: 200, has: []string{`"total":2`}},
		{do: "GET QuestionnaireResponse?questionnaire=http://x.example/q|2", status: 200, has: []string{`"total":1`, "QuestionnaireResponse/1"}},
		{do: "PUT Questionnaire/one", body: `{"resourceType":"Questionnaire","id":"one","url":"http://x.example/q","version":"1","status":"active"}`, status: 201},
		{do: "PUT Questionnaire/two", body: `{"resourceType":"Questionnaire","id":"two","url":"http://x.example/q","version":"2","status":"active"}`, status: 201},
		{do: "PUT Questionnaire/three", body: `{"resourceType":"Questionnaire","id":"three","url":"http://x.example/q","version":"3","status":"active"}`, status: 201},
		{do: "GET QuestionnaireResponse?_id=1&_include=QuestionnaireResponse:questionnaire", status: 200, has: []string{`"total":1`, "Questionnaire/two"}, hasNot: []string{"Questionnaire/one", "Questionnaire/three"}},
		{do: "GET QuestionnaireResponse?_id=2&_include=QuestionnaireResponse:questionnaire", status: 200, has: []string{"Questionnaire/three"}, hasNot: []string{"Questionnaire/one", "Questionnaire/two"}},
		{do: "GET QuestionnaireResponse?_include=*", status: 200, has: []string{"Questionnaire/two", "Questionnaire/three"}, hasNot: []string{"Questionnaire/one"}},
		{do: "GET Questionnaire?_id=two&_revinclude=QuestionnaireResponse:questionnaire", status: 200, has: []string{"QuestionnaireResponse/1", "QuestionnaireResponse/2"}},
		{do: "GET Questionnaire?_id=one&_revinclude=QuestionnaireResponse:questionnaire", status: 200, has: []string{"QuestionnaireResponse/2"}, hasNot: []string{"QuestionnaireResponse/1"}},
	}},
	{"no chains", []step{
		{do: "PUT Questionnaire/1", body: `{"resourceType":"Questionnaire","id":"1","url":"http://x.example/q","title":"x","status":"active"}`, status: 201},
		{do: "PUT QuestionnaireResponse/1", body: `{"resourceType":"QuestionnaireResponse","id":"1","status":"completed","questionnaire":"http://x.example/q"}`, status: 201},
		{do: "GET QuestionnaireResponse?questionnaire.title=x", status: 400, has: []string{`"expression":["questionnaire.title"]`, "questionnaire=url"}},
		{do: "GET QuestionnaireResponse?questionnaire:Questionnaire.title=x", status: 400, has: []string{"questionnaire=url"}},
		{do: "GET Questionnaire?_has:QuestionnaireResponse:questionnaire:status=completed", status: 400, has: []string{"questionnaire=url"}},
		{do: "GET QuestionnaireResponse?questionnaire=http://x.example/q", status: 200, has: []string{`"total":1`}},
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1","name":[{"family":"Berg"}]}`, status: 201},
		{do: "PUT Consent/1", body: `{"resourceType":"Consent","id":"1","status":"active","scope":{"text":"s"},"category":[{"text":"c"}],"patient":{"reference":"Patient/1"},"sourceReference":{"reference":"QuestionnaireResponse/1"}}`, status: 201},
		{do: "GET Consent?source-reference:QuestionnaireResponse.status=completed", status: 200, has: []string{`"total":1`}},
	}},
}
