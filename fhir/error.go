package fhir

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// Reason says what kind of refusal or failure an Error is; the HTTP layer derives the status from it.
type Reason uint8

const (
	Internal           Reason = iota // a fault of the server or its data; nothing of it is told to the client
	Invalid                          // the request cannot be read or breaks a rule of FHIR's form
	Unauthenticated                  // nobody is signed in
	Forbidden                        // the caller may not do this
	NotFound                         // there is no such thing, or the caller may not know of it
	Gone                             // it was deleted
	MethodNotAllowed                 // not for this resource or place
	NotAcceptable                    // no representation that the caller accepts
	Conflict                         // the state of the server forbids it
	PreconditionFailed               // If-Match, If-None-Exist or other criteria do not hold
	TooLarge                         // over a limit of size or number
	UnsupportedMedia                 // the body's format is not supported
	Unprocessable                    // readable, but against a rule of content: profiles, references, business rules
	TooCostly                        // would take more work than the server does for one request
	Unavailable                      // not now; the same request may succeed later
	StorageFull                      // no room left
)

// Code is an issue type of OperationOutcome (value set issue-type).
type Code = models.IssueType

// The issue types that the server uses.
const (
	CodeInvalid         = models.IssueTypeInvalid
	CodeStructure       = models.IssueTypeStructure
	CodeRequired        = models.IssueTypeRequired
	CodeValue           = models.IssueTypeValue
	CodeInvariant       = models.IssueTypeInvariant
	CodeSecurity        = models.IssueTypeSecurity
	CodeLogin           = models.IssueTypeLogin
	CodeForbidden       = models.IssueTypeForbidden
	CodeProcessing      = models.IssueTypeProcessing
	CodeNotSupported    = models.IssueTypeNotSupported
	CodeDuplicate       = models.IssueTypeDuplicate
	CodeMultipleMatches = models.IssueTypeMultipleMatches
	CodeNotFound        = models.IssueTypeNotFound
	CodeDeleted         = models.IssueTypeDeleted
	CodeTooLong         = models.IssueTypeTooLong
	CodeCodeInvalid     = models.IssueTypeCodeInvalid
	CodeExtension       = models.IssueTypeExtension
	CodeTooCostly       = models.IssueTypeTooCostly
	CodeBusinessRule    = models.IssueTypeBusinessRule
	CodeConflict        = models.IssueTypeConflict
	CodeIncomplete      = models.IssueTypeIncomplete
	CodeTransient       = models.IssueTypeTransient
	CodeLockError       = models.IssueTypeLockError
	CodeNoStore         = models.IssueTypeNoStore
	CodeException       = models.IssueTypeException
	CodeTimeout         = models.IssueTypeTimeout
	CodeThrottled       = models.IssueTypeThrottled
	CodeInformational   = models.IssueTypeInformational
)

// Severity of an issue (value set issue-severity).
type Severity = models.IssueSeverity

// The severities.
const (
	SeverityFatal       = models.IssueSeverityFatal
	SeverityError       = models.IssueSeverityError
	SeverityWarning     = models.IssueSeverityWarning
	SeverityInformation = models.IssueSeverityInformation
)

// Issue is one issue of an OperationOutcome. Diagnostics is shown to clients: it says what is wrong and what would be right,
// and never holds internal text.
type Issue struct {
	Severity    Severity
	Code        Code
	Diagnostics string
	Expression  []string // FHIRPath to the elements concerned; or http.NAME, or the search parameter
}

// Error is a refusal or failure: what the caller may know of it, and privately its cause.
type Error struct {
	Reason Reason
	Issues []Issue
	cause  error
}

// Errorf makes an error of one issue.
func Errorf(reason Reason, code Code, format string, args ...any) *Error {
	return &Error{Reason: reason, Issues: []Issue{{Severity: SeverityError, Code: code, Diagnostics: fmt.Sprintf(format, args...)}}}
}

// At names the element (FHIRPath), header or parameter that the last issue is about.
func (e *Error) At(expression string) *Error {
	last := &e.Issues[len(e.Issues)-1]
	last.Expression = append(last.Expression, expression)
	return e
}

// Because keeps the cause for the log; clients never see it.
func (e *Error) Because(cause error) *Error {
	e.cause = cause
	return e
}

// Error is the text for the log, the cause included.
func (e *Error) Error() string {
	var b strings.Builder
	for i, issue := range e.Issues {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(issue.Diagnostics)
		if len(issue.Expression) > 0 {
			fmt.Fprintf(&b, " (at %s)", strings.Join(issue.Expression, ", "))
		}
	}
	if e.cause != nil {
		fmt.Fprintf(&b, ": %v", e.cause)
	}
	return b.String()
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.cause }

// Outcome is an OperationOutcome with these issues.
func Outcome(issues ...Issue) *Resource {
	out := models.OperationOutcome{Issue: make([]models.OperationOutcomeIssue, 0, len(issues))}
	for _, issue := range issues {
		m := models.OperationOutcomeIssue{Severity: issue.Severity, Code: issue.Code, Expression: issue.Expression}
		if issue.Diagnostics != "" {
			m.Diagnostics = &issue.Diagnostics
		}
		out.Issue = append(out.Issue, m)
	}
	r, err := FromModel(out)
	if err != nil {
		panic("fhir: an OperationOutcome could not be written: " + err.Error()) // its members are strings and known codes
	}
	return r
}

// FromModel is a resource that the server composed as a typed model. Models never carry a client's resources: they drop what
// they do not know.
func FromModel(model any) (*Resource, error) {
	data, err := json.Marshal(model)
	if err != nil {
		return nil, err
	}
	// The models write resourceType last; readers expect it first.
	if i := bytes.LastIndex(data, []byte(`,"resourceType":`)); i >= 0 {
		name := bytes.TrimSuffix(data[i+1:], []byte("}"))
		data = slices.Concat([]byte("{"), name, []byte(","), data[1:i], []byte("}"))
	}
	return Parse(data)
}
