package index_test

import (
	"slices"
	"strings"
	"testing"

	"fhirside/fhir"
	"fhirside/search"
	"fhirside/search/index"
)

func TestWords(t *testing.T) {
	r, err := fhir.Parse([]byte(`{"resourceType":"Condition","id":"secret","meta":{"versionId":"hidden"},
		"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\" class=\"style\"><p>A broken <b>H&uuml;ft</b>e &amp; more</p></div>"},
		"contained":[{"resourceType":"Practitioner","id":"p","name":[{"family":"van der Berg"}]}],
		"code":{"coding":[{"system":"http://snomed.info/sct","code":"5913000","display":"Fracture of neck"}],"text":"Broken; broken!"},
		"subject":{"reference":"Patient/1","display":"Ann"},"note":[{"text":"` + strings.Repeat("x", 100) + `"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	values := index.New(search.R4().WithWords(), "").Extract(r)
	for param, want := range map[string]string{
		"_text":    "a broken hufte more",
		"_content": "5913000 a ann berg broken der fracture generated hufte more neck of van " + strings.Repeat("x", 64),
	} {
		var words []string
		for _, e := range values.Strings {
			if e.Param == param && e.Part && e.Text == "" {
				words = append(words, e.Folded)
			}
		}
		slices.Sort(words)
		if got := strings.Join(words, " "); got != want {
			t.Errorf("%s:\n got %s\nwant %s", param, got, want)
		}
	}
	for _, e := range index.New(search.R4(), "").Extract(r).Strings {
		if e.Param == "_text" || e.Param == "_content" {
			t.Errorf("%+v, and words are not asked for", e)
		}
	}
	if index.Rules(search.R4()) == index.Rules(search.R4().WithWords()) {
		t.Error("the rules with words and without have one name")
	}
}
