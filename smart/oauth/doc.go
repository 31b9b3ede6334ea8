// Package oauth is the errors of OAuth 2.0 (RFC 6749, sections 4.1.2.1 and 5.2), as values that the packages of smart hand to each
// other and authserver turns into answers.
package oauth
