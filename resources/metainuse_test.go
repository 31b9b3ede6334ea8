package resources_test

import (
	"strings"
	"testing"

	"fhirside/resources"
	"fhirside/resources/access"
	"fhirside/search"
)

// A caller is told of the tags of what they may search, and of no others.
func TestMetaInUseOfWhatIsSeen(t *testing.T) {
	h := newHouse(t)
	h.put(access.Everything, observationOf("oa", "a", `,"meta":{"tag":[{"code":"of-alice"}]}`))
	h.put(access.Everything, observationOf("ob", "b", `,"meta":{"tag":[{"code":"of-bob"}]}`))
	for _, resourceType := range []string{"", "Observation"} {
		body, err := h.Meta(t.Context(), alice, resourceType, "", "")
		if err != nil || !strings.Contains(string(body), "of-alice") || strings.Contains(string(body), "of-bob") {
			t.Errorf("%q: %s, %v", resourceType, body, err)
		}
	}
	if body, err := h.Meta(t.Context(), alice, "Organization", "", ""); err == nil {
		t.Errorf("Organization: %s", body)
	}
}

// A tag may take a resource out of the caller's sight: then the answer shows nothing of it.
func TestMetaChangeThatHides(t *testing.T) {
	h := newHouse(t)
	untagged := search.Not{Filter: search.Token{Param: "_tag", AnySystem: true, AnyCode: true}}
	p := grants{"Patient": {access.Update: search.All{}, access.Read: untagged}}
	_, body, err := h.ChangeMeta(t.Context(), p, "Patient", "a", resources.AddMeta, h.parse(`{"resourceType":"Parameters","parameter":[{"name":"meta","valueMeta":{"tag":[{"code":"hidden"}]}}]}`), resources.Conditions{})
	if err != nil || string(body) != `{"resourceType":"Parameters"}` {
		t.Errorf("%s, %v", body, err)
	}
}
