package resources

import (
	"net/http"
	"strings"
	"time"

	"fhirside/fhir"
	"fhirside/fhir/definitions"
	"fhirside/resources/access"
)

// bundleEntry is an entry of a batch or transaction.
type bundleEntry struct {
	at              string // "Bundle.entry[3]"
	fullURL         string
	resource        *fhir.Resource // nil if there is none
	method          string
	target          target
	conditions      Conditions
	ifModifiedSince time.Time // zero if there is none
	ifNoneExist     *string   // nil if there is none
}

// target is what an entry's URL names.
type target struct {
	resourceType string // "" for the whole system
	id           string
	part         string // "_history", "metadata", or what a compartment is searched for: a type or "*"
	version      string
	operation    string // "$meta"
	query        string // "" if there is none; a lone "?" counts as one
	hasQuery     bool
}

// metadata is where the CapabilityStatement is.
const metadata = "metadata"

// readEntry reads an entry; base is the server's own base URL, which an entry's URL may begin with.
func readEntry(e fhir.Element, at, base string) (*bundleEntry, error) {
	if err := knownMembers(e, "Bundle.entry"); err != nil {
		return nil, err
	}
	request := e.Get("request")
	if err := knownMembers(request, "Bundle.entry.request"); err != nil {
		return nil, err
	}
	if err := allText(e.Get("fullUrl"), request.Get("ifMatch"), request.Get("ifNoneMatch"), request.Get("ifModifiedSince"), request.Get("ifNoneExist")); err != nil {
		return nil, err
	}
	entry := &bundleEntry{
		at: at, fullURL: e.Get("fullUrl").Text(), resource: e.Get("resource").Resource(), method: request.Get("method").Text(),
		conditions: Conditions{IfMatch: request.Get("ifMatch").Text(), IfNoneMatch: request.Get("ifNoneMatch").Text()},
	}
	if since := request.Get("ifModifiedSince"); since.Exists() {
		moment, err := fhir.ParseMoment(since.Text())
		if err != nil {
			return nil, err
		}
		entry.ifModifiedSince = time.UnixMicro(moment.Lo)
	}
	if criteria := request.Get("ifNoneExist"); criteria.Exists() {
		text := criteria.Text()
		entry.ifNoneExist = &text
	}
	if e.Get("resource").Exists() && entry.resource == nil {
		return nil, fhir.Errorf(fhir.Invalid, fhir.CodeStructure, "the entry's resource is no object with a resourceType")
	}
	if err := entry.readURL(request.Get("url"), base); err != nil {
		return nil, err
	}
	return entry, entry.checkBody()
}

// knownMembers refuses an object with members that R4 does not define: a misspelt ifMatch must not be taken for none.
func knownMembers(e fhir.Element, typeName string) error {
	if e.Kind() != fhir.Object {
		return fhir.Errorf(fhir.Invalid, fhir.CodeStructure, "%s is missing, or no object", typeName)
	}
	t := definitions.Lookup(typeName)
	for member := range e.Children() {
		if t.Element(strings.TrimPrefix(member.Name(), "_")) == nil && member.Name() != "resourceType" {
			return fhir.Errorf(fhir.Invalid, fhir.CodeStructure, "%s has no member %q", typeName, clip(member.Name()))
		}
	}
	return nil
}

// allText refuses elements that are there and hold no text: a condition that cannot be read must not be taken for none.
func allText(elements ...fhir.Element) error {
	for _, e := range elements {
		if e.Exists() && (e.Kind() != fhir.String || e.Text() == "") {
			return fhir.Errorf(fhir.Invalid, fhir.CodeStructure, "an entry's fullUrl and conditions are text, not %s", clip(string(e.Raw())))
		}
	}
	return nil
}

func (e *bundleEntry) readURL(url fhir.Element, base string) error {
	text := url.Text()
	if text == "" {
		return fhir.Errorf(fhir.Invalid, fhir.CodeRequired, "the entry's request has no url")
	}
	if rest, ok := strings.CutPrefix(text, base); ok && base != "" && (rest == "" || rest[0] == '/' || rest[0] == '?') {
		text = rest
	} else if strings.Contains(strings.SplitN(text, "?", 2)[0], "://") {
		return fhir.Errorf(fhir.Invalid, fhir.CodeValue, "the url %s is not on this server", clip(text))
	}
	path, query, hasQuery := strings.Cut(text, "?")
	e.target.query, e.target.hasQuery = query, hasQuery
	return e.target.readPath(strings.Trim(path, "/"))
}

func (t *target) readPath(path string) error {
	if path == "" {
		return nil
	}
	parts := strings.Split(path, "/")
	if last := parts[len(parts)-1]; strings.HasPrefix(last, "$") {
		t.operation = last
		if parts = parts[:len(parts)-1]; len(parts) == 0 {
			return nil
		}
	}
	if (parts[0] == "_history" || parts[0] == metadata) && len(parts) == 1 {
		t.part = parts[0]
		return nil
	}
	t.resourceType = parts[0]
	if err := checkType(t.resourceType); err != nil {
		return err
	}
	switch {
	case len(parts) == 2 && parts[1] == "_history":
		t.part = parts[1]
	case len(parts) == 2:
		t.id = parts[1]
	case len(parts) == 3:
		t.id, t.part = parts[1], parts[2]
	case len(parts) == 4 && parts[2] == "_history":
		t.id, t.part, t.version = parts[1], parts[2], parts[3]
	case len(parts) > 1:
		return fhir.Errorf(fhir.NotFound, fhir.CodeNotSupported, "nothing is served at %s", clip(path))
	}
	return nil
}

// checkBody holds which methods go with what.
func (e *bundleEntry) checkBody() error {
	t := e.target
	if t.operation != "" {
		return e.checkOperation()
	}
	switch e.method {
	case http.MethodGet, http.MethodHead:
		return nil
	case http.MethodPost:
		if t.id == "_search" {
			return fhir.Errorf(fhir.Invalid, fhir.CodeNotSupported, "in a Bundle a search is a GET: \"Patient?family=…\"")
		}
		if t.hasQuery {
			return fhir.Errorf(fhir.Invalid, fhir.CodeInvalid, "POST takes no criteria in its url; ifNoneExist does")
		}
		if t.resourceType == "" || t.id != "" || t.part != "" {
			return fhir.Errorf(fhir.Invalid, fhir.CodeNotSupported, "POST goes to a resource type: \"Patient\"")
		}
	case http.MethodPut, http.MethodPatch, http.MethodDelete:
		if t.resourceType == "" || t.part != "" || (t.id == "") == !t.hasQuery {
			return fhir.Errorf(fhir.Invalid, fhir.CodeNotSupported, "%s goes to a resource (\"Patient/1\") or to criteria (\"Patient?identifier=…\")", e.method)
		}
	default:
		return fhir.Errorf(fhir.Invalid, fhir.CodeNotSupported, "the method %q is not supported here: GET, HEAD, POST, PUT, PATCH, DELETE", clip(e.method))
	}
	if e.method != http.MethodDelete && e.resource == nil {
		return fhir.Errorf(fhir.Invalid, fhir.CodeRequired, "%s needs a resource", e.method)
	}
	return nil
}

// writes says whether the entry writes something: a $meta by POST does not.
func (e *bundleEntry) writes() bool {
	if e.target.operation != "" {
		_, changes := metaChanges[e.target.operation]
		return changes
	}
	return e.method != http.MethodGet && e.method != http.MethodHead
}

// write is the entry's write; nil where it has none. Links are those of the Bundle.
func (e *bundleEntry) write(s *Service, p access.Policy, links *bundleLinks) (w *write, err error) {
	t := e.target
	switch {
	case t.operation != "":
		w, err = e.metaChange(s, p)
	case e.method == http.MethodPost:
		w, err = s.newCreate(p, links, t.resourceType, e.resource, e.ifNoneExist)
	case e.method == http.MethodPut && t.id != "":
		w, err = s.newUpdate(p, t.resourceType, t.id, e.resource, e.conditions)
	case e.method == http.MethodPut:
		w, err = s.newUpdateWhere(p, links, t.resourceType, t.query, e.resource, e.conditions)
	case e.method == http.MethodPatch:
		w, err = e.patch(s, p, links)
	case e.method == http.MethodDelete && t.id != "":
		w, err = s.newWrite(p, deletes, t.resourceType, t.id, nil, e.conditions)
	case e.method == http.MethodDelete:
		w, err = s.newDeleteWhere(p, links, t.resourceType, t.query, e.conditions)
	}
	if w != nil {
		w.at = e.at
	}
	return w, err
}
