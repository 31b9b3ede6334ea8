package mongo

import (
	"slices"
	"strings"
	"testing"

	"fhirside/search"
)

// Criteria that one new resource would satisfy are locked by the same document where they name its identifier.
func TestLocks(t *testing.T) {
	parse := func(resourceType, query string) search.Filter {
		t.Helper()
		q, err := search.Parse(search.R4(), resourceType, parameters(query), search.Options{Criteria: true})
		if err != nil {
			t.Fatal(err)
		}
		return q.Filter
	}
	for _, test := range []struct {
		resourceType, one, other string
		meet                     bool
	}{
		{"Patient", "identifier=urn:x|1", "identifier=urn:x|1", true},
		{"Patient", "identifier=urn:x|1", "identifier=urn:x|1&active=true", true},
		{"Patient", "identifier=urn:x|1", "identifier=1", true},
		{"Patient", "identifier=urn:x|1,urn:y|2", "gender=male&identifier=2", true},
		{"Patient", "identifier=urn:x|1&identifier=urn:y|2", "identifier=2", true},
		{"Patient", "identifier=urn:x|a", "identifier=A", true},
		{"Patient", "active=true&gender=male", "gender=male&active=true", true},
		{"ValueSet", "url=http://x&version=1", "url=http://x", true},
		{"Patient", "identifier=urn:x|1", "identifier=urn:x|2", false},
		{"Patient", "identifier=urn:x|1&active=true", "identifier=urn:x|2&active=true", false},
		{"Patient", "identifier=1,2", "identifier=3", false},
		// What is not seen: criteria that say nothing of the same identifier.
		{"Patient", "identifier=urn:x|1", "active=true", false},
		{"Patient", "identifier=urn:x|", "identifier=urn:x|1", false},
		{"Patient", "active=true", "active=true&gender=male", false},
		{"ValueSet", "url:below=http://x", "url=http://x", false},
	} {
		one, other := lockTexts(parse(test.resourceType, test.one)), lockTexts(parse(test.resourceType, test.other))
		if meet := slices.ContainsFunc(one, func(text string) bool { return slices.Contains(other, text) }); meet != test.meet {
			t.Errorf("%s and %s meet: %t; %q, %q", test.one, test.other, meet, one, other)
		}
	}
}

func parameters(query string) (list []search.Parameter) {
	for part := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(part, "=")
		list = append(list, search.Parameter{Name: name, Value: value})
	}
	return list
}
