package oauth

import (
	"fmt"
	"net/http"
)

// Code is an error code as it goes over the wire.
type Code string

// Codes of RFC 6749.
const (
	InvalidRequest          Code = "invalid_request"
	InvalidClient           Code = "invalid_client"
	InvalidGrant            Code = "invalid_grant"
	InvalidScope            Code = "invalid_scope"
	UnauthorizedClient      Code = "unauthorized_client"
	UnsupportedGrantType    Code = "unsupported_grant_type"
	UnsupportedResponseType Code = "unsupported_response_type"
	AccessDenied            Code = "access_denied"
	ServerError             Code = "server_error"
	TemporarilyUnavailable  Code = "temporarily_unavailable"
)

// Codes of RFC 6750 (bearer tokens), 7591 (registration) and OpenID Connect Core, section 3.1.2.6.
const (
	InvalidToken             Code = "invalid_token"
	InsufficientScope        Code = "insufficient_scope"
	InvalidRedirectURI       Code = "invalid_redirect_uri"
	InvalidClientMetadata    Code = "invalid_client_metadata"
	LoginRequired            Code = "login_required"
	ConsentRequired          Code = "consent_required"
	InteractionRequired      Code = "interaction_required"
	RequestNotSupported      Code = "request_not_supported"
	RequestURINotSupported   Code = "request_uri_not_supported"
	RegistrationNotSupported Code = "registration_not_supported"
)

// Error is a refusal that a client may read.
type Error struct {
	Code        Code
	Description string // for developers; printable ASCII without quotes and backslashes, as RFC 6749 demands
	Status      int    // of HTTP, where the error is not sent to a redirect URI
}

func (e *Error) Error() string { return string(e.Code) + ": " + e.Description }

// Errorf is an error of a code, with the status that RFC 6749 gives it: 401 for invalid_client and invalid_token, 403 for
// insufficient_scope, else 400.
func Errorf(code Code, format string, args ...any) *Error {
	status := http.StatusBadRequest
	switch code {
	case InvalidClient, InvalidToken:
		status = http.StatusUnauthorized
	case InsufficientScope:
		status = http.StatusForbidden
	}
	return &Error{code, fmt.Sprintf(format, args...), status}
}
