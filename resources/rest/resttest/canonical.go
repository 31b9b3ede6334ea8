package resttest

import (
	"strconv"
	"strings"
)

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
		{do: "PUT StructureDefinition/p", body: `{"resourceType":"StructureDefinition","id":"p","url":"http://x.example/p","name":"P","status":"active","kind":"resource","abstract":false,"type":"Patient"}`, status: 201},
		{do: "PUT Patient/4", body: `{"resourceType":"Patient","id":"4","meta":{"profile":["StructureDefinition/p"]}}`, status: 201},
		{do: "GET Patient?_profile=StructureDefinition/p", status: 200, has: []string{`"total":3`, "Patient/1", "Patient/2", "Patient/4"}},
		{do: "DELETE Patient/4", status: 204},
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
		{do: "GET Questionnaire?url=http://x.example/q|2", status: 200, has: []string{`"total":1`, "Questionnaire/two"}},
		{do: "GET Questionnaire?url=http://x.example/q|1,http://x.example/q|3", status: 200, has: []string{`"total":2`}, hasNot: []string{"Questionnaire/two"}},
		{do: "GET Questionnaire?url=http://x.example/q", status: 200, has: []string{`"total":3`}},
		{do: "PUT QuestionnaireResponse/21", body: `{"resourceType":"QuestionnaireResponse","id":"21","status":"completed","questionnaire":"http://x.example/q|2.1"}`, status: 201},
		{do: "PUT QuestionnaireResponse/22", body: `{"resourceType":"QuestionnaireResponse","id":"22","status":"completed","questionnaire":"http://x.example/q|22"}`, status: 201},
		{do: "GET QuestionnaireResponse?questionnaire:below=http://x.example/q", status: 200, has: []string{`"total":4`}},
		{do: "GET QuestionnaireResponse?questionnaire:below=http://x.example/q|2", status: 200, has: []string{`"total":2`, "QuestionnaireResponse/1", "QuestionnaireResponse/21"}},
		{do: "DELETE QuestionnaireResponse/21", status: 204},
		{do: "DELETE QuestionnaireResponse/22", status: 204},
		{do: "GET QuestionnaireResponse?_id=1&_include=QuestionnaireResponse:questionnaire", status: 200, has: []string{`"total":1`, "Questionnaire/two"}, hasNot: []string{"Questionnaire/one", "Questionnaire/three"}},
		{do: "GET QuestionnaireResponse?_id=2&_include=QuestionnaireResponse:questionnaire", status: 200, has: []string{"Questionnaire/three"}, hasNot: []string{"Questionnaire/one", "Questionnaire/two"}},
		{do: "GET QuestionnaireResponse?_include=*", status: 200, has: []string{"Questionnaire/two", "Questionnaire/three"}, hasNot: []string{"Questionnaire/one"}},
		{do: "GET Questionnaire?_id=two&_revinclude=QuestionnaireResponse:questionnaire", status: 200, has: []string{"QuestionnaireResponse/1", "QuestionnaireResponse/2"}},
		{do: "GET Questionnaire?_id=one&_revinclude=QuestionnaireResponse:questionnaire", status: 200, has: []string{"QuestionnaireResponse/2"}, hasNot: []string{"QuestionnaireResponse/1"}},
	}},
	{"chains", []step{
		{do: "PUT Questionnaire/one", body: `{"resourceType":"Questionnaire","id":"one","url":"http://x.example/q","version":"1","title":"Old","status":"retired"}`, status: 201},
		{do: "PUT Questionnaire/two", body: `{"resourceType":"Questionnaire","id":"two","url":"http://x.example/q","version":"2-RC","title":"New","status":"active"}`, status: 201},
		{do: "PUT Questionnaire/three", body: `{"resourceType":"Questionnaire","id":"three","url":"http://x.example/other","title":"Other","status":"active"}`, status: 201},
		{do: "PUT QuestionnaireResponse/1", body: `{"resourceType":"QuestionnaireResponse","id":"1","status":"completed","questionnaire":"http://x.example/q|1"}`, status: 201},
		{do: "PUT QuestionnaireResponse/2", body: `{"resourceType":"QuestionnaireResponse","id":"2","status":"amended","questionnaire":"http://x.example/q|2-RC"}`, status: 201},
		{do: "PUT QuestionnaireResponse/any", body: `{"resourceType":"QuestionnaireResponse","id":"any","status":"stopped","questionnaire":"http://x.example/q"}`, status: 201},
		{do: "PUT QuestionnaireResponse/three", body: `{"resourceType":"QuestionnaireResponse","id":"three","status":"completed","questionnaire":"http://x.example/other|7"}`, status: 201},
		{do: "PUT QuestionnaireResponse/none", body: `{"resourceType":"QuestionnaireResponse","id":"none","status":"completed"}`, status: 201},
		{do: "GET QuestionnaireResponse?questionnaire.title=old", status: 200, has: []string{`"total":2`, "QuestionnaireResponse/1", "QuestionnaireResponse/any"}},
		{do: "GET QuestionnaireResponse?questionnaire:Questionnaire.status=active", status: 200, has: []string{`"total":2`, "QuestionnaireResponse/2", "QuestionnaireResponse/any"}},
		{do: "GET QuestionnaireResponse?questionnaire.version=2-RC&status=amended", status: 200, has: []string{`"total":1`, "QuestionnaireResponse/2"}},
		{do: "GET QuestionnaireResponse?questionnaire.title=other", status: 200, has: []string{`"total":0`}},
		{do: "GET QuestionnaireResponse?questionnaire.title:missing=false&_sort=_id", status: 200, has: []string{`"total":3`}, hasNot: []string{"QuestionnaireResponse/three", "QuestionnaireResponse/none"}},
		{do: "GET QuestionnaireResponse?questionnaire.status:not=active", status: 200, has: []string{`"total":2`, "QuestionnaireResponse/1", "QuestionnaireResponse/any"}},
		{do: "GET Questionnaire?_has:QuestionnaireResponse:questionnaire:status=completed", status: 200, has: []string{`"total":1`, "Questionnaire/one"}},
		{do: "GET Questionnaire?_has:QuestionnaireResponse:questionnaire:status=stopped", status: 200, has: []string{`"total":2`, "Questionnaire/one", "Questionnaire/two"}},
		{do: "GET QuestionnaireResponse?questionnaire._has:QuestionnaireResponse:questionnaire:status=amended&_sort=_id", status: 200, has: []string{`"total":2`, "QuestionnaireResponse/2", "QuestionnaireResponse/any"}},
		{do: "GET QuestionnaireResponse?_filter=questionnaire.title+eq+new", status: 200, has: []string{`"total":2`}},
		{do: "PUT Questionnaire/one", body: `{"resourceType":"Questionnaire","id":"one","url":"http://x.example/moved","version":"1","title":"Old","status":"retired"}`, status: 200},
		{do: "GET QuestionnaireResponse?questionnaire.title=old", status: 200, has: []string{`"total":0`}},
		{do: "GET Questionnaire?_has:QuestionnaireResponse:questionnaire:status=completed", status: 200, has: []string{`"total":0`}},
	}},
	{"references beside canonicals", []step{
		{do: "PUT PlanDefinition/base", body: `{"resourceType":"PlanDefinition","id":"base","url":"http://x.example/base","title":"Base","status":"active"}`, status: 201},
		{do: "PUT PlanDefinition/far", body: `{"resourceType":"PlanDefinition","id":"far","title":"Far","status":"active","relatedArtifact":[{"type":"depends-on","resource":"http://x.example/base"}]}`, status: 201},
		{do: "PUT PlanDefinition/near", body: `{"resourceType":"PlanDefinition","id":"near","title":"Near","status":"active","relatedArtifact":[{"type":"depends-on","resource":"PlanDefinition/base"}]}`, status: 201},
		{do: "GET PlanDefinition?depends-on:PlanDefinition.title=base", status: 200, has: []string{`"total":2`}},
		{do: "GET PlanDefinition?depends-on.title=base", status: 200, has: []string{`"total":2`}},
		{do: "GET PlanDefinition?_has:PlanDefinition:depends-on:title=far", status: 200, has: []string{`"total":1`, "PlanDefinition/base"}},
		{do: "GET PlanDefinition?_has:PlanDefinition:depends-on:title=near", status: 200, has: []string{`"total":1`, "PlanDefinition/base"}},
		{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1","name":[{"family":"Berg"}]}`, status: 201},
		{do: "PUT QuestionnaireResponse/1", body: `{"resourceType":"QuestionnaireResponse","id":"1","status":"completed"}`, status: 201},
		{do: "PUT Consent/1", body: `{"resourceType":"Consent","id":"1","status":"active","scope":{"text":"s"},"category":[{"text":"c"}],"patient":{"reference":"Patient/1"},"sourceReference":{"reference":"QuestionnaireResponse/1"}}`, status: 201},
		{do: "GET Consent?source-reference:QuestionnaireResponse.status=completed", status: 200, has: []string{`"total":1`}},
	}},
	{"includes of versions", []step{
		{do: "PUT Observation/1", body: `{"resourceType":"Observation","id":"1","status":"preliminary","code":{"text":"x"}}`, status: 201},
		{do: "PUT Observation/1", body: `{"resourceType":"Observation","id":"1","status":"final","code":{"text":"x"}}`, status: 200},
		{do: "PUT Observation/now", body: `{"resourceType":"Observation","id":"now","status":"final","code":{"text":"x"},"hasMember":[{"reference":"Observation/1"}]}`, status: 201},
		{do: "PUT Observation/then", body: `{"resourceType":"Observation","id":"then","status":"final","code":{"text":"x"},"hasMember":[{"reference":"Observation/1/_history/1"}]}`, status: 201},
		{do: "PUT Observation/latest", body: `{"resourceType":"Observation","id":"latest","status":"final","code":{"text":"x"},"hasMember":[{"reference":"Observation/1/_history/2"}]}`, status: 201},
		{do: "PUT Observation/never", body: `{"resourceType":"Observation","id":"never","status":"final","code":{"text":"x"},"hasMember":[{"reference":"Observation/1/_history/7"}]}`, status: 201},
		{do: "GET Observation?_id=now&_include=Observation:has-member", status: 200, has: []string{`"id":"1","meta":{"versionId":"2"`}},
		{do: "GET Observation?_id=then&_include=Observation:has-member", status: 200, has: []string{`"id":"1","meta":{"versionId":"1"`, "preliminary"}, hasNot: []string{`"versionId":"2"`}},
		{do: "GET Observation?_id=latest&_include=Observation:has-member", status: 200, has: []string{`"id":"1","meta":{"versionId":"2"`}},
		{do: "GET Observation?_id=never&_include=Observation:has-member", status: 200, hasNot: []string{`"id":"1"`}},
		{do: "GET Observation?_id=now,then,latest&_include=Observation:has-member", status: 200, has: []string{`"id":"1","meta":{"versionId":"2"`, `"id":"1","meta":{"versionId":"1"`}},
		{do: "GET Observation?has-member.status=final&_id=then", status: 200, has: []string{`"total":1`, `"mode":"outcome"`, "Observation/then refers to Observation/1/_history/1"}},
		{do: "GET Observation?has-member.status=final&_id=now", status: 200, has: []string{`"total":1`}, hasNot: []string{`"mode":"outcome"`}},
		{do: "DELETE Observation/never", status: 204},
	}},
	{"includes that are cut", []step{
		{do: "POST ", body: bundleOf("batch", strings.Join(manyResponses(25), ",")), status: 200},
		{do: "GET Questionnaire?_id=one&_revinclude=QuestionnaireResponse:questionnaire", status: 200, has: []string{"QuestionnaireResponse/", "more than 20 resources"}},
		{do: "GET QuestionnaireResponse?_count=50&_include=QuestionnaireResponse:questionnaire", status: 200, has: []string{"Questionnaire/", "more than 20 resources"}},
	}},
}

// manyResponses are entries of n questionnaires with a response each, and one that all of them are for.
func manyResponses(n int) (entries []string) {
	put := func(path, body string) { entries = append(entries, entry("PUT", path, body)) }
	put("Questionnaire/one", `{"resourceType":"Questionnaire","id":"one","url":"http://x.example/one","status":"active"}`)
	for i := range n {
		id := strconv.Itoa(i)
		put("Questionnaire/"+id, `{"resourceType":"Questionnaire","id":"`+id+`","url":"http://x.example/`+id+`","version":"1","status":"active"}`)
		put("QuestionnaireResponse/"+id, `{"resourceType":"QuestionnaireResponse","id":"`+id+`","status":"completed","questionnaire":"http://x.example/`+id+`|1"}`)
		put("QuestionnaireResponse/one-"+id, `{"resourceType":"QuestionnaireResponse","id":"one-`+id+`","status":"completed","questionnaire":"http://x.example/one"}`)
	}
	return entries
}
