package resources_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"fhirside/fhir"
	"fhirside/resources"
	"fhirside/resources/access"
	"fhirside/search"
)

func binaryFor(id, context string) string {
	if context != "" {
		context = fmt.Sprintf(`,"securityContext":{"reference":"%s"}`, context)
	}
	return fmt.Sprintf(`{"resourceType":"Binary","id":"%s","contentType":"text/plain"%s,"data":"eA=="}`, id, context)
}

// readers may do everything with Binaries, but read only Alice and her observations.
var readers = grants{
	"Binary":      every(search.All{}),
	"Patient":     {access.Read: search.ID{"a"}},
	"Observation": {access.Read: search.Reference{Param: "subject", Type: "Patient", ID: "a"}},
}

// newArchive is a house with Binaries for Alice, Bob, an observation of each, nobody, and somebody elsewhere.
func newArchive(t *testing.T) house {
	h := newHouse(t)
	for id, context := range map[string]string{
		"of-a": "Patient/a", "of-b": "Patient/b", "of-oa": "Observation/oa", "of-ob": "Observation/ob", "of-o": "Organization/o",
		"free": "", "elsewhere": "http://other.example/fhir/Patient/a", "of-oa-1": "Observation/oa/_history/1",
	} {
		h.put(access.Everything, binaryFor(id, context))
	}
	return h
}

var open = []string{"free", "of-a", "of-oa", "of-oa-1"}

func reasonOf(err error) fhir.Reason {
	var e *fhir.Error
	errors.As(err, &e)
	return e.Reason
}

func TestBinariesAreReadByTheirContext(t *testing.T) {
	h := newArchive(t)
	for _, id := range []string{"of-a", "of-b", "of-oa", "of-oa-1", "of-ob", "of-o", "free", "elsewhere"} {
		for what, read := range map[string]func() error{
			"read":  func() error { _, err := h.Read(t.Context(), readers, "Binary", id); return err },
			"vread": func() error { _, err := h.ReadVersion(t.Context(), readers, "Binary", id, "1"); return err },
			"history": func() error {
				_, err := h.History(t.Context(), readers, resources.History{Type: "Binary", ID: id})
				return err
			},
			"meta": func() error { _, err := h.Meta(t.Context(), readers, "Binary", id, ""); return err },
		} {
			switch err := read(); {
			case slices.Contains(open, id) && err != nil:
				t.Errorf("%s of %s: %v", what, id, err)
			case !slices.Contains(open, id) && (err == nil || reasonOf(err) != fhir.NotFound):
				t.Errorf("%s of %s: %v, want not found", what, id, err)
			}
		}
		if _, err := h.Read(t.Context(), access.Everything, "Binary", id); err != nil {
			t.Errorf("everybody reads %s: %v", id, err)
		}
	}
	page, err := h.Search(t.Context(), readers, resources.Search{Type: "Binary"})
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, v := range page.Matches {
		found = append(found, v.ID)
	}
	if slices.Sort(found); !slices.Equal(found, open) {
		t.Errorf("search finds %v, want %v", found, open)
	}
	// What stood for a Binary and is gone grants nothing any more.
	careless := resources.New(resources.Options{Store: h.Store, Integrity: resources.IgnoreReferences})
	if _, err := careless.Delete(t.Context(), access.Everything, "Observation", "oa", resources.Conditions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Read(t.Context(), readers, "Binary", "of-oa"); err == nil || reasonOf(err) != fhir.NotFound {
		t.Errorf("read of a Binary whose stand-in is gone: %v", err)
	}
}

func TestBinariesAreWrittenByTheirContext(t *testing.T) {
	h := newArchive(t)
	for _, c := range []struct {
		resource string
		reason   fhir.Reason
		ok       bool
	}{
		{resource: binaryFor("of-a", ""), ok: true},
		{resource: binaryFor("new", "Patient/a"), ok: true},
		{resource: binaryFor("new", "Patient/b"), reason: fhir.Forbidden},
		{resource: binaryFor("newer", "Patient/b"), reason: fhir.Forbidden},
		{resource: binaryFor("of-b", "Patient/a"), reason: fhir.NotFound},
		{resource: binaryFor("free", "http://other.example/fhir/Patient/a"), reason: fhir.Forbidden},
	} {
		switch err := h.tryPut(readers, c.resource); {
		case (err == nil) != c.ok, err != nil && reasonOf(err) != c.reason:
			t.Errorf("%s: %v", c.resource, err)
		}
	}
	if result, err := h.Delete(t.Context(), readers, "Binary", "of-b", resources.Conditions{}); err != nil || result.Done != resources.Absent {
		t.Errorf("delete of what is not seen: %+v, %v", result, err)
	}
	if result, err := h.Delete(t.Context(), readers, "Binary", "of-oa", resources.Conditions{}); err != nil || result.Done != resources.Deleted {
		t.Errorf("delete: %+v, %v", result, err)
	}
}

// New content keeps what it says nothing of, and what was there before decides who may send it.
func TestContentKeepsItsContext(t *testing.T) {
	h := newArchive(t)
	content := func(p access.Policy, id, context string) (resources.Result, error) {
		return h.UpdateContent(t.Context(), p, id, h.parse(binaryFor(id, context)), resources.Conditions{})
	}
	if _, err := content(readers, "of-b", "Patient/a"); err == nil || reasonOf(err) != fhir.NotFound {
		t.Errorf("content of Bob's: %v", err)
	}
	if _, err := content(readers, "of-a", "Patient/b"); err == nil || reasonOf(err) != fhir.Forbidden {
		t.Errorf("content given to Bob: %v", err)
	}
	if result, err := content(readers, "of-a", "Observation/oa"); err != nil || result.Done != resources.Updated {
		t.Errorf("another context: %+v, %v", result, err)
	}
	if result, err := content(readers, "made", ""); err != nil || result.Done != resources.Created {
		t.Errorf("created: %+v, %v", result, err)
	}
}
