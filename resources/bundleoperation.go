package resources

import (
	"net/http"

	"fhirside/fhir"
	"fhirside/resources/access"
)

// The operations that entries of a Bundle may ask for (http.html#transaction).
const opMeta = "$meta"

var metaChanges = map[string]MetaChange{"$meta-add": AddMeta, "$meta-delete": DeleteMeta}

// checkOperation holds which methods and places go with an operation.
func (e *bundleEntry) checkOperation() error {
	t := e.target
	_, changes := metaChanges[t.operation]
	onResource := t.id != "" && (t.part == "" || t.version != "")
	switch {
	case t.operation == opMeta && (onResource || t.id == "" && t.part == ""):
		if e.method != http.MethodGet && e.method != http.MethodHead && e.method != http.MethodPost {
			return fhir.Errorf(fhir.Invalid, fhir.CodeNotSupported, "%s takes GET or POST, not %q", t.operation, clip(e.method))
		}
		return nil
	case changes && onResource && e.method != http.MethodPost:
		return fhir.Errorf(fhir.Invalid, fhir.CodeNotSupported, "%s takes POST, not %q", t.operation, clip(e.method))
	case changes && onResource && t.version != "":
		return UnchangingVersion(t.resourceType, t.id)
	case changes && onResource && e.resource == nil:
		return fhir.Errorf(fhir.Invalid, fhir.CodeRequired, "%s needs Parameters", t.operation)
	case changes && onResource:
		return nil
	}
	return fhir.Errorf(fhir.NotFound, fhir.CodeNotSupported, "a Bundle has no operation %s there; supported: $meta, and on a resource $meta-add and $meta-delete", clip(t.operation))
}

// metaChange is the write of an operation; nil for one that only reads.
func (e *bundleEntry) metaChange(s *Service, p access.Policy) (*write, error) {
	change, ok := metaChanges[e.target.operation]
	if !ok {
		return nil, nil
	}
	return s.newMetaChange(p, e.target.resourceType, e.target.id, change, e.resource, e.conditions)
}

// answer is what came of the entry's write. An operation always answers with what it returns.
func (e *bundleEntry) answer(r Result, pref Preferences) (answer, error) {
	a := answerTo(r, pref)
	if e.target.operation == "" {
		return a, nil
	}
	meta, err := metaOf(r.Version)
	a.location, a.fullURL, a.resource = false, false, meta
	return a, err
}

// UnchangingVersion refuses to change the meta of a version.
func UnchangingVersion(resourceType, id string) error {
	return fhir.Errorf(fhir.Unprocessable, fhir.CodeNotSupported,
		"versions do not change once they are written; send $meta-add and $meta-delete to the resource: %s/%s", clip(resourceType), clip(id))
}
