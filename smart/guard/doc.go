// Package guard stands before the FHIR API: from a request's access token to the access.Policy that resources/rest asks for
// (RFC 6750 and 9068; SMART App Launch 2.2, "Access FHIR API"). It takes tokens of the server's own authorization server, or of
// an external OpenID Connect issuer, from the Authorization header alone: never from a query or a form, where logs keep them
// (RFC 9700, section 4.3.2), and never from a cookie, which would let other sites' pages ask in a user's name.
package guard
