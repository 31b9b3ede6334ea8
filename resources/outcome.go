package resources

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"fhirside/fhir"
	"fhirside/fhir/definitions"
	"fhirside/resources/store"
)

// StatusCanceled is what is logged for a request whose client went away; nobody receives it.
const StatusCanceled = 499

var statuses = map[fhir.Reason]int{
	fhir.Internal:           http.StatusInternalServerError,
	fhir.Invalid:            http.StatusBadRequest,
	fhir.Unauthenticated:    http.StatusUnauthorized,
	fhir.Forbidden:          http.StatusForbidden,
	fhir.NotFound:           http.StatusNotFound,
	fhir.Gone:               http.StatusGone,
	fhir.MethodNotAllowed:   http.StatusMethodNotAllowed,
	fhir.NotAcceptable:      http.StatusNotAcceptable,
	fhir.Conflict:           http.StatusConflict,
	fhir.PreconditionFailed: http.StatusPreconditionFailed,
	fhir.TooLarge:           http.StatusRequestEntityTooLarge,
	fhir.UnsupportedMedia:   http.StatusUnsupportedMediaType,
	fhir.Unprocessable:      http.StatusUnprocessableEntity,
	fhir.TooCostly:          http.StatusForbidden,
	fhir.Unavailable:        http.StatusServiceUnavailable,
	fhir.StorageFull:        http.StatusInsufficientStorage,
}

// Status is the HTTP status of an error and what the client may know of it: the one place where errors become answers, of
// requests and of Bundle entries. The text of anything but a *fhir.Error is for the log.
func Status(err error) (int, []fhir.Issue) {
	e := asError(err)
	status, ok := statuses[e.Reason]
	switch {
	case errors.Is(err, context.Canceled):
		status = StatusCanceled
	case !ok:
		status = http.StatusInternalServerError
	}
	if e.Reason == fhir.Internal && status != StatusCanceled {
		return status, internal
	}
	return status, e.Issues
}

var internal = fhir.Errorf(fhir.Internal, fhir.CodeException, "the server failed; its log has the details under the id of the request").Issues

// asError gives an error of the store or of the context its audience.
func asError(err error) *fhir.Error {
	if e := (*fhir.Error)(nil); errors.As(err, &e) {
		return e
	}
	switch {
	case errors.Is(err, store.ErrUnavailable):
		return fhir.Errorf(fhir.Unavailable, fhir.CodeTransient, "the store is unavailable now; try again later").Because(err)
	case errors.Is(err, store.ErrFull):
		return fhir.Errorf(fhir.StorageFull, fhir.CodeNoStore, "the store is full; nothing was changed").Because(err)
	case errors.Is(err, store.ErrUnordered):
		return fhir.Errorf(fhir.TooCostly, fhir.CodeTooCostly, "too many resources match to be put in this order, which no index has; add a condition that few of them meet, "+
			"such as a patient, an identifier, or a code and a range of dates, or sort by date or _lastUpdated").Because(err)
	case errors.Is(err, store.ErrTooCostly):
		return fhir.Errorf(fhir.TooCostly, fhir.CodeTooCostly, "the search would take too much work: no index bounds it; add a condition that few resources meet, "+
			"such as a patient, an identifier, a code, a range of dates, or one of _lastUpdated").Because(err)
	case errors.Is(err, store.ErrCursor):
		return badCursor()
	case errors.Is(err, context.DeadlineExceeded):
		return fhir.Errorf(fhir.Unavailable, fhir.CodeTimeout, "the request took too long and was given up").Because(err)
	}
	return fhir.Errorf(fhir.Internal, fhir.CodeException, "internal error").Because(err)
}

// missing is for a resource without current version; last is its deletion, or zero where there never was one.
func missing(key store.Key, last store.Version) error {
	if last.Deleted() {
		return fhir.Errorf(fhir.Gone, fhir.CodeDeleted, "%s/%s was deleted", key.Type, key.ID)
	}
	return notFound(key.Type, key.ID)
}

func notFound(resourceType, id string) error {
	return fhir.Errorf(fhir.NotFound, fhir.CodeNotFound, "there is no %s/%s", resourceType, clip(id))
}

// in puts an error's expressions under the place of the Bundle entry that it is about: Patient.name becomes
// Bundle.entry[3].resource.name. A fault of the server is about no
// entry, and outside of a Bundle (at is empty) nothing is moved.
func in(at string, err error) error {
	e := asError(err)
	if at == "" || e.Reason == fhir.Internal || e.Reason == fhir.Unavailable || e.Reason == fhir.StorageFull {
		return err
	}
	moved := &fhir.Error{Reason: e.Reason, Issues: make([]fhir.Issue, len(e.Issues))}
	for i, issue := range e.Issues {
		issue.Expression = expressionsIn(at, issue.Expression)
		moved.Issues[i] = issue
	}
	return moved.Because(e)
}

// expressionsIn moves FHIRPaths of an entry's resource into the Bundle; what is no path of a resource (a search parameter, a
// header) gives way to the entry's place.
func expressionsIn(at string, expressions []string) []string {
	moved := []string{}
	for _, x := range expressions {
		if typ, path, ok := strings.Cut(x, "."); ok && definitions.IsResource(typ) {
			moved = append(moved, at+".resource."+path)
		}
	}
	if len(moved) == 0 {
		return []string{at}
	}
	return moved
}
