package resources

import (
	"strconv"
	"time"

	"fhirside/fhir"
)

// stamped is a resource's text with the id and the meta.versionId and meta.lastUpdated that the server gives it. Everything
// else stays byte for byte (resource.html#Meta).
func stamped(r *fhir.Resource, id string, version int64, updated time.Time) []byte {
	var (
		root        = r.Root()
		ed          = r.Edit()
		versionID   = fhir.Quote(strconv.FormatInt(version, 10))
		lastUpdated = fhir.Quote(fhir.FormatInstant(updated))
	)
	ed.SetAfter(root, "resourceType", "id", fhir.Quote(id))
	if meta := root.Get("meta"); meta.Kind() == fhir.Object {
		ed.SetAfter(meta, "", "versionId", versionID)
		ed.SetAfter(meta, "versionId", "lastUpdated", lastUpdated)
		return ed.Bytes()
	}
	meta := append([]byte(`{"versionId":`), versionID...)
	meta = append(append(meta, `,"lastUpdated":`...), lastUpdated...)
	ed.SetAfter(root, "id", "meta", append(meta, '}'))
	return ed.Bytes()
}
