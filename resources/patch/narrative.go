package patch

import (
	"fhirside/fhir"
	"fhirside/fhir/definitions"
)

// safeNarrative keeps a narrative only where it is still true (http.html#patch: "The server SHALL ensure that the narrative in a
// resource is not clinically unsafe after the PATCH operation is performed"). A narrative that the patch wrote is the client's
// word. One that was generated from the data is dropped when the data changes; one that says more than the data, by status
// additional, cannot be dropped, so that the patch must bring another.
func safeNarrative(before *fhir.Resource, c change) (*fhir.Resource, []fhir.Issue, error) {
	after := c.resource
	text := after.Get("text")
	if c.narrated || text.Kind() != fhir.Object || !narrated(after) || sameData(before, after) {
		return after, nil, nil
	}
	// What the patch says about a narrative that it left as it was does not count.
	old := before.Get("text")
	switch status := old.Get("status"); {
	case status.Is("empty"):
		return after, nil, nil
	case status.Is("generated"), status.Is("extensions"):
	default:
		return nil, nil, fhir.Errorf(fhir.Unprocessable, fhir.CodeBusinessRule,
			"the narrative (text) says more than the data does, so the server cannot make it fit what the patch changes: replace text in the same patch").At(after.Type() + ".text")
	}
	ed := after.Edit()
	ed.Remove(text)
	out, err := ed.Apply()
	if err != nil {
		return nil, nil, noResource(err)
	}
	return out, []fhir.Issue{{
		Severity: fhir.SeverityInformation, Code: fhir.CodeInformational,
		Diagnostics: "the narrative (text) was generated from data that the patch has changed, so it was dropped",
		Expression:  []string{after.Type() + ".text"},
	}}, nil
}

// narrated says whether resources of that type have a narrative.
func narrated(r *fhir.Resource) bool {
	t := definitions.Lookup(r.Type())
	return t != nil && t.Is("DomainResource")
}

// sameData says whether nothing has changed that a narrative tells: anything but itself and meta.
func sameData(before, after *fhir.Resource) bool {
	n := 0
	for member := range before.Root().Children() {
		if name := member.Name(); !untold(name) {
			if n++; !member.Equal(after.Get(name)) {
				return false
			}
		}
	}
	for member := range after.Root().Children() {
		if !untold(member.Name()) {
			n--
		}
	}
	return n == 0
}

func untold(name string) bool { return name == "text" || name == "meta" }
