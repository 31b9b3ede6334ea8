package resttest

import (
	"fhirside/resources"
	"fhirside/search"
)

// withWords indexes the words of resources.
func withWords(o *resources.Options) { o.Registry = search.R4().WithWords() }

var wordSearches = []scenario{
	{"words", []step{
		{do: "PUT Condition/hip", status: 201, body: `{"resourceType":"Condition","id":"hip","text":{"status":"additional","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">A <b>broken</b> hip</div>"},"code":{"text":"Fracture of neck of femur"},"subject":{"display":"Ann"}}`},
		{do: "PUT Condition/leg", status: 201, body: `{"resourceType":"Condition","id":"leg","code":{"text":"Fracture of tibia"},"note":[{"text":"Hip is well"}],"subject":{"display":"Bob"}}`},
		{do: "GET Condition?_text=BROKEN", status: 200, has: []string{`"total":1`, "Condition/hip"}},
		{do: "GET Condition?_text=fracture", status: 200, has: []string{`"total":0`}},
		{do: "GET Condition?_content=fract", status: 200, has: []string{`"total":2`}},
		{do: "GET Condition?_content=hip+fracture", status: 200, has: []string{`"total":2`}},
		{do: "GET Condition?_content=hip+femur", status: 200, has: []string{`"total":1`, "Condition/hip"}},
		{do: "GET Condition?_content=femur,tibia", status: 200, has: []string{`"total":2`}},
		{do: "GET Condition?_content=acture", status: 200, has: []string{`"total":0`}},
		{do: "GET Condition?_content=(femur+OR+tibia)+and+fracture", status: 200, has: []string{`"total":2`}},
		{do: "GET Condition?_content=fracture+NOT+femur", status: 200, has: []string{`"total":1`, "Condition/leg"}},
		{do: "GET Condition?_content=(femur", status: 400, has: []string{`"expression":["_content"]`, "parentheses"}},
		{do: "GET Condition?_content:exact=hip", status: 400, has: []string{"not-supported", "_content:exact"}},
		{do: "DELETE Condition/leg", status: 204},
		{do: "GET Condition?_content=fracture", status: 200, has: []string{`"total":1`}},
	}},
}

var wordRefusals = []scenario{
	{"words are not indexed", []step{
		{do: "GET Condition?_content=hip", status: 400, has: []string{"not-supported", "_content", "--text-search"}},
		{do: "GET Condition?_text=hip", status: 400, has: []string{"not-supported", "_text", "--text-search"}},
	}},
}
