package resources

import (
	"encoding/base64"
	"mime"

	"fhirside/fhir"
	"fhirside/resources/access"
	"fhirside/resources/patch"
)

// The media types of patches that are no resources (http.html#patch).
const (
	JSONPatchType = "application/json-patch+json"
	XMLPatchType  = "application/xml-patch+xml"
)

// patch is the write of a PATCH entry.
func (e *bundleEntry) patch(s *Service, p access.Policy, links *bundleLinks) (*write, error) {
	change, err := patchIn(e.resource)
	if err != nil {
		return nil, err
	}
	if t := e.target; t.id == "" {
		return s.newChangeWhere(p, links, t.resourceType, t.query, change, e.conditions)
	}
	return s.newChange(p, e.target.resourceType, e.target.id, change, e.conditions)
}

// patchIn reads the patch that an entry's resource carries: a Binary with a JSON or XML Patch, or the Parameters of a FHIRPath
// Patch (http.html#patch).
func patchIn(r *fhir.Resource) (*patch.Patch, error) {
	switch r.Type() {
	case "Parameters":
		return patch.FHIRPath(r)
	case "Binary":
	default:
		return nil, fhir.Errorf(fhir.Invalid, fhir.CodeInvalid, "PATCH takes a Binary with a JSON Patch or an XML Patch, or the Parameters of a FHIRPath Patch, not a %s", clip(r.Type()))
	}
	read, ok := map[string]func([]byte) (*patch.Patch, error){JSONPatchType: patch.JSON, XMLPatchType: patch.XML}[mediaType(r.Get("contentType").Text())]
	if !ok {
		return nil, fhir.Errorf(fhir.Invalid, fhir.CodeNotSupported, "the Binary's contentType is %q: PATCH takes %s or %s", clip(r.Get("contentType").Text()), JSONPatchType, XMLPatchType).At("Binary.contentType")
	}
	data, err := base64.StdEncoding.DecodeString(r.Get("data").Text())
	if err != nil {
		return nil, fhir.Errorf(fhir.Invalid, fhir.CodeValue, "the Binary's data is no base64").At("Binary.data").Because(err)
	}
	return read(data)
}

// mediaType is the name in a Content-Type, without parameters.
func mediaType(contentType string) string {
	name, _, _ := mime.ParseMediaType(contentType)
	return name
}
