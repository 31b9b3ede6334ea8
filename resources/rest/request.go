package rest

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"fhirside/fhir"
	"fhirside/resources"
	"fhirside/resources/access"
	"fhirside/resources/store"
	"fhirside/search"
)

// request is what every FHIR request says beside its URL's path and its body.
type request struct {
	c      *gin.Context
	ctx    context.Context
	policy access.Policy
	params []search.Parameter
	pref   resources.Preferences
	as     representation
}

// request reads what is common to all requests. A caller who may not ask, and a format that cannot be served, are refused before
// anything is done.
func (s *server) request(c *gin.Context) (*request, error) {
	policy, err := s.Guard(c.Request)
	if err != nil {
		return nil, err
	}
	return s.requestBy(c, policy)
}

// requestBy reads a request of one who may do what the policy says.
func (s *server) requestBy(c *gin.Context, policy access.Policy) (*request, error) {
	r := &request{c: c, ctx: c.Request.Context(), policy: policy}
	var err error
	if raw := c.Request.URL.RawQuery; raw != "" {
		if r.params, err = resources.ParseQuery(raw); err != nil {
			return nil, err
		}
	}
	if r.as, err = representationFor(c.Request, r.params); err != nil && (r.as.named || !mayBeContent(c)) {
		return nil, err
	}
	r.pref = preferences(c.Request.Header["Prefer"])
	r.pref.Base = s.base(c.Request)
	return r, nil
}

// param is a named part of the URL's path, "" where the route has none of that name.
func (r *request) param(name string) string { return r.c.Param(name) }

func (r *request) header(name string) string { return r.c.GetHeader(name) }

// criteria are the URL's, of a conditional interaction.
func (r *request) criteria() string { return r.c.Request.URL.RawQuery }

// list is a header that holds a list, which may be sent in several lines (RFC 9110, section 5.3).
func (r *request) list(name string) string {
	lines := r.c.Request.Header[name]
	if len(lines) == 1 {
		return lines[0]
	}
	return strings.Join(lines, ", ")
}

// date is a header that holds a date; zero where it does not, since then it is ignored (RFC 9110, section 13.1).
func (r *request) date(name string) (date time.Time) {
	if text := r.header(name); text != "" { // most requests have none, and errors cost
		date, _ = http.ParseTime(text)
	}
	return date
}

func (r *request) conditions() resources.Conditions {
	return resources.Conditions{IfMatch: r.list("If-Match"), IfNoneMatch: r.list("If-None-Match"), IfUnmodifiedSince: r.date("If-Unmodified-Since")}
}

// hasCriteria says whether the URL has search parameters.
func (r *request) hasCriteria() bool {
	for _, p := range r.params {
		switch p.Name {
		case "_format", "_pretty", "_summary", "_elements": // http.html#parameters
		default:
			return true
		}
	}
	return false
}

// refuseCriteria holds that a write to an id has no parameters that would change what is written: a condition must not be taken for none.
func (r *request) refuseCriteria() error {
	if !r.hasCriteria() {
		return nil
	}
	return fhir.Errorf(fhir.Invalid, fhir.CodeInvalid, "%s to an id takes no parameters; send it to %s/%s, or to %s?criteria", r.c.Request.Method, shown(r.param("type")), shown(r.param("id")), shown(r.param("type")))
}

// base is the FHIR base URL by which the client knows the server.
func (s *server) base(r *http.Request) string {
	if s.Base != "" {
		return s.Base
	}
	at := origin(r)
	return at.scheme + "://" + at.host + at.prefix + Path
}

// preferences reads Prefer (RFC 7240): of a preference that is given twice the first counts, and what is not known is ignored.
func preferences(headers []string) (p resources.Preferences) {
	returns, handling := false, false
	for _, header := range headers {
		for preference := range strings.FieldsFuncSeq(header, func(r rune) bool { return r == ',' || r == ';' }) {
			name, value, _ := strings.Cut(strings.ToLower(preference), "=")
			value = strings.Trim(value, ` 	"`)
			switch strings.TrimSpace(name) {
			case "return":
				if r, known := returned[value]; known && !returns {
					p.Return, returns = r, true
				}
			case "handling":
				if !handling && (value == "lenient" || value == "strict") {
					p.Lenient, handling = value == "lenient", true
				}
			}
		}
	}
	return p
}

var returned = map[string]resources.Return{
	"minimal": resources.ReturnMinimal, "representation": resources.ReturnRepresentation, "operationoutcome": resources.ReturnOutcome,
}

// respond writes a resource, given as its JSON text.
func (r *request) respond(status int, body []byte) error {
	body, err := r.as.render(body)
	if err != nil {
		return err
	}
	write(r.c, status, r.as.contentType, body)
	return nil
}

// varies says what bodies depend on beside the URL, and beside the origin and Accept-Encoding (see crossOrigin and compressed).
func varies(h http.Header) { h["Vary"] = append(h["Vary"], "Accept") }

// notModified answers that the client has what it asks for, in the format in which it asks (RFC 9110, section 15.4.5).
func (r *request) notModified() {
	varies(r.c.Writer.Header())
	r.c.Status(http.StatusNotModified)
}

// write sends a body. An error of the connection has nobody left to be told.
func write(c *gin.Context, status int, contentType []string, body []byte) {
	h := c.Writer.Header()
	h["Content-Type"] = contentType
	varies(h)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	c.Writer.WriteHeader(status)
	_, _ = c.Writer.Write(body)
	if h.Get("Content-Encoding") == "" { // what is compressed has not ended yet
		c.Writer.Flush() // the client need not wait for the line in the log
	}
}

// written answers a write: status, Location and version, and the body that the client prefers.
func (r *request) written(result resources.Result, err error) error {
	if err != nil {
		return err
	}
	status, v := result.Done.Status(), result.Version
	if v.Version > 0 && len(result.More) == 0 {
		setVersion(r.c, v)
	}
	if !v.Deleted() && v.Version > 0 {
		r.c.Header("Location", r.pref.Base+"/"+resources.Location(v))
	}
	switch {
	case r.pref.Return == resources.ReturnOutcome:
		if status == http.StatusNoContent {
			status = http.StatusOK
		}
		return r.respond(status, fhir.Outcome(result.Outcome()...).Bytes())
	case r.pref.Return == resources.ReturnMinimal || v.Body == nil:
		r.c.Status(status)
		return nil
	}
	body, err := r.as.render(v.Body)
	if err != nil { // it is stored, and a refusal would say that it is not
		r.c.Status(status)
		return nil
	}
	write(r.c, status, r.as.contentType, body)
	return nil
}

// setVersion sets the headers that name a version.
func setVersion(c *gin.Context, v store.Version) {
	h := c.Writer.Header()
	h.Set("ETag", resources.ETag(v))
	h.Set("Last-Modified", v.Updated.UTC().Format(http.TimeFormat))
}
