package resources_test

import (
	"strings"
	"testing"

	"fhirside/fhir/validation"
	"fhirside/resources"
	"fhirside/resources/access"
)

// The trace of a purge is a valid AuditEvent with the record's name, and nothing that the record held.
func TestTraceOfPurge(t *testing.T) {
	h := newHouse(t)
	h.put(access.Everything, `{"resourceType":"Patient","id":"c","name":[{"family":"Zanzibarius"}]}`)
	if _, err := h.Purge(t.Context(), access.Everything, "Patient", "c", "the archivist"); err != nil {
		t.Fatal(err)
	}
	page, err := h.Search(t.Context(), access.Everything, resources.Search{Type: "AuditEvent"})
	if err != nil || len(page.Matches) != 1 {
		t.Fatalf("%d AuditEvents, %v", len(page.Matches), err)
	}
	body := string(page.Matches[0].Body)
	for _, want := range []string{"Patient/c", "the archivist", `"destroy"`} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in %s", want, body)
		}
	}
	if strings.Contains(body, "Zanzibarius") {
		t.Errorf("it tells what was erased: %s", body)
	}
	for _, issue := range validation.Structure(h.parse(body)) {
		t.Errorf("%+v in %s", issue, body)
	}
	if _, err := h.Purge(t.Context(), access.Everything, "Patient", "never", "me"); err == nil {
		t.Error("what never was could be purged")
	}
	if page, err := h.Search(t.Context(), access.Everything, resources.Search{Type: "AuditEvent"}); err != nil || len(page.Matches) != 1 {
		t.Errorf("a refused purge left a trace: %d, %v", len(page.Matches), err)
	}
}
