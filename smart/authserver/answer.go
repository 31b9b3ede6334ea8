package authserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"fhirside/fhir"
	"fhirside/resources/store"
	"fhirside/smart/oauth"
	"fhirside/smart/web"
)

// realm of challenges.
const realm = "fhirside"

// answer writes a JSON document that no cache may keep (RFC 6749, section 5.1).
func answer(w http.ResponseWriter, status int, document any) error {
	body, err := json.Marshal(document)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	return write(w, status, body)
}

func write(w http.ResponseWriter, status int, body []byte) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that has gone misses nothing
	return nil
}

// notice is an error that only the person in front of the browser may learn: the app is not known well enough to be told.
type notice struct {
	status int
	title  string
	text   string
}

func (n *notice) Error() string { return n.title + ": " + n.text }

// tooMany says that a limit is reached.
type tooMany struct{ wait time.Duration }

func (t *tooMany) Error() string { return "too many requests" }

func (t *tooMany) seconds() string { return strconv.Itoa(max(1, int(math.Ceil(t.wait.Seconds())))) }

func methodNotAllowed(method string) *oauth.Error {
	return &oauth.Error{Code: oauth.InvalidRequest, Description: method + " is not supported here", Status: http.StatusMethodNotAllowed}
}

// fail answers with an error: to the app's redirect URI, as a page, or as a JSON document.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	var (
		back    *redirectError
		page    *notice
		refusal *oauth.Error
		many    *tooMany
	)
	switch {
	case errors.As(err, &back):
		s.redirectError(w, r, back)
		return
	case errors.As(err, &many):
		w.Header().Set("Retry-After", many.seconds())
		refusal = &oauth.Error{
			Code: oauth.TemporarilyUnavailable, Status: http.StatusTooManyRequests,
			Description: "too many requests; try again in " + many.seconds() + " seconds",
		}
	case errors.As(err, &page):
	case errors.As(err, &refusal):
	default:
		refusal = s.fault(err)
	}
	if pageOf(r) {
		if page == nil {
			page = &notice{refusal.Status, "This did not work", sentence(refusal.Description)}
		}
		frame := web.Message{Frame: s.frame(""), Title: page.title, Text: []string{page.text}, Error: true}
		if err := web.Render(w, page.status, frame); err != nil {
			s.Log.Error("a page could not be made", "error", err)
		}
		return
	}
	challenge(w, r, refusal)
	err = answer(w, refusal.Status, map[string]string{
		"error": string(refusal.Code), "error_description": printable(refusal.Description),
	})
	if err != nil {
		s.Log.Error("an answer could not be made", "error", err)
	}
}

// fault is what outsiders learn of an error that is not theirs.
func (s *Server) fault(err error) *oauth.Error {
	status, code := http.StatusInternalServerError, oauth.ServerError
	unavailable := errors.Is(err, context.DeadlineExceeded)
	if e, ok := errors.AsType[*fhir.Error](err); ok && e.Reason == fhir.Unavailable {
		unavailable = true
	}
	if unavailable {
		status, code = http.StatusServiceUnavailable, oauth.TemporarilyUnavailable
	}
	if !errors.Is(err, context.Canceled) {
		s.Log.Error("the authorization server failed", "error", err)
	}
	return &oauth.Error{Code: code, Description: "the server failed; try again", Status: status}
}

// pageOf says whether people see what a request is answered with.
func pageOf(r *http.Request) bool {
	for _, e := range endpoints {
		if e.path == r.URL.Path {
			return !e.shared
		}
	}
	return false
}

// challenge says how to do better (RFC 6749, section 5.2; RFC 6750, section 3). Basic is named only to those who have tried it:
// browsers would ask people for a password that they do not have.
func challenge(w http.ResponseWriter, r *http.Request, refusal *oauth.Error) {
	scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch refusal.Code {
	case oauth.InvalidClient:
		if strings.EqualFold(scheme, "Basic") {
			w.Header().Set("WWW-Authenticate", fmt.Sprintf("Basic realm=%q, charset=\"UTF-8\"", realm))
		}
	case oauth.InvalidToken, oauth.InsufficientScope:
		value := fmt.Sprintf("Bearer realm=%q", realm)
		if scheme != "" {
			value += fmt.Sprintf(", error=%q, error_description=\"%s\"", refusal.Code, printable(refusal.Description))
		}
		w.Header().Set("WWW-Authenticate", value)
	}
}

// printable leaves out what an error_description may not hold (RFC 6749, section 5.2).
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return -1
		}
		return r
	}, text)
}

// sentence is a description as people read it.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// misread says what is wrong with a JSON body.
func misread(err error) string {
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && e.Field != "" {
		return e.Field + " has the wrong type"
	}
	return "it is not the JSON object that is expected"
}

// absent makes "there is none" no error.
func absent(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}
